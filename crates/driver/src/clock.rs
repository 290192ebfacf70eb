//! A clock that can be stopped: wraps a kernel and its driver, for tests that do not want to wait.
//!
//! | mode \ event | pause              | resume                          | advance(d) | idle in park, deadline      |
//! |--------------|--------------------|---------------------------------|------------|-----------------------------|
//! | REAL         | PAUSED at now      | -                               | -          | sleeps                      |
//! | PAUSED       | -                  | SHIFTED: goes on from here      | now + d    | jumps exactly there         |
//! | SHIFTED      | PAUSED at now      | -                               | -          | sleeps as long as it is off |
//!
//! 1. While it was never paused, the clock costs one relaxed load.
//! 2. Paused time moves in two ways only: by [`advance`](PausedClock::advance), and by a jump to the next deadline when
//!    a thread parks with nothing to do: it looked at the driver and found neither a waker nor an unpark.
//! 3. It does not jump while blocking work runs, whose end is waited for in real time
//!    ([`inhibit_auto_advance`](PausedClock::inhibit_auto_advance)). Whoever takes the last inhibition back counts as
//!    one who unparks: the driver's thread looks once more at what the work has left before it jumps, and it wakes up
//!    to do so. Neither does it jump without a deadline: then only the outside world can go on.
//! 4. [`Kernel::real_now`] is never paused.
//!
//! The runtime's constructor wraps; schedulers see a kernel and a driver like any other; `time::pause` and its like
//! hold the [`PausedClock`].

use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use unstuck_base::WakeBatch;
use unstuck_base::interest::Interest;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence};

use crate::signal::SignalSource;
use crate::socket::{Family, Foreign, Unconnected};
use crate::{Activity, Disk, Driver, IoCounts, Kernel, Lookup, Socket, Stdio, ThreadKey, Watch};

const REAL: u8 = 0;
const PAUSED: u8 = 1;
const SHIFTED: u8 = 2;

/// Makes the time of a kernel pausable.
pub fn pausable<K: Kernel, D: Driver>(kernel: Arc<K>, driver: D) -> (Arc<Paused<K>>, PausedDriver<D>) {
    let now = kernel.real_now();
    let clock = Arc::new(PausedClock {
        kernel: kernel.clone(),
        mode: AtomicU8::new(REAL),
        shown: Mutex::new(Shown { time: now, since: now }),
        inhibitions: AtomicUsize::new(0),
        unparked: AtomicBool::new(false),
    });
    (Arc::new(Paused { kernel, clock: clock.clone() }), PausedDriver { driver, clock })
}

/// The clock of a [`Paused`] kernel; see the module's rules.
pub struct PausedClock {
    kernel: Arc<dyn Kernel>,
    mode: AtomicU8,
    shown: Mutex<Shown>,
    /// How much blocking work runs (rule 3).
    inhibitions: AtomicUsize,
    /// Whether somebody unparked since the driver's thread last slept or was told (rule 2).
    unparked: AtomicBool,
}

/// What the clock shows when it is not REAL.
struct Shown {
    /// PAUSED: the time. SHIFTED: the time at `since`.
    time: Instant,
    /// The real time of the resume.
    since: Instant,
}

impl PausedClock {
    /// The time as tasks see it.
    #[inline]
    pub fn now(&self) -> Instant {
        // Relaxed: who sees REAL a moment too long reads a real time of that moment.
        match self.mode.load(Ordering::Relaxed) {
            REAL => self.kernel.now(),
            _ => self.shown_now(),
        }
    }

    #[cold]
    fn shown_now(&self) -> Instant {
        let shown = self.shown.lock();
        // Relaxed: the mode changes under this lock.
        match self.mode.load(Ordering::Relaxed) {
            PAUSED => shown.time,
            _ => shown.time + self.kernel.real_now().saturating_duration_since(shown.since),
        }
    }

    /// Whether the clock stands still.
    pub fn is_paused(&self) -> bool {
        // Relaxed: as in `now`.
        self.mode.load(Ordering::Relaxed) == PAUSED
    }

