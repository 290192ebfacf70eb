//! Everything at the same time, on several threads, then the end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use unstuck_base::local;
use unstuck_task::{AbortHandle, JoinHandle};

use crate::fifo::Fifo;
use crate::tools::{Count, Drops, Token, poll_with};

const ROUNDS: usize = 400;
const TASKS: usize = 200;
const WAITS: usize = 3;

/// Where threads throw wakers and handles for other threads to use.
#[derive(Default)]
struct Pool {
    wakers: Mutex<Vec<Waker>>,
    aborts: Mutex<Vec<AbortHandle>>,
    joins: Mutex<Vec<JoinHandle<Token>>>,
    /// The rounds are over.
    over: AtomicBool,
}

impl Pool {
    fn take<T>(things: &Mutex<Vec<T>>) -> Option<T> {
        let mut things = things.lock().unwrap();
        let at = local::random_below(things.len().max(1) as u32) as usize;
        if things.is_empty() { None } else { Some(things.swap_remove(at)) }
    }
}

/// A task that waits a few times and then gives a token; counted.
fn task(pool: &Arc<Pool>, futures: &Drops, outputs: &Drops) -> impl Future<Output = Token> + Send + use<> {
    let (pool, held, outputs) = (pool.clone(), futures.token(), outputs.clone());
    let mut waits = WAITS;
    let polling = AtomicBool::new(false);
    std::future::poll_fn(move |cx| {
        let _held = &held;
        assert!(!polling.swap(true, Ordering::Relaxed), "polled by two threads");
        let poll = if waits == 0 {
            Poll::Ready(outputs.token())
        } else {
            waits -= 1;
            pool.wakers.lock().unwrap().push(cx.waker().clone());
            if waits == 1 {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        };
        polling.store(false, Ordering::Relaxed);
        poll
    })
}

/// Runs tasks until the scheduler is shut down and empty.
fn run(fifo: &Fifo, done: &AtomicBool, at_home: bool) {
    let before = local::set_home(if at_home { fifo.home().get().key() } else { std::ptr::null() }, 1);
    while !done.load(Ordering::Acquire) {
        if fifo.run_all() == 0 {
            thread::yield_now();
        }
    }
    fifo.run_all();
    local::set_home(before.0, before.1);
}

/// Wakes, aborts, polls and drops whatever it finds, in all rounds: also what is left of a scheduler that is gone.
fn meddle(pool: &Pool) {
    let count = Count::new();
    while !pool.over.load(Ordering::Acquire) {
        if let Some(waker) = Pool::take(&pool.wakers) {
            match local::random_below(4) {
                0 => waker.wake_by_ref(),
                1 => {
                    let copy = waker.clone();
                    copy.wake();
                }
                2 => drop(waker.clone()),
                _ => {}
            }
            waker.wake();
        }
        if let Some(abort) = Pool::take(&pool.aborts)
            && local::random_below(3) == 0
        {
            abort.abort();
        }
        if let Some(mut join) = Pool::take(&pool.joins)
            && local::random_below(4) != 0
            && poll_with(&mut join, &count).is_pending()
        {
            pool.joins.lock().unwrap().push(join);
        }
        if local::random_below(8) == 0 {
            thread::yield_now();
        }
    }
}

#[test]
fn threads_that_run_wake_abort_and_join_until_shutdown_lose_and_leak_nothing() {
    let pool = Arc::new(Pool::default());
    let (futures, outputs) = (Drops::new(), Drops::new());
    let spawned = AtomicUsize::new(0);
    /// Ends the meddling also when a round fails: the failure is told instead of a test that hangs.
    struct Over<'a>(&'a Pool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.over.store(true, Ordering::Release);
        }
    }
    thread::scope(|scope| {
        let _over = Over(&pool);
        for _ in 0..2 {
            scope.spawn(|| meddle(&pool));
        }
        for round in 0..ROUNDS {
            let fifo = Fifo::new(2);
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                let running = [true, false].map(|at_home| {
                    let (fifo, done) = (&fifo, &done);
                    scope.spawn(move || run(fifo, done, at_home))
                });
                let spawning = scope.spawn(|| {
                    for number in 0..TASKS {
                        let join = fifo.spawn(task(&pool, &futures, &outputs));
                        spawned.fetch_add(1, Ordering::Relaxed);
                        if number % 3 == 0 {
                            pool.aborts.lock().unwrap().push(join.abort_handle());
                        }
                        if number % 2 == 0 {
                            pool.joins.lock().unwrap().push(join);
                        }
                    }
                });
                // Odd rounds are shut down while tasks are spawned still, even ones when all are over or wait for ever.
                if round % 2 == 0 {
                    spawning.join().unwrap();
                    while !fifo.tasks().is_empty() {
                        assert!(fifo.tasks().probes().len() <= TASKS);
                        thread::yield_now();
                    }
                } else {
                    while spawned.load(Ordering::Relaxed) < round * TASKS + TASKS / 2 {
                        thread::yield_now();
                    }
                }
                // Threads that run tasks leave before the queue is closed, as a scheduler's do.
                done.store(true, Ordering::Release);
                for thread in running {
                    thread.join().unwrap();
                }
                fifo.shut_down();
            });
            assert!(fifo.tasks().is_empty());
            drop(fifo);
            assert_eq!(futures.count(), spawned.load(Ordering::Relaxed), "round {round}: each future is dropped once");
        }
    });
    let joins = std::mem::take(&mut *pool.joins.lock().unwrap());
    let unfinished = joins.iter().filter(|join| !join.is_finished()).count();
    assert_eq!(unfinished, 0);
    drop(joins);
    assert_eq!(spawned.load(Ordering::Relaxed), ROUNDS * TASKS);
    assert!(outputs.count() > ROUNDS * TASKS / 4, "most tasks came to their end: {}", outputs.count());
    assert_eq!(outputs.made(), outputs.count(), "each output is dropped once");
}
