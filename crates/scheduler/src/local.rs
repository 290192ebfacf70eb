//! Tasks that stay on one thread: what is behind a `LocalSet`.
//!
//! 1. A [`Local`] can't leave its thread, and only it runs or drops runnables. So the tasks need not be `Send`.
//! 2. While a `Local` runs or drops tasks, its thread's home ([`local::set_home`]) is that of the set: whoever finds it
//!    there is on the set's thread and may touch `queue`. No user code runs while the queue is borrowed.
//! 3. Tasks that are woken from elsewhere, or on the thread while the set does not run, are queued under the lock, and
//!    every [`Poller`] that waits is woken. A poller leaves its waker before the set looks at that queue: it misses none.
//! 4. No waker is cloned, dropped or woken, and no runnable dropped, under the lock.
//!
//! The user-facing crate polls; wakers of the tasks call [`Schedule::schedule`].

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use unstuck_base::sync::{Mutex, UnsafeCell};
use unstuck_base::{local, quietly};
use unstuck_context::Spawner;
use unstuck_task::{HomeRef, JoinHandle, Origin, Runnable, Schedule, TaskList};

use crate::panics::{OnPanic, TaskPanic};

/// So many tasks are run before whoever awaits the set has its turn.
const TASKS: usize = 61;

/// The tasks of a set, as their thread has them; see the module's rules.
pub struct Local {
    tasks: Arc<LocalTasks>,
    _stays_on_its_thread: PhantomData<*const ()>,
}

/// The tasks of a set, as their wakers reach them.
pub struct LocalTasks {
    home: HomeRef,
    live: TaskList,
    /// Rule 2.
    queue: UnsafeCell<VecDeque<Runnable>>,
    /// Rule 3.
    outside: Mutex<Outside>,
    /// What is done about a task that panics.
    on_panic: Mutex<OnPanic>,
    /// The task whose panic has ended the set.
    why: OnceLock<String>,
}

/// What other threads reach.
#[derive(Default)]
struct Outside {
    queue: VecDeque<Runnable>,
    /// Who awaits the set: each with its number.
    waiting: Vec<(u64, Waker)>,
    next_poller: u64,
}

// SAFETY: rule 2 says who touches the queue; the rest is Send and Sync.
unsafe impl Send for LocalTasks {}
// SAFETY: as above.
unsafe impl Sync for LocalTasks {}

/// How far [`Local::run_some`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "if some are left, the set is to be polled again"]
pub enum Ran {
    /// No task is ready any more.
    All,
    /// There may be tasks left that are ready.
    Some,
}

impl Default for Local {
    fn default() -> Self {
        Local::new()
    }
}

impl Local {
    /// A set without tasks.
    pub fn new() -> Local {
        let tasks = Arc::new(LocalTasks {
            home: HomeRef::new(),
            live: TaskList::new(0),
            queue: UnsafeCell::new(VecDeque::new()),
            outside: Mutex::default(),
            on_panic: Mutex::default(),
            why: OnceLock::new(),
        });
        // SAFETY: the tasks stay in their Arc, and `shut_down`, which our drop calls, keeps the contract of homes: it
        // closes the list, waits for the wakers, and drops what is queued.
        unsafe { tasks.home.bind(&*tasks) };
        Local { tasks, _stays_on_its_thread: PhantomData }
    }

    /// What tasks can be spawned onto.
    pub fn tasks(&self) -> &Arc<LocalTasks> {
        &self.tasks
    }

    /// Whether all tasks are over.
    pub fn is_empty(&self) -> bool {
        self.tasks.live.is_empty()
    }

    /// Spawns a task that stays on this thread.
    pub fn spawn<F>(&self, future: F, origin: Origin<'_>) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let LocalTasks { home, live, .. } = &*self.tasks;
        // SAFETY: rule 1: the tasks are run and dropped, and the list is closed, on the thread of the `Local`.
        let (join, runnable) = unsafe { live.spawn_unchecked(future, home, origin) };
        if let Some(runnable) = runnable {
            self.tasks.schedule(runnable);
        }
        join
    }

    /// Changes what is done about a task that panics.
    pub fn change_on_panic(&self, change: impl FnOnce(&mut OnPanic)) {
        let before = self.tasks.on_panic.lock().clone();
        let mut on_panic = before.clone();
        change(&mut on_panic);
        // What was there, which is the user's, is dropped without the lock.
        let _replaced = std::mem::replace(&mut *self.tasks.on_panic.lock(), on_panic);
    }

