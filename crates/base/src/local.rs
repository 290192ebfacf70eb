//! What this thread is doing: the task it polls, that task's budget, what the poll waits for, random numbers.
//!
//! 1. The one thread-local of this layer. It owns nothing that must be dropped, so it can be used from any other
//!    thread-local's destructor.
//! 2. A poll is bracketed by [`begin_poll`] and [`end_poll`]; they nest, and each end restores what its begin found.
//! 3. Charging the budget never touches shared memory; a charge that is dropped without progress is given back.
//! 4. The buffer of waits describes the poll in progress: it begins empty, and is read at its end. Those of a poll around
//!    it lie before.
//! 5. No clock is read here, and random numbers are seeded by whoever has entropy ([`seed_random`]).
//!
//! The runners of tasks and roots bracket polls; leaf futures charge, record and forget waits; everybody may ask.

use std::cell::Cell;
use std::future::Future;
use std::num::NonZeroU64;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use crate::alarm::{self, Alarms};
use crate::budget::{self, Budget, Kept, Left, Taken};
use crate::entered::Place;
use crate::prng::Prng;
use crate::quietly;
use crate::sync::thread_local_const;
use crate::wake_batch::WakeBatch;

/// Operations that a task may complete in one poll before leaf futures make it yield.
pub const BUDGET: u8 = budget::FULL;

/// How many waits of one poll are kept. A poll that waits for more (a wide `join!`) keeps the first ones and a count.
pub const WAITS: usize = 8;

/// Which task a thread polls, and the how-manieth poll of it this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRef {
    /// The task, or the root future of a `block_on`.
    pub id: NonZeroU64,
    /// The task's poll number: wraps around, and differs between a poll and the next. A `block_on` inside a poll counts
    /// on from it, so that a number may come twice.
    pub poll: u32,
    /// Whether this is the root future of a `block_on`, which has an identity but no public task id.
    pub root: bool,
}

/// One thing that a poll waits for.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// What sort of thing.
    pub kind: WaitKind,
    /// The address of the thing, as an opaque key: never followed.
    pub key: usize,
    /// Where the user's code asked for it.
    pub at: &'static Location<'static>,
}

/// The sorts of things that a leaf future waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum WaitKind {
    /// A deadline.
    Timer = 1,
    /// Readiness or completion of a socket, pipe, file or process.
    Io,
    /// A mutex.
    Mutex,
    /// A reader-writer lock, for reading.
    Read,
    /// A reader-writer lock, for writing.
    Write,
    /// Permits of a semaphore.
    Semaphore,
    /// A notification.
    Notify,
    /// A value of a oneshot channel.
    Oneshot,
    /// A message of a channel.
    Receive,
    /// Room in a channel.
    Send,
    /// A change of a watched value.
    Watch,
    /// A cancellation.
    Cancellation,
    /// The end of another task.
    Join,
    /// A barrier.
    Barrier,
    /// A cell that another task fills.
    Once,
    /// Blocking work on another thread.
    Blocking,
}

impl WaitKind {
    const ALL: [WaitKind; 16] = {
        use WaitKind::*;
        [
            Timer,
            Io,
            Mutex,
            Read,
            Write,
            Semaphore,
            Notify,
            Oneshot,
            Receive,
            Send,
            Watch,
            Cancellation,
            Join,
            Barrier,
            Once,
            Blocking,
        ]
    };

    /// The kind whose discriminant this is; none has 0.
    pub fn from_number(number: u8) -> Option<WaitKind> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}

/// What a poll waited for when it ended, in short; see [`end_poll`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// How many things there were (255 stands for more). 0: the poll ended, or waits for something foreign.
    pub len: u8,
    /// The first of them.
    pub first: Option<Wait>,
    /// Whether the poll has used up its budget and asked for more.
    pub spent: bool,
}

struct Local {
    budget: Budget,
    task: Cell<Option<TaskRef>>,
    home: Cell<*const ()>,
    place: Cell<usize>,
    random: Cell<Option<Prng>>,
    /// Where the waits of the poll in progress begin: those before it belong to polls around it.
    waits_start: Cell<u8>,
    waits_len: Cell<u8>,
    waits: [Cell<Option<Wait>>; WAITS],
    /// Wakers for the end of the poll; null: none. From a `Box`, so that nothing must be dropped here (rule 1).
    after_poll: Cell<*mut Vec<Waker>>,
    ids: Cell<(u64, u64)>,
    /// Whether it is inside a runtime: see `entered`.
    place_inside: Cell<Place>,
    pub(crate) alarms: Cell<Option<NonNull<dyn Alarms>>>,
}

