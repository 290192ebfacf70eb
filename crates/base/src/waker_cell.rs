//! One waker, left by one task, taken by whoever has news.
//!
//! | state \ event | register            | end of register       | take                       | end of take |
//! |---------------|---------------------|-----------------------|----------------------------|-------------|
//! | FREE          | REGISTERING, store  | -                     | TAKING, take the waker     | -           |
//! | REGISTERING   | - (one task)        | FREE                  | REGISTERING+NEWS           | -           |
//! | REGISTERING+NEWS | -                | FREE, wake what it stored | (same)                 | -           |
//! | TAKING        | wake the newcomer   | -                     | (same), another one takes  | FREE        |
//!
//! 1. The slot is touched only by the thread that moved FREE to REGISTERING or to TAKING.
//! 2. News that comes after a `register` returned wakes the registered waker; news during a `register` wakes it too.
//! 3. Whoever has news publishes it before it takes; whoever registers looks for news after. All edges are in the
//!    one word, so one of the two sees the other.

use std::task::Waker;

use crate::const_unless_model;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{UnsafeCell, hint};

const FREE: u8 = 0;
const REGISTERING: u8 = 1;
const TAKING: u8 = 2;

/// A place for one waker; see the table.
pub struct WakerCell {
    state: AtomicU8,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: rule 1: the slot has one owner at a time, passed on through the state word. Waker is Send and Sync.
unsafe impl Send for WakerCell {}
// SAFETY: as above.
unsafe impl Sync for WakerCell {}

impl Default for WakerCell {
    fn default() -> Self {
        WakerCell::new()
    }
}

impl std::fmt::Debug for WakerCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WakerCell")
    }
}

impl WakerCell {
    const_unless_model! {
        /// An empty cell.
        pub fn new() -> Self {
            WakerCell { state: AtomicU8::new(FREE), waker: UnsafeCell::new(None) }
        }
    }

    /// Leaves `waker`, to be woken by the next news; it replaces the one that was there. Look for news *after* this
    /// returns. One task at a time registers; concurrent registrations are sound, but only one of them is kept.
    pub fn register(&self, waker: &Waker) {
        // Acquire: pairs with the Release of the last `take`, whose access to the slot is over.
        match self.state.compare_exchange(FREE, REGISTERING, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => {}
            // News is being delivered right now; it may have missed us, so it is ours too.
            Err(TAKING) => {
                // The other thread is between two instructions; a model must let it run before we come back.
                hint::spin_loop();
                return waker.wake_by_ref();
            }
            Err(_) => return,
        }
        let replaced = {
            let _end = EndOfRegister(self);
            self.waker.with_mut(|slot| {
                // SAFETY: rule 1: the state is REGISTERING by our hand.
                let slot = unsafe { &mut *slot };
                match slot {
                    Some(old) if old.will_wake(waker) => None,
                    _ => slot.replace(waker.clone()),
                }
            })
        };
        drop(replaced);
    }

    /// Takes the waker out. Publish the news *before* this.
    #[must_use = "the waker must be woken"]
    pub fn take(&self) -> Option<Waker> {
        // AcqRel: Release publishes the news to a registration in progress, Acquire sees the registered waker.
        if self.state.fetch_or(TAKING, Ordering::AcqRel) != FREE {
            return None;
        }
        // SAFETY: rule 1: FREE to TAKING was done by our hand.
        let waker = self.waker.with_mut(|slot| unsafe { (*slot).take() });
        // Release: the slot is free for the next owner. Acquire: another one with news may have come meanwhile and left
        // its waking to us; the task that we wake must see that news too.
        self.state.fetch_and(!TAKING, Ordering::AcqRel);
        waker
    }

    /// Takes the waker out and wakes it.
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }
}

/// Gives the slot of a registration back, also when cloning the waker panicked: then the one before it stays.
struct EndOfRegister<'a>(&'a WakerCell);

impl Drop for EndOfRegister<'_> {
    fn drop(&mut self) {
        let WakerCell { state, waker } = self.0;
        // AcqRel: Release for the next owner of the slot, Acquire to see what came with news.
        if state.compare_exchange(REGISTERING, FREE, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: rule 1: with REGISTERING+NEWS the slot is still ours.
            let waker = waker.with_mut(|slot| unsafe { (*slot).take() });
            // Release: the slot is free for the next owner. Acquire: see what the news published.
            state.swap(FREE, Ordering::AcqRel);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_waker_whose_clone_panics_leaves_the_one_before_it() {
        use std::task::{RawWaker, RawWakerVTable};
        static PANICS: RawWakerVTable = RawWakerVTable::new(|_| panic!("a clone that panics"), |_| (), |_| (), |_| ());
        let count = Arc::new(Count::default());
        let cell = WakerCell::new();
        cell.register(&count.clone().into());
        // SAFETY: the functions touch no data.
        let waker = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &PANICS)) };
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cell.register(&waker)));
        assert!(panicked.is_err());
        cell.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_last_registered_waker_is_woken_once() {
        let (a, b) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let cell = WakerCell::new();
        cell.wake();
        cell.register(&a.clone().into());
        cell.register(&b.clone().into());
        cell.wake();
        cell.wake();
        assert_eq!((a.0.load(Ordering::Relaxed), b.0.load(Ordering::Relaxed)), (0, 1));
        assert_eq!((Arc::strong_count(&a), Arc::strong_count(&b)), (1, 1));
    }
}
