//! The seat: the right to touch the driver.
//!
//! 1. One thread at a time has it. It is only ever tried, never waited for.
//! 2. Whoever has it lets go of it before waking what it found.
//! 3. Once the driver is taken out, at shutdown, the seat is never given again.

use unstuck_base::sync::{Mutex, MutexGuard};
use unstuck_driver::Driver;

use super::idle::Idle;

/// Where the driver is kept; see the module's rules.
pub(crate) struct Seat(Mutex<Option<Box<dyn Driver>>>);

/// The right to touch the driver, as long as it lives.
pub(crate) struct Seated<'a>(MutexGuard<'a, Option<Box<dyn Driver>>>);

impl Seat {
    pub(crate) fn new(driver: Box<dyn Driver>) -> Self {
        Seat(Mutex::new(Some(driver)))
    }

    /// Takes the seat, if it is free.
    pub(crate) fn try_sit(&self) -> Option<Seated<'_>> {
        self.0.try_lock().filter(|driver| driver.is_some()).map(Seated)
    }

    /// A thread will not go to sleep here, which the sleepers may have counted on: whom of them to unpark, if the seat is
    /// empty now. It finds nothing to do, and sits down. See `idle.md`.
    pub(crate) fn offer(&self, idle: &Idle) -> Option<usize> {
        // Free before a name is taken: who finds it taken by this look has its name on the list already.
        drop(self.try_sit()?);
        idle.wake_a(|_any| true)
    }

    /// Takes the driver out, for ever.
    pub(crate) fn close(&self) -> Option<Box<dyn Driver>> {
        self.0.lock().take()
    }
}

impl Seated<'_> {
    pub(crate) fn driver(&mut self) -> &mut dyn Driver {
        &mut **self.0.as_mut().expect("rule 3: seated only while the driver is there")
    }
}