thread_local_const! {
    static LOCAL: Local = const {
        Local {
            budget: Budget::new(Kept::unlimited()),
            task: Cell::new(None),
            home: Cell::new(std::ptr::null()),
            place: Cell::new(0),
            random: Cell::new(None),
            waits_start: Cell::new(0),
            waits_len: Cell::new(0),
            waits: [const { Cell::new(None) }; WAITS],
            after_poll: Cell::new(std::ptr::null_mut()),
            ids: Cell::new((0, 0)),
            place_inside: Cell::new(Place::OUTSIDE),
            alarms: Cell::new(None),
        }
    };
}

// Rule 1: a destructor would make the thread-local unusable while the thread ends.
#[cfg(not(unstuck_loom))]
const _: () = assert!(!std::mem::needs_drop::<Local>());

/// What [`begin_poll`] found, for [`end_poll`] to restore.
#[derive(Debug)]
#[must_use = "pass it to end_poll"]
pub struct Outer {
    budget: Kept,
    task: Option<TaskRef>,
    waits_start: u8,
}

/// Begins a poll of `task` on this thread: a full budget, and nothing waited for yet.
#[inline]
pub fn begin_poll(task: TaskRef) -> Outer {
    LOCAL.with(|local| Outer {
        budget: local.budget.replace(Kept::of_poll(task.poll)),
        task: local.task.replace(Some(task)),
        waits_start: local.waits_start.replace(local.waits_len.get()),
    })
}

/// Ends the poll that returned `outer`, and says what it waits for ([`waits`] has the whole list until then).
#[inline]
pub fn end_poll(outer: Outer) -> Waits {
    LOCAL.with(|local| {
        let spent = local.budget.replace(outer.budget).is_spent();
        local.task.set(outer.task);
        let start = local.waits_start.replace(outer.waits_start);
        let waits = match local.waits_len.replace(start) - start {
            0 => Waits { spent, ..Waits::default() },
            len => Waits { len, first: local.waits.get(usize::from(start)).and_then(Cell::get), spent },
        };
        if !local.after_poll.get().is_null() {
            wake_now();
        }
        waits
    })
}

/// Wakes at the end of the poll in progress (or of one inside it): for news that are of no use before. Runs no user code.
///
/// # Panics
/// If this thread polls no task: nobody would wake.
pub fn wake_after_poll(waker: Waker) {
    LOCAL.with(|local| {
        assert!(local.task.get().is_some(), "there is no poll to wait for");
        let list = local.after_poll.get();
        if list.is_null() {
            local.after_poll.set(Box::into_raw(Box::new(vec![waker])));
        } else {
            // SAFETY: it is from the line above; this thread alone has it, and lends it to nobody.
            unsafe { (*list).push(waker) }
        }
    })
}

/// Puts into `batch` what [`wake_after_poll`] was given so far in this poll: it can't wait any more.
pub fn wake_before_end(batch: &mut WakeBatch) {
    LOCAL.with(|local| {
        let wakers = local.after_poll.replace(std::ptr::null_mut());
        if !wakers.is_null() {
            // SAFETY: it is from `wake_after_poll`, and nobody else has it any more.
            unsafe { Box::from_raw(wakers) }.into_iter().for_each(|waker| batch.push(waker));
        }
    });
}

/// A waker's panic ends here: whoever ends a poll has yet to say what became of the task.
#[cold]
fn wake_now() {
    let mut batch = WakeBatch::new();
    wake_before_end(&mut batch);
    quietly(|| batch.wake_all());
}

/// Runs `f` as a poll of `task`, for a thread that blocks inside that task: the poll around it goes on after.
pub fn in_poll_of<R>(task: TaskRef, f: impl FnOnce() -> R) -> R {
    struct End(Option<Outer>);
    impl Drop for End {
        fn drop(&mut self) {
            if let Some(outer) = self.0.take() {
                let _waits = end_poll(outer);
            }
        }
    }
    let _end = End(Some(begin_poll(task)));
    f()
}

/// What the poll in progress waits for so far, at most the first [`WAITS`] things.
pub fn waits() -> impl Iterator<Item = Wait> {
    let (kept, start, end) =
        LOCAL.with(|local| (local.waits.each_ref().map(Cell::get), local.waits_start.get(), local.waits_len.get()));
    kept.into_iter().take(end.into()).skip(start.into()).flatten()
}

/// The task that this thread polls.
#[inline]
pub fn current_task() -> Option<TaskRef> {
    LOCAL.with(|local| local.task.get())
}

