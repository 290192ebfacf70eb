//! A task that always has something to do: it ends, its parts get on with it, and so do the others.
//!
//! 1. Each program here hangs where a spent budget only says "later", or where nothing ever says so.
//! 2. Each runs as a task and as the root future, on both flavors, unless it says why not.

mod combinators;
#[path = "../common/mod.rs"]
mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Poll, ready};

use combinators::{Boxed, InOrder, block_on_elsewhere, boxed, eager, set};
use common::{both, ends, multi_thread};
use unstuck::io::{AsyncReadExt, AsyncWriteExt, duplex, empty, repeat, sink};
use unstuck::net::{TcpListener, TcpStream, UdpSocket};
use unstuck::sync::{Mutex, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use unstuck::task::coop::{consume_budget, cooperative};
use unstuck::task::{JoinSet, yield_now};
use unstuck::time::{Duration, interval, sleep, timeout};

/// More operations than a poll may complete, by far.
const MANY: usize = 10_000;

const SHORT: Duration = Duration::from_millis(5);

/// Runs the program everywhere (rule 2), and fails if it does not end.
fn everywhere<F: Future<Output = ()> + Send + 'static>(program: impl Fn() -> F + Send + 'static) {
    ends(move || {
        for runtime in both() {
            runtime.block_on(program());
            runtime.block_on(async { unstuck::spawn(program()).await.unwrap() });
        }
    });
}

/// Said when it is time to stop.
#[derive(Clone, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn say(&self) {
        self.0.store(true, SeqCst);
    }

    fn is_said(&self) -> bool {
        self.0.load(SeqCst)
    }

    /// Another task says it.
    fn said_by_another_task() -> Stop {
        let stop = Stop::default();
        let stopping = stop.clone();
        unstuck::spawn(async move { stopping.say() });
        stop
    }

    /// Another task says it, when some time has passed.
    fn said_later_by_another_task() -> Stop {
        let stop = Stop::default();
        let stopping = stop.clone();
        unstuck::spawn(async move {
            sleep(SHORT).await;
            stopping.say();
        });
        stop
    }
}

/// Never has to wait, until it is told to stop.
async fn busy(stop: Stop) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    sender.send(()).unwrap();
    while !stop.is_said() {
        receiver.recv().await.unwrap();
        sender.send(()).unwrap();
    }
}

/// Wakes itself in each poll, without any operation of ours.
async fn spinning(stop: Stop) {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if stop.is_said() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// Yields again and again.
async fn yielding(stop: Stop) {
    while !stop.is_said() {
        yield_now().await;
    }
}

/// Waits, then tells the others to stop.
async fn late(stop: Stop) {
    sleep(SHORT).await;
    stop.say();
}

#[test]
fn a_set_of_futures_that_want_one_permit_ends() {
    everywhere(async || {
        let permits = Arc::new(Semaphore::new(1));
        let wanting = (0..1000).map(|_| {
            let permits = permits.clone();
            async move { drop(permits.acquire().await.unwrap()) }
        });
        set(wanting).await;
        assert_eq!(permits.available_permits(), 1);
    });
}

#[test]
fn a_set_of_futures_that_use_what_is_ready_ends() {
    everywhere(async || {
        let lock = Arc::new((Mutex::new(0), RwLock::new(0)));
        let adding = (0..1000).map(|_| {
            let lock = lock.clone();
            async move {
                *lock.0.lock().await += 1;
                drop(lock.1.read().await);
                *lock.1.write().await += 1;
                unstuck::spawn(async {}).await.unwrap();
            }
        });
        set(adding).await;
        assert_eq!((*lock.0.lock().await, *lock.1.read().await), (1000, 1000));
    });
}

#[test]
fn a_set_within_a_set_within_a_set_ends() {
    everywhere(async || {
        let inner = || set((0..30).map(async |_| consume_budget().await));
        let middle = || set((0..10).map(|_| inner()));
        set((0..10).map(|_| middle())).await;
    });
}

/// On one thread nobody else could look at the clock, and the set does not poll the sleep before that was woken.
#[test]
fn a_set_that_spins_on_a_worker_does_not_keep_a_sleep_from_ending() {
    ends(|| {
        let run = async |other: Boxed, stop| set([boxed(late(stop)), other]).await;
        multi_thread(2).block_on(async {
            for other in [|stop| boxed(busy(stop)), |stop| boxed(spinning(stop)), |stop| boxed(yielding(stop))] {
                let stop = Stop::default();
                run(other(stop.clone()), stop.clone()).await;
                let stop = Stop::default();
                unstuck::spawn(run(other(stop.clone()), stop)).await.unwrap();
            }
        });
    });
}

#[test]
fn a_sleep_beside_one_that_is_always_woken_ends_under_an_eager_combinator() {
    everywhere(async || {
        for other in [|stop| boxed(busy(stop)), |stop| boxed(spinning(stop)), |stop| boxed(yielding(stop))] {
            for is_first in [false, true] {
                let stop = Stop::default();
                let mut parts = vec![Some(boxed(late(stop.clone()))), Some(other(stop))];
                parts.rotate_left(is_first.into());
                eager(InOrder(parts)).await;
            }
        }
    });
}

#[test]
fn time_goes_on_under_an_eager_combinator() {
    everywhere(async || {
        let never = Stop::default();
        assert!(eager(timeout(SHORT, spinning(never.clone()))).await.is_err());
        assert!(eager(timeout(SHORT, busy(never.clone()))).await.is_err());
        let ticks = async |stop: Stop| {
            let mut interval = interval(SHORT);
            for _ in 0..3 {
                interval.tick().await;
            }
            stop.say();
        };
        let stop = Stop::default();
        eager(InOrder(vec![Some(boxed(busy(stop.clone()))), Some(boxed(ticks(stop)))])).await;
        let mut moved = pin!(sleep(Duration::from_secs(3600)));
        let mut moves = 0;
        eager(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            moves += 1;
            if moves == 10 {
                moved.as_mut().reset(unstuck::time::Instant::now() + SHORT);
            }
            moved.as_mut().poll(cx)
        }))
        .await;
    });
}

