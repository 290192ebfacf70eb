//! Signals of Unix.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::raw::c_int;
use std::task::{Context, Poll};

use unstuck_driver::Kernel;
use unstuck_driver::signal::Listener;

use crate::kernel::kernel;

/// Which signal.
///
/// # Examples
///
/// ```
/// use unstuck::signal::unix::SignalKind;
///
/// assert_eq!(SignalKind::interrupt().as_raw_value(), 2);
/// assert_eq!(SignalKind::from_raw(2), SignalKind::interrupt());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignalKind(c_int);

impl SignalKind {
    /// The signal with this number.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::SignalKind;
    ///
    /// // A number from a configuration, say.
    /// let kind = SignalKind::from_raw(15);
    /// assert_eq!(kind, SignalKind::terminate());
    /// ```
    pub const fn from_raw(signum: c_int) -> Self {
        SignalKind(signum)
    }

    /// Its number.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::SignalKind;
    ///
    /// assert_eq!(SignalKind::hangup().as_raw_value(), 1);
    /// ```
    pub const fn as_raw_value(&self) -> c_int {
        self.0
    }

    /// `SIGALRM`: a timer of the system has expired.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Command;
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut alarm = signal(SignalKind::alarm())?;
    /// let pid = std::process::id().to_string();
    /// Command::new("kill").args(["-ALRM", &pid]).status()?;
    /// alarm.recv().await;
    /// # assert_eq!(SignalKind::alarm().as_raw_value(), 14);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn alarm() -> Self {
        SignalKind(libc::SIGALRM)
    }

    /// `SIGCHLD`: a child process has ended, or was stopped or continued.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Command;
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut ended = signal(SignalKind::child())?;
    /// let mut child = Command::new("true").spawn()?;
    /// ended.recv().await;
    /// assert!(child.wait()?.success());
    /// # Ok(())
    /// # }
    /// ```
    pub const fn child() -> Self {
        SignalKind(libc::SIGCHLD)
    }

    /// `SIGHUP`: the terminal is gone; servers take it as "read your configuration again".
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut listener = signal(SignalKind::hangup())?;
    /// # let pid = std::process::id().to_string();
    /// # std::process::Command::new("kill").args(["-HUP", &pid]).status()?;
    /// assert_eq!(listener.recv().await, Some(())); // read the configuration again
    /// # Ok(())
    /// # }
    /// ```
    pub const fn hangup() -> Self {
        SignalKind(libc::SIGHUP)
    }

    /// `SIGINT`: Ctrl-C.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut listener = signal(SignalKind::interrupt())?;
    /// # let pid = std::process::id().to_string();
    /// # std::process::Command::new("kill").args(["-INT", &pid]).status()?;
    /// assert_eq!(listener.recv().await, Some(())); // a user who is tired of waiting
    /// # Ok(())
    /// # }
    /// ```
    pub const fn interrupt() -> Self {
        SignalKind(libc::SIGINT)
    }

    /// `SIGIO`: an operation on a file descriptor has become possible.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::SignalKind;
    ///
    /// assert_ne!(SignalKind::io(), SignalKind::pipe());
    /// ```
    pub const fn io() -> Self {
        SignalKind(libc::SIGIO)
    }

    /// `SIGPIPE`: a pipe was written that nobody reads.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::SignalKind;
    ///
    /// // Rust programs ignore it: a write that nobody reads is an error instead.
    /// let number: i32 = SignalKind::pipe().into();
    /// assert_eq!(number, 13);
    /// ```
    pub const fn pipe() -> Self {
        SignalKind(libc::SIGPIPE)
    }

    /// `SIGQUIT`: Ctrl-\\, which also wants a core dump.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::SignalKind;
    ///
    /// assert_eq!(SignalKind::quit(), SignalKind::from(3));
    /// ```
    pub const fn quit() -> Self {
        SignalKind(libc::SIGQUIT)
    }

    /// `SIGTERM`: the polite request to end.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut listener = signal(SignalKind::terminate())?;
    /// # let pid = std::process::id().to_string();
    /// # std::process::Command::new("kill").args(["-TERM", &pid]).status()?;
    /// assert_eq!(listener.recv().await, Some(())); // finish what is under way, then end
    /// # Ok(())
    /// # }
    /// ```
    pub const fn terminate() -> Self {
        SignalKind(libc::SIGTERM)
    }

    /// `SIGUSR1`: whatever the program makes of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut listener = signal(SignalKind::user_defined1())?;
    /// # let pid = std::process::id().to_string();
    /// # std::process::Command::new("kill").args(["-USR1", &pid]).status()?;
    /// assert_eq!(listener.recv().await, Some(())); // print some statistics
    /// # Ok(())
    /// # }
    /// ```
    pub const fn user_defined1() -> Self {
        SignalKind(libc::SIGUSR1)
    }

    /// `SIGUSR2`: whatever the program makes of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut one = signal(SignalKind::user_defined2())?;
    /// let mut two = signal(SignalKind::user_defined2())?;
    /// # let pid = std::process::id().to_string();
    /// # std::process::Command::new("kill").args(["-USR2", &pid]).status()?;
    /// // Every listener is told.
    /// assert_eq!(unstuck::join!(one.recv(), two.recv()), (Some(()), Some(())));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn user_defined2() -> Self {
        SignalKind(libc::SIGUSR2)
    }

    /// `SIGWINCH`: the terminal has changed its size.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut listener = signal(SignalKind::window_change())?;
    /// # let pid = std::process::id().to_string();
    /// # std::process::Command::new("kill").args(["-WINCH", &pid]).status()?;
    /// assert_eq!(listener.recv().await, Some(())); // draw again
    /// # Ok(())
    /// # }
    /// ```
    pub const fn window_change() -> Self {
        SignalKind(libc::SIGWINCH)
    }
}

