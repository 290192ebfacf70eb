//! Loom: the state word, whole tasks and their joins, wakers and aborts, the scheduler's end, the record of waits.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize as StdAtomicUsize;
use std::task::{Context, Poll, Wake, Waker};

use unstuck_base::local::{self, Wait, WaitKind, Waits};
use unstuck_base::sync::atomic::{AtomicBool, Ordering};
use unstuck_base::sync::{Arc, Mutex, UnsafeCell, thread};

use crate::header::Header;
use crate::probe::{Probe, Record};
use crate::state::{OnPend, OnRun, OnWake, State};
use crate::{
    AbortHandle, HomeRef, Id, JoinHandle, Origin, Runnable, Schedule, TaskList, leave_bell, take_output, unlisted,
};

// What the models are made of: an allocator that sees tasks that are never freed, futures that count, a scheduler.

/// Counts the allocations of [`Scripted`] futures that live, which it knows by their alignment.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// All threads of a model are one thread of the process.
    static TASKS: Cell<isize> = const { Cell::new(0) };
}

const MARK: usize = 512;

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() == MARK {
            TASKS.set(TASKS.get() + 1);
        }
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if layout.align() == MARK {
            TASKS.set(TASKS.get() - 1);
        }
        // SAFETY: the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Runs a model in all its interleavings, and looks whether each of its runs has freed each task.
fn model(body: impl Fn() + Send + Sync + 'static) {
    model_with(None, body);
}

/// As [`model`], with at most so many preemptions in a run.
fn model_with(preemptions: Option<usize>, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        body();
        assert_eq!(TASKS.get(), 0, "every task is freed");
    });
}

/// Counts what is dropped. Not modelled: the count is no part of what is checked.
#[derive(Clone, Default)]
struct Drops(std::sync::Arc<StdAtomicUsize>);

struct Token(Drops);

impl Drops {
    fn token(&self) -> Token {
        Token(self.clone())
    }
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A future made of a closure, whose allocation is counted.
#[repr(align(512))]
struct Scripted<P> {
    poll: P,
    _token: Token,
}

impl<T, P: FnMut(&mut Context<'_>) -> Poll<T> + Unpin> Future for Scripted<P> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.poll)(cx)
    }
}

/// A waker that counts.
#[derive(Default)]
struct Count(StdAtomicUsize);

impl Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll_with<T>(join: &mut JoinHandle<T>, count: &std::sync::Arc<Count>) -> Poll<Result<T, crate::JoinError>> {
    Pin::new(join).poll(&mut Context::from_waker(&count.clone().into()))
}

struct Fifo {
    home: HomeRef,
    tasks: TaskList,
    ready: Mutex<VecDeque<Runnable>>,
    /// Read whenever somebody calls in, written when the scheduler goes: loom reports a call that may come later.
    gone: UnsafeCell<bool>,
}

// SAFETY: the cell is what loom checks; the rest is Send and Sync.
unsafe impl Send for Fifo {}
// SAFETY: as above.
unsafe impl Sync for Fifo {}

impl Schedule for Fifo {
    fn schedule(&self, task: Runnable) {
        self.ready.lock().push_back(task);
        // As if it woke a thread: the task may be run and freed by now.
        // SAFETY: if somebody writes, loom reports it.
        self.gone.with(|gone| assert!(!unsafe { *gone }));
    }
    fn reschedule(&self, task: Runnable) {
        self.schedule(task);
    }
    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.tasks)
    }
}

impl Fifo {
    fn new() -> Arc<Self> {
        let fifo = Arc::new(Fifo {
            home: HomeRef::new(),
            tasks: TaskList::new(0),
            ready: Mutex::new(VecDeque::new()),
            gone: UnsafeCell::new(false),
        });
        // SAFETY: each model keeps the scheduler, or shuts it down.
        unsafe { fifo.home.bind(&*fifo) };
        fifo
    }