    /// Whether a task has panicked and ends the set, and which: cancel the others, and tell who awaits it.
    pub fn has_panicked(&self) -> Option<&str> {
        self.tasks.why.get().map(String::as_str)
    }

    /// Someone who is going to await the set.
    pub fn poller(&self) -> Poller {
        let mut outside = self.tasks.outside.lock();
        outside.next_poller += 1;
        Poller { tasks: self.tasks.clone(), number: outside.next_poller, _stays_on_its_thread: PhantomData }
    }

    /// Runs tasks that are ready, a few dozens at most.
    ///
    /// # Panics
    /// In a forked child, if the set was made by its parent.
    pub fn run_some(&self) -> Ran {
        self.tasks.home.get().process().assert_is_this();
        self.enter(|| {
            for _ in 0..TASKS {
                if self.has_panicked().is_some() {
                    return Ran::All;
                }
                match self.next() {
                    Some(task) => task.run(),
                    None => return Ran::All,
                }
            }
            Ran::Some
        })
    }

    /// Cancels all tasks; no more can be spawned.
    pub fn shut_down(&self) {
        self.enter(|| {
            self.tasks.live.close();
            self.tasks.home.wait_for_wakers();
            while let Some(task) = self.next() {
                drop(task);
            }
        });
    }

    /// Runs `f` as the thread of the set (rule 2): what it spawns or wakes there is queued without a lock, and wakes nobody.
    /// Let the set run after that, or wake whoever awaits it.
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore((*const (), usize));
        impl Drop for Restore {
            fn drop(&mut self) {
                local::set_home(self.0.0, self.0.1);
            }
        }
        let _restore = Restore(local::set_home(self.tasks.home.get().key(), local::place()));
        // What was woken before comes before what `f` spawns or wakes.
        self.take_outside();
        f()
    }

    /// The task that is to run next.
    fn next(&self) -> Option<Runnable> {
        self.pop().or_else(|| {
            self.take_outside();
            self.pop()
        })
    }

    fn pop(&self) -> Option<Runnable> {
        // SAFETY: rules 1 and 2: this is the thread of the set; nothing is run or dropped meanwhile.
        self.tasks.queue.with_mut(|queue| unsafe { (*queue).pop_front() })
    }

    /// Queues here what was woken from elsewhere.
    fn take_outside(&self) {
        let mut outside = self.tasks.outside.lock();
        // SAFETY: as in `pop`.
        self.tasks.queue.with_mut(|queue| unsafe { (*queue).append(&mut outside.queue) });
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if !self.tasks.home.get().process().is_this() {
            // What it runs is the parent's, and is neither run nor dropped here.
            return std::mem::forget(self.tasks.clone());
        }
        self.shut_down();
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tasks.fmt(f)
    }
}

impl LocalTasks {
    /// Queues a task that was woken from elsewhere.
    fn push_outside(&self, task: Runnable) {
        let waiting = {
            let mut outside = self.outside.lock();
            outside.queue.push_back(task);
            std::mem::take(&mut outside.waiting)
        };
        waiting.into_iter().for_each(|(_, waker)| quietly(|| waker.wake()));
    }
}

impl Schedule for LocalTasks {
    fn schedule(&self, task: Runnable) {
        if !std::ptr::eq(local::home(), self.home.get().key()) {
            return self.push_outside(task);
        }
        // SAFETY: rule 2: only the thread of the set has this home.
        self.queue.with_mut(|queue| unsafe { (*queue).push_back(task) });
    }

    fn reschedule(&self, task: Runnable) {
        self.schedule(task);
    }

    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.live)
    }

    fn panicked(&self, origin: Origin<'_>, payload: &(dyn Any + Send)) {
        let on_panic = self.on_panic.lock().clone();
        if let Some(why) = on_panic.panicked(&TaskPanic::of_task(origin, payload)) {
            // The first one counts.
            let _later = self.why.set(why);
        }
    }
}

impl Spawner for LocalTasks {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn live(&self) -> &TaskList {
        &self.live
    }
}

impl fmt::Debug for LocalTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("live", &self.live).finish_non_exhaustive()
    }
}

/// Someone who awaits the set, and is woken when a task of it becomes ready (rule 3).
pub struct Poller {
    tasks: Arc<LocalTasks>,
    number: u64,
    _stays_on_its_thread: PhantomData<*const ()>,
}

