//! Who handles a signal, and who listens to it: the process's own table.
//!
//! | catching \ event | first driver subscribes       | restored when unused      | last listener goes    |
//! |------------------|-------------------------------|---------------------------|-----------------------|
//! | NOT              | OVER_*, our handler; or SHARED | remembered               | -                     |
//! | OVER_DEFAULT     | -                             | remembered, or NOT        | NOT, if so remembered |
//! | OVER_IGNORE      | -                             | remembered, or NOT        | NOT, if so remembered |
//! | SHARED           | -                             | refused                   | -                     |
//!
//! 1. Where nobody has a handler, ours is installed directly, and can be taken away. Where somebody has, it joins those of
//!    `signal-hook-registry`, which calls all, and stays. Others who install theirs later find ours, and call it if they
//!    call what was there before, as that registry does.
//! 2. Ours is taken away only while it is the one that the system calls: one that was installed over it stays.
//! 3. The words are atomics outside the lock, since a forked child inherits them with the handlers. The lock and the counts
//!    of listeners are made anew by each process: the listeners of a parent do not count in its child.
//! 4. The handler reads what is published before it is installed. It changes no `errno`: neither a write to the pipe nor
//!    its reads fail.
//!
//! `signals.rs` asks; listeners come and go by [`Listeners`].

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unstuck_base::fork::PerProcess;
use unstuck_driver::signal::Audience;

use crate::system::SignalPipe;

/// More than any system has.
const COUNT: usize = 129;

const NOT: u8 = 0;
const OVER_DEFAULT: u8 = 1;
const OVER_IGNORE: u8 = 2;
const SHARED: u8 = 3;

/// How often each signal has come. Statics use std's atomics: loom's belong to one run of a model.
static COUNTS: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];
/// By whom each is caught; see the table. Written under the lock, or where there is one thread.
static CATCHING: [AtomicU8; COUNT] = [const { AtomicU8::new(NOT) }; COUNT];
/// Which are given back when nobody listens. As above.
static RESTORED: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];

/// Where the handler rings; null before the first subscription, in a child too. What it points to is never freed.
static PIPE: AtomicPtr<SignalPipe> = AtomicPtr::new(ptr::null_mut());

/// How many listen to each.
static LISTENERS: PerProcess<Mutex<[usize; COUNT]>> = PerProcess::new(|| Mutex::new([0; COUNT]));

/// A signal that can be caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(usize);

/// Those who listen to a signal, on behalf of one driver.
#[derive(Debug)]
pub(super) struct Listeners(pub(super) Number);

/// What the system does about a signal.
enum Action {
    Default,
    Ignore,
    Ours,
    Others,
}

