//! Unix signals: counted by the handler, told to every driver of the process, delivered by each to its own listeners.
//!
//! 1. The handler does two things: it adds one to the signal's count, then writes to the process's pipe. Both are
//!    allowed in a signal handler.
//! 2. Every driver that has subscribed waits for that pipe, and nobody reads it, so no driver takes an event from
//!    another. It then compares the counts with those it saw last.
//! 3. A handler is installed once for the process and stays: a signal that was once listened for does not get its
//!    default effect back.

use std::ffi::c_int;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use unstuck_base::WakeBatch;
use unstuck_base::sync::Mutex;
use unstuck_driver::readiness::shutdown_error;
use unstuck_driver::signal::SignalSource;

use crate::reactor::SIGNALS;
use crate::system::SignalPipe;

/// More than any system has.
const COUNT: usize = 129;

/// How often each signal has come. Statics use std's atomics: loom's belong to one run of a model.
static COUNTS: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];

static PIPE: OnceLock<SignalPipe> = OnceLock::new();

/// For which signals the handler is installed.
static INSTALLED: std::sync::Mutex<[bool; COUNT]> = std::sync::Mutex::new([false; COUNT]);

/// What one driver listens for; see the module's rules.
#[derive(Debug)]
pub(crate) struct Signals(Mutex<Subscriptions>);

#[derive(Debug, Default)]
struct Subscriptions {
    list: Vec<Subscription>,
    registered: bool,
    shut: bool,
}

#[derive(Debug)]
struct Subscription {
    number: usize,
    /// The count that was last delivered.
    seen: u64,
    source: Arc<SignalSource>,
}

impl Signals {
    pub(crate) fn new() -> Self {
        Signals(Mutex::new(Subscriptions::default()))
    }

    /// The source of a signal for this driver, which waits for it from now on.
    pub(crate) fn subscribe(&self, number: i32, registry: &Registry) -> io::Result<Arc<SignalSource>> {
        let index = usize::try_from(number).ok().filter(|index| (1..COUNT).contains(index));
        let Some(index) = index.filter(|_| !signal_hook_registry::FORBIDDEN.contains(&number)) else {
            let message = format!("signal {number} can't be caught: listen for another one");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        let mut subscriptions = self.0.lock();
        if subscriptions.shut {
            return Err(shutdown_error());
        }
        if let Some(subscription) = subscriptions.list.iter().find(|subscription| subscription.number == index) {
            return Ok(subscription.source.clone());
        }
        let pipe = install(index, number)?;
        if !subscriptions.registered {
            registry.register(&mut SourceFd(&pipe), SIGNALS, Interest::READABLE)?;
            subscriptions.registered = true;
        }
        let source = Arc::new(SignalSource::new());
        let seen = COUNTS[index].load(Ordering::Acquire);
        subscriptions.list.push(Subscription { number: index, seen, source: source.clone() });
        Ok(source)
    }

    /// The pipe was written to: delivers what has come.
    pub(crate) fn deliver(&self, woken: &mut WakeBatch) {
        for subscription in &mut self.0.lock().list {
            // Acquire: pairs with the Release in the handler.
            let count = COUNTS[subscription.number].load(Ordering::Acquire);
            if count != subscription.seen {
                subscription.seen = count;
                subscription.source.deliver(woken);
            }
        }
    }

    pub(crate) fn shut(&self, woken: &mut WakeBatch) {
        let mut subscriptions = self.0.lock();
        subscriptions.shut = true;
        subscriptions.list.drain(..).for_each(|subscription| subscription.source.shutdown(woken));
    }
}

/// Installs the handler of a signal unless it is, and returns the descriptor to wait for.
fn install(index: usize, number: c_int) -> io::Result<RawFd> {
    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if PIPE.get().is_none() {
        // Under the lock, so only one is opened.
        let _ = PIPE.set(SignalPipe::open()?);
    }
    let pipe = PIPE.get().expect("it was just opened");
    if !installed[index] {
        let handler = move || {
            // Release: pairs with the Acquire in `deliver`.
            COUNTS[index].fetch_add(1, Ordering::Release);
            pipe.ring();
        };
        // SAFETY: rule 1: the handler adds to an atomic and writes to a descriptor that is never closed.
        unsafe { signal_hook_registry::register(number, handler) }?;
        installed[index] = true;
    }
    Ok(pipe.reader())
}