impl Poller {
    /// Leaves `waker`, to be woken when a task becomes ready. Let the set run after that.
    pub fn leave_waker(&self, waker: &Waker) {
        let is_left = |outside: &Outside| outside.waiting.iter().any(|(n, w)| *n == self.number && w.will_wake(waker));
        if is_left(&self.tasks.outside.lock()) {
            return;
        }
        let new = (self.number, waker.clone());
        let mut outside = self.tasks.outside.lock();
        let old = match outside.waiting.iter_mut().find(|(number, _)| *number == self.number) {
            Some(place) => Some(std::mem::replace(place, new)),
            None => {
                outside.waiting.push(new);
                None
            }
        };
        drop(outside);
        drop(old);
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        // SAFETY: rule 2: a poller stays on the thread of the set.
        let tasks_left = self.tasks.queue.with(|queue| unsafe { !(*queue).is_empty() });
        let (ours, others) = {
            let mut outside = self.tasks.outside.lock();
            let place = outside.waiting.iter().position(|(number, _)| *number == self.number);
            let ours = place.map(|place| outside.waiting.swap_remove(place));
            // We go, and leave tasks behind that we were to run: the others do it.
            let ready = tasks_left || !outside.queue.is_empty();
            let others = if ready { std::mem::take(&mut outside.waiting) } else { Vec::new() };
            (ours, others)
        };
        drop(ours);
        others.into_iter().for_each(|(_, waker)| quietly(|| waker.wake()));
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Poller").field(&self.number).finish()
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::future::poll_fn;
    use std::panic::Location;
    use std::rc::Rc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Poll, Wake};

    use unstuck_task::Id;

    fn origin() -> Origin<'static> {
        Origin::new(Id::from_number(local::next_task_id()), Location::caller())
    }

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A future that waits once for somebody to take its waker.
    fn wait_once(slot: &Rc<RefCell<Option<Waker>>>) -> impl Future<Output = ()> + use<> {
        let slot = slot.clone();
        let mut waited = false;
        poll_fn(move |cx| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            *slot.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    #[test]
    fn a_task_woken_by_another_thread_wakes_who_awaits_the_set() {
        let set = Local::new();
        let count = Arc::new(Count::default());
        let slot = Rc::new(RefCell::new(None));
        let join = set.spawn(wait_once(&slot), origin());
        let poller = set.poller();
        poller.leave_waker(&Waker::from(count.clone()));
        assert_eq!(set.run_some(), Ran::All);
        let waker = slot.borrow_mut().take().unwrap();
        std::thread::spawn(move || waker.wake()).join().unwrap();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(!join.is_finished());
        assert_eq!(set.run_some(), Ran::All);
        assert!(join.is_finished() && set.is_empty());
    }

    #[test]
    fn many_ready_tasks_leave_room_for_who_awaits_the_set() {
        let set = Local::new();
        let ran = Rc::new(Cell::new(0));
        for _ in 0..100 {
            let ran = ran.clone();
            drop(set.spawn(async move { ran.set(ran.get() + 1) }, origin()));
        }
        assert_eq!(set.run_some(), Ran::Some);
        assert!((1..100).contains(&ran.get()));
        assert_eq!(set.run_some(), Ran::All);
        assert_eq!(ran.get(), 100);
    }

    #[test]
    fn shutting_down_drops_idle_and_queued_tasks_and_refuses_new_ones() {
        let set = Local::new();
        let alive = Rc::new(());
        let slot = Rc::new(RefCell::new(None));
        let (alive_too, wait) = (alive.clone(), wait_once(&slot));
        let waits = async move {
            wait.await;
            drop(alive_too);
        };
        drop(set.spawn(waits, origin()));
        assert_eq!(set.run_some(), Ran::All);
        let queued = alive.clone();
        drop(set.spawn(async move { drop(queued) }, origin()));
        set.shut_down();
        assert_eq!(Rc::strong_count(&alive), 1);
        assert!(set.spawn(async {}, origin()).is_finished());
        slot.borrow_mut().take().unwrap().wake();
    }

    #[test]
    fn a_poller_that_was_woken_and_goes_passes_the_news_on() {
        let set = Local::new();
        let counts = [(); 2].map(|()| Arc::new(Count::default()));
        let pollers = [set.poller(), set.poller()];
        for (poller, count) in pollers.iter().zip(&counts) {
            poller.leave_waker(&Waker::from(count.clone()));
        }
        drop(set.spawn(async {}, origin()));
        assert!(counts.iter().all(|count| count.0.load(Ordering::Relaxed) == 1));
        let [first, second] = pollers;
        second.leave_waker(&Waker::from(counts[1].clone()));
        drop(first);
        assert_eq!(counts[1].0.load(Ordering::Relaxed), 2);
        drop(second);
    }
}
