//! Whether the driver's thread sleeps, so that the system call which wakes it is made only then, and only once.
//!
//! | state \ event | lie down           | get up | ring                |
//! |---------------|--------------------|--------|---------------------|
//! | AWAKE         | ASLEEP             | -      | RUNG                |
//! | ASLEEP        | - (one thread)     | AWAKE  | RUNG, wake it       |
//! | RUNG          | refused, AWAKE     | AWAKE  | RUNG                |
//!
//! 1. One thread lies down and gets up; any thread rings.
//! 2. A ring between two sleeps makes the next one not happen. A ring during the sleep ends it.
//! 3. What the ringing thread wrote before is seen by the other after it got up or was refused.
//!
//! [`Reactor`](crate::reactor::Reactor) rings, [`OsDriver`](crate::OsDriver) sleeps.

use unstuck_base::sync::atomic::{AtomicU8, Ordering};

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const RUNG: u8 = 2;

/// The word; see the table.
#[derive(Debug)]
pub(crate) struct Bell(AtomicU8);

/// What a ring asks of the one who rang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a sleeper must be woken"]
pub(crate) enum OnRing {
    /// The thread sleeps: wake it.
    Wake,
    /// It does not sleep, or somebody else wakes it.
    Nothing,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Bell(AtomicU8::new(AWAKE))
    }

    /// `false`: somebody has rung, so don't sleep.
    pub(crate) fn lie_down(&self) -> bool {
        // Acquire: pairs with the Release in `ring` (rule 3).
        match self.0.compare_exchange(AWAKE, ASLEEP, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => true,
            Err(_) => {
                self.get_up();
                false
            }
        }
    }

    pub(crate) fn get_up(&self) {
        // Acquire: as in `lie_down`; a swap, since a ring may come at this moment.
        self.0.swap(AWAKE, Ordering::Acquire);
    }

    pub(crate) fn ring(&self) -> OnRing {
        // Release: pairs with the Acquires of the sleeper. A read-modify-write also where nothing changes: the sleeper
        // must see what this ringer wrote, not only what the first one did.
        match self.0.swap(RUNG, Ordering::AcqRel) {
            ASLEEP => OnRing::Wake,
            _ => OnRing::Nothing,
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_the_table() {
        let bell = |state: u8| {
            let bell = Bell::new();
            bell.0.store(state, Ordering::Relaxed);
            bell
        };
        let after = |bell: &Bell| bell.0.load(Ordering::Relaxed);
        for (state, expected) in [(AWAKE, OnRing::Nothing), (ASLEEP, OnRing::Wake), (RUNG, OnRing::Nothing)] {
            let rung = bell(state);
            assert_eq!(rung.ring(), expected);
            assert_eq!(after(&rung), RUNG);
            let up = bell(state);
            up.get_up();
            assert_eq!(after(&up), AWAKE);
        }
        for (state, lies, then) in [(AWAKE, true, ASLEEP), (RUNG, false, AWAKE)] {
            let bell = bell(state);
            assert_eq!(bell.lie_down(), lies);
            assert_eq!(after(&bell), then);
        }
    }
}

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
