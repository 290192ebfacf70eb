//! Unix signals: counted by the handler, told to every driver of the process, delivered by each to its own listeners.
//!
//! 1. The handler does two things: it adds one to the signal's count, then writes to the process's pipe. Both are
//!    allowed in a signal handler. `handler.rs` installs it.
//! 2. Every driver that has subscribed waits for that pipe, and nobody reads it, so no driver takes an event from
//!    another. It then compares the counts with those it saw last.
//! 3. A handler is installed once for the process and stays: a signal that was once listened for does not get its
//!    default effect back, unless the program asked for that.
//! 4. A forked child has the handlers and the counts, and another pipe: it neither hears nor rings that of its parent.

use std::io;
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use unstuck_base::WakeBatch;
use unstuck_base::sync::Mutex;
use unstuck_driver::readiness::shutdown_error;
use unstuck_driver::signal::SignalSource;

use crate::reactor::SIGNALS;

mod handler;

use handler::{Listeners, Number};
pub(crate) use handler::{in_the_child, restore_when_unused};

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
    number: Number,
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
        let number = Number::new(number)?;
        let mut subscriptions = self.0.lock();
        if subscriptions.shut {
            return Err(shutdown_error());
        }
        if let Some(subscription) = subscriptions.list.iter().find(|subscription| subscription.number == number) {
            return Ok(subscription.source.clone());
        }
        let pipe = number.catch()?;
        if !subscriptions.registered {
            registry.register(&mut SourceFd(&pipe), SIGNALS, Interest::READABLE)?;
            subscriptions.registered = true;
        }
        let source = Arc::new(SignalSource::with_audience(Box::new(Listeners(number))));
        subscriptions.list.push(Subscription { number, seen: number.count(), source: source.clone() });
        Ok(source)
    }

    /// The pipe was written to: delivers what has come.
    pub(crate) fn deliver(&self, woken: &mut WakeBatch) {
        for subscription in &mut self.0.lock().list {
            let count = subscription.number.count();
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
