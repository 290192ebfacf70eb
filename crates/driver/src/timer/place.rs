//! A wheel behind its lock, and the home of a runtime's wheels: what a timer points at and keeps no count of.
//!
//! 1. A [`Home`] is never freed, only recycled: it has one tenant at a time, and each tenant another `generation`. A
//!    timer holds a `&'static Place` and the generation, no count: one that is made and dropped without waiting writes
//!    nothing that threads share. Tasks find their scheduler in the same way.
//! 2. What belongs to the tenant, its [`Clock`], lies in each place under the lock of the wheel. A timer is armed only
//!    where the tenant is its own. The shutdown takes the clock and all timers out under that lock: so while there is an
//!    ARMED entry, the tenant is the one that armed it.
//! 3. `next` is when the wheel is next due. It changes only under the lock of the wheel, hence Relaxed. It may be too
//!    early (a timer was removed), never too late.
//! 4. `sleeps_until` is lowered only under the lock of a wheel that still has its tenant: a timer of the tenant before
//!    never touches it.
//! 5. A home of the parent of this process is left alone: its locks may be held for ever, and nobody fires its timers.
//!    Whoever asks is told that the tenant has shut down. Homes are recycled within one process only.
//! 6. The clock is read under the lock, wakers are cloned and dropped outside it, and nobody is woken here.
//!
//! [`Timers`](super::Timers) is the tenant; [`Timer`](super::Timer) arms, moves and removes its entry.

use std::ptr::NonNull;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdMutexGuard, OnceLock};
use std::task::Waker;
use std::time::{Duration, Instant};

use unstuck_base::fork::{PerProcess, Process};
use unstuck_base::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use unstuck_base::sync::{MODELLED, Mutex, MutexGuard};
use unstuck_base::{CachePadded, WakeBatch, local};

use super::entry::Entry;
use super::wheel::{NEVER, Wheel};
use crate::Kernel;

/// The wheels of a runtime; see the module's rules.
pub(super) struct Home {
    /// Until when the thread in the driver sleeps; [`AWAKE`] while none does.
    pub(super) sleeps_until: CachePadded<AtomicU64>,
    places: OnceLock<Box<[Place]>>,
    /// Rule 5.
    process: Process,
}

/// One wheel. Padded, since each has a thread of its own.
pub(super) struct Place {
    home: &'static Home,
    /// Whether the deadline of a timer was moved back in place since the wheel was settled.
    moved: AtomicBool,
    padded: CachePadded<Padded>,
}

struct Padded {
    /// Rule 3.
    next: AtomicU64,
    guarded: Mutex<Guarded>,
}

struct Guarded {
    wheel: Wheel,
    /// The tenant's; `None` after its shutdown (rule 2).
    clock: Option<Arc<Clock>>,
}

/// A tenant's time, in ticks.
pub(super) struct Clock {
    pub(super) kernel: Arc<dyn Kernel>,
    epoch: Instant,
    pub(super) generation: u32,
}

/// What came of arming a timer.
pub(super) enum Arming {
    /// It is in the wheel.
    Armed,
    /// Its deadline has come.
    Due,
    /// The runtime has shut down.
    Refused,
}

/// What came of moving the deadline of an ARMED timer forward.
pub(super) enum Forward {
    /// It is where it belongs now.
    Moved,
    /// The deadline has come: it was taken out. The state and the waker are the owner's.
    Due(Option<Waker>),
    /// It had left ARMED meanwhile, and nothing was changed.
    Left,
}

/// Nobody sleeps in the driver.
pub(super) const AWAKE: u64 = 0;

/// The tick of the epoch: room for deadlines 146 years before it, and 438 years after.
const EPOCH: u64 = 1 << 62;

