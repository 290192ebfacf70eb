//! Every timer of a runtime: one wheel for each place, and who must be told about the earliest deadline.
//!
//! 1. A timer goes to the wheel of the place whose thread polls it, so its lock is uncontended; place 0 is for threads
//!    that are no worker. Whoever waits in the driver expires every wheel that is due: the timers of a stuck worker fire.
//! 2. A place publishes when it is next due in `next`, which changes only under the lock of its wheel, hence Relaxed. It
//!    may be too early (a timer was removed), never too late.
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
//! 5. After [`shutdown`](Timers::shutdown) no timer is registered any more. A [`Timer`] holds its place only, never the
//!    timers: it may outlive them.
//!
//! Schedulers call [`begin_park`](Timers::begin_park), [`end_park`](Timers::end_park), [`expire`](Timers::expire);
//! `Sleep` and its like hold a [`Timer`].

use std::ptr::NonNull;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use unstuck_base::sync::atomic::{AtomicU64, Ordering, fence};
use unstuck_base::sync::{Mutex, MutexGuard};
use unstuck_base::{CachePadded, WakeBatch, local};

use crate::Kernel;

mod entry;
mod wheel;

use entry::Entry;
pub use entry::{Shutdown, Timer};
use wheel::{NEVER, Wheel};

/// All timers of a runtime; see the module's rules.
#[derive(Debug)]
pub struct Timers {
    clock: Arc<Clock>,
    places: Box<[Arc<Place>]>,
}

/// One wheel. Padded, since each has a thread of its own.
#[derive(Debug)]
struct Place {
    clock: Arc<Clock>,
    timers: Weak<Timers>,
    index: usize,
    padded: CachePadded<Padded>,
}

#[derive(Debug)]
struct Padded {
    /// Rule 2.
    next: AtomicU64,
    wheel: Mutex<Guarded>,
}

#[derive(Debug)]
struct Guarded {
    wheel: Wheel,
    shut: bool,
}

/// The time in ticks, and for how long somebody sleeps.
struct Clock {
    kernel: Arc<dyn Kernel>,
    epoch: Instant,
    /// Rule 3.
    sleeps_until: CachePadded<AtomicU64>,
}

/// Nobody sleeps in the driver.
const AWAKE: u64 = 0;

/// The tick of the epoch: room for deadlines 146 years before it, and 438 years after.
const EPOCH: u64 = 1 << 62;

impl Timers {
    /// Timers for threads at places 1 to `places`, and those that have none. Their clock is that of `kernel`, which is
    /// unparked when a new timer is the earliest.
    pub fn new(kernel: Arc<dyn Kernel>, places: usize) -> Arc<Timers> {
        let epoch = kernel.now();
        let clock = Arc::new(Clock { kernel, epoch, sleeps_until: CachePadded::new(AtomicU64::new(AWAKE)) });
        Arc::new_cyclic(|timers| {
            let place = |index| {
                let padded = Padded {
                    next: AtomicU64::new(NEVER),
                    wheel: Mutex::new(Guarded { wheel: Wheel::new(EPOCH), shut: false }),
                };
                let padded = CachePadded::new(padded);
                Arc::new(Place { clock: clock.clone(), timers: timers.clone(), index, padded })
            };
            Timers { places: (0..=places).map(place).collect(), clock: clock.clone() }
        })
    }

    /// The kernel whose clock these timers follow.
    pub fn kernel(&self) -> &Arc<dyn Kernel> {
        &self.clock.kernel
    }

    /// Says that this thread is about to sleep in the driver, and until when it may. From now on a timer that becomes
    /// the earliest unparks it, until [`end_park`](Timers::end_park). One thread at a time.
    pub fn begin_park(&self) -> Option<Instant> {
        // Relaxed, then a fence: S1 of rule 3, against T1 and T2 in `Place::publish`.
        self.clock.sleeps_until.store(NEVER, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let next = self.next();
        // Relaxed: S3: whoever reads S1 instead unparks needlessly.
        self.clock.sleeps_until.store(next, Ordering::Relaxed);
        (next != NEVER).then(|| self.clock.instant(next))
    }

    /// Says that this thread does not sleep in the driver any more.
    pub fn end_park(&self) {
        // Relaxed: whoever still reads the old value unparks needlessly; who sleeps next goes through S1.
        self.clock.sleeps_until.store(AWAKE, Ordering::Relaxed);
    }

    /// When the next timer fires, or somewhat earlier (exactly then, if the kernel's time jumps).
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = self.next();
        (next != NEVER).then(|| self.clock.instant(next))
    }

    fn next(&self) -> u64 {
        if self.clock.jumps() {
            self.places.iter().for_each(|place| place.settle());
        }
        // Relaxed: S2 of rule 3; the fence is before it.
        self.places.iter().map(|place| place.padded.next.load(Ordering::Relaxed)).min().unwrap_or(NEVER)
    }

    /// Fires every timer that is due at `now`: gathers the wakers. Never early.
    pub fn expire(&self, now: Instant, woken: &mut WakeBatch) {
        let now = self.clock.tick(now);
        for place in &self.places {
            place.expire(now, woken);
        }
    }