#[test]
fn a_busy_future_leaves_something_for_those_that_are_always_polled_after_it() {
    everywhere(async || {
        let stop = Stop::default();
        let mut parts: Vec<_> = (0..5).map(|_| Some(boxed(busy(stop.clone())))).collect();
        parts.push(Some(boxed(late(stop))));
        InOrder(parts).await;

        let (stop, permits) = (Stop::default(), Arc::new(Semaphore::new(1)));
        let acquiring = {
            let stop = stop.clone();
            async move {
                for _ in 0..10 {
                    drop(permits.acquire().await.unwrap());
                }
                stop.say();
            }
        };
        InOrder(vec![Some(boxed(busy(stop))), Some(boxed(acquiring))]).await;
    });
}

#[test]
fn the_parts_of_a_join_have_their_turns() {
    everywhere(async || {
        let stop = Stop::default();
        unstuck::join!(busy(stop.clone()), busy(stop.clone()), late(stop));
        let stop = Stop::default();
        let fallible = async |part: Boxed| {
            part.await;
            Ok::<_, ()>(())
        };
        let done = unstuck::try_join!(fallible(boxed(busy(stop.clone()))), fallible(boxed(late(stop))));
        assert!(done.is_ok());
    });
}

#[test]
fn an_executor_that_blocks_inside_a_task_goes_on() {
    everywhere(async || {
        let done = block_on_elsewhere(async {
            let permits = Semaphore::new(1);
            for _ in 0..MANY {
                drop(permits.acquire().await.unwrap());
                consume_budget().await;
            }
            MANY
        });
        assert_eq!(done, MANY);
    });
}

#[test]
fn a_select_whose_first_branch_is_always_ready_lets_other_tasks_run() {
    everywhere(async || {
        let stop = Stop::said_later_by_another_task();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        sender.send(()).unwrap();
        while !stop.is_said() {
            unstuck::select! {
                biased;
                _ = receiver.recv() => sender.send(()).unwrap(),
                () = sleep(Duration::from_secs(3600)) => panic!("the first branch is ready"),
            }
        }
    });
}

#[test]
fn a_select_with_a_foreign_branch_that_is_always_ready_does_not_pass_over_the_others() {
    everywhere(async || {
        let (stop, permits) = (Stop::said_later_by_another_task(), Semaphore::new(1));
        let (mut ours, mut foreign) = (0, 0);
        while !stop.is_said() {
            unstuck::select! {
                biased;
                permit = permits.acquire() => {
                    drop(permit);
                    ours += 1;
                }
                () = std::future::ready(()) => foreign += 1,
            }
        }
        assert!(ours > 0 && foreign == 0, "{ours} of ours, {foreign} foreign");
    });
}

