//! The single-threaded scheduler: tasks run on whichever thread is in `block_on`.
//!
//! 1. The `Core` (queue and driver) is with one thread at a time, that of a `block_on`. Others that are in `block_on`
//!    meanwhile poll only their own root futures; when the core is given back, one of them takes it.
//! 2. The thread with the core pushes to its own queue without a lock; all others push to inject, and wake the thread if
//!    it sleeps in the driver. It says that it is going to sleep before it looks at inject for the last time.
//! 3. Fairness: the queue is first in, first out. The outside world is looked at as `pace.rs` says, and each time
//!    what is in inject joins the queue. Between two polls of the root future the tasks that are queued have their turn,
//!    `ROUND` of them at most.
//! 4. The runtime's own thread-local role is set while futures are polled or dropped, so that what they wake is queued
//!    here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use unstuck_base::parker::Parker;
use unstuck_base::prng::Prng;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use unstuck_base::{WakeBatch, local};
use unstuck_context::{Flavor, Scheduler, Spawner};
use unstuck_driver::{Driver, Kernel, Timers};
use unstuck_task::{HomeRef, Runnable, Schedule, TaskList};

use crate::asleep::Asleep;
use crate::inject::Inject;
use crate::pace::Pace;
use crate::root::Root;
use crate::worker_local::{as_single, current_single};
use crate::{Hooks, run_hook, wake};

/// So many tasks at most are polled between two polls of a root future that is woken.
const ROUND: usize = 32;

/// The scheduler, as its runtime holds it.
pub struct Single {
    shared: Arc<Shared>,
    core: Mutex<Option<Core>>,
    /// Threads in `block_on` that would take the core.
    waiting: Mutex<Vec<Arc<RootWaker>>>,
}

/// What tasks and handles reach.
pub struct Shared {
    home: HomeRef,
    tasks: TaskList,
    inject: Inject,
    kernel: Arc<dyn Kernel>,
    timers: Arc<Timers>,
    /// Whether the thread with the core sleeps in the driver.
    asleep: Asleep,
    /// Written by the thread with the core only.
    polls: AtomicU64,
    hooks: Hooks,
}

/// What the one thread needs to run tasks.
struct Core {
    driver: Box<dyn Driver>,
    queue: VecDeque<Runnable>,
    random: Prng,
}

/// A thread that has the core.
pub(crate) struct Running {
    shared: *const Shared,
    queue: RefCell<VecDeque<Runnable>>,
    /// The task in progress was woken during its poll.
    yielded: Cell<bool>,
}

impl Single {
    /// A scheduler over this kernel and driver.
    pub fn new(kernel: Arc<dyn Kernel>, driver: Box<dyn Driver>, timers: Arc<Timers>, seed: u64, hooks: Hooks) -> Self {
        let shared = Arc::new(Shared {
            home: HomeRef::new(),
            tasks: TaskList::new(0),
            inject: Inject::new(),
            kernel,
            timers,
            asleep: Asleep::new(),
            polls: AtomicU64::new(0),
            hooks,
        });
        // SAFETY: the Arc's content does not move; `shut_down`, which the drop of `Single` calls at the latest, closes the
        // list, waits for wakers, and drains, before the last reference can go.
        unsafe { shared.home.bind(&*shared) };
        let core = Core { driver, queue: VecDeque::new(), random: Prng::seeded(seed) };
        Single { shared, core: Mutex::new(Some(core)), waiting: Mutex::new(Vec::new()) }
    }