    /// The runtime shuts down: every timer that waits is told, and none waits any more. Gathers the wakers.
    pub fn shutdown(&self, woken: &mut WakeBatch) {
        for place in &self.places {
            let mut guarded = place.lock();
            guarded.shut = true;
            guarded.wheel.shut(woken);
            place.padded.next.store(NEVER, Ordering::Relaxed);
        }
    }

    /// This thread's place.
    fn here(&self) -> &Arc<Place> {
        &self.places[self.index(local::place())]
    }

    /// More places than were announced share the wheels.
    fn index(&self, place: usize) -> usize {
        if place < self.places.len() { place } else { place % self.places.len() }
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        // The batch wakes when it is dropped, after the locks.
        self.shutdown(&mut WakeBatch::new());
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.padded.wheel.lock()
    }

    /// This thread's place, if it is another one than this.
    fn elsewhere(&self) -> Option<Arc<Place>> {
        let place = local::place();
        if place == self.index {
            return None;
        }
        let timers = self.timers.upgrade()?;
        let here = timers.index(place);
        (here != self.index).then(|| timers.places[here].clone())
    }

    /// Arms an entry. `false`: the runtime has shut down, and the entry is not armed.
    ///
    /// # Safety
    /// The entry is not ARMED; it stays alive and in place until it is removed or has left ARMED.
    unsafe fn insert(&self, entry: NonNull<Entry>) -> bool {
        let mut guarded = self.lock();
        if guarded.shut {
            return false;
        }
        // SAFETY: forwarded.
        let (deadline, earlier) = unsafe {
            entry.as_ref().set_armed();
            (entry.as_ref().deadline(), guarded.wheel.insert(entry))
        };
        self.publish(guarded, earlier.then_some(deadline));
        true
    }

    /// Gives an ARMED entry another deadline. `false`: it has left ARMED meanwhile, and nothing was changed.
    ///
    /// # Safety
    /// The entry was ARMED in this wheel.
    unsafe fn reinsert(&self, entry: NonNull<Entry>, deadline: u64) -> bool {
        let mut guarded = self.lock();
        // SAFETY: the owner keeps the entry alive; while it is ARMED, it is in this wheel.
        let earlier = unsafe {
            if !entry.as_ref().is_armed() {
                return false;
            }
            guarded.wheel.remove(entry);
            entry.as_ref().set_deadline(deadline);
            guarded.wheel.insert(entry)
        };
        self.publish(guarded, earlier.then_some(deadline));
        true
    }

    /// Takes an entry out, unless it has left ARMED meanwhile; returns its waker, to be dropped outside the lock.
    ///
    /// # Safety
    /// The entry was ARMED in this wheel.
    unsafe fn remove(&self, entry: NonNull<Entry>) -> Option<Waker> {
        let mut guarded = self.lock();
        // SAFETY: as in `reinsert`.
        unsafe {
            if !entry.as_ref().is_armed() {
                return None;
            }
            guarded.wheel.remove(entry);
            entry.as_ref().swap_waker(None)
        }
    }

    /// Publishes the next deadline (rule 2) if it became `earlier`, and wakes who sleeps for longer (rule 3).
    fn publish(&self, guarded: MutexGuard<'_, Guarded>, earlier: Option<u64>) {
        let Some(deadline) = earlier else { return };
        // Relaxed, then a fence: T1 of rule 3, against S1 and S2 in `Timers::begin_park`.
        self.padded.next.store(deadline, Ordering::Relaxed);
        drop(guarded);
        fence(Ordering::SeqCst);
        let sleeps_until = &self.clock.sleeps_until;
        // Relaxed: T2. The minimum lets the next one with a later deadline see that somebody has unparked already.
        if deadline < sleeps_until.load(Ordering::Relaxed)
            && deadline < sleeps_until.fetch_min(deadline, Ordering::Relaxed)
        {
            self.clock.kernel.unpark();
        }
    }

    fn expire(&self, now: u64, woken: &mut WakeBatch) {
        // Relaxed: a deadline that another thread publishes right now will be seen by who sleeps next.
        while self.padded.next.load(Ordering::Relaxed) <= now {
            let mut guarded = self.lock();
            guarded.wheel.expire(now, woken);
            self.padded.next.store(guarded.wheel.next(), Ordering::Relaxed);
        }
    }

    fn settle(&self) {
        let mut guarded = self.lock();
        let next = guarded.wheel.settle();
        self.padded.next.store(next, Ordering::Relaxed);
    }
}

impl Clock {
    fn now(&self) -> u64 {
        self.tick(self.kernel.now())
    }

    fn jumps(&self) -> bool {
        self.kernel.time_jumps()
    }

    fn tick(&self, at: Instant) -> u64 {
        match at.checked_duration_since(self.epoch) {
            Some(after) => EPOCH.saturating_add(nanoseconds(after)).min(NEVER - 1),
            None => EPOCH.saturating_sub(nanoseconds(self.epoch.duration_since(at))),
        }
    }

    fn instant(&self, tick: u64) -> Instant {
        match tick.checked_sub(EPOCH) {
            Some(after) => self.epoch + Duration::from_nanos(after),
            None => self.epoch - Duration::from_nanos(EPOCH - tick),
        }
    }
}

/// As many as fit.
fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos().into())
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
