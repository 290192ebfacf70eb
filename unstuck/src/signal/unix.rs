//! Signals of Unix.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::raw::c_int;
use std::task::{Context, Poll};

use unstuck_driver::signal::Listener;

use crate::called_at::called_here;
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
    pub const fn from_raw(signum: c_int) -> Self {
        SignalKind(signum)
    }

    /// Its number.
    pub const fn as_raw_value(&self) -> c_int {
        self.0
    }

    /// `SIGALRM`: a timer of the system has expired.
    pub const fn alarm() -> Self {
        SignalKind(libc::SIGALRM)
    }

    /// `SIGCHLD`: a child process has ended, or was stopped or continued.
    pub const fn child() -> Self {
        SignalKind(libc::SIGCHLD)
    }

    /// `SIGHUP`: the terminal is gone; servers take it as "read your configuration again".
    pub const fn hangup() -> Self {
        SignalKind(libc::SIGHUP)
    }

    /// `SIGINT`: Ctrl-C.
    pub const fn interrupt() -> Self {
        SignalKind(libc::SIGINT)
    }

    /// `SIGIO`: an operation on a file descriptor has become possible.
    pub const fn io() -> Self {
        SignalKind(libc::SIGIO)
    }

    /// `SIGPIPE`: a pipe was written that nobody reads.
    pub const fn pipe() -> Self {
        SignalKind(libc::SIGPIPE)
    }

    /// `SIGQUIT`: Ctrl-\\, which also wants a core dump.
    pub const fn quit() -> Self {
        SignalKind(libc::SIGQUIT)
    }

    /// `SIGTERM`: the polite request to end.
    pub const fn terminate() -> Self {
        SignalKind(libc::SIGTERM)
    }

    /// `SIGUSR1`: whatever the program makes of it.
    pub const fn user_defined1() -> Self {
        SignalKind(libc::SIGUSR1)
    }

    /// `SIGUSR2`: whatever the program makes of it.
    pub const fn user_defined2() -> Self {
        SignalKind(libc::SIGUSR2)
    }

    /// `SIGWINCH`: the terminal has changed its size.
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
    let source = kernel().signal(kind.0)?;
    Ok(Signal { listener: source.listen() })
}

/// Listens to a signal. Made by [`signal`].
///
/// Signals that come before it is looked at count as one. That is how the system itself counts: do not count signals.
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
        called_here(std::future::poll_fn(|cx| self.poll_recv(cx)))
    }

    /// As [`recv`](Signal::recv). Of several tasks that poll, the last one is woken.
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
