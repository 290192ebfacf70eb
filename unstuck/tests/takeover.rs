//! A lock that was given to a future which its task does not poll, while the task waits for that same lock.
//!
//! The first program is that of Oxide's RFD 609 ("futurelock").

mod common;

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Context, Poll, Wake, Waker};

use common::{current_thread, ends, multi_thread};
use unstuck::runtime::{Builder, Handle};
use unstuck::sync::{Mutex, OnceCell, RwLock, Semaphore, mpsc, oneshot};
use unstuck::task::{LocalSet, block_in_place, spawn_local, yield_now};
use unstuck::time::{Duration, sleep};

/// Polls once; it has to wait.
async fn begin<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await
}

#[test]
fn the_program_of_rfd_609_ends() {
    async fn work(lock: Arc<Mutex<u32>>) {
        *lock.lock().await += 1;
    }
    ends(|| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let lock = Arc::new(Mutex::new(0));
            let background = unstuck::spawn({
                let lock = lock.clone();
                async move {
                    let _guard = lock.lock().await;
                    sleep(Duration::from_secs(5)).await;
                }
            });
            sleep(Duration::from_millis(10)).await;
            let mut first = Box::pin(work(lock.clone()));
            unstuck::select! {
                () = &mut first => panic!("the background task has the lock"),
                // `first` is next in the line for the lock, and is not polled while this waits for it.
                () = sleep(Duration::from_millis(500)) => work(lock.clone()).await,
            }
            first.await;
            background.await.unwrap();
            assert_eq!(*lock.lock().await, 2);
        });
    });
}

/// When the second future begins to wait: before what it waits for is given to the first, or after.
#[derive(Clone, Copy)]
enum Second {
    ComesBefore,
    ComesAfter,
}
use Second::{ComesAfter, ComesBefore};

/// Leaves `first` in the line, and waits for `second` alone; `release` gives back what both want.
async fn second_alone<F: Future, S: Future>(
    first: Pin<&mut F>,
    second: S,
    release: impl FnOnce(),
    order: Second,
) -> S::Output {
    let mut second = pin!(second);
    begin(first).await;
    if let ComesBefore = order {
        begin(second.as_mut()).await;
    }
    release();
    second.await
}

async fn with_a_mutex(order: Second) {
    let lock = Arc::new(Mutex::new(()));
    let held = lock.try_lock().unwrap();
    let mut first = pin!(lock.lock());
    drop(second_alone(first.as_mut(), lock.lock(), || drop(held), order).await);
    drop(first.await);

    let held = lock.clone().try_lock_owned().unwrap();
    let mut first = pin!(lock.clone().lock_owned());
    drop(second_alone(first.as_mut(), lock.clone().lock_owned(), || drop(held), order).await);
    drop(first.await);
    assert!(lock.try_lock().is_ok());
}

async fn with_a_reader_writer_lock(order: Second) {
    let lock = Arc::new(RwLock::new(()));
    let held = lock.try_write().unwrap();
    let mut first = pin!(lock.read());
    drop(second_alone(first.as_mut(), lock.write(), || drop(held), order).await);
    drop(first.await);

    // What a writer leaves of its permits is for other readers.
    let held = lock.try_write().unwrap();
    let mut first = pin!(lock.write());
    let reader = second_alone(first.as_mut(), lock.read(), || drop(held), order).await;
    assert!(lock.try_write().is_err());
    drop(reader);
    drop(first.await);

    let held = lock.clone().try_read_owned().unwrap();
    let mut first = pin!(lock.clone().write_owned());
    drop(second_alone(first.as_mut(), lock.clone().write_owned(), || drop(held), order).await);
    drop(first.await);

    let held = lock.clone().try_write_owned().unwrap();
    let mut first = pin!(lock.clone().write_owned());
    drop(second_alone(first.as_mut(), lock.clone().read_owned(), || drop(held), order).await);
    drop(first.await);
    assert!(lock.try_write().is_ok());
}

