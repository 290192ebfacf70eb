//! The seat: the right to touch the driver.
//!
//! 1. One thread at a time has it. It is only ever tried, never waited for.
//! 2. Whoever has it lets go of it before waking what it found.
//! 3. Once the driver is taken out, at shutdown, the seat is never given again.
//! 4. `visits` is odd while somebody has it, and says alone who may: the lock is waited for only where the driver is taken
//!    out. (Under loom a thread that tries a lock may wait for it.)

use unstuck_base::sync::atomic::{AtomicU64, Ordering};
use unstuck_base::sync::{Mutex, MutexGuard};
use unstuck_driver::Driver;

use super::idle::Idle;

/// Where the driver is kept; see the module's rules.
pub(crate) struct Seat {
    visits: AtomicU64,
    driver: Mutex<Option<Box<dyn Driver>>>,
}

/// The right to touch the driver, as long as it lives.
pub(crate) struct Seated<'a> {
    // Before the visit ends, so that the next one finds it unlocked.
    driver: MutexGuard<'a, Option<Box<dyn Driver>>>,
    _visit: Visit<'a>,
}

/// Ends when it is dropped.
struct Visit<'a>(&'a AtomicU64);

impl Seat {
    pub(crate) fn new(driver: Box<dyn Driver>) -> Self {
        Seat { visits: AtomicU64::new(0), driver: Mutex::new(Some(driver)) }
    }

    /// Takes the seat, if it is free.
    pub(crate) fn try_sit(&self) -> Option<Seated<'_>> {
        let visit = Visit::begin(&self.visits)?;
        let driver = self.driver.lock();
        driver.is_some().then(|| Seated { driver, _visit: visit })
    }

    /// A thread will not go to sleep here, which the sleepers may have counted on: whom of them to unpark, if the seat is
    /// empty now. It finds nothing to do, and sits down. See `idle.md`.
    pub(crate) fn offer(&self, idle: &Idle) -> Option<usize> {
        // Free before a name is taken: who finds it taken by this look has its name on the list already.
        drop(self.try_sit()?);
        idle.wake_a(|_any| true)
    }

    /// How often somebody sat down or got up: odd while somebody sits.
    pub(crate) fn visits(&self) -> u64 {
        // Relaxed: a watcher only compares what it sees with what it saw.
        self.visits.load(Ordering::Relaxed)
    }

    /// Takes the driver out, for ever.
    pub(crate) fn close(&self) -> Option<Box<dyn Driver>> {
        self.driver.lock().take()
    }
}

impl<'a> Visit<'a> {
    /// `None`: somebody is there.
    fn begin(visits: &'a AtomicU64) -> Option<Self> {
        let before = visits.load(Ordering::Relaxed);
        if !before.is_multiple_of(2) {
            return None;
        }
        // Acquire: pairs with the Release in `drop`. It fails only if somebody else has come.
        visits.compare_exchange(before, before + 1, Ordering::Acquire, Ordering::Relaxed).ok()?;
        Some(Visit(visits))
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        // Only who is there changes the word. Release: pairs with the Acquire in `begin`.
        let visit = self.0.load(Ordering::Relaxed);
        self.0.store(visit + 1, Ordering::Release);
    }
}

impl Seated<'_> {
    pub(crate) fn driver(&mut self) -> &mut dyn Driver {
        &mut **self.driver.as_mut().expect("rule 3: seated only while the driver is there")
    }
}
