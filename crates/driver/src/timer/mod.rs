//! Every timer of a runtime: one wheel for each place, and who must be told about the earliest deadline.
//!
//! 1. A timer goes to the wheel of the place whose thread polls it, so its lock is uncontended; place 0 is for threads
//!    that are no worker. Whoever waits in the driver expires every wheel that is due: the timers of a stuck worker fire.
//! 2. A timer holds no count on any of this: it points at a `Place`, which is recycled but never freed (`place`).
//! 3. Whoever makes a timer the earliest unparks the thread that waits in the driver, if that sleeps for longer.
//!    `sleeps_until` says for how long: it is 0 while nobody sleeps.
//!    - The sleeper: stores "for ever" in `sleeps_until` (S1), fence, reads every `next` (S2), stores the least (S3),
//!      sleeps.
//!    - The other: stores `next` (T1), fence, reads `sleeps_until` (T2), unparks if its deadline is earlier.
//!
//!    The fences are SeqCst, so one comes first. If it is the sleeper's, T2 reads S1 or what came after it: "for ever", or
//!    S3. If S2 missed T1, S3 is later than the deadline, as "for ever" is: it unparks. If the other's fence comes
//!    first, S2 sees T1. An unpark before the sleep is not lost (the driver's promise).
//! 4. The wheels are pure: the time comes from [`Kernel::now`], and wakers are woken by whoever expires, with no lock
//!    held.
//! 5. After [`shutdown`](Timers::shutdown) no timer is registered any more. A [`Timer`] may outlive its timers.
//!
//! Schedulers call [`begin_park`](Timers::begin_park), [`end_park`](Timers::end_park), [`expire`](Timers::expire);
//! `Sleep` and its like hold a [`Timer`].

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use unstuck_base::WakeBatch;
use unstuck_base::sync::atomic::{Ordering, fence};

use crate::Kernel;

mod entry;
mod place;
mod wheel;

pub use entry::{Shutdown, Timer};
use place::{AWAKE, Clock, Home, Place};
use wheel::NEVER;

/// All timers of a runtime; see the module's rules.
pub struct Timers {
    home: &'static Home,
    clock: Arc<Clock>,
    door: Door,
}

/// What a new timer needs of its runtime's [`Timers`]: any place of the home, and the generation.
#[derive(Clone, Copy)]
pub struct Door {
    place: &'static Place,
    generation: u32,
}

impl Timers {
    /// Where new timers come in.
    #[inline]
    pub fn door(&self) -> Door {
        self.door
    }

    /// Timers for threads at places 1 to `places`, and those that have none. Their clock is that of `kernel`, which is
    /// unparked when a new timer is the earliest.
    pub fn new(kernel: Arc<dyn Kernel>, places: usize) -> Arc<Timers> {
        let (home, generation) = Home::take(places + 1);
        Arc::new(Timers::at(home, generation, kernel))
    }

    fn at(home: &'static Home, generation: u32, kernel: Arc<dyn Kernel>) -> Timers {
        let clock = Clock::new(kernel, generation);
        home.let_to(&clock);
        Timers { home, clock, door: Door { place: &home.places()[0], generation } }
    }

    /// The kernel whose clock these timers follow.
    pub fn kernel(&self) -> &Arc<dyn Kernel> {
        &self.clock.kernel
    }

    /// Says that this thread is about to sleep in the driver, and until when it may. From now on a timer that becomes
    /// the earliest unparks it, until [`end_park`](Timers::end_park). One thread at a time.
    pub fn begin_park(&self) -> Option<Instant> {
        // Relaxed, then a fence: S1 of rule 3, against T1 and T2 in `Place::publish`.
        self.home.sleeps_until.store(NEVER, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let next = self.next();
        // Relaxed: S3: whoever reads S1 instead unparks needlessly.
        self.home.sleeps_until.store(next, Ordering::Relaxed);
        (next != NEVER).then(|| self.clock.instant(next))
    }

    /// Says that this thread does not sleep in the driver any more.
    pub fn end_park(&self) {
        // Relaxed: whoever still reads the old value unparks needlessly; who sleeps next goes through S1.
        self.home.sleeps_until.store(AWAKE, Ordering::Relaxed);
    }

    /// When the next timer fires, or somewhat earlier (exactly then, if the kernel's time jumps).
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = self.next();
        (next != NEVER).then(|| self.clock.instant(next))
    }

    fn next(&self) -> u64 {
        if self.clock.kernel.time_jumps() {
            self.places().iter().for_each(Place::settle);
        }
        self.places().iter().map(Place::next).min().unwrap_or(NEVER)
    }

    /// Fires every timer that is due at `now`: gathers the wakers. Never early.
    pub fn expire(&self, now: Instant, woken: &mut WakeBatch) {
        let now = self.clock.tick(now);
        for place in self.places() {
            place.expire(now, woken);
        }
    }

    /// The runtime shuts down: every timer that waits is told, and none waits any more. Gathers the wakers.
    pub fn shutdown(&self, woken: &mut WakeBatch) {
        for place in self.places() {
            place.shut(woken);
        }
    }

    fn places(&self) -> &'static [Place] {
        self.home.places()
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        // The batch wakes when it is dropped, after the locks.
        self.shutdown(&mut WakeBatch::new());
        self.home.give_back(self.clock.generation);
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("next", &self.next()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