async fn with_a_semaphore(order: Second) {
    let permits = Arc::new(Semaphore::new(3));
    let hold = || permits.try_acquire_many(3).unwrap();
    let held = hold();
    let mut first = pin!(permits.acquire_many(3));
    let second = second_alone(first.as_mut(), permits.acquire(), || drop(held), order).await.unwrap();
    drop(second);
    drop(first.await.unwrap());

    let held = hold();
    let mut first = pin!(permits.acquire());
    drop(second_alone(first.as_mut(), permits.acquire_many(3), || drop(held), order).await.unwrap());
    drop(first.await.unwrap());

    let held = hold();
    let mut first = pin!(permits.clone().acquire_many_owned(2));
    drop(second_alone(first.as_mut(), permits.clone().acquire_many_owned(2), || drop(held), order).await.unwrap());
    drop(first.await.unwrap());

    let held = hold();
    let mut first = pin!(permits.clone().acquire_owned());
    drop(second_alone(first.as_mut(), permits.clone().acquire_many_owned(3), || drop(held), order).await.unwrap());
    drop(first.await.unwrap());
    assert_eq!(permits.available_permits(), 3);
}

async fn with_a_channel(order: Second) {
    let (sender, mut receiver) = mpsc::channel(2);
    let fill = || (0..2).for_each(|_| sender.try_send("filled").unwrap());

    fill();
    let mut first = pin!(sender.send("first"));
    second_alone(first.as_mut(), sender.send("second"), || _ = receiver.try_recv().unwrap(), order).await.unwrap();
    assert_eq!(receiver.recv().await, Some("filled"));
    first.await.unwrap();
    assert_eq!(receiver.recv().await, Some("second"));
    assert_eq!(receiver.recv().await, Some("first"));

    fill();
    let mut first = pin!(sender.reserve());
    drop(second_alone(first.as_mut(), sender.reserve(), || _ = receiver.try_recv().unwrap(), order).await.unwrap());
    drop(first.await.unwrap());
    receiver.recv().await.unwrap();

    fill();
    let mut first = pin!(sender.reserve_many(2));
    let empty = || (0..2).for_each(|_| _ = receiver.try_recv().unwrap());
    drop(second_alone(first.as_mut(), sender.clone().reserve_owned(), empty, order).await.unwrap());
    assert_eq!(first.await.unwrap().len(), 2);

    fill();
    let mut first = pin!(sender.reserve());
    let empty = || (0..2).for_each(|_| _ = receiver.try_recv().unwrap());
    drop(second_alone(first.as_mut(), sender.reserve_many(2), empty, order).await.unwrap());
    drop(first.await.unwrap());
    assert_eq!(sender.capacity(), 2);
}

async fn with_a_cell(order: Second) {
    let cell = OnceCell::new();
    let mut filling = Box::pin(cell.get_or_init(pending::<u32>));
    begin(filling.as_mut()).await;
    let mut first = pin!(cell.get_or_init(async || 1));
    assert_eq!(second_alone(first.as_mut(), cell.get_or_init(async || 2), || drop(filling), order).await, &2);
    assert_eq!(first.await, &2);
}

async fn with_each() {
    for order in [ComesBefore, ComesAfter] {
        with_a_mutex(order).await;
        with_a_reader_writer_lock(order).await;
        with_a_semaphore(order).await;
        with_a_channel(order).await;
        with_a_cell(order).await;
    }
}

#[test]
fn a_root_future_takes_over_what_it_left() {
    ends(|| current_thread().block_on(with_each()));
    ends(|| multi_thread(2).block_on(with_each()));
}

#[test]
fn a_task_takes_over_what_it_left() {
    ends(|| current_thread().block_on(async { unstuck::spawn(with_each()).await.unwrap() }));
    ends(|| multi_thread(2).block_on(async { unstuck::spawn(with_each()).await.unwrap() }));
}