/// Records what a leaf future is about to return Pending for.
#[inline]
pub fn wait_for(kind: WaitKind, key: usize, at: &'static Location<'static>) {
    LOCAL.with(|local| {
        let len = local.waits_len.get();
        if let Some(slot) = local.waits.get(usize::from(len)) {
            slot.set(Some(Wait { kind, key, at }));
        }
        local.waits_len.set(len.saturating_add(1));
    })
}

/// Removes what [`wait_for`] recorded in this poll: the leaf future is dropped before the poll ended.
#[inline]
pub fn forget_wait(kind: WaitKind, key: usize) {
    LOCAL.with(|local| {
        let kept = usize::from(local.waits_len.get()).min(WAITS);
        let start = usize::from(local.waits_start.get()).min(kept);
        let same = |wait: &Cell<Option<Wait>>| wait.get().is_some_and(|wait| (wait.kind, wait.key) == (kind, key));
        let Some(found) = local.waits[start..kept].iter().position(same).map(|at| start + at) else { return };
        for at in found + 1..kept {
            local.waits[at - 1].set(local.waits[at].get());
        }
        local.waits_len.set(local.waits_len.get() - 1);
    })
}

/// One operation's charge against the budget of the poll. Dropping it gives the operation back, so a leaf future that
/// returns Pending has cost nothing.
#[derive(Debug)]
#[must_use = "call made_progress() when the operation completed, drop it otherwise"]
pub struct Charge {
    before: Left,
}

impl Charge {
    /// The operation completed: the charge stands.
    #[inline]
    pub fn made_progress(self) {
        std::mem::forget(self);
    }
}

impl Drop for Charge {
    #[inline]
    fn drop(&mut self) {
        LOCAL.with(|local| local.budget.give_back(self.before))
    }
}

/// Charges one operation to the budget. When the budget is spent the task is woken (so that it runs again after the
/// others) and the answer is Pending: return it.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<Charge> {
    if let Some(charge) = try_charge() {
        return Poll::Ready(charge);
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Charges one operation to the budget. When the budget is spent, the caller wakes its task and is Pending. Runs no user
/// code: it can be called under a lock.
#[inline]
pub fn try_charge() -> Option<Charge> {
    LOCAL.with(|local| {
        match local.budget.take() {
            Taken::Yes(before) => return Some(Charge { before }),
            Taken::No => {}
            Taken::NoMore => alarm::tell_forced_yield(),
        }
        None
    })
}

/// Whether the task that this thread polls may do another operation in this poll.
#[inline]
pub fn has_budget() -> bool {
    LOCAL.with(|local| local.budget.is_some())
}

/// Whether the task that this thread polls asked so often in this poll for what it did not get that it may never come
/// back to its runtime by itself: whoever waits for the runtime to act looks for himself then.
#[inline]
pub fn is_spinning() -> bool {
    LOCAL.with(|local| local.task.get().is_some() && local.budget.is_spinning())
}

/// Runs `f` with a budget that is never used up, then restores this thread's.
pub fn with_unlimited_budget<R>(f: impl FnOnce() -> R) -> R {
    with_budget_of(Kept::unlimited().left(), f)
}

/// Runs `f` with a full budget, then restores this thread's: for the parts of a task that count as tasks themselves.
pub fn with_full_budget<R>(f: impl FnOnce() -> R) -> R {
    with_budget_of(Kept::of_poll(0).left(), f)
}

fn with_budget_of<R>(left: Left, f: impl FnOnce() -> R) -> R {
    struct Restore(Left);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _others = LOCAL.with(|local| local.budget.replace_left(self.0));
        }
    }
    let _restore = Restore(LOCAL.with(|local| local.budget.replace_left(left)));
    f()
}

/// A task id that no other task of this process has. Threads take blocks of ids, so that spawning shares no counter.
pub fn next_task_id() -> NonZeroU64 {
    const BLOCK: u64 = 1024;
    static NEXT: AtomicU64 = AtomicU64::new(1);
    LOCAL.with(|local| {
        let (mut next, mut end) = local.ids.get();
        if next == end {
            // Relaxed: only the numbers must differ between threads.
            next = NEXT.fetch_add(BLOCK, Relaxed);
            end = next + BLOCK;
        }
        local.ids.set((next + 1, end));
        NonZeroU64::new(next).expect("2^64 ids are not used up")
    })
}

/// Seeds this thread's random numbers, and returns the generator that was there.
pub fn seed_random(prng: Option<Prng>) -> Option<Prng> {
    LOCAL.with(|local| local.random.replace(prng))
}

