//! Tasks that stay on one thread.

mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

use common::{both, current_thread, multi_thread};
use unstuck::runtime::LocalRuntime;
use unstuck::sync::{mpsc, oneshot};
use unstuck::task::{self, LocalSet, block_in_place, spawn_local, yield_now};
use unstuck::time::{Duration, sleep};

fn here() -> ThreadId {
    thread::current().id()
}

#[test]
fn local_tasks_need_not_be_send_and_stay_on_their_thread() {
    for runtime in both() {
        let set = LocalSet::new();
        let thread = here();
        let ran = Rc::new(Cell::new(0));
        set.block_on(&runtime, async {
            let tasks: Vec<_> = (0..100)
                .map(|_| {
                    let ran = ran.clone();
                    spawn_local(async move {
                        sleep(Duration::from_micros(50)).await;
                        assert_eq!(here(), thread);
                        ran.set(ran.get() + 1);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_eq!(ran.get(), 100);
    }
}

#[unstuck::test]
async fn the_set_as_a_future_ends_with_its_last_task() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let set = LocalSet::new();
    let outer = log.clone();
    set.spawn_local(async move {
        let inner = outer.clone();
        spawn_local(async move {
            sleep(Duration::from_millis(2)).await;
            inner.borrow_mut().push("inner");
        });
        yield_now().await;
        outer.borrow_mut().push("outer");
    });
    set.await;
    assert_eq!(*log.borrow(), ["outer", "inner"]);
}

#[unstuck::test]
async fn what_is_left_goes_on_when_the_set_is_awaited_again() {
    let set = LocalSet::new();
    let (sender, receiver) = oneshot::channel();
    let task = set.spawn_local(async { receiver.await.unwrap() });
    set.run_until(yield_now()).await;
    assert!(!task.is_finished());
    sender.send(5).unwrap();
    assert_eq!(set.run_until(task).await.unwrap(), 5);
}

#[unstuck::test]
async fn a_task_spawned_from_outside_wakes_who_awaits_the_set() {
    let set = LocalSet::new();
    unstuck::select! {
        () = set.run_until(pending()) => unreachable!(),
        result = async {
            yield_now().await;
            set.spawn_local(async { 5 }).await
        } => assert_eq!(result.unwrap(), 5),
    }
}

#[test]
fn a_task_woken_by_another_thread_goes_on_here() {
    let runtime = multi_thread(1);
    let set = LocalSet::new();
    let thread = here();
    set.block_on(&runtime, async {
        let (sender, receiver) = oneshot::channel();
        let local = spawn_local(async move {
            let n = receiver.await.unwrap();
            assert_eq!(here(), thread);
            n
        });
        let remote = unstuck::spawn(async move {
            assert_ne!(here(), thread);
            yield_now().await;
            sender.send(7).unwrap();
            local.await.unwrap()
        });
        assert_eq!(remote.await.unwrap(), 7);
    });
}

#[test]
fn many_messages_from_other_threads_arrive() {
    let runtime = multi_thread(2);
    LocalSet::new().block_on(&runtime, async {
        let (sender, mut receiver) = mpsc::channel(4);
        for _ in 0..4 {
            let sender = sender.clone();
            unstuck::spawn(async move {
                for n in 0..500_u32 {
                    sender.send(n).await.unwrap();
                }
            });
        }
        drop(sender);
        let sum = spawn_local(async move {
            let mut sum = 0;
            while let Some(n) = receiver.recv().await {
                sum += n;
            }
            sum
        });
        assert_eq!(sum.await.unwrap(), 4 * 499 * 500 / 2);
    });
}

#[unstuck::test]
async fn local_tasks_do_not_starve_the_runtime_nor_it_them() {
    let set = LocalSet::new();
    let stop = Rc::new(Cell::new(false));
    let spinning = stop.clone();
    set.spawn_local(async move {
        while !spinning.get() {
            yield_now().await;
        }
    });
    set.run_until(async {
        unstuck::spawn(async { sleep(Duration::from_millis(1)).await }).await.unwrap();
        stop.set(true);
    })
    .await;
    set.await;
}

#[test]
fn dropping_the_set_drops_its_tasks() {
    let runtime = current_thread();
    let alive = Rc::new(());
    let set = LocalSet::new();
    let (idle, queued) = (alive.clone(), alive.clone());
    let idle = set.spawn_local(async move {
        let _idle = idle;
        pending::<()>().await;
    });
    set.block_on(&runtime, yield_now());
    let queued = set.spawn_local(async move { drop(queued) });
    assert_eq!(Rc::strong_count(&alive), 3);
    drop(set);
    assert_eq!(Rc::strong_count(&alive), 1);
    runtime.block_on(async {
        assert!(idle.await.unwrap_err().is_cancelled());
        assert!(queued.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_task_that_wakes_another_while_the_set_is_dropped_does_no_harm() {
    let runtime = current_thread();
    let set = LocalSet::new();
    let (first, waits_for_first) = oneshot::channel::<()>();
    let (second, waits_for_second) = oneshot::channel::<()>();
    set.spawn_local(async move {
        let _first = first;
        pending::<()>().await;
    });
    set.spawn_local(async move {
        let _second = second;
        let _ = waits_for_first.await;
        pending::<()>().await;
    });
    set.spawn_local(async move {
        let _ = waits_for_second.await;
        spawn_local(async {});
    });
    set.block_on(&runtime, yield_now());
    drop(set);
}

#[test]
fn entering_makes_the_set_current_also_outside_a_runtime() {
    let set = LocalSet::new();
    let (outer, inner) = {
        let _guard = set.enter();
        let outer = spawn_local(async { 1 });
        let other = LocalSet::new();
        {
            let _inner = other.enter();
            drop(spawn_local(async { unreachable!("the other set is not run") }));
        }
        (outer, spawn_local(async { 2 }))
    };
    let sum = set.block_on(&current_thread(), async { outer.await.unwrap() + inner.await.unwrap() });
    assert_eq!(sum, 3);
}

#[test]
fn guards_dropped_out_of_order_do_no_harm() {
    let (a, b) = (LocalSet::new(), LocalSet::new());
    let guard_a = a.enter();
    let guard_b = b.enter();
    drop(guard_a);
    drop(a);
    drop(guard_b);
    drop(b);
    // Whatever is current now, it is no freed memory.
    let _ = std::panic::catch_unwind(|| drop(spawn_local(async {})));
}

#[unstuck::test]
async fn two_who_await_one_set_are_both_served() {
    let set = LocalSet::new();
    let (sender, receiver) = oneshot::channel();
    let (five, ()) = unstuck::join!(
        set.run_until(async { receiver.await.unwrap() }),
        set.run_until(async {
            spawn_local(async move {
                yield_now().await;
                sender.send(5).unwrap();
            });
        })
    );
    assert_eq!(five, 5);
}

#[unstuck::test]
async fn who_awaits_goes_and_the_other_takes_over() {
    let set = LocalSet::new();
    let (sender, receiver) = oneshot::channel();
    let task = set.spawn_local(async move { receiver.await.unwrap() });
    let mut cx = Context::from_waker(Waker::noop());
    let waiting = set.run_until(task);
    let mut waiting = pin!(waiting);
    {
        let other = set.run_until(pending::<()>());
        let mut other = pin!(other);
        assert!(other.as_mut().poll(&mut cx).is_pending());
    }
    let send = async {
        yield_now().await;
        sender.send("through").unwrap();
    };
    let (result, ()) = unstuck::join!(waiting.as_mut(), send);
    assert_eq!(result.unwrap(), "through");
}

#[test]
#[should_panic(expected = "`spawn_local` called from outside of a `task::LocalSet`")]
fn spawning_outside_a_set_tells_what_to_do() {
    spawn_local(async {});
}

/// Blocks in place when it is dropped.
struct BlockOnDrop;

impl Future for BlockOnDrop {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for BlockOnDrop {
    fn drop(&mut self) {
        block_in_place(|| {});
    }
}

#[test]
fn blocking_in_place_inside_a_set_is_refused() {
    for runtime in both() {
        let message = |error: task::JoinError| *error.into_panic().downcast::<&str>().unwrap();
        runtime.block_on(async {
            let set = LocalSet::new();
            let task = set.spawn_local(async { block_in_place(|| {}) });
            let error = set.run_until(task).await.unwrap_err();
            assert!(message(error).contains("can call blocking only when running on the multi-threaded runtime"));
            let task = set.spawn_local(BlockOnDrop);
            set.run_until(yield_now()).await;
            drop(set);
            assert!(message(task.await.unwrap_err()).contains("can call blocking only"));
        });
    }
}

#[test]
fn a_set_in_a_thread_local_is_dropped_with_its_thread() {
    thread_local! {
        static SET: LocalSet = LocalSet::new();
    }
    let runtime = multi_thread(1);
    let (sender, receiver) = oneshot::channel::<()>();
    let (dropped, is_dropped) = std::sync::mpsc::channel();
    struct OnDrop(std::sync::mpsc::Sender<()>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    let handle = runtime.handle().clone();
    thread::spawn(move || {
        SET.with(|set| {
            set.spawn_local(async move {
                let _on_drop = OnDrop(dropped);
                let _ = receiver.await;
                pending::<()>().await;
            });
            handle.block_on(set.run_until(yield_now()));
        });
    })
    .join()
    .unwrap();
    is_dropped.recv().unwrap();
    drop(sender);
}

#[test]
fn a_panic_of_a_local_task_stays_with_it() {
    let set = LocalSet::new();
    let runtime = current_thread();
    let bad = set.spawn_local(async { panic!("local") });
    let good = set.spawn_local(async { 1 });
    set.block_on(&runtime, async {
        assert!(bad.await.unwrap_err().is_panic());
        assert_eq!(good.await.unwrap(), 1);
    });
}

#[test]
fn local_tasks_find_the_local_runtime_that_is_entered() {
    let runtime = LocalRuntime::new().unwrap();
    let (send, receive) = oneshot::channel();
    {
        let _guard = runtime.enter();
        spawn_local(async move {
            yield_now().await;
            send.send(1).unwrap();
        });
    }
    assert_eq!(runtime.block_on(receive), Ok(1));
    let handle = runtime.handle().clone();
    let task = {
        let _guard = handle.enter();
        let set = LocalSet::new();
        {
            let _set = set.enter();
            // The set is nearer.
            drop(spawn_local(async { unreachable!("the set is never awaited") }));
        }
        spawn_local(async { 2 })
    };
    assert_eq!(runtime.block_on(task).unwrap(), 2);
}