    fn list<T: Send + 'static>(
        &self,
        drops: &Drops,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T> + Unpin + Send + 'static,
    ) -> (JoinHandle<T>, Option<Runnable>) {
        let future = Scripted { poll, _token: drops.token() };
        self.tasks.spawn(future, &self.home, Origin::new(Id::from_number(local::next_task_id()), Location::caller()))
    }

    fn spawn<T: Send + 'static>(
        &self,
        drops: &Drops,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T> + Unpin + Send + 'static,
    ) -> JoinHandle<T> {
        let (join, runnable) = self.list(drops, poll);
        self.ready.lock().extend(runnable);
        join
    }

    /// A task that has no list: fewer locks to model.
    fn unlisted<T: Send + Unpin + 'static>(&self, drops: &Drops, output: T) -> (Runnable, JoinHandle<T>) {
        let mut output = Some(output);
        let future =
            Scripted { poll: move |_: &mut Context<'_>| Poll::Ready(output.take().unwrap()), _token: drops.token() };
        unlisted(future, &self.home, Origin::new(Id::from_number(local::next_task_id()), Location::caller()))
    }

    fn run_all(&self) {
        loop {
            let Some(next) = self.ready.lock().pop_front() else { return };
            next.run();
        }
    }

    /// As the rules of `schedule.rs` tell a scheduler to go.
    fn shut_down(&self) {
        self.tasks.close();
        self.home.wait_for_wakers();
        let queued = std::mem::take(&mut *self.ready.lock());
        drop(queued);
        // SAFETY: if somebody reads, loom reports it.
        self.gone.with_mut(|gone| unsafe { *gone = true });
    }
}

/// A task that has been polled once, and waits until `open` is true; and its waker.
fn waiting(fifo: &Arc<Fifo>, drops: &Drops, open: &Arc<AtomicBool>) -> (JoinHandle<()>, Waker) {
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (keep, open) = (kept.clone(), open.clone());
    let join = fifo.spawn(drops, move |cx| {
        // Relaxed: the state word must carry the order from the wake to this poll.
        if open.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        keep.lock().unwrap().get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    });
    fifo.run_all();
    let waker = kept.lock().unwrap().as_ref().map(Waker::clone).unwrap();
    *kept.lock().unwrap() = Some(Waker::noop().clone());
    (join, waker)
}

// The state word alone.

#[test]
fn loom_state_a_wake_during_a_poll_is_never_lost() {
    model(|| {
        let shared = Arc::new((State::spawned(true), AtomicBool::new(false)));
        let waking = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(true, Ordering::Relaxed);
                shared.0.wake_by_ref()
            }
        });
        let (state, news) = &*shared;
        assert_eq!(state.run(), OnRun::Poll);
        let seen = news.load(Ordering::Relaxed);
        let ended = state.pend();
        let woken = waking.join().unwrap();
        match ended {
            OnPend::Resubmit => assert_eq!(woken, OnWake::Nothing),
            OnPend::Waits if woken == OnWake::Nothing => {
                return assert!(seen, "woken before the poll, which saw the news");
            }
            _ => assert_eq!((ended, woken), (OnPend::Waits, OnWake::Submit)),
        }
        assert_eq!(state.run(), OnRun::Poll);
        assert!(news.load(Ordering::Relaxed), "the poll that a wake causes sees what was written before the wake");
    });
}

#[test]
fn loom_state_of_two_wakes_one_submits_and_both_are_seen() {
    model(|| {
        let shared = Arc::new((State::spawned(true), [AtomicBool::new(false), AtomicBool::new(false)]));
        assert_eq!(shared.0.run(), OnRun::Poll);
        assert_eq!(shared.0.pend(), OnPend::Waits);
        let waking = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1[0].store(true, Ordering::Relaxed);
                shared.0.wake_by_ref()
            }
        });
        shared.1[1].store(true, Ordering::Relaxed);
        let outcomes = [shared.0.wake_by_ref(), waking.join().unwrap()];
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == OnWake::Submit).count(), 1);
        assert_eq!(shared.0.run(), OnRun::Poll);
        assert!(shared.1.iter().all(|news| news.load(Ordering::Relaxed)));
    });
}

