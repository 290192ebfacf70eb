//! Where the driver's thread sleeps: one `epoll_wait`, with a timer of its own for deadlines finer than milliseconds.
//!
//! 1. The bell says whether the thread sleeps, so an unpark costs a system call only then.
//! 2. Slots are recycled between two batches of events, never during one (rule 3 of [`slots`](crate::slots)).
//! 3. Wakers are gathered, not woken.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll};
use unstuck_base::WakeBatch;
use unstuck_base::sync::atomic::Ordering;
use unstuck_driver::Driver;

use crate::reactor::{ALARM, Reactor, SIGNALS, WAKE};
use crate::ready::ready_of;
use crate::slots::Key;
use crate::system::Alarm;

/// How many events one system call brings at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// To a driver that sleeps until there are some.
    pub parked: usize,
    /// To a driver that only looks.
    pub busy: usize,
}

impl Default for Batches {
    fn default() -> Self {
        Batches { parked: 1024, busy: 1024 }
    }
}

/// The driver of the real kernel; see the module's rules.
pub struct OsDriver {
    poll: Poll,
    events: Events,
    /// What a driver takes that only looks, if that is another number.
    busy_events: Option<Events>,
    alarm: Alarm,
    reactor: Arc<Reactor>,
    shut: bool,
}

impl OsDriver {
    pub(crate) fn new(reactor: Arc<Reactor>, poll: Poll, batches: Batches) -> Self {
        OsDriver {
            poll,
            events: Events::with_capacity(batches.parked),
            busy_events: (batches.busy != batches.parked).then(|| Events::with_capacity(batches.busy)),
            alarm: Alarm::new(),
            reactor,
            shut: false,
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.reactor.process.assert_is_this();
        self.reactor.slots.recycle();
        match self.poll.poll(&mut self.events, timeout) {
            // A signal handler ran. There are no events then.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    fn handle_events(&mut self, woken: &mut WakeBatch) {
        let mut events = 0;
        for event in &self.events {
            match event.token() {
                WAKE => {}
                ALARM => self.alarm.has_fired(),
                SIGNALS => self.reactor.signals.deliver(woken),
                token => {
                    events += 1;
                    if let Some(slot) = self.reactor.slots.get(Key::of(token)) {
                        slot.readiness.set(ready_of(event, slot.kind()), woken);
                    }
                }
            }
        }
        // Relaxed: one writer.
        let counted = &self.reactor.counts.events;
        counted.store(counted.load(Ordering::Relaxed) + events, Ordering::Relaxed);
    }

    /// Takes the events of a driver that only looks, or puts back those of one that sleeps.
    fn swap_events(&mut self) {
        if let Some(other) = &mut self.busy_events {
            std::mem::swap(other, &mut self.events);
        }
    }
}

impl Driver for OsDriver {
    fn park(&mut self, deadline: Option<Instant>, woken: &mut WakeBatch) -> io::Result<()> {
        // Before the alarm is set, which would be the parent's, too.
        self.reactor.process.assert_is_this();
        if !self.reactor.bell.lie_down() {
            return self.poll(woken);
        }
        let timeout = self.alarm.set(deadline, &self.reactor.registry);
        let result = self.wait(timeout);
        self.reactor.bell.get_up();
        result?;
        self.handle_events(woken);
        Ok(())
    }

    fn poll(&mut self, woken: &mut WakeBatch) -> io::Result<()> {
        self.swap_events();
        let result = self.wait(Some(Duration::ZERO));
        if result.is_ok() {
            self.handle_events(woken);
        }
        self.swap_events();
        result
    }

    fn shut_down(&mut self, woken: &mut WakeBatch) {
        self.shut = true;
        self.reactor.shut(woken);
    }
}

impl Drop for OsDriver {
    fn drop(&mut self) {
        if !self.shut && self.reactor.process.is_this() {
            // Nobody would ever tell those who wait. The batch wakes when it is dropped.
            self.reactor.shut(&mut WakeBatch::new());
        }
    }
}

impl fmt::Debug for OsDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsDriver").finish_non_exhaustive()
    }
}
