//! Random sequences of everything that can happen to tasks, on one thread, against a small model: each poll has its
//! reason, each wake has its poll, each future and each output is dropped exactly once, all memory is given back.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;
use unstuck_base::local::{self, WaitKind};
use unstuck_task::{AbortHandle, JoinHandle};

use crate::counting::{alone, counts};
use crate::fifo::Fifo;

#[derive(Clone, Debug)]
enum Event {
    Spawn(Script),
    Run(usize),
    RunAll,
    Wake(usize),
    WakeByRef(usize),
    CloneWaker(usize),
    DropWaker(usize),
    Abort(usize),
    AbortByHandle(usize),
    TakeAbortHandle(usize),
    DropAbortHandle(usize),
    PollJoin { at: usize, same_waker: bool },
    DropJoin(usize),
    ComeHome,
    LeaveHome,
    Look,
    Close,
}

/// What a task does: `waits` polls that leave a waker, then its end.
#[derive(Clone, Debug)]
struct Script {
    waits: usize,
    wakes_itself: bool,
    drop_panics: bool,
    end: End,
}

#[derive(Clone, Debug)]
enum End {
    Output,
    OutputThatPanicsWhenDropped,
    Panic,
    Spawn,
    AbortAndWait(usize),
    Join(usize),
    DropJoin(usize),
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    let at = || 0..6_usize;
    let end = prop_oneof![
        4 => Just(End::Output),
        1 => Just(End::OutputThatPanicsWhenDropped),
        1 => Just(End::Panic),
        1 => Just(End::Spawn),
        1 => at().prop_map(End::AbortAndWait),
        3 => at().prop_map(End::Join),
        1 => at().prop_map(End::DropJoin),
        1 => Just(End::Close),
    ];
    let script = (0..3_usize, any::<bool>(), prop::bool::weighted(0.1), end)
        .prop_map(|(waits, wakes_itself, drop_panics, end)| Script { waits, wakes_itself, drop_panics, end });
    prop_oneof![
        6 => script.prop_map(Event::Spawn),
        5 => (1..4_usize).prop_map(Event::Run),
        1 => Just(Event::RunAll),
        3 => at().prop_map(Event::Wake),
        3 => at().prop_map(Event::WakeByRef),
        2 => at().prop_map(Event::CloneWaker),
        2 => at().prop_map(Event::DropWaker),
        1 => at().prop_map(Event::Abort),
        1 => at().prop_map(Event::AbortByHandle),
        1 => at().prop_map(Event::TakeAbortHandle),
        1 => at().prop_map(Event::DropAbortHandle),
        4 => (at(), any::<bool>()).prop_map(|(at, same_waker)| Event::PollJoin { at, same_waker }),
        2 => at().prop_map(Event::DropJoin),
        1 => Just(Event::ComeHome),
        1 => Just(Event::LeaveHome),
        1 => Just(Event::Look),
        1 => prop::bool::weighted(0.3).prop_map(|close| if close { Event::Close } else { Event::Look }),
    ]
}

/// What all tasks of one sequence share.
#[derive(Default)]
struct World {
    fifo: Mutex<Option<Arc<Fifo>>>,
    wakers: Mutex<Vec<(Waker, Arc<Fate>)>>,
    joins: Mutex<Vec<Joining>>,
    aborts: Mutex<Vec<AbortHandle>>,
    fates: Mutex<Vec<Arc<Fate>>>,
    outputs_made: AtomicUsize,
    outputs_dropped: AtomicUsize,
    /// What went wrong where a panic would be swallowed: inside a task.
    wrong: Mutex<Vec<&'static str>>,
}

/// What the model knows of one task.
#[derive(Default)]
struct Fate {
    /// Woken (or spawned) since its last poll began.
    woken: AtomicBool,
    aborted: AtomicBool,
    polling: AtomicBool,
    dropped: AtomicUsize,
    /// The task that it awaits in the end. From then on its polls have reasons that the model does not know.
    joins: Mutex<Option<Arc<Fate>>>,
}

impl Fate {
    fn is_gone(&self) -> bool {
        self.dropped.load(Ordering::Relaxed) > 0
    }
}

/// A join handle and the wakers that were left in it.
struct Joining {
    handle: JoinHandle<Output>,
    fate: Arc<Fate>,
    left: Option<Arc<Count>>,
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Output {
    world: Arc<World>,
    panics: bool,
}

impl Drop for Output {
    fn drop(&mut self) {
        self.world.outputs_dropped.fetch_add(1, Ordering::Relaxed);
        if self.panics {
            std::panic::resume_unwind(Box::new("an output"));
        }
    }
}

struct Scripted {
    world: Arc<World>,
    fate: Arc<Fate>,
    script: Script,
    /// The handle that it awaits in the end.
    joining: Option<Joining>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.world.check(!self.fate.polling.load(Ordering::Relaxed), "dropped while it is polled");
        self.fate.dropped.fetch_add(1, Ordering::Relaxed);
        if self.script.drop_panics {
            std::panic::resume_unwind(Box::new("a future"));
        }
    }
}