impl From<c_int> for SignalKind {
    fn from(signum: c_int) -> SignalKind {
        SignalKind(signum)
    }
}

impl From<SignalKind> for c_int {
    fn from(kind: SignalKind) -> c_int {
        kind.0
    }
}

/// Listens to a signal from now on.
///
/// Any number of listeners may listen to one signal, each sees all. From the first one on, the signal does not do what it
/// does by default any more (end the process, mostly).
///
/// # Errors
///
/// When the signal can't be caught (`SIGKILL`, `SIGSTOP`, those of a crash), does not exist, or the system refuses.
///
/// # Panics
///
/// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
///
/// # Examples
///
/// Reading the configuration again:
///
/// ```no_run
/// use unstuck::signal::unix::{SignalKind, signal};
///
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     let mut hangup = signal(SignalKind::hangup())?;
///     loop {
///         hangup.recv().await;
///         println!("reading the configuration");
///     }
/// }
/// ```
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    heard_by(&*kernel(), kind)
}

/// As [`signal`], in the runtime that has this kernel.
pub(super) fn heard_by(kernel: &dyn Kernel, kind: SignalKind) -> io::Result<Signal> {
    Ok(Signal { listener: kernel.signal(kind.0)?.listen()? })
}

/// From now on a signal does what it did before anybody listened (its default effect, mostly) whenever nobody listens: when
/// the last [`Signal`] of that kind is dropped, and at once if there is none.
///
/// Without this a signal that was once listened for is caught for the rest of the process's life. It is for the whole
/// process, whatever runtimes it has, and can't be taken back. A child process that is forked has no listeners until it
/// makes some.
///
/// It holds as long as no other code has a handler for the signal: one that was installed while somebody listened keeps ours
/// beneath it, and the signal caught.
///
/// # Errors
///
/// When other code has a handler for the signal now, which would be taken away along with ours; when the signal can't be
/// caught; what the system says when it is to be given back at once. Then nothing has changed.
///
/// # Examples
///
/// The first Ctrl-C ends gracefully, a second one at once:
///
/// ```
/// use unstuck::signal::unix::{SignalKind, restore_when_unused, signal};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// restore_when_unused(SignalKind::interrupt())?;
/// let mut interrupt = signal(SignalKind::interrupt())?;
/// # std::process::Command::new("kill").args(["-INT", &std::process::id().to_string()]).status()?;
/// interrupt.recv().await;
/// drop(interrupt); // from here on Ctrl-C kills
/// println!("saving; press Ctrl-C again to give up");
/// # Ok(())
/// # }
/// ```
pub fn restore_when_unused(kind: SignalKind) -> io::Result<()> {
    crate::runtime::signals::default_restore_when_unused(kind.0)
}

/// Listens to a signal. Made by [`signal`].
///
/// Signals that come before it is looked at count as one. That is how the system itself counts: do not count signals.
///
/// # Examples
///
/// ```
/// use std::process::Command;
/// use unstuck::signal::unix::{SignalKind, signal};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut signals = signal(SignalKind::user_defined1())?;
/// let pid = std::process::id().to_string();
/// Command::new("kill").args(["-USR1", &pid]).status()?;
/// Command::new("kill").args(["-USR1", &pid]).status()?;
/// // However often it came: at least one more was seen.
/// assert_eq!(signals.recv().await, Some(()));
/// # Ok(())
/// # }
/// ```
#[must_use = "a listener that is dropped hears nothing"]
pub struct Signal {
    listener: Listener,
}

impl Signal {
    /// Waits until the signal has come since this was last asked. `None`: the runtime has shut down, and no more will come.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the news is taken only by the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut resized = signal(SignalKind::window_change())?;
    /// let pid = std::process::id().to_string();
    /// std::process::Command::new("kill").args(["-WINCH", &pid]).status()?;
    /// assert_eq!(resized.recv().await, Some(()));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<()>> {
        self.listener.recv()
    }

    /// As [`recv`](Signal::recv). Of several tasks that poll, the last one is woken.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::task::{Context, Waker};
    /// use unstuck::signal::unix::{SignalKind, signal};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut signals = signal(SignalKind::user_defined2())?;
    /// assert!(signals.poll_recv(&mut Context::from_waker(Waker::noop())).is_pending());
    /// let pid = std::process::id().to_string();
    /// std::process::Command::new("kill").args(["-USR2", &pid]).status()?;
    /// assert_eq!(poll_fn(|cx| signals.poll_recv(cx)).await, Some(()));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.listener.poll_recv(cx)
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}