/// 64 random bits of this thread. A thread that nobody seeded draws a seed of its own from a counter: fair enough for
/// `select!` on a foreign executor.
#[inline]
pub fn random_u64() -> u64 {
    with_random(Prng::next_u64)
}

/// A random number in `0..n` of this thread.
///
/// # Panics
/// If `n` is 0.
#[inline]
pub fn random_below(n: u32) -> u32 {
    with_random(|prng| prng.below(n))
}

#[inline]
fn with_random<R>(draw: impl FnOnce(&mut Prng) -> R) -> R {
    static UNSEEDED: AtomicU64 = AtomicU64::new(0);
    LOCAL.with(|local| {
        // Relaxed: as in `next_task_id`.
        let mut prng = local.random.take().unwrap_or_else(|| Prng::seeded(UNSEEDED.fetch_add(1, Relaxed)));
        let drawn = draw(&mut prng);
        local.random.set(Some(prng));
        drawn
    })
}

/// Says which scheduler this thread keeps alive while it runs its tasks (an opaque address, null for none), and this
/// thread's place among that scheduler's threads (0 for a thread that is no worker); returns what was said before.
pub fn set_home(home: *const (), place: usize) -> (*const (), usize) {
    LOCAL.with(|local| (local.home.replace(home), local.place.replace(place)))
}

/// This thread's place among the threads of its scheduler: workers count from 1, 0 is any other thread. A hint that
/// spreads load; correctness never depends on it.
#[inline]
pub fn place() -> usize {
    LOCAL.with(|local| local.place.get())
}

/// A number that differs between most threads: to spread what threads share over several cache lines.
#[inline]
pub fn spread() -> usize {
    // The address of a thread-local, whose low bits are the same in all threads: hashed, its high bits are as good as any.
    LOCAL.with(|local| std::ptr::from_ref(local).addr().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48)
}

/// The scheduler that this thread keeps alive.
#[inline]
pub fn home() -> *const () {
    LOCAL.with(|local| local.home.get())
}

pub(crate) fn replace_place_inside(place: Place) -> Place {
    LOCAL.with(|local| local.place_inside.replace(place))
}

pub(crate) fn place_inside() -> Place {
    LOCAL.with(|local| local.place_inside.get())
}

pub(crate) fn replace_alarms(alarms: Option<NonNull<dyn Alarms>>) -> Option<NonNull<dyn Alarms>> {
    LOCAL.with(|local| local.alarms.replace(alarms))
}

pub(crate) fn alarms() -> Option<NonNull<dyn Alarms>> {
    LOCAL.with(|local| local.alarms.get())
}

/// A future that polls another one under an unlimited budget.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Unlimited<F>(F);

/// Exempts `future` from the budget: its operations never make the task yield.
pub const fn unlimited<F>(future: F) -> Unlimited<F> {
    Unlimited(future)
}