#[test]
fn a_select_among_branches_that_are_all_ready_takes_each() {
    everywhere(async || {
        let stop = Stop::default();
        let mut late = pin!(late(stop.clone()));
        let (mut ready, mut cooperating, permits) = (0, 0, Semaphore::new(1));
        while !stop.is_said() {
            unstuck::select! {
                _ = permits.acquire() => ready += 1,
                () = cooperative(std::future::ready(())) => cooperating += 1,
                () = &mut late => {}
            }
        }
        assert!(ready > 0 && cooperating > 0);
    });
}

#[test]
fn receiving_what_is_always_there_lets_other_tasks_run() {
    everywhere(async || {
        busy(Stop::said_by_another_task()).await;

        // Takes what there is, then waits for more.
        let (stop, (sender, mut receiver)) = (Stop::said_by_another_task(), mpsc::channel(8));
        while !stop.is_said() {
            (0..8).for_each(|number| sender.try_send(number).unwrap());
            assert_eq!(receiver.recv().await, Some(0));
            while receiver.try_recv().is_ok() {}
        }

        let (stop, (sender, mut receiver)) = (Stop::said_by_another_task(), broadcast::channel(8));
        while !stop.is_said() {
            sender.send(()).unwrap();
            receiver.recv().await.unwrap();
        }

        let (stop, (sender, mut receiver)) = (Stop::said_by_another_task(), watch::channel(()));
        while !stop.is_said() {
            sender.send(()).unwrap();
            receiver.changed().await.unwrap();
        }

        let stop = Stop::said_by_another_task();
        while !stop.is_said() {
            let (sender, receiver) = oneshot::channel();
            sender.send(()).unwrap();
            receiver.await.unwrap();
        }
    });
}

#[test]
fn loops_in_a_poll_end_when_the_budget_does() {
    everywhere(async || {
        let stop = Stop::said_by_another_task();
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(()).unwrap();
        poll_fn(|cx| {
            while !stop.is_said() {
                ready!(receiver.poll_recv(cx)).unwrap();
                sender.try_send(()).unwrap();
            }
            Poll::Ready(())
        })
        .await;

        let mut tasks: JoinSet<_> = (0..MANY).map(async |_| {}).collect();
        poll_fn(|cx| {
            while let Some(joined) = ready!(tasks.poll_join_next(cx)) {
                joined.unwrap();
            }
            Poll::Ready(())
        })
        .await;
    });
}

#[test]
fn locks_that_are_always_free_let_other_tasks_run() {
    everywhere(async || {
        let (stop, lock) = (Stop::said_by_another_task(), Mutex::new(0));
        while !stop.is_said() {
            *lock.lock().await += 1;
        }
        let (stop, lock) = (Stop::said_by_another_task(), RwLock::new(0));
        while !stop.is_said() {
            *lock.write().await += 1;
            drop(lock.read().await);
        }
    });
}

#[test]
fn sockets_that_are_always_ready_let_other_tasks_run() {
    everywhere(async || {
        let (stop, socket) = (Stop::said_by_another_task(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let this = socket.local_addr().unwrap();
        while !stop.is_said() {
            socket.send_to(b"again", this).await.unwrap();
            assert_eq!(socket.recv_from(&mut [0; 8]).await.unwrap(), (5, this));
        }

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let stop = Stop::said_by_another_task();
        while !stop.is_said() {
            client.write_all(b"again").await.unwrap();
            server.read_exact(&mut [0; 5]).await.unwrap();
        }
    });
}

#[test]
fn pipes_that_never_block_let_other_tasks_run() {
    everywhere(async || {
        let (stop, (mut one, mut other)) = (Stop::said_by_another_task(), duplex(64));
        while !stop.is_said() {
            one.write_all(b"again").await.unwrap();
            other.read_exact(&mut [0; 5]).await.unwrap();
        }
        let stop = Stop::said_by_another_task();
        while !stop.is_said() {
            assert_eq!(empty().read(&mut [0; 8]).await.unwrap(), 0);
            repeat(7).read_exact(&mut [0; 8]).await.unwrap();
            sink().write_all(b"again").await.unwrap();
        }
        let (mut from, mut to) = (repeat(7), sink());
        unstuck::select! {
            _ = unstuck::io::copy(&mut from, &mut to) => panic!("it has no end"),
            () = sleep(SHORT) => {}
        }
    });
}