    /// What handles hold.
    pub fn scheduler(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Runs `future` to its end, and tasks meanwhile. The thread is in the runtime's context.
    ///
    /// # Errors
    /// If the driver breaks.
    pub fn block_on<F: Future>(&self, future: F) -> io::Result<F::Output> {
        let mut future = std::pin::pin!(future);
        let waker =
            Arc::new(RootWaker { woken: AtomicBool::new(true), parker: Parker::new(), shared: self.shared.clone() });
        let mut root = Root::new();
        loop {
            if let Some(core) = self.take_core() {
                return self.run(core, root, future, &waker);
            }
            if waker.take() {
                let polled = root.poll(future.as_mut(), &mut Context::from_waker(&Waker::from(waker.clone())));
                if let Poll::Ready(output) = polled {
                    return Ok(output);
                }
            }
            self.waiting.lock().push(waker.clone());
            // The core may have come back before we were on the list.
            if self.core.lock().is_none() {
                waker.parker.park();
            }
            self.waiting.lock().retain(|other| !Arc::ptr_eq(other, &waker));
        }
    }

    /// Cancels all tasks, and drops the driver. The thread is in the runtime's context, and no other is in `block_on`.
    pub fn shut_down(&self) {
        let Some(core) = self.take_core() else { return };
        let (running, mut driver, random) = Running::begin(&self.shared, core);
        let outer = local::seed_random(Some(random));
        running.enter(|| {
            self.shared.tasks.close();
            self.shared.home.wait_for_wakers();
            // No task is idle any more, so nothing is queued after this but what is spawned at this moment: that is refused.
            drop(self.shared.inject.close());
            drop(running.queue.take());
            let mut batch = WakeBatch::new();
            self.shared.timers.shutdown(&mut batch);
            wake(&mut batch);
            driver.shut_down(&mut batch);
            wake(&mut batch);
            drop(driver);
        });
        local::seed_random(outer);
    }

    fn take_core(&self) -> Option<Core> {
        self.core.lock().take()
    }

    /// Runs tasks and the root future, with the core, until the root future ends.
    fn run<F: Future>(
        &self,
        core: Core,
        mut root: Root,
        mut future: Pin<&mut F>,
        root_waker: &Arc<RootWaker>,
    ) -> io::Result<F::Output> {
        let (running, driver, random) = Running::begin(&self.shared, core);
        let mut back = GiveBack {
            single: self,
            running: &running,
            driver: Some(driver),
            random: local::seed_random(Some(random)),
        };
        let waker = Waker::from(root_waker.clone());
        let mut cx = Context::from_waker(&waker);
        let mut batch = WakeBatch::new();
        let shared = &*self.shared;
        let mut pace = Pace::new(shared.kernel.real_now());
        // How many tasks have their turn before the root future.
        let mut turns = 0;
        running.enter(|| {
            loop {
                let mut look = false;
                if turns == 0 && root_waker.take() {
                    if let Poll::Ready(output) = root.poll(future.as_mut(), &mut cx) {
                        return Ok(output);
                    }
                    turns = running.queue.borrow().len().clamp(1, ROUND);
                    look = running.polled(&mut pace, root_waker.is_woken());
                }
                let driver = back.driver.as_mut().expect("given back only when this ends");
                match running.run_some(&mut pace, root_waker, &mut turns, look) {
                    After::Root => continue,
                    After::Look => driver.poll(&mut batch)?,
                    After::Nothing => running.sleep(&mut **driver, root_waker, &mut batch)?,
                }
                shared.timers.expire(shared.kernel.now(), &mut batch);
                wake(&mut batch);
                running.take_injected();
                pace.looked(shared.kernel.real_now());
            }
        })
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Gives the core back when the thread leaves, also by a panic of the root future.
struct GiveBack<'a> {
    single: &'a Single,
    running: &'a Running,
    driver: Option<Box<dyn Driver>>,
    random: Option<Prng>,
}

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        let random = local::seed_random(self.random.take()).unwrap_or_else(|| Prng::seeded(0));
        let queue = self.running.queue.take();
        let driver = self.driver.take().expect("given back once");
        *self.single.core.lock() = Some(Core { driver, queue, random });
        for waiting in std::mem::take(&mut *self.single.waiting.lock()) {
            waiting.parker.unpark();
        }
    }
}

/// Why a thread stopped running tasks for a moment.
enum After {
    /// The root future is to be polled.
    Root,
    /// It is time to look at the driver.
    Look,
    /// Nothing is queued.
    Nothing,
}

impl Running {
    fn begin(shared: &Shared, core: Core) -> (Running, Box<dyn Driver>, Prng) {
        let Core { driver, queue, random } = core;
        (Running { shared, queue: RefCell::new(queue), yielded: Cell::new(false) }, driver, random)
    }

    fn shared(&self) -> &Shared {
        // SAFETY: `Single` holds the Arc, and a `Running` lives inside its methods only.
        unsafe { &*self.shared }
    }