impl Future for Scripted {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let fate = self.fate.clone();
        let woken = fate.woken.swap(false, Ordering::Relaxed);
        self.world.check(woken || fate.joins.lock().unwrap().is_some(), "a poll without a reason");
        self.world.check(!fate.is_gone(), "polled after it was dropped");
        fate.polling.store(true, Ordering::Relaxed);
        let polled = self.step(cx);
        fate.polling.store(false, Ordering::Relaxed);
        match polled {
            Some(poll) => poll,
            None => std::panic::resume_unwind(Box::new("a poll")),
        }
    }
}

impl Scripted {
    /// One poll; `None` is to panic.
    fn step(&mut self, cx: &mut Context<'_>) -> Option<Poll<Output>> {
        let world = self.world.clone();
        if self.script.waits > 0 {
            self.script.waits -= 1;
            return Some(self.wait(cx));
        }
        let mut panics = false;
        match self.script.end.clone() {
            End::Output => {}
            End::OutputThatPanicsWhenDropped => panics = true,
            End::Panic => return None,
            End::Spawn => world.spawn(Script { waits: 1, wakes_itself: true, drop_panics: false, end: End::Output }),
            End::AbortAndWait(at) => {
                world.abort(at);
                self.script.end = End::Output;
                return Some(self.wait(cx));
            }
            End::DropJoin(at) => drop(take(&world.joins, at)),
            End::Join(at) => {
                if self.joining.is_none() {
                    self.joining = take(&world.joins, at);
                }
                if let Some(joining) = &mut self.joining {
                    match Pin::new(&mut joining.handle).poll(cx) {
                        Poll::Ready(output) => drop_quietly(output),
                        Poll::Pending => {
                            *self.fate.joins.lock().unwrap() = Some(joining.fate.clone());
                            return Some(Poll::Pending);
                        }
                    }
                }
            }
            End::Close => world.close(),
        }
        world.outputs_made.fetch_add(1, Ordering::Relaxed);
        Some(Poll::Ready(Output { world, panics }))
    }

    fn wait(&self, cx: &mut Context<'_>) -> Poll<Output> {
        self.world.wakers.lock().unwrap().push((cx.waker().clone(), self.fate.clone()));
        local::wait_for(WaitKind::Notify, 1, std::panic::Location::caller());
        if self.script.wakes_itself {
            self.fate.woken.store(true, Ordering::Relaxed);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Drops an output that may panic.
fn drop_quietly<T>(output: T) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(output)));
}

/// Takes one out of `things`; none, if there is none.
fn take<T>(things: &Mutex<Vec<T>>, at: usize) -> Option<T> {
    let mut things = things.lock().unwrap();
    let at = at.checked_rem(things.len())?;
    Some(things.swap_remove(at))
}

impl World {
    fn check(&self, holds: bool, otherwise: &'static str) {
        if !holds {
            self.wrong.lock().unwrap().push(otherwise);
        }
    }

    fn fifo(&self) -> Arc<Fifo> {
        self.fifo.lock().unwrap().clone().unwrap()
    }

    fn spawn(self: &Arc<Self>, script: Script) {
        let fate = Arc::new(Fate::default());
        fate.woken.store(true, Ordering::Relaxed);
        self.fates.lock().unwrap().push(fate.clone());
        let future = Scripted { world: self.clone(), fate: fate.clone(), script, joining: None };
        let handle = self.fifo().spawn(future);
        self.joins.lock().unwrap().push(Joining { handle, fate, left: None });
    }

    fn abort(&self, at: usize) {
        // In the middle of things, so the handle is taken out: aborting must not happen under the lock.
        let Some(joining) = take(&self.joins, at) else { return };
        joining.fate.aborted.store(true, Ordering::Relaxed);
        joining.handle.abort();
        self.joins.lock().unwrap().push(joining);
    }

    fn close(&self) {
        for fate in &*self.fates.lock().unwrap() {
            fate.aborted.store(true, Ordering::Relaxed);
        }
        self.fifo().tasks().close();
    }

    fn poll_join(&self, at: usize, same_waker: bool) {
        let Some(mut joining) = take(&self.joins, at) else { return };
        let finished = joining.handle.is_finished();
        if let Some(left) = &joining.left {
            assert_eq!(left.0.load(Ordering::Relaxed), usize::from(finished), "the last waker is woken at the end");
        }
        let count = match joining.left.take() {
            Some(left) if same_waker => left,
            _ => Arc::default(),
        };
        let polled = Pin::new(&mut joining.handle).poll(&mut Context::from_waker(&count.clone().into()));
        match polled {
            Poll::Pending => {
                assert!(!finished);
                joining.left = Some(count);
                self.joins.lock().unwrap().push(joining);
            }
            Poll::Ready(output) => {
                assert!(finished);
                assert_eq!(joining.fate.dropped.load(Ordering::Relaxed), 1, "the future goes first");
                drop_quietly(output);
            }
        }
    }

    fn wake(&self, at: usize, wake: impl FnOnce(Waker) -> Option<Waker>) {
        let Some((waker, fate)) = take(&self.wakers, at) else { return };
        fate.woken.store(true, Ordering::Relaxed);
        if let Some(waker) = wake(waker) {
            self.wakers.lock().unwrap().push((waker, fate));
        }
    }