#[test]
fn a_task_of_a_local_set_takes_over_what_it_left() {
    ends(|| {
        let set = LocalSet::new();
        set.block_on(&current_thread(), async {
            spawn_local(with_each()).await.unwrap();
            with_each().await;
        });
    });
}

#[test]
fn what_blocks_inside_a_task_takes_over_what_the_task_left() {
    ends(|| {
        multi_thread(2).block_on(async {
            unstuck::spawn(async {
                let lock = Arc::new(Mutex::new(0));
                let held = lock.try_lock().unwrap();
                let mut first = pin!(lock.lock());
                begin(first.as_mut()).await;
                drop(held);
                block_in_place(|| Handle::current().block_on(async { *lock.lock().await += 1 }));
                block_in_place(|| *lock.blocking_lock() += 1);
                *first.await += 1;
                assert_eq!(*lock.lock().await, 3);

                let (sender, mut receiver) = mpsc::channel(1);
                sender.try_send(1).unwrap();
                let mut first = pin!(sender.send(2));
                begin(first.as_mut()).await;
                assert_eq!(receiver.try_recv(), Ok(1));
                block_in_place(|| sender.blocking_send(3)).unwrap();
                assert_eq!(receiver.recv().await, Some(3));
                first.await.unwrap();
            })
            .await
            .unwrap();
        });
    });
}

#[test]
fn a_join_whose_first_part_blocks_on_the_lock_of_its_second_ends() {
    ends(|| {
        multi_thread(2).block_on(async {
            let lock = Mutex::new(0);
            let held = lock.try_lock().unwrap();
            let (go, gone) = oneshot::channel();
            unstuck::join!(
                async { *lock.lock().await += 1 },
                async {
                    gone.await.unwrap();
                    block_in_place(|| Handle::current().block_on(async { *lock.lock().await += 1 }));
                },
                async {
                    drop(held);
                    go.send(()).unwrap();
                }
            );
            assert_eq!(*lock.lock().await, 2);
        });
    });
}

/// Futures of which only those are polled whose wakers were woken, as a `FuturesUnordered` does.
struct OnlyWoken<F> {
    parts: Vec<Slot<F>>,
}

/// A future until it has ended, and what wakes it.
type Slot<F> = (Option<Pin<Box<F>>>, Arc<Part>);

struct Part {
    woken: AtomicBool,
    task: StdMutex<Waker>,
}

impl Wake for Part {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, SeqCst);
        self.task.lock().unwrap().wake_by_ref();
    }
}

impl<F> OnlyWoken<F> {
    fn new(futures: impl IntoIterator<Item = F>) -> Self {
        let part = || Arc::new(Part { woken: AtomicBool::new(true), task: StdMutex::new(Waker::noop().clone()) });
        OnlyWoken { parts: futures.into_iter().map(|future| (Some(Box::pin(future)), part())).collect() }
    }
}