impl Number {
    pub(super) fn new(number: c_int) -> io::Result<Number> {
        let index = usize::try_from(number).ok().filter(|index| (1..COUNT).contains(index));
        match index.filter(|_| !signal_hook_registry::FORBIDDEN.contains(&number)) {
            Some(index) => Ok(Number(index)),
            None => {
                let message = format!("signal {number} can't be caught: listen for another one");
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }

    /// How often it has come.
    pub(super) fn count(self) -> u64 {
        // Acquire: pairs with the Release in `came`.
        COUNTS[self.0].load(Ordering::Acquire)
    }

    /// Sees to it that it is caught, and returns the descriptor to wait for.
    pub(super) fn catch(self) -> io::Result<RawFd> {
        let _listeners = lock();
        let reader = pipe()?.reader();
        self.install()?;
        Ok(reader)
    }

    /// The pipe is there, and the lock is held.
    fn install(self) -> io::Result<()> {
        // Relaxed, here and below: the lock orders, and a child's one thread needs no order.
        if CATCHING[self.0].load(Ordering::Relaxed) != NOT {
            return Ok(());
        }
        let catching = match self.action()? {
            Action::Others => {
                let index = self.0;
                // SAFETY: rule 4: it adds to an atomic and writes to a descriptor that is never closed.
                unsafe { signal_hook_registry::register(self.raw(), move || came(index)) }?;
                SHARED
            }
            before => {
                self.set_action(handle as *const () as libc::sighandler_t)?;
                if matches!(before, Action::Ignore) { OVER_IGNORE } else { OVER_DEFAULT }
            }
        };
        CATCHING[self.0].store(catching, Ordering::Relaxed);
        Ok(())
    }

    /// Puts back what the system did before, if nobody came after us (rule 2). Async-signal-safe.
    fn give_back(self) -> io::Result<()> {
        let before = match CATCHING[self.0].load(Ordering::Relaxed) {
            OVER_DEFAULT => libc::SIG_DFL,
            OVER_IGNORE => libc::SIG_IGN,
            _ => return Ok(()),
        };
        if matches!(self.action()?, Action::Ours) {
            self.set_action(before)?;
            CATCHING[self.0].store(NOT, Ordering::Relaxed);
        }
        Ok(())
    }

    fn action(self) -> io::Result<Action> {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the pointer is good for what the call writes; nothing is changed.
        check(unsafe { libc::sigaction(self.raw(), ptr::null(), now.as_mut_ptr()) })?;
        // SAFETY: it was written, and is good as zeroes too.
        Ok(match unsafe { now.assume_init() }.sa_sigaction {
            libc::SIG_DFL => Action::Default,
            libc::SIG_IGN => Action::Ignore,
            function if function == handle as *const () as libc::sighandler_t => Action::Ours,
            _ => Action::Others,
        })
    }

    fn set_action(self, function: libc::sighandler_t) -> io::Result<()> {
        // SAFETY: zeroes are a value of it: no flags, an empty mask.
        let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
        action.sa_sigaction = function;
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: the pointer is good for the call; the function is one for a handler (rule 4), or stands for none.
        check(unsafe { libc::sigaction(self.raw(), &raw const action, ptr::null_mut()) })
    }

    fn raw(self) -> c_int {
        self.0 as c_int
    }
}

/// From now on the system does what it did before about a signal, while nobody listens.
pub(crate) fn restore_when_unused(number: c_int) -> io::Result<()> {
    let number = Number::new(number)?;
    let listeners = lock();
    let caught = CATCHING[number.0].load(Ordering::Relaxed);
    let ours_alone = caught != SHARED && !matches!(number.action()?, Action::Others);
    if !ours_alone {
        let message = format!(
            "signal {} has a handler of other code, which taking ours away would take away as well: let that code handle the \
             signal's end, or install it after the last listener was dropped",
            number.0
        );
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
    }
    if listeners[number.0] == 0 {
        number.give_back()?;
    }
    RESTORED[number.0].store(true, Ordering::Relaxed);
    Ok(())
}

impl Audience for Listeners {
    fn comes(&self) -> io::Result<()> {
        let mut listeners = lock();
        // It was given back, perhaps, after the subscription.
        self.0.install()?;
        listeners[self.0.0] += 1;
        Ok(())
    }

    fn goes(&self) {
        let mut listeners = lock();
        listeners[self.0.0] -= 1;
        if listeners[self.0.0] == 0 && RESTORED[self.0.0].load(Ordering::Relaxed) {
            // A drop has nobody to tell. The signal stays caught, and the next listener that goes tries again.
            let _stays_caught = self.0.give_back();
        }
    }
}

/// This process is a child that has just begun. Async-signal-safe.
pub(crate) fn in_the_child() {
    PIPE.store(ptr::null_mut(), Ordering::Relaxed);
    for index in (1..COUNT).filter(|index| RESTORED[*index].load(Ordering::Relaxed)) {
        // Nobody is there to be told. It stays caught until a listener of the child comes and goes.
        let _stays_caught = Number(index).give_back();
    }
}

fn lock() -> MutexGuard<'static, [usize; COUNT]> {
    LISTENERS.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pipe of this process. The lock is held, so only one is opened.
fn pipe() -> io::Result<&'static SignalPipe> {
    // Relaxed: the lock orders.
    if PIPE.load(Ordering::Relaxed).is_null() {
        // Release: pairs with the Acquire in `came`.
        PIPE.store(Box::into_raw(Box::new(SignalPipe::open()?)), Ordering::Release);
    }
    // SAFETY: it is not null, and never freed.
    Ok(unsafe { &*PIPE.load(Ordering::Relaxed) })
}

extern "C" fn handle(number: c_int) {
    came(number as usize);
}

/// In the handler.
fn came(index: usize) {
    // Release: pairs with the Acquire in `count`.
    COUNTS[index].fetch_add(1, Ordering::Release);
    // SAFETY: what it points to is never freed. Acquire: pairs with the Release in `pipe`.
    if let Some(pipe) = unsafe { PIPE.load(Ordering::Acquire).as_ref() } {
        pipe.ring();
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