impl<F: Future> Future for Unlimited<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the field is pinned when we are; it is never moved out.
        let future = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        with_unlimited_budget(|| future.poll(cx))
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::Waker;

    fn task(poll: u32) -> TaskRef {
        TaskRef { id: next_task_id(), poll, root: false }
    }

    fn keys() -> Vec<usize> {
        waits().map(|wait| wait.key).collect()
    }

    #[test]
    fn a_spent_budget_pends_until_the_next_poll() {
        let mut cx = Context::from_waker(Waker::noop());
        let outer = begin_poll(task(1));
        for _ in 0..BUDGET {
            let Poll::Ready(charge) = poll_budget(&mut cx) else { panic!("spent too early") };
            charge.made_progress();
        }
        assert!(poll_budget(&mut cx).is_pending());
        assert!(!has_budget());
        assert!(with_unlimited_budget(|| poll_budget(&mut cx).is_ready()));
        assert!(poll_budget(&mut cx).is_pending());
        let _ = end_poll(outer);
        assert!(has_budget());
    }

    #[test]
    fn an_operation_that_made_no_progress_costs_nothing() {
        let mut cx = Context::from_waker(Waker::noop());
        let outer = begin_poll(task(1));
        for _ in 0..10 * u32::from(BUDGET) {
            assert!(poll_budget(&mut cx).is_ready());
        }
        let _ = end_poll(outer);
    }

    #[test]
    fn nested_polls_restore_the_outer_task() {
        let (a, b) = (task(3), task(9));
        let outer = begin_poll(a);
        let inner = begin_poll(b);
        assert_eq!(current_task(), Some(b));
        let _ = end_poll(inner);
        assert_eq!(current_task(), Some(a));
        let _ = end_poll(outer);
        assert_eq!(current_task(), None);
    }

    #[test]
    fn what_is_woken_after_the_poll_is_not_woken_before() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.store(true, Relaxed);
            }
        }
        let flags = [(); 2].map(|()| std::sync::Arc::new(Flag(false.into())));
        let outer = begin_poll(task(1));
        for flag in &flags {
            wake_after_poll(flag.clone().into());
        }
        assert!(flags.iter().all(|flag| !flag.0.load(Relaxed)));
        let _ = end_poll(outer);
        assert!(flags.iter().all(|flag| flag.0.load(Relaxed)));
    }

    #[test]
    fn a_poll_inside_ends_also_when_it_panics() {
        let (a, b) = (task(3), task(4));
        let outer = begin_poll(a);
        let panicked =
            std::panic::catch_unwind(|| in_poll_of(b, || assert_eq!(current_task(), Some(a), "inside is b")));
        assert!(panicked.is_err());
        assert_eq!(current_task(), Some(a));
        let _ = end_poll(outer);
    }

    #[test]
    fn a_leaf_that_is_dropped_in_its_poll_is_not_waited_for() {
        let here = Location::caller();
        let outer = begin_poll(task(1));
        wait_for(WaitKind::Timer, 1, here);
        wait_for(WaitKind::Mutex, 2, here);
        wait_for(WaitKind::Timer, 3, here);
        forget_wait(WaitKind::Timer, 2);
        forget_wait(WaitKind::Timer, 1);
        assert_eq!(keys(), [2, 3]);
        let waits = end_poll(outer);
        assert_eq!((waits.len, waits.first.unwrap().key), (2, 2));
        assert!(keys().is_empty());
    }

    #[test]
    fn a_nested_poll_leaves_the_waits_of_the_outer_one_alone() {
        let outer = begin_poll(task(1));
        wait_for(WaitKind::Timer, 1, Location::caller());
        let inner = begin_poll(task(2));
        forget_wait(WaitKind::Timer, 1);
        wait_for(WaitKind::Mutex, 2, Location::caller());
        assert_eq!(keys(), [2]);
        assert_eq!(end_poll(inner).first.unwrap().key, 2);
        assert_eq!(keys(), [1]);
        let waits = end_poll(outer);
        assert_eq!((waits.len, waits.first.unwrap().key), (1, 1));
    }

    #[test]
    fn wakers_for_the_end_of_a_poll_are_all_woken_and_their_panics_end_there() {
        struct Panics(AtomicU64);
        impl std::task::Wake for Panics {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Relaxed);
                panic!("a waker that panics");
            }
        }
        let panics = Arc::new(Panics(AtomicU64::new(0)));
        let outer = begin_poll(task(1));
        (0..2).for_each(|_| wake_after_poll(panics.clone().into()));
        assert_eq!(panics.0.load(Relaxed), 0);
        let _ = end_poll(outer);
        assert_eq!(panics.0.load(Relaxed), 2);
        assert!(current_task().is_none());
    }

    #[test]
    fn a_wide_join_keeps_the_first_waits_and_the_count() {
        let outer = begin_poll(task(1));
        for key in 0..WAITS + 3 {
            wait_for(WaitKind::Io, key, Location::caller());
        }
        assert_eq!(keys(), (0..WAITS).collect::<Vec<_>>());
        assert_eq!(usize::from(end_poll(outer).len), WAITS + 3);
    }

    #[test]
    fn every_kind_of_wait_has_its_number() {
        assert_eq!(WaitKind::from_number(0), None);
        for (number, kind) in (1..).zip(WaitKind::ALL) {
            assert_eq!(kind as u8, number);
            assert_eq!(WaitKind::from_number(number), Some(kind));
        }
        assert_eq!(WaitKind::from_number(17), None);
    }

    #[test]
    fn task_ids_differ_between_threads() {
        let draw = || (0..3000).map(|_| next_task_id()).collect::<Vec<_>>();
        let other = std::thread::spawn(draw);
        let mut ids = draw();
        ids.extend(other.join().unwrap());
        let total = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), total);
    }

    #[test]
    fn a_seeded_thread_repeats_itself() {
        let draw = || (0..10).map(|_| random_below(1000)).collect::<Vec<_>>();
        seed_random(Some(Prng::seeded(5)));
        let first = draw();
        seed_random(Some(Prng::seeded(5)));
        assert_eq!(first, draw());
    }
}