#[test]
fn loom_state_the_second_wake_is_seen_by_the_poll_that_the_first_one_caused() {
    model(|| {
        let shared = Arc::new((State::spawned(true), AtomicBool::new(false)));
        let running = thread::spawn({
            let shared = shared.clone();
            move || {
                assert_eq!(shared.0.run(), OnRun::Poll);
                let seen = shared.1.load(Ordering::Relaxed);
                (seen, shared.0.pend())
            }
        });
        shared.1.store(true, Ordering::Relaxed);
        // SCHEDULED already, or RUNNING, or IDLE: whoever polls next must see the news.
        let woken = shared.0.wake_by_ref();
        let (seen, ended) = running.join().unwrap();
        assert!(seen || ended == OnPend::Resubmit || woken == OnWake::Submit, "the wake is lost");
    });
}

#[test]
fn loom_state_the_last_reference_is_given_back_once_and_sees_all_accesses() {
    model(|| {
        struct Shared {
            state: State,
            parts: [UnsafeCell<bool>; 2],
        }
        // SAFETY: each part is one thread's until its reference is given back; loom checks that.
        unsafe impl Send for Shared {}
        // SAFETY: as above.
        unsafe impl Sync for Shared {}
        let shared =
            Arc::new(Shared { state: State::spawned(false), parts: [UnsafeCell::new(false), UnsafeCell::new(false)] });
        let give_back = |shared: &Shared, part: usize| {
            // SAFETY: see above.
            shared.parts[part].with_mut(|part| unsafe { *part = true });
            let last = shared.state.drop_refs(1);
            if last {
                for part in &shared.parts {
                    // SAFETY: ours was the last reference, so both parts are ours.
                    part.with_mut(|part| assert!(unsafe { *part }));
                }
            }
            last
        };
        let other = thread::spawn({
            let shared = shared.clone();
            move || give_back(&shared, 0)
        });
        let last = give_back(&shared, 1);
        assert_ne!(last, other.join().unwrap());
    });
}

// Whole tasks.