/// Homes that nobody has now, and the last generation of each.
static FREE: PerProcess<StdMutex<Vec<(&'static Home, u32)>>> = PerProcess::new(|| StdMutex::new(Vec::new()));

fn free() -> StdMutexGuard<'static, Vec<(&'static Home, u32)>> {
    FREE.get().lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Home {
    /// A home with this many places, and the generation of its new tenant.
    pub(super) fn take(places: usize) -> (&'static Home, u32) {
        let mut free = free();
        let fitting = free.iter().position(|(home, _)| home.places().len() == places);
        match fitting.map(|index| free.swap_remove(index)) {
            Some((home, generation)) => (home, generation + 1),
            None => (Home::build(places), 0),
        }
    }

    fn build(places: usize) -> &'static Home {
        let sleeps_until = CachePadded::new(AtomicU64::new(AWAKE));
        let home: &'static Home =
            Box::leak(Box::new(Home { sleeps_until, places: OnceLock::new(), process: Process::this() }));
        home.places.get_or_init(|| (0..places).map(|_| Place::new(home)).collect());
        home
    }

    /// The tenant comes in.
    pub(super) fn let_to(&'static self, clock: &Arc<Clock>) {
        // Relaxed: whoever reads these words has locked a place since, or was given the tenant.
        self.sleeps_until.store(AWAKE, Ordering::Relaxed);
        for place in self.places() {
            let mut guarded = place.lock();
            assert!(guarded.clock.is_none(), "a home has one tenant at a time");
            guarded.wheel = Wheel::new(EPOCH);
            guarded.clock = Some(clock.clone());
            place.padded.next.store(NEVER, Ordering::Relaxed);
        }
    }

    /// The tenant has shut its timers down and leaves.
    pub(super) fn give_back(&'static self, generation: u32) {
        // A modelled home belongs to one run of the model. The generations are used up after years of nothing but making
        // runtimes.
        if !MODELLED && generation < u32::MAX && self.process.is_this() {
            free().push((self, generation));
        }
    }

    pub(super) fn places(&'static self) -> &'static [Place] {
        self.places.get().expect("a home is built before it is used")
    }

    /// This thread's place. More threads than places share.
    fn here(&'static self) -> &'static Place {
        let (place, places) = (local::place(), self.places());
        &places[if place < places.len() { place } else { place % places.len() }]
    }
}

impl Place {
    fn new(home: &'static Home) -> Place {
        let guarded = Mutex::new(Guarded { wheel: Wheel::new(EPOCH), clock: None });
        let padded = CachePadded::new(Padded { next: AtomicU64::new(NEVER), guarded });
        Place { home, moved: AtomicBool::new(false), padded }
    }

    /// The place of this thread in the same home.
    pub(super) fn here(&self) -> &'static Place {
        self.home.here()
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.padded.guarded.lock()
    }

    /// Whether its timers fire in this process (rule 5).
    pub(super) fn is_here(&self) -> bool {
        self.home.process.is_this()
    }

    /// The time of this tenant; `None` after its shutdown.
    pub(super) fn now(&self, generation: u32) -> Option<Instant> {
        if !self.is_here() {
            return None;
        }
        Some(self.lock().clock_of(generation)?.1.kernel.now())
    }

    /// Arms an entry, if its deadline is in the future.
    ///
    /// # Safety
    /// The entry is not ARMED; it stays alive and in place until it is removed or has left ARMED.
    pub(super) unsafe fn arm(&self, entry: NonNull<Entry>, deadline: Instant) -> Arming {
        if !self.is_here() {
            return Arming::Refused;
        }
        let mut guarded = self.lock();
        // SAFETY: the caller's: the entry is alive.
        let armed = unsafe { entry.as_ref() };
        let Some((wheel, clock)) = guarded.clock_of(armed.generation()) else { return Arming::Refused };
        if deadline <= clock.kernel.now() {
            return Arming::Due;
        }
        let tick = clock.tick(deadline);
        armed.set_deadline(tick);
        armed.set_armed();
        // SAFETY: forwarded.
        let earlier = unsafe { wheel.insert(entry) };
        self.publish(guarded, earlier.then_some(tick));
        Arming::Armed
    }

    /// Gives an ARMED entry an earlier deadline.
    ///
    /// # Safety
    /// The entry was ARMED in this wheel.
    pub(super) unsafe fn move_forward(&self, entry: NonNull<Entry>, deadline: Instant) -> Forward {
        let mut guarded = self.lock();
        // SAFETY: the owner keeps the entry alive; while it is ARMED, it is in this wheel.
        unsafe {
            if !entry.as_ref().is_armed() {
                return Forward::Left;
            }
            let (wheel, clock) = guarded.clock_of(entry.as_ref().generation()).expect("rule 2: it is ARMED");
            wheel.remove(entry);
            if deadline <= clock.kernel.now() {
                return Forward::Due(entry.as_ref().swap_waker(None));
            }
            let tick = clock.tick(deadline);
            entry.as_ref().set_deadline(tick);
            let earlier = wheel.insert(entry);
            self.publish(guarded, earlier.then_some(tick));
        }
        Forward::Moved
    }

    /// The deadline of an entry of this wheel was moved back in place: where time jumps, the wheel must find out before.
    pub(super) fn note_moved(&self) {
        // Release: pairs with the Acquire in `settle`, which must see the new deadline.
        self.moved.store(true, Ordering::Release);
    }

    /// Takes an entry out, unless it has left ARMED meanwhile; returns its waker, to be dropped outside the lock.
    ///
    /// # Safety
    /// The entry was ARMED in this wheel.
    pub(super) unsafe fn remove(&self, entry: NonNull<Entry>) -> Option<Waker> {
        let mut guarded = self.lock();
        // SAFETY: as in `move_forward`.
        unsafe {
            if !entry.as_ref().is_armed() {
                return None;
            }
            guarded.wheel.remove(entry);
            entry.as_ref().swap_waker(None)
        }
    }

    /// Makes `waker` that of an ARMED entry, and returns the old one. `Err`: it has left ARMED meanwhile.
    ///
    /// # Safety
    /// The entry was ARMED in this wheel.
    pub(super) unsafe fn swap_waker(&self, entry: NonNull<Entry>, waker: Waker) -> Result<Option<Waker>, Waker> {
        let _guarded = self.lock();
        // SAFETY: as in `move_forward`.
        unsafe { if entry.as_ref().is_armed() { Ok(entry.as_ref().swap_waker(Some(waker))) } else { Err(waker) } }
    }

    /// Publishes the next deadline if it became `earlier`, and unparks who sleeps for longer: rule 3 of the folder.
    fn publish(&self, guarded: MutexGuard<'_, Guarded>, earlier: Option<u64>) {
        let Some(deadline) = earlier else { return };
        // Relaxed, then a fence: T1 of that rule, against S1 and S2 in `Timers::begin_park`.
        self.padded.next.store(deadline, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        // Under the lock still (rule 4).
        let sleeps_until = &self.home.sleeps_until;
        // Relaxed: T2. The minimum lets the next one with a later deadline see that somebody has unparked already.
        if deadline < sleeps_until.load(Ordering::Relaxed)
            && deadline < sleeps_until.fetch_min(deadline, Ordering::Relaxed)
        {
            let clock = guarded.clock.clone();
            drop(guarded);
            if let Some(clock) = clock {
                clock.kernel.unpark();
            }
        }
    }

    /// When this wheel is next due; exactly then after [`settle`](Place::settle).
    pub(super) fn next(&self) -> u64 {
        // Relaxed: S2 of rule 3 of the folder; the fence is before it.
        self.padded.next.load(Ordering::Relaxed)
    }

    pub(super) fn expire(&self, now: u64, woken: &mut WakeBatch) {
        // Relaxed: a deadline that another thread publishes right now will be seen by who sleeps next.
        while self.padded.next.load(Ordering::Relaxed) <= now {
            let mut guarded = self.lock();
            guarded.wheel.expire(now, woken);
            self.padded.next.store(guarded.wheel.next(), Ordering::Relaxed);
        }
    }

    pub(super) fn settle(&self) {
        let mut guarded = self.lock();
        // Acquire: pairs with the Release in `note_moved`.
        if self.moved.swap(false, Ordering::Acquire) {
            guarded.wheel.unsettle();
        }
        let next = guarded.wheel.settle();
        self.padded.next.store(next, Ordering::Relaxed);
    }

    /// The tenant shuts down: gathers the wakers, and takes what is the tenant's out (rule 2).
    pub(super) fn shut(&self, woken: &mut WakeBatch) {
        if !self.is_here() {
            return;
        }
        let mut guarded = self.lock();
        guarded.wheel.shut(woken);
        self.padded.next.store(NEVER, Ordering::Relaxed);
        let clock = guarded.clock.take();
        drop(guarded);
        drop(clock);
    }
}

impl Guarded {
    /// The wheel and its clock, if the tenant is that of this generation (rule 2).
    fn clock_of(&mut self, generation: u32) -> Option<(&mut Wheel, &Clock)> {
        let clock = self.clock.as_deref().filter(|clock| clock.generation == generation)?;
        Some((&mut self.wheel, clock))
    }
}

impl Clock {
    pub(super) fn new(kernel: Arc<dyn Kernel>, generation: u32) -> Arc<Clock> {
        Arc::new(Clock { epoch: kernel.now(), kernel, generation })
    }

    pub(super) fn tick(&self, at: Instant) -> u64 {
        match at.checked_duration_since(self.epoch) {
            Some(after) => later(EPOCH, after),
            None => EPOCH.saturating_sub(nanoseconds(self.epoch.duration_since(at))),
        }
    }

    pub(super) fn instant(&self, tick: u64) -> Instant {
        match tick.checked_sub(EPOCH) {
            Some(after) => self.epoch + Duration::from_nanos(after),
            None => self.epoch - Duration::from_nanos(EPOCH - tick),
        }
    }
}

/// The tick so much later, or the last one of all.
pub(super) fn later(tick: u64, by: Duration) -> u64 {
    tick.saturating_add(nanoseconds(by)).min(NEVER - 1)
}

/// As many as fit.
fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos().into())
}