    /// Runs `f` as the scheduler's thread: what is woken meanwhile is queued here.
    fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore((*const (), usize));
        impl Drop for Restore {
            fn drop(&mut self) {
                local::set_home(self.0.0, self.0.1);
            }
        }
        let _restore = Restore(local::set_home(self.shared().home.get().key(), 0));
        as_single(self, f)
    }

    /// Runs tasks until there is a reason to stop, the next `turns` of them before the root future.
    fn run_some(&self, pace: &mut Pace, root: &RootWaker, turns: &mut usize, mut look: bool) -> After {
        loop {
            if look {
                return After::Look;
            }
            if *turns == 0 && root.is_woken() {
                return After::Root;
            }
            let Some(task) = self.next() else {
                *turns = 0;
                return if root.is_woken() { After::Root } else { After::Nothing };
            };
            *turns = turns.saturating_sub(1);
            self.yielded.set(false);
            task.run();
            look = self.polled(pace, self.yielded.get());
        }
    }

    /// Counts a poll. Says whether it is time to look at the driver, whatever is queued.
    fn polled(&self, pace: &mut Pace, yielded: bool) -> bool {
        let shared = self.shared();
        // Relaxed: one writer.
        shared.polls.store(shared.polls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        pace.polled(yielded, self.queue.borrow().len(), || shared.kernel.real_now())
    }

    fn next(&self) -> Option<Runnable> {
        let task = self.queue.borrow_mut().pop_front();
        task.or_else(|| {
            self.take_injected();
            self.queue.borrow_mut().pop_front()
        })
    }

    /// What is in inject joins the queue.
    fn take_injected(&self) {
        self.shared().inject.take_all(&mut self.queue.borrow_mut());
    }

    /// Sleeps in the driver, unless there is something to do after all.
    fn sleep(&self, driver: &mut dyn Driver, root: &RootWaker, batch: &mut WakeBatch) -> io::Result<()> {
        let shared = self.shared();
        run_hook(&shared.hooks.park);
        shared.asleep.lie_down();
        // The hook may have spawned or woken, too.
        let result = if root.is_woken() || !shared.inject.is_empty() || !self.queue.borrow().is_empty() {
            driver.poll(batch)
        } else {
            let deadline: Option<Instant> = shared.timers.begin_park();
            let result = driver.park(deadline, batch);
            shared.timers.end_park();
            result
        };
        shared.asleep.get_up();
        run_hook(&shared.hooks.unpark);
        result
    }
}

impl Shared {
    /// Wakes the thread with the core, if it sleeps.
    fn unpark(&self) {
        if self.asleep.must_wake() {
            self.kernel.unpark();
        }
    }

    /// Queues a runnable on the scheduler's own thread, or gives it back.
    #[inline]
    fn queue_here(&self, task: Runnable, yielded: bool) -> Option<Runnable> {
        let mut task = Some(task);
        current_single(|running| {
            if std::ptr::eq(running.shared, self)
                && let Some(task) = task.take()
            {
                running.queue.borrow_mut().push_back(task);
                running.yielded.set(yielded || running.yielded.get());
            }
        });
        task
    }

    /// Queues a runnable from any other thread. One that was spawned while the runtime shuts down is refused, and cancelled
    /// here; one that was woken never is, since the shutdown waits for wakers before it closes the queue.
    fn queue_from_outside(&self, task: Runnable) {
        match self.inject.push(task) {
            Ok(()) => self.unpark(),
            Err(task) => drop(task),
        }
    }
}

impl Schedule for Shared {
    #[inline]
    fn schedule(&self, task: Runnable) {
        if let Some(task) = self.queue_here(task, false) {
            self.queue_from_outside(task);
        }
    }

    fn reschedule(&self, task: Runnable) {
        if let Some(task) = self.queue_here(task, true) {
            self.queue_from_outside(task);
        }
    }

    fn tasks(&self) -> Option<&TaskList> {
        Some(&self.tasks)
    }
}

impl Spawner for Shared {
    fn home(&self) -> &HomeRef {
        &self.home
    }

    fn live(&self) -> &TaskList {
        &self.tasks
    }
}

impl Scheduler for Shared {
    fn flavor(&self) -> Flavor {
        Flavor::CurrentThread
    }

    fn workers(&self) -> usize {
        1
    }

    fn inject_depth(&self) -> usize {
        self.inject.len()
    }

    fn polls(&self, _worker: usize) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    fn begin_blocking(&self) -> Option<Box<dyn std::any::Any>> {
        current_single(|running| std::ptr::eq(running.shared, self)).filter(|ours| *ours)?;
        panic!("can call blocking only when running on the multi-threaded runtime")
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Single").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

/// Wakes a root future: its thread may have the core and sleep in the driver, or have none and sleep on its parker.
struct RootWaker {
    woken: AtomicBool,
    parker: Parker,
    shared: Arc<Shared>,
}

impl RootWaker {
    fn is_woken(&self) -> bool {
        // Relaxed: `take` orders.
        self.woken.load(Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `wake`: the poll sees what happened before the wake.
        self.is_woken() && self.woken.swap(false, Ordering::Acquire)
    }
}

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let here = current_single(|running| std::ptr::eq(running.shared, &*self.shared)).unwrap_or(false);
        // On the thread with the core nobody sleeps now; but the root may be another thread's.
        self.parker.unpark();
        if !here {
            self.shared.unpark();
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