#[test]
fn loom_task_woken_from_another_thread_while_it_is_polled_ends() {
    model(|| {
        let (fifo, drops, open) = (Fifo::new(), Drops::default(), Arc::new(AtomicBool::new(false)));
        let (join, waker) = waiting(&fifo, &drops, &open);
        waker.wake_by_ref();
        let waking = thread::spawn(move || {
            open.store(true, Ordering::Relaxed);
            waker.wake();
        });
        fifo.run_all();
        waking.join().unwrap();
        fifo.run_all();
        assert!(join.is_finished());
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn loom_join_the_first_waker_is_woken_or_the_output_is_there() {
    model(|| {
        let (fifo, drops, outputs) = (Fifo::new(), Drops::default(), Drops::default());
        let (runnable, mut join) = fifo.unlisted(&drops, outputs.token());
        let running = thread::spawn(move || runnable.run());
        let count = std::sync::Arc::new(Count::default());
        let first = poll_with(&mut join, &count);
        running.join().unwrap();
        if first.is_pending() {
            assert_eq!(count.0.load(Ordering::Relaxed), 1, "the wake-up is lost");
            assert!(poll_with(&mut join, &count).is_ready());
        }
        drop((first, join));
        assert_eq!((drops.count(), outputs.count()), (1, 1));
        assert_eq!(std::sync::Arc::strong_count(&count), 1);
    });
}

#[test]
fn loom_join_a_replaced_waker_is_woken_or_the_output_is_there() {
    model(|| {
        let (fifo, drops, outputs) = (Fifo::new(), Drops::default(), Drops::default());
        let (runnable, mut join) = fifo.unlisted(&drops, outputs.token());
        let counts = [(); 2].map(|()| std::sync::Arc::new(Count::default()));
        assert!(poll_with(&mut join, &counts[0]).is_pending());
        let running = thread::spawn(move || runnable.run());
        let second = poll_with(&mut join, &counts[1]);
        running.join().unwrap();
        if second.is_pending() {
            assert_eq!(counts[1].0.load(Ordering::Relaxed), 1, "the wake-up is lost");
            assert!(poll_with(&mut join, &counts[1]).is_ready());
        }
        drop((second, join));
        assert_eq!((drops.count(), outputs.count()), (1, 1));
        assert!(counts.iter().all(|count| std::sync::Arc::strong_count(count) == 1));
    });
}

#[test]
fn loom_join_dropped_while_the_task_ends_the_output_is_dropped_once() {
    for waited in [false, true] {
        model(move || {
            let (fifo, drops, outputs) = (Fifo::new(), Drops::default(), Drops::default());
            let (runnable, mut join) = fifo.unlisted(&drops, outputs.token());
            let count = std::sync::Arc::new(Count::default());
            if waited {
                assert!(poll_with(&mut join, &count).is_pending());
            }
            // Keeps the memory, and so what may be left in it.
            let abort = join.abort_handle();
            let running = thread::spawn(move || runnable.run());
            drop(join);
            running.join().unwrap();
            assert_eq!((drops.count(), outputs.count()), (1, 1));
            assert_eq!(std::sync::Arc::strong_count(&count), 1, "the slot is emptied by one of the two");
            drop(abort);
        });
    }
}

#[test]
fn loom_join_polled_and_dropped_while_the_task_ends_the_slot_is_emptied_once() {
    model(|| {
        let (fifo, drops, outputs) = (Fifo::new(), Drops::default(), Drops::default());
        let (runnable, mut join) = fifo.unlisted(&drops, outputs.token());
        let count = std::sync::Arc::new(Count::default());
        let abort = join.abort_handle();
        let running = thread::spawn(move || runnable.run());
        let polled = poll_with(&mut join, &count);
        drop((join, polled));
        running.join().unwrap();
        assert_eq!((drops.count(), outputs.count()), (1, 1));
        assert_eq!(std::sync::Arc::strong_count(&count), 1);
        drop(abort);
    });
}

/// A place where a bell finds its handle, and leaves the output.
#[derive(Default)]
struct Place {
    running: Option<JoinHandle<Token>>,
    over: Option<Result<Token, crate::JoinError>>,
}

struct Bell(Arc<Mutex<Place>>);

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        let mut place = self.0.lock();
        place.over = place.running.take().map(take_output);
    }
}

#[test]
fn loom_join_its_bell_takes_the_output_or_nobody_rings() {
    for lets_go in [false, true] {
        model(move || {
            let (fifo, drops, outputs) = (Fifo::new(), Drops::default(), Drops::default());
            let (runnable, join) = fifo.unlisted(&drops, outputs.token());
            let running = thread::spawn(move || runnable.run());
            let place = Arc::new(Mutex::new(Place::default()));
            {
                let mut there = place.lock();
                if leave_bell(&join, Waker::from(std::sync::Arc::new(Bell(place.clone())))) {
                    there.running = Some(join);
                } else {
                    there.over = Some(take_output(join));
                }
            }
            if lets_go {
                drop(std::mem::take(&mut *place.lock()));
            }
            running.join().unwrap();
            let left = std::mem::take(&mut *place.lock());
            assert!(left.running.is_none() && left.over.is_some() != lets_go);
            drop(left);
            assert_eq!((drops.count(), outputs.count()), (1, 1));
            assert_eq!(Arc::strong_count(&place), 1, "the slot is emptied");
        });
    }
}

#[test]
fn loom_join_finished_means_that_the_output_is_visible() {
    model(|| {
        let (fifo, drops) = (Fifo::new(), Drops::default());
        let (runnable, mut join) = fifo.unlisted(&drops, 5);
        let abort = join.abort_handle();
        let running = thread::spawn(move || runnable.run());
        if abort.is_finished() {
            assert_eq!(drops.count(), 1, "the future is dropped before");
            assert!(matches!(poll_with(&mut join, &Default::default()), Poll::Ready(Ok(5))));
        }
        drop((join, abort));
        running.join().unwrap();
    });
}

#[test]
fn loom_abort_against_run_cancels_or_comes_too_late() {
    model(|| {
        let (fifo, drops, outputs) = (Fifo::new(), Drops::default(), Drops::default());
        let (runnable, mut join) = fifo.unlisted(&drops, outputs.token());
        let abort = join.abort_handle();
        let aborting = thread::spawn(move || abort.abort());
        runnable.run();
        let Poll::Ready(result) = poll_with(&mut join, &Default::default()) else { panic!("it ran") };
        assert_eq!(drops.count(), 1);
        assert!(result.as_ref().err().is_none_or(crate::JoinError::is_cancelled));
        drop((result, join));
        assert_eq!(outputs.count(), 1);
        aborting.join().unwrap();
    });
}

#[test]
fn loom_abort_of_a_task_that_is_about_to_wait_ends_it() {
    model(|| {
        let (fifo, drops, open) = (Fifo::new(), Drops::default(), Arc::new(AtomicBool::new(false)));
        let (join, waker) = waiting(&fifo, &drops, &open);
        waker.wake();
        let aborting = thread::spawn({
            let abort: AbortHandle = join.abort_handle();
            move || abort.abort()
        });
        fifo.run_all();
        aborting.join().unwrap();
        fifo.run_all();
        assert!(join.is_finished());
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn loom_waker_woken_by_value_while_the_task_ends_frees_it_once() {
    model(|| {
        let (fifo, drops, open) = (Fifo::new(), Drops::default(), Arc::new(AtomicBool::new(true)));
        open.store(false, Ordering::Relaxed);
        let (join, waker) = waiting(&fifo, &drops, &open);
        drop(join);
        open.store(true, Ordering::Relaxed);
        waker.wake_by_ref();
        let waking = thread::spawn(move || waker.wake());
        fifo.run_all();
        waking.join().unwrap();
        assert_eq!((drops.count(), fifo.tasks.len()), (1, 0));
    });
}

#[test]
fn loom_header_is_looked_at_while_the_task_runs_and_ends() {
    model(|| {
        let (fifo, drops) = (Fifo::new(), Drops::default());
        let (runnable, join) = fifo.unlisted(&drops, ());
        let raw = runnable.into_raw();
        // SAFETY: made a runnable again, once.
        let runnable = unsafe { Runnable::from_raw(raw) };
        // SAFETY: the join handle keeps the header alive.
        let look = || unsafe { Probe::of(raw.cast::<Header>()) };
        let running = thread::spawn(move || runnable.run());
        let probe = look();
        assert!(probe.polls <= 1 && !(probe.running && probe.scheduled));
        running.join().unwrap();
        let probe = look();
        assert_eq!((probe.polls, probe.running, probe.scheduled), (1, false, false));
        drop(join);
    });
}

// The scheduler's end.

#[test]
fn loom_shutdown_against_a_foreign_wake_has_the_runnable_or_there_is_none() {
    model(|| {
        let (fifo, drops, open) = (Fifo::new(), Drops::default(), Arc::new(AtomicBool::new(false)));
        let (join, waker) = waiting(&fifo, &drops, &open);
        let waking = thread::spawn(move || waker.wake());
        fifo.shut_down();
        assert_eq!(drops.count(), 1);
        assert!(join.is_finished());
        waking.join().unwrap();
        assert!(fifo.ready.lock().is_empty(), "pushed after the end");
    });
}

#[test]
fn loom_shutdown_against_a_foreign_abort_has_the_runnable_or_there_is_none() {
    model(|| {
        let (fifo, drops, open) = (Fifo::new(), Drops::default(), Arc::new(AtomicBool::new(false)));
        let (join, waker) = waiting(&fifo, &drops, &open);
        drop(waker);
        let aborting = thread::spawn(move || join.abort());
        fifo.shut_down();
        assert_eq!(drops.count(), 1);
        aborting.join().unwrap();
        assert!(fifo.ready.lock().is_empty(), "pushed after the end");
    });
}

#[test]
fn loom_shutdown_waits_for_a_waker_whose_task_was_run_and_freed_meanwhile() {
    model(|| {
        let (fifo, drops, open) = (Fifo::new(), Drops::default(), Arc::new(AtomicBool::new(false)));
        let (join, waker) = waiting(&fifo, &drops, &open);
        drop(join);
        let waking = thread::spawn(move || {
            open.store(true, Ordering::Relaxed);
            waker.wake();
        });
        fifo.run_all();
        fifo.shut_down();
        assert_eq!(drops.count(), 1);
        waking.join().unwrap();
    });
}

#[test]
fn loom_shutdown_against_two_foreign_wakers() {
    // Three threads in all interleavings would take minutes.
    model_with(Some(2), || {
        let (fifo, drops, open) = (Fifo::new(), Drops::default(), Arc::new(AtomicBool::new(false)));
        let (join, waker) = waiting(&fifo, &drops, &open);
        drop(join);
        let threads = [waker.clone(), waker].map(|waker| thread::spawn(move || waker.wake()));
        fifo.shut_down();
        assert_eq!(drops.count(), 1);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(fifo.ready.lock().is_empty(), "pushed after the end");
    });
}

#[test]
fn loom_list_a_spawn_against_the_close_is_cancelled_there_or_by_its_runnable() {
    model(|| {
        let (fifo, drops) = (Fifo::new(), Drops::default());
        let spawning = thread::spawn({
            let (fifo, drops) = (fifo.clone(), drops.clone());
            move || fifo.list(&drops, |_| -> Poll<()> { panic!("polled after the close") })
        });
        fifo.tasks.close();
        let (mut join, runnable) = spawning.join().unwrap();
        assert_eq!((runnable.is_none(), join.is_finished()), (drops.count() == 1, drops.count() == 1));
        if let Some(runnable) = runnable {
            runnable.run();
        }
        assert_eq!((drops.count(), fifo.tasks.len()), (1, 0));
        let Poll::Ready(result) = poll_with(&mut join, &Default::default()) else { panic!("it is over") };
        assert!(result.unwrap_err().is_cancelled());
    });
}

#[test]
fn loom_list_a_task_that_ends_against_the_close_leaves_once() {
    model(|| {
        let (fifo, drops) = (Fifo::new(), Drops::default());
        let join = fifo.spawn(&drops, |_| Poll::Ready(()));
        let running = thread::spawn({
            let fifo = fifo.clone();
            move || fifo.run_all()
        });
        fifo.tasks.close();
        running.join().unwrap();
        assert!(join.is_finished());
        assert_eq!((drops.count(), fifo.tasks.len()), (1, 0));
    });
}

#[test]
fn loom_list_a_task_that_is_about_to_wait_against_the_close_is_dropped_once() {
    model(|| {
        let (fifo, drops) = (Fifo::new(), Drops::default());
        let join = fifo.spawn(&drops, |_| Poll::<()>::Pending);
        let running = thread::spawn({
            let fifo = fifo.clone();
            move || fifo.run_all()
        });
        fifo.tasks.close();
        running.join().unwrap();
        fifo.run_all();
        assert!(join.is_finished());
        assert_eq!((drops.count(), fifo.tasks.len()), (1, 0));
    });
}

// The record.

#[test]
fn loom_probe_a_record_is_read_whole_or_not_at_all() {
    model(|| {
        let record = Arc::new(Record::new());
        let at = [Location::caller(), std::panic::Location::caller()];
        let waits =
            move |kind, key: usize| Waits { len: 1, first: Some(Wait { kind, key, at: at[key] }), spent: false };
        record.end_poll(waits(WaitKind::Timer, 0));
        let writing = thread::spawn({
            let record = record.clone();
            move || record.end_poll(waits(WaitKind::Mutex, 1))
        });
        if let Some(waiting) = record.read() {
            let wait = waiting.first.unwrap();
            assert_eq!((waiting.count, wait.kind == WaitKind::Mutex, wait.at), (1, wait.key == 1, at[wait.key]));
        }
        writing.join().unwrap();
        assert_eq!(record.read().unwrap().first.unwrap().key, 1);
        record.end_poll(Waits::default());
        assert!(record.read().unwrap().first.is_none());
    });
}