    /// Stops the clock. `false`: it stands still already.
    pub fn pause(&self) -> bool {
        let now = self.now();
        let mut shown = self.shown.lock();
        if self.is_paused() {
            return false;
        }
        shown.time = now;
        // Relaxed: the lock passes on what belongs to the mode.
        self.mode.store(PAUSED, Ordering::Relaxed);
        // An unpark of before may be in flight and was not counted.
        self.unparked.store(true, Ordering::Relaxed);
        true
    }

    /// Lets the clock go on from the time that it shows. `false`: it did not stand still.
    pub fn resume(&self) -> bool {
        let mut shown = self.shown.lock();
        if !self.is_paused() {
            return false;
        }
        shown.since = self.kernel.real_now();
        // Relaxed: as in `pause`.
        self.mode.store(SHIFTED, Ordering::Relaxed);
        drop(shown);
        self.unpark();
        true
    }

    /// Moves the time that a paused clock shows on by `duration`, at once. Timers that became due fire when the driver
    /// is looked at next; the caller yields for that. `false`: the clock does not stand still.
    ///
    /// # Panics
    /// If the time would be out of range.
    pub fn advance(&self, duration: Duration) -> bool {
        let mut shown = self.shown.lock();
        if !self.is_paused() {
            return false;
        }
        shown.time += duration;
        drop(shown);
        self.unpark();
        true
    }

    /// Keeps a paused clock from jumping to the next deadline while work runs that no deadline tells of, as on a
    /// thread that may block; until as many calls of [`allow_auto_advance`](PausedClock::allow_auto_advance).
    /// [`advance`](PausedClock::advance) still works.
    pub fn inhibit_auto_advance(&self) {
        // Relaxed: called by the thread that hands the work out, before it can go idle.
        self.inhibitions.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one [`inhibit_auto_advance`](PausedClock::inhibit_auto_advance) back. Call it after everybody was woken who
    /// waits for the work: woken later, they would find that the clock has jumped.
    pub fn allow_auto_advance(&self) {
        // Before the count: who finds that nothing inhibits finds this, too (rule 3).
        // Release: pairs with the Acquire in `take_unparked`: whoever takes it looks at what the work has left.
        self.unparked.store(true, Ordering::Release);
        // Release: pairs with the Acquire in `may_jump`.
        if self.inhibitions.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // Against the fence in `may_jump`: if it counted us there, we see here that the clock stands.
        fence(Ordering::SeqCst);
        if self.is_paused() {
            self.kernel.unpark();
        }
    }

    /// Whether nothing inhibits a jump. To be asked before `take_unparked`, which then tells of the last inhibition, too.
    fn may_jump(&self) -> bool {
        // After this thread saw that the clock stands; against the fence in `allow_auto_advance`.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the Release in `allow_auto_advance`, whose word to `take_unparked` is seen then.
        self.inhibitions.load(Ordering::Acquire) == 0
    }

    /// Jumps to `deadline`. `false`: the clock does not stand still any more.
    fn jump_to(&self, deadline: Instant) -> bool {
        let mut shown = self.shown.lock();
        shown.time = shown.time.max(deadline);
        self.is_paused()
    }

    /// The real time at which a SHIFTED clock will show `deadline`.
    fn real_time_of(&self, deadline: Instant) -> Instant {
        self.kernel.real_now() + deadline.saturating_duration_since(self.now())
    }

    fn unpark(&self) {
        // Relaxed: as in `now`.
        if self.mode.load(Ordering::Relaxed) != REAL {
            // Release: pairs with the Acquire in `take_unparked`: the thread that does not jump sees why.
            self.unparked.store(true, Ordering::Release);
        }
        self.kernel.unpark();
    }

    fn take_unparked(&self) -> bool {
        // Acquire: pairs with the Release in `unpark`.
        self.unparked.swap(false, Ordering::Acquire)
    }
}

impl std::fmt::Debug for PausedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PausedClock").field("is_paused", &self.is_paused()).finish_non_exhaustive()
    }
}

/// A driver whose thread lets paused time jump; see the module's table.
#[derive(Debug)]
pub struct PausedDriver<D> {
    driver: D,
    clock: Arc<PausedClock>,
}

