//! What kernel and driver share: the registry, the slots, the bell, the signals.
//!
//! 1. A [`Registered`] is one descriptor in the epoll instance, from its registration until it is dropped, which comes
//!    before the descriptor is closed.
//! 2. Dropping it removes the descriptor from the epoll instance first, then gives its slot back: an event that was read
//!    before finds another generation, and none can be read after.
//! 3. In a forked child the reactor of the parent is left alone: nothing is added to its epoll instance, and nothing removed,
//!    since that is one for both; nobody is unparked. What is new is refused, as after the shutdown.
//! 4. After the shutdown nothing new is registered; what is registered may outlive driver and runtime.

use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Interest, Poll, Registry, Token, Waker};
use unstuck_base::WakeBatch;
use unstuck_base::fork::Process;
use unstuck_base::interest::Ready;
use unstuck_base::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use unstuck_driver::readiness::shutdown_error;
use unstuck_driver::{IoCounts, Readiness};

use crate::bell::{Bell, OnRing};
use crate::ready::Kind;
use crate::signals::Signals;
use crate::slots::{Key, Slot, Slots};

/// The tokens that name no slot: slots never get so many.
pub(crate) const WAKE: Token = Token(usize::MAX);
pub(crate) const ALARM: Token = Token(usize::MAX - 1);
pub(crate) const SIGNALS: Token = Token(usize::MAX - 2);

/// See the module's rules.
pub(crate) struct Reactor {
    pub(crate) registry: Registry,
    pub(crate) slots: Slots,
    pub(crate) bell: Bell,
    pub(crate) signals: Signals,
    pub(crate) counts: Counts,
    /// Rule 3.
    pub(crate) process: Process,
    waker: Waker,
}

/// What is counted, for the runtime's metrics. The numbers order nothing.
pub(crate) struct Counts {
    pub(crate) registered: AtomicU64,
    pub(crate) deregistered: AtomicU64,
    /// Written by who has the driver.
    pub(crate) events: AtomicU64,
}

impl Reactor {
    pub(crate) fn open() -> io::Result<(Arc<Reactor>, Poll)> {
        let poll = Poll::new()?;
        let reactor = Reactor {
            registry: poll.registry().try_clone()?,
            slots: Slots::new(),
            bell: Bell::new(),
            signals: Signals::new(),
            counts: Counts {
                registered: AtomicU64::new(0),
                deregistered: AtomicU64::new(0),
                events: AtomicU64::new(0),
            },
            process: Process::this(),
            waker: Waker::new(poll.registry(), WAKE)?,
        };
        Ok((Arc::new(reactor), poll))
    }

    /// Ends the driver's sleep, or the next one.
    pub(crate) fn unpark(&self) {
        if self.bell.ring() == OnRing::Wake && self.process.is_this() {
            // It fails only if the epoll instance is gone, and with it whoever could sleep.
            let _ = self.waker.wake();
        }
    }

    pub(crate) fn io_counts(&self) -> IoCounts {
        IoCounts {
            registered: self.counts.registered.load(Ordering::Relaxed),
            deregistered: self.counts.deregistered.load(Ordering::Relaxed),
            events: self.counts.events.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn shut(&self, woken: &mut WakeBatch) {
        self.slots.shut(woken);
        self.signals.shut(woken);
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("bell", &self.bell).finish_non_exhaustive()
    }
}

/// A descriptor that is registered; see the module's rules.
pub(crate) struct Registered {
    reactor: Arc<Reactor>,
    key: Key,
    slot: NonNull<Slot>,
    fd: RawFd,
    /// Whether the descriptor is in the epoll instance yet.
    added: AtomicBool,
}

// SAFETY: the slot is shared data, of types that are Sync, and lives as long as the reactor, which we hold.
unsafe impl Send for Registered {}
// SAFETY: as above.
unsafe impl Sync for Registered {}

impl Registered {
    /// Registers `fd` for `interest`.
    pub(crate) fn new(
        reactor: &Arc<Reactor>,
        fd: RawFd,
        kind: Kind,
        interest: Interest,
        assumed: Ready,
    ) -> io::Result<Registered> {
        let registered = Registered::later(reactor, fd, kind, assumed)?;
        registered.add(interest)?;
        Ok(registered)
    }

    /// Gives `fd` a readiness, but no events until [`add`](Registered::add).
    pub(crate) fn later(reactor: &Arc<Reactor>, fd: RawFd, kind: Kind, assumed: Ready) -> io::Result<Registered> {
        if !reactor.process.is_this() {
            return Err(shutdown_error());
        }
        let (key, slot) = reactor.slots.take(kind, assumed)?;
        Ok(Registered { reactor: reactor.clone(), key, slot, fd, added: AtomicBool::new(false) })
    }

    /// Begins to tell events. Not again if it does already.
    pub(crate) fn add(&self, interest: Interest) -> io::Result<()> {
        if !self.reactor.process.is_this() {
            return Err(shutdown_error());
        }
        // Relaxed: the system call orders what matters; this only decides who makes it.
        if self.added.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let result = self.reactor.registry.register(&mut SourceFd(&self.fd), self.key.token(), interest);
        if result.is_err() {
            self.added.store(false, Ordering::Relaxed);
        } else {
            self.reactor.counts.registered.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    #[inline]
    pub(crate) fn readiness(&self) -> &Readiness {
        // SAFETY: the slot lives as long as the reactor, which we hold.
        unsafe { &self.slot.as_ref().readiness }
    }

    pub(crate) fn reactor(&self) -> &Arc<Reactor> {
        &self.reactor
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if !self.reactor.process.is_this() {
            return;
        }
        // Relaxed: `&mut self` says that nobody adds it now.
        if self.added.load(Ordering::Relaxed) {
            // It fails if other code has closed the descriptor; then events that still come find an old key (rule 2).
            let _ = self.reactor.registry.deregister(&mut SourceFd(&self.fd));
            self.reactor.counts.deregistered.fetch_add(1, Ordering::Relaxed);
        }
        if self.reactor.slots.give_back(self.key) {
            self.reactor.unpark();
        }
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").field("fd", &self.fd).field("key", &self.key).finish_non_exhaustive()
    }
}
