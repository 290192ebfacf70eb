//! What serves code that is outside every runtime, if the program has chosen something.
//!
//! 1. It is asked where there is no current runtime, and nowhere else.
//! 2. The last one that was provided and is still, wins. Each goes by its own guard, in whatever order.
//! 3. A thread inside a runtime, or a simulated world, has no use for it, even where its code is in no context.
//! 4. A forked child has none of its parent's.
//!
//! `context` provides runtimes here and finds them; `alarm` finds their timers.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::alarm::Alarms;
use crate::entered;
use crate::fork::{PerProcess, Process, UsedBy};
use crate::sync::Mutex;

/// One that was provided, as its alarms and as itself.
pub trait Fallback: Alarms + Any {}

#[derive(Default)]
struct Provided {
    /// In the order in which they came.
    all: Vec<(u64, Arc<dyn Fallback>)>,
    /// The number of the next.
    next: u64,
}

static PROVIDED: PerProcess<Mutex<Provided>> = PerProcess::new(|| Mutex::new(Provided::default()));

/// The process in which there is one: most have none, and then nothing else is looked at. Written under the lock.
static USED_BY: UsedBy = UsedBy::nobody();

/// Something is provided as long as this lives.
#[must_use = "it is provided only while this lives"]
pub struct Provider {
    number: u64,
    process: Process,
}

/// Provides it to code outside every runtime, on every thread of this process.
pub fn provide(fallback: Arc<dyn Fallback>) -> Provider {
    let mut provided = PROVIDED.get().lock();
    let number = provided.next;
    provided.next += 1;
    provided.all.push((number, fallback));
    USED_BY.set_this();
    Provider { number, process: Process::this() }
}

/// What serves code on this thread that is outside every runtime.
#[cold]
pub fn find() -> Option<Arc<dyn Fallback>> {
    if !USED_BY.is_this() || entered::is_entered() {
        return None;
    }
    PROVIDED.get().lock().all.last().map(|(_, fallback)| fallback.clone())
}

/// Whether the parent of this process had one, and this process has none.
#[cold]
pub fn is_of_the_parent() -> bool {
    USED_BY.is_the_parent()
}

impl Drop for Provider {
    fn drop(&mut self) {
        if !self.process.is_this() {
            return;
        }
        let mut provided = PROVIDED.get().lock();
        let ours = provided.all.iter().position(|(number, _)| *number == self.number);
        // It may be the last that keeps it: it is dropped without the lock.
        let _removed = ours.map(|ours| provided.all.remove(ours));
        if provided.all.is_empty() {
            USED_BY.set_nobody();
        }
        drop(provided);
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").finish_non_exhaustive()
    }
}