impl<F: Future<Output = ()>> Future for OnlyWoken<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for (slot, part) in &mut self.parts {
            *part.task.lock().unwrap() = cx.waker().clone();
            let Some(future) = slot else { continue };
            if part.woken.swap(false, SeqCst)
                && future.as_mut().poll(&mut Context::from_waker(&Waker::from(part.clone()))).is_ready()
            {
                *slot = None;
            }
        }
        if self.parts.iter().all(|(slot, _)| slot.is_none()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
fn a_set_that_polls_only_who_is_woken_takes_over() {
    ends(|| {
        for left in 1..4 {
            current_thread().block_on(async {
                let lock = Arc::new(Mutex::new(0));
                let add = || {
                    let lock = lock.clone();
                    async move { *lock.lock().await += 1 }
                };
                let held = lock.try_lock().unwrap();
                let mut left = pin!(OnlyWoken::new((0..left).map(|_| add())));
                begin(left.as_mut()).await;
                let mut polled = pin!(OnlyWoken::new((0..3).map(|_| add())));
                begin(polled.as_mut()).await;
                drop(held);
                polled.await;
                left.await;
            });
        }
    });
}

#[test]
fn a_set_that_is_polled_loses_nothing_to_takeovers() {
    ends(|| {
        current_thread().block_on(async {
            let permits = Arc::new(Semaphore::new(2));
            let futures = (0..200).map(|number| {
                let permits = permits.clone();
                async move {
                    let _permits = permits.acquire_many(1 + number % 2).await.unwrap();
                    yield_now().await;
                }
            });
            OnlyWoken::new(futures).await;
            assert_eq!(permits.available_permits(), 2);
        });
    });
}

#[test]
fn a_future_that_lost_its_turn_gets_the_next_one_wherever_it_is_polled() {
    ends(|| {
        multi_thread(2).block_on(async {
            let lock = Arc::new(Mutex::new(0));
            let held = lock.clone().try_lock_owned().unwrap();
            let mut first = Box::pin(lock.clone().lock_owned());
            begin(first.as_mut()).await;
            drop(held);
            let second = lock.clone().lock_owned().await;
            let moved = unstuck::spawn(async move { *first.await += 1 });
            yield_now().await;
            drop(second);
            moved.await.unwrap();
            assert_eq!(*lock.lock().await, 1);
        });
    });
}

#[test]
fn a_grant_goes_along_with_a_future_that_moves_to_another_task() {
    ends(|| {
        multi_thread(2).block_on(async {
            let lock = Arc::new(Mutex::new(0));
            let held = lock.clone().try_lock_owned().unwrap();
            let mut first = Box::pin(lock.clone().lock_owned());
            begin(first.as_mut()).await;
            drop(held);
            let moved = unstuck::spawn(async move { *first.await += 1 });
            *lock.lock().await += 1;
            moved.await.unwrap();
            assert_eq!(*lock.lock().await, 2);
        });
    });
}

#[test]
fn a_future_that_lost_its_turn_and_is_dropped_loses_no_permit() {
    ends(|| {
        current_thread().block_on(async {
            let permits = Semaphore::new(3);
            let held = permits.try_acquire_many(3).unwrap();
            let mut first = Box::pin(permits.acquire_many(3));
            begin(first.as_mut()).await;
            drop(held);
            let second = permits.acquire().await.unwrap();
            drop(first);
            assert_eq!(permits.available_permits(), 2);
            drop(second);
            assert_eq!(permits.available_permits(), 3);
        });
    });
}

#[test]
fn a_task_that_takes_over_again_and_again_does_not_keep_others_waiting() {
    ends(|| {
        current_thread().block_on(async {
            let lock = Arc::new(Mutex::new(()));
            let held = lock.try_lock().unwrap();
            let mut first = pin!(lock.lock());
            begin(first.as_mut()).await;
            let other = unstuck::spawn({
                let lock = lock.clone();
                async move { drop(lock.lock().await) }
            });
            yield_now().await;
            drop(held);
            let mut turns = 0;
            while !other.is_finished() {
                let _guard = lock.lock().await;
                turns += 1;
                assert!(turns < 10, "the other task waits since before our second turn");
                yield_now().await;
            }
            drop(first.await);
        });
    });
}

#[test]
fn a_select_that_polls_its_futures_by_reference_keeps_the_order() {
    ends(|| {
        current_thread().block_on(async {
            let lock = Mutex::new(Vec::new());
            let held = lock.try_lock().unwrap();
            let mut first = pin!(lock.lock());
            let mut second = pin!(lock.lock());
            begin(first.as_mut()).await;
            begin(second.as_mut()).await;
            drop(held);
            unstuck::select! {
                biased;
                _ = &mut second => panic!("the first one is polled, in each poll but after this one"),
                mut guard = &mut first => guard.push("first"),
            }
            second.await.push("second");
            assert_eq!(*lock.try_lock().unwrap(), ["first", "second"]);
        });
    });
}