impl<D: Driver> Driver for PausedDriver<D> {
    fn park(&mut self, deadline: Option<Instant>, woken: &mut WakeBatch) -> io::Result<()> {
        // Relaxed: as in `PausedClock::now`.
        match self.clock.mode.load(Ordering::Relaxed) {
            REAL => self.driver.park(deadline, woken),
            PAUSED => self.park_paused(deadline, woken),
            _ => self.driver.park(deadline.map(|deadline| self.clock.real_time_of(deadline)), woken),
        }
    }

    fn poll(&mut self, woken: &mut WakeBatch) -> io::Result<()> {
        self.driver.poll(woken)
    }

    fn shut_down(&mut self, woken: &mut WakeBatch) {
        self.driver.shut_down(woken);
    }
}

impl<D: Driver> PausedDriver<D> {
    fn park_paused(&mut self, deadline: Option<Instant>, woken: &mut WakeBatch) -> io::Result<()> {
        let before = woken.len();
        self.driver.poll(woken)?;
        let may_jump = self.clock.may_jump();
        if self.clock.take_unparked() || woken.len() > before {
            return Ok(());
        }
        if may_jump && deadline.is_some_and(|deadline| self.clock.jump_to(deadline)) {
            return Ok(());
        }
        let parked = self.driver.park(None, woken);
        // Whoever unparked until now has made this return.
        self.clock.take_unparked();
        parked
    }
}

/// A kernel whose time can be paused; see the module's rules.
#[derive(Debug)]
pub struct Paused<K> {
    kernel: Arc<K>,
    clock: Arc<PausedClock>,
}

impl<K> Paused<K> {
    /// The clock, to pause it.
    pub fn clock(&self) -> &Arc<PausedClock> {
        &self.clock
    }
}

impl<K: Kernel> Kernel for Paused<K> {
    #[inline]
    fn now(&self) -> Instant {
        // Relaxed: as in `PausedClock::now`, without its detour to the inner kernel.
        match self.clock.mode.load(Ordering::Relaxed) {
            REAL => self.kernel.now(),
            _ => self.clock.shown_now(),
        }
    }

    fn real_now(&self) -> Instant {
        self.kernel.real_now()
    }

    fn time_jumps(&self) -> bool {
        self.clock.is_paused() || self.kernel.time_jumps()
    }

    fn unpark(&self) {
        self.clock.unpark();
    }

    fn this_thread(&self) -> Option<ThreadKey> {
        self.kernel.this_thread()
    }

    fn activity(&self, thread: ThreadKey) -> Option<Activity> {
        self.kernel.activity(thread)
    }

    fn entropy(&self) -> u64 {
        self.kernel.entropy()
    }

    fn io_counts(&self) -> IoCounts {
        self.kernel.io_counts()
    }

    fn tcp_listen(&self, address: SocketAddr, backlog: u32) -> io::Result<Arc<dyn Socket>> {
        self.kernel.tcp_listen(address, backlog)
    }

    fn tcp_connect(&self, peer: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        self.kernel.tcp_connect(peer)
    }

    fn tcp_socket(&self, family: Family) -> io::Result<Box<dyn Unconnected>> {
        self.kernel.tcp_socket(family)
    }

    fn udp_bind(&self, address: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        self.kernel.udp_bind(address)
    }

    fn adopt(&self, socket: Foreign) -> io::Result<Arc<dyn Socket>> {
        self.kernel.adopt(socket)
    }

    fn may_watch(&self) -> io::Result<()> {
        self.kernel.may_watch()
    }

    fn watch(&self, fd: RawFd, interest: Interest) -> io::Result<Arc<dyn Watch>> {
        self.kernel.watch(fd, interest)
    }

    fn disk(&self) -> io::Result<&dyn Disk> {
        self.kernel.disk()
    }

    fn stdio(&self) -> io::Result<&dyn Stdio> {
        self.kernel.stdio()
    }

    fn may_start_programs(&self) -> io::Result<()> {
        self.kernel.may_start_programs()
    }

    fn child_descriptor(&self, pid: u32) -> io::Result<OwnedFd> {
        self.kernel.child_descriptor(pid)
    }

    fn lookup_host(&self, host: &str, port: u16) -> Lookup {
        self.kernel.lookup_host(host, port)
    }

    fn signal(&self, number: i32) -> io::Result<Arc<SignalSource>> {
        self.kernel.signal(number)
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
