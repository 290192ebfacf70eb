//! As `futurelock`, with the other locks, and with what programs use to have several futures: sets that poll only who was
//! woken, and `select!` by reference. Nobody waits for ever behind a future that its task does not poll.
//!
//! 1. A future that is not polled never has the lock itself: against that there is no help.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::stream::{FuturesUnordered, StreamExt};
use unstuck::sync::{Mutex, OnceCell, RwLock};
use unstuck::task::yield_now;
use unstuck::time::sleep;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// So many times each task goes through all of it, at most.
const TIMES: usize = 12;

/// What the tasks share.
struct Shared {
    written: RwLock<usize>,
    locked: Mutex<usize>,
    cells: [Cell; TIMES],
}

/// A value that is made once, and how often it was.
#[derive(Default)]
struct Cell {
    cell: OnceCell<usize>,
    made: AtomicUsize,
}

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let cells = std::array::from_fn(|_| Cell::default());
    let shared = Arc::new(Shared { written: RwLock::new(0), locked: Mutex::new(0), cells });
    let mut tasks = Vec::new();
    for _ in 0..rng.count(1..=6) {
        let (shared, mut rng) = (shared.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            let (mut written, mut locked) = (0, 0);
            for number in 0..rng.count(1..=TIMES) {
                written += around_a_reader_writer_lock(&shared.written, &mut rng).await;
                around_a_cell(&shared.cells[number], &mut rng).await;
                locked += beside_a_set(&shared.locked, &mut rng).await;
                locked += in_a_branch(&shared.locked, &mut rng).await;
                step();
            }
            (written, locked)
        }));
    }
    let (mut written, mut locked) = (0, 0);
    for task in tasks {
        let sums = stage.must(task.await, "who forgets its futures")?;
        (written, locked) = (written + sums.0, locked + sums.1);
    }
    stage.check(*shared.written.read().await == written, "every write is there")?;
    stage.check(*shared.locked.lock().await == locked, "the lock lets one in at a time")?;
    let once = |cell: &Cell| cell.made.load(Ordering::SeqCst) == usize::from(cell.cell.initialized());
    stage.check(shared.cells.iter().all(once), "a value is made once")
}

/// Polls it once.
async fn begin<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Reads, or writes; how often it has written.
async fn touch(lock: &RwLock<usize>, writes: bool) -> usize {
    if writes {
        *lock.write().await += 1;
    } else {
        let _guard = lock.read().await;
    }
    usize::from(writes)
}

async fn around_a_reader_writer_lock(lock: &RwLock<usize>, rng: &mut Rng) -> usize {
    let mut first = pin!(touch(lock, rng.one_in(2)));
    if let Poll::Ready(written) = begin(first.as_mut()).await {
        // Now others wait.
        let mut guard = lock.write().await;
        yield_now().await;
        *guard += 1;
        return written + 1;
    }
    if rng.one_in(3) {
        yield_now().await;
    }
    let mut written = touch(lock, rng.one_in(2)).await;
    if rng.one_in(2) {
        written += first.await;
    }
    written
}

/// Begins to wait for who makes the value, and waits for it elsewhere.
async fn around_a_cell(cell: &Cell, rng: &mut Rng) {
    // Rule 1: it makes the value in one poll.
    let mut forgotten = pin!(cell.get(false, false));
    if begin(forgotten.as_mut()).await.is_pending() {
        cell.get(rng.one_in(2), rng.one_in(2)).await;
        if rng.one_in(2) {
            forgotten.await;
        }
    } else if rng.one_in(2) {
        cell.get(true, true).await;
    }
}

impl Cell {
    /// Makes the value if it is not there, slowly or in vain at times.
    async fn get(&self, naps: bool, fails: bool) {
        let make = || async {
            if naps {
                yield_now().await;
            }
            if fails { Err(()) } else { Ok(self.made.fetch_add(1, Ordering::SeqCst)) }
        };
        let _value = self.cell.get_or_try_init(make).await;
    }
}

/// Enters, and returns how often it did.
async fn enter(lock: &Mutex<usize>) -> usize {
    *lock.lock().await += 1;
    1
}

/// The body of a loop over a set waits for what the futures in the set wait for.
async fn beside_a_set(lock: &Mutex<usize>, rng: &mut Rng) -> usize {
    let mut set: FuturesUnordered<_> = (0..rng.pick(1..=5)).map(|_| enter(lock)).collect();
    let mut entered = 0;
    while let Some(one) = set.next().await {
        entered += one;
        if rng.one_in(2) {
            let mut guard = lock.lock().await;
            if rng.one_in(2) {
                yield_now().await;
            }
            *guard += 1;
            entered += 1;
        }
        if rng.one_in(8) {
            break;
        }
    }
    entered
}

/// The other branch waits for what the one that stays waits for.
async fn in_a_branch(lock: &Mutex<usize>, rng: &mut Rng) -> usize {
    let mut first = pin!(enter(lock));
    unstuck::select! {
        entered = &mut first => entered,
        () = sleep(rng.micros(100)) => {
            let second = enter(lock).await;
            if rng.one_in(2) { second + first.await } else { second }
        }
    }
}
