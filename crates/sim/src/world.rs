//! The world of one run: its clock, what will happen in it, and everything that exists outside of tasks.
//!
//! 1. Time moves in two ways only: a poll takes some ([`World::pass`]), and when nothing is left to do now, the driver jumps
//!    to the next event or deadline ([`World::jump`]).
//! 2. Events happen in the order of their times; those of the same time, in the order in which they were caused.
//! 3. One lock guards all of it. No waker is woken or dropped under it, and no user code runs.
//! 4. One thread runs the world. Others may look at it, but what they do to it is not decided by the seed.
//!
//! The kernel and its sockets change the world; the driver delivers what happens in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unstuck_base::WakeBatch;
use unstuck_base::prng::Prng;
use unstuck_base::sync::{Mutex, MutexGuard, thread_local_const};
use unstuck_driver::readiness::shutdown_error;
use unstuck_driver::signal::SignalSource;

use crate::choice::Choices;
use crate::net::fabric::{Fabric, nanoseconds};
use crate::net::tcp::{self, Tcp};
use crate::net::udp::{self, Udp};
use crate::settings::Settings;

/// See the module's rules.
#[derive(Debug)]
pub(crate) struct World {
    /// A moment to count from: all that is ever seen of it are differences.
    epoch: Instant,
    pub(crate) settings: Settings,
    state: Mutex<State>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) fabric: Fabric,
    pub(crate) tcp: Tcp,
    pub(crate) udp: Udp,
    /// The signals that somebody listens for.
    pub(crate) signals: BTreeMap<i32, Arc<SignalSource>>,
    unparked: bool,
    shut: bool,
}

/// Something that happens at a moment of the simulated time.
#[derive(Debug)]
pub(crate) enum Event {
    Tcp(tcp::Packet),
    Udp(udp::Packet),
    /// A Unix signal by its number.
    Signal(i32),
}

/// What became of the time when everybody waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    /// It jumped, or there was something to do at once.
    Done,
    /// There is nothing to wait for.
    Nowhere,
}

thread_local_const! {
    /// The world that this thread runs; null for none.
    static CURRENT: Cell<*const World> = const { Cell::new(std::ptr::null()) };
}

impl World {
    /// A new world, and the random numbers of the thread that runs it.
    pub(crate) fn new(seed: u64, settings: Settings) -> (Arc<World>, Prng) {
        let (choices, random) = Choices::seeded(seed);
        let state = State {
            fabric: Fabric::new(choices, &settings.latency),
            tcp: Tcp::default(),
            udp: Udp::default(),
            signals: BTreeMap::new(),
            unparked: false,
            shut: false,
        };
        let world = World { epoch: Instant::now(), settings, state: Mutex::new(state) };
        (Arc::new(world), random)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The lock, unless the run is over.
    ///
    /// # Errors
    /// When it is.
    pub(crate) fn lock_running(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.shut { Err(shutdown_error()) } else { Ok(state) }
    }

    pub(crate) fn now(&self) -> Instant {
        self.epoch + self.elapsed()
    }

    /// The time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.lock().fabric.now())
    }

    pub(crate) fn unpark(&self) {
        self.lock().unparked = true;
    }

    /// A poll took so long.
    pub(crate) fn pass(&self, duration: Duration) {
        let fabric = &mut self.lock().fabric;
        fabric.set_now(fabric.now().saturating_add(nanoseconds(duration)));
    }

    /// Delivers everything that is due.
    pub(crate) fn deliver(&self, woken: &mut WakeBatch) {
        self.lock().deliver(woken);
    }

    /// Nothing is left to do now: jumps to what happens next, an event or the deadline, and delivers what is due then.
    pub(crate) fn jump(&self, deadline: Option<Instant>, woken: &mut WakeBatch) -> Jump {
        let mut state = self.lock();
        let before = woken.len();
        state.deliver(woken);
        if std::mem::take(&mut state.unparked) || woken.len() > before {
            return Jump::Done;
        }
        let deadline = deadline.map(|deadline| nanoseconds(deadline.saturating_duration_since(self.epoch)));
        let Some(next) = state.fabric.next_event().into_iter().chain(deadline).min() else { return Jump::Nowhere };
        let next = next.max(state.fabric.now());
        state.fabric.choices.trace.happened(&[33, next]);
        state.fabric.set_now(next);
        state.deliver(woken);
        Jump::Done
    }

    /// The run is over: every wait ends, and nothing new is made.
    pub(crate) fn shut(&self, woken: &mut WakeBatch) {
        let mut state = self.lock();
        state.shut = true;
        state.tcp.shut(woken);
        state.udp.shut(woken);
        let signals = std::mem::take(&mut state.signals);
        signals.values().for_each(|source| source.shutdown(woken));
        drop(state);
        // The last reference may be ours, and then wakers go with it.
        drop(signals);
    }
}

impl State {
    fn deliver(&mut self, woken: &mut WakeBatch) {
        while let Some(event) = self.fabric.take_due() {
            match event {
                Event::Tcp(packet) => self.tcp.arrive(packet, &mut self.fabric, woken),
                Event::Udp(packet) => self.udp.arrive(packet, &mut self.fabric, woken),
                Event::Signal(number) => {
                    self.fabric.choices.trace.happened(&[32, number as u64]);
                    if let Some(source) = self.signals.get(&number) {
                        source.deliver(woken);
                    }
                }
            }
        }
    }
}

impl From<tcp::Packet> for Event {
    fn from(packet: tcp::Packet) -> Event {
        Event::Tcp(packet)
    }
}

impl From<udp::Packet> for Event {
    fn from(packet: udp::Packet) -> Event {
        Event::Udp(packet)
    }
}

/// The world is the one that this thread runs, as long as this lives.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    _world: &'a World,
}

impl<'a> Entered<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        CURRENT.with(|current| current.set(world));
        Entered { _world: world }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // A thread runs one world at a time.
        CURRENT.with(|current| current.set(std::ptr::null()));
    }
}

/// Sends the simulated process a Unix signal: whoever listens for it is woken when the driver is looked at next. Says
/// whether anybody listens; if not, nothing happens, where a real process might end.
///
/// # Panics
/// Outside a simulation.
#[track_caller]
pub fn raise(number: i32) -> bool {
    let world = CURRENT.with(Cell::get);
    assert!(!world.is_null(), "`sim::raise` called outside of a simulation: call it in what `sim::run` runs");
    // SAFETY: `Entered` borrows the world until it takes the pointer away.
    let mut state = unsafe { &*world }.lock();
    state.fabric.at_once(Event::Signal(number));
    state.signals.contains_key(&number)
}