    fn happen(self: &Arc<Self>, event: Event) {
        let fifo = self.fifo();
        match event {
            Event::Spawn(script) => self.spawn(script),
            Event::Run(times) => (0..times).for_each(|_| assert!(fifo.run_one() || fifo.queued() == 0)),
            Event::RunAll => {
                fifo.run_all();
                assert_eq!(fifo.queued(), 0);
            }
            Event::Wake(at) => self.wake(at, |waker| {
                waker.wake();
                None
            }),
            Event::WakeByRef(at) => self.wake(at, |waker| {
                waker.wake_by_ref();
                Some(waker)
            }),
            Event::CloneWaker(at) => {
                let Some((waker, fate)) = take(&self.wakers, at) else { return };
                let both = [(waker.clone(), fate.clone()), (waker, fate)];
                self.wakers.lock().unwrap().extend(both);
            }
            Event::DropWaker(at) => drop(take(&self.wakers, at)),
            Event::Abort(at) => self.abort(at),
            Event::AbortByHandle(at) => {
                let Some(abort) = take(&self.aborts, at) else { return };
                abort.abort();
                self.aborts.lock().unwrap().push(abort);
            }
            Event::TakeAbortHandle(at) => {
                let Some(joining) = take(&self.joins, at) else { return };
                self.aborts.lock().unwrap().push(joining.handle.abort_handle());
                self.joins.lock().unwrap().push(joining);
            }
            Event::DropAbortHandle(at) => drop(take(&self.aborts, at)),
            Event::PollJoin { at, same_waker } => self.poll_join(at, same_waker),
            Event::DropJoin(at) => drop(take(&self.joins, at)),
            Event::ComeHome => drop(local::set_home(fifo.home().get().key(), 1)),
            Event::LeaveHome => drop(local::set_home(std::ptr::null(), 0)),
            Event::Look => {
                let probes = fifo.tasks().probes();
                assert_eq!(probes.len(), fifo.tasks().len());
                assert!(probes.iter().all(|probe| !probe.running));
            }
            Event::Close => self.close(),
        }
    }

    /// Who was woken must have been polled, when nothing is queued.
    fn check_that_nobody_was_forgotten(&self) {
        for joining in &*self.joins.lock().unwrap() {
            if joining.fate.aborted.load(Ordering::Relaxed) {
                assert!(joining.handle.is_finished(), "aborted, and still there");
            }
        }
        for fate in &*self.fates.lock().unwrap() {
            assert!(fate.is_gone() || !fate.woken.load(Ordering::Relaxed), "woken, and not polled");
            let joined = fate.joins.lock().unwrap().as_ref().is_some_and(|fate| fate.is_gone());
            assert!(fate.is_gone() || !joined, "what it joins has ended, and it was not polled");
        }
    }
}

fn play(events: Vec<Event>) {
    let world = Arc::new(World::default());
    let fifo = Arc::new(Fifo::new(2));
    *world.fifo.lock().unwrap() = Some(fifo.clone());
    for event in events {
        world.happen(event);
    }
    fifo.run_all();
    world.check_that_nobody_was_forgotten();
    // Some of what refers to tasks goes before the scheduler, the rest after it.
    world.joins.lock().unwrap().truncate(3);
    let wakers = std::mem::take(&mut *world.wakers.lock().unwrap());
    fifo.shut_down();
    local::set_home(std::ptr::null(), 0);
    assert!(fifo.tasks().is_empty());
    for fate in &*world.fates.lock().unwrap() {
        assert_eq!(fate.dropped.load(Ordering::Relaxed), 1, "a future is dropped once");
    }
    *world.fifo.lock().unwrap() = None;
    drop(fifo);
    for (waker, _) in wakers {
        waker.wake_by_ref();
        waker.wake();
    }
    let joins = std::mem::take(&mut *world.joins.lock().unwrap());
    assert!(joins.iter().all(|joining| joining.handle.is_finished()));
    drop(joins);
    for abort in std::mem::take(&mut *world.aborts.lock().unwrap()) {
        abort.abort();
    }
    let (made, dropped) = (&world.outputs_made, &world.outputs_dropped);
    assert_eq!(made.load(Ordering::Relaxed), dropped.load(Ordering::Relaxed), "an output is dropped once");
    assert!(world.wrong.lock().unwrap().is_empty(), "{:?}", world.wrong.lock().unwrap());
    // Those that join each other in a ring are known to each other's model.
    world.fates.lock().unwrap().iter().for_each(|fate| drop(fate.joins.lock().unwrap().take()));
    assert_eq!(Arc::strong_count(&world), 1, "nothing of a task is left");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_drops_everything_once_and_frees_it(events in prop::collection::vec(event(), 0..80)) {
        let _alone = alone();
        // Makes what is kept for ever: a home to recycle.
        drop(Fifo::new(1));
        let before = counts().live;
        play(events.clone());
        prop_assert_eq!(counts().live, before, "what a sequence allocates it frees");
    }
}
