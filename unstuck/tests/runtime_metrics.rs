//! What a runtime counts: each counter moves when what it counts happens, and not otherwise.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use unstuck::net::TcpListener;
use unstuck::runtime::{Builder, HistogramConfiguration, Runtime, RuntimeMetrics, worker_index};
use unstuck::task::{block_in_place, coop, spawn_blocking, yield_now};

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn pool(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

fn sum<T: std::iter::Sum>(metrics: &RuntimeMetrics, of: impl Fn(&RuntimeMetrics, usize) -> T) -> T {
    (0..metrics.num_workers()).map(|worker| of(metrics, worker)).sum()
}

/// Waits until the workers have come so far.
fn until(is_so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it did not become so");
}

#[test]
fn polls_and_spawns_are_counted_one_by_one() {
    for runtime in [one_thread(), pool(2)] {
        let metrics = runtime.metrics();
        runtime.block_on(async {
            for _ in 0..5 {
                unstuck::spawn(async { yield_now().await }).await.unwrap();
            }
        });
        drop(runtime);
        assert_eq!(metrics.spawned_tasks_count(), 5);
        assert_eq!(sum(&metrics, RuntimeMetrics::worker_poll_count), 10);
        assert_eq!(metrics.num_alive_tasks(), 0);
    }
}

#[test]
fn a_task_is_scheduled_from_outside_or_by_a_worker() {
    let runtime = one_thread();
    let handle = runtime.handle().clone();
    let task = thread::spawn(move || handle.spawn(async {})).join().unwrap();
    let metrics = runtime.metrics();
    assert_eq!((metrics.remote_schedule_count(), metrics.global_queue_depth()), (1, 1));
    runtime.block_on(async {
        task.await.unwrap();
        let local = unstuck::spawn(async {});
        assert_eq!(metrics.worker_local_queue_depth(0), 1);
        local.await.unwrap();
    });
    assert_eq!((metrics.remote_schedule_count(), metrics.worker_local_schedule_count(0)), (1, 1));
    assert_eq!((metrics.worker_local_queue_depth(0), metrics.global_queue_depth()), (0, 0));
}

#[test]
fn a_full_queue_overflows_into_the_shared_one() {
    let runtime = pool(1);
    let metrics = runtime.metrics();
    let spawn = |tasks| {
        runtime.block_on(async {
            unstuck::spawn(async move { (0..tasks).for_each(|_| drop(unstuck::spawn(async {}))) }).await.unwrap();
        });
    };
    spawn(100);
    assert_eq!(metrics.worker_overflow_count(0), 0);
    spawn(300);
    // Once, unless the system holds up the poll: then a stand-in takes tasks meanwhile, and the queue can fill up again.
    assert!(metrics.worker_overflow_count(0) >= 1);
}

#[test]
fn an_idle_worker_takes_what_another_can_not_come_to() {
    let runtime = Builder::new_multi_thread().worker_threads(2).disable_lifo_slot().build().unwrap();
    let metrics = runtime.metrics();
    runtime.block_on(async {
        let blocked = unstuck::spawn(async {
            let (sender, receiver) = mpsc::channel();
            unstuck::spawn(async move { sender.send(()).unwrap() });
            // Only another worker can run the other task now.
            receiver.recv().unwrap();
        });
        blocked.await.unwrap();
    });
    drop(runtime);
    assert_eq!(sum(&metrics, RuntimeMetrics::worker_steal_count), 1);
    assert_eq!(sum(&metrics, RuntimeMetrics::worker_steal_operations), 1);
}

#[test]
fn a_worker_that_sleeps_has_an_odd_count_and_wakes_to_end() {
    let runtime = pool(2);
    let metrics = runtime.metrics();
    until(|| (0..2).all(|worker| metrics.worker_park_unpark_count(worker) % 2 == 1));
    assert!((0..2).all(|worker| metrics.worker_park_count(worker) >= 1 && metrics.worker_noop_count(worker) >= 1));
    drop(runtime);
    assert!((0..2).all(|worker| metrics.worker_park_unpark_count(worker).is_multiple_of(2)));
}

#[test]
fn a_poll_that_takes_long_is_busy_time_and_sleep_is_not() {
    for runtime in [one_thread(), pool(1)] {
        let metrics = runtime.metrics();
        let (started, long) = (Instant::now(), Duration::from_millis(20));
        runtime.block_on(runtime.spawn(async move { thread::sleep(long) })).unwrap();
        // A system that holds up the thread makes it busy for longer, but not for ever, as sleep would.
        until(|| {
            runtime.block_on(async { unstuck::time::sleep(Duration::from_millis(50)).await });
            (long..started.elapsed() / 2).contains(&metrics.worker_total_busy_duration(0))
        });
    }
}

#[test]
fn the_mean_of_the_polls_is_measured_on_the_pool() {
    let runtime = pool(1);
    let metrics = runtime.metrics();
    runtime.block_on(runtime.spawn(async { thread::sleep(Duration::from_millis(20)) })).unwrap();
    drop(runtime);
    assert!(metrics.worker_mean_poll_time(0) >= Duration::from_millis(20));
}

#[test]
fn a_poll_without_budget_counts_once_however_many_parts_it_has() {
    for runtime in [one_thread(), pool(1)] {
        let metrics = runtime.metrics();
        let spend = || {
            let mut spent = false;
            poll_fn(move |cx| {
                while !spent {
                    spent = pin!(coop::consume_budget()).poll(cx).is_pending();
                    if spent {
                        return Poll::Pending;
                    }
                }
                Poll::Ready(())
            })
        };
        let both = move || async move { unstuck::join!(spend(), spend()) };
        runtime.block_on(both());
        assert_eq!(metrics.budget_forced_yield_count(), 1);
        runtime.block_on(runtime.spawn(async move { both().await })).unwrap();
        assert_eq!(metrics.budget_forced_yield_count(), 2);
    }
}

#[test]
fn blocking_work_is_seen_waiting_and_its_thread_idle() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let metrics = runtime.metrics();
    assert_eq!(metrics.num_blocking_threads(), 0);
    let (begun, has_begun) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    let first = runtime.spawn_blocking(move || {
        begun.send(()).unwrap();
        ends.recv().unwrap();
    });
    has_begun.recv().unwrap();
    let second = runtime.spawn_blocking(|| {});
    assert_eq!(metrics.num_blocking_threads(), 1);
    assert_eq!((metrics.num_idle_blocking_threads(), metrics.blocking_queue_depth()), (0, 1));
    end.send(()).unwrap();
    runtime.block_on(async { unstuck::try_join!(first, second) }).unwrap();
    until(|| metrics.num_idle_blocking_threads() == 1);
    assert_eq!(metrics.blocking_queue_depth(), 0);
    drop(runtime);
    assert_eq!((metrics.num_blocking_threads(), metrics.num_idle_blocking_threads()), (0, 0));
}

#[test]
fn sockets_are_counted_from_the_first_to_the_last_moment() {
    let runtime = one_thread();
    let metrics = runtime.metrics();
    let (listener, client) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, _) = unstuck::try_join!(unstuck::net::TcpStream::connect(address), listener.accept()).unwrap();
        (listener, client)
    });
    assert_eq!(metrics.io_driver_fd_registered_count(), 3);
    assert_eq!(metrics.io_driver_fd_deregistered_count(), 1);
    assert!(metrics.io_driver_ready_count() >= 1);
    drop((listener, client));
    assert_eq!(metrics.io_driver_fd_deregistered_count(), 3);
}

#[test]
fn the_histogram_has_each_poll_in_one_bucket() {
    let us = Duration::from_micros;
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder
            .worker_threads(2)
            .enable_metrics_poll_time_histogram()
            .metrics_poll_time_histogram_configuration(HistogramConfiguration::linear(us(50_000), 2))
            .build()
            .unwrap();
        let metrics = runtime.metrics();
        assert_eq!(metrics.poll_time_histogram_bucket_range(0), us(0)..us(50_000));
        assert_eq!(metrics.poll_time_histogram_bucket_range(1), us(50_000)..Duration::from_nanos(u64::MAX));
        runtime.block_on(async {
            unstuck::spawn(async { thread::sleep(Duration::from_millis(60)) }).await.unwrap();
            unstuck::spawn(async {}).await.unwrap();
        });
        drop(runtime);
        let bucket = |bucket| sum(&metrics, |metrics, worker| metrics.poll_time_histogram_bucket_count(worker, bucket));
        assert!(bucket(1) >= 1);
        assert_eq!(bucket(0) + bucket(1), 2);
    }
}

#[test]
fn without_a_histogram_there_are_no_buckets() {
    let metrics = one_thread().metrics();
    assert!(!metrics.poll_time_histogram_enabled());
    assert_eq!(metrics.poll_time_histogram_num_buckets(), 0);
    assert_eq!(metrics.poll_time_histogram_bucket_count(0, 7), 0);
    assert_eq!(metrics.poll_time_histogram_bucket_range(7), Duration::ZERO..Duration::ZERO);
}

#[test]
#[should_panic = "there is no worker 1"]
fn a_worker_that_does_not_exist_is_refused() {
    one_thread().metrics().worker_noop_count(1);
}

#[test]
fn a_worker_is_the_thread_that_its_index_says() {
    let runtime = pool(2);
    let metrics = runtime.metrics();
    assert_eq!(runtime.block_on(async { worker_index() }), None);
    runtime.block_on(async {
        unstuck::spawn(async move {
            let index = worker_index().unwrap();
            assert_eq!(metrics.worker_thread_id(index), Some(thread::current().id()));
            // While this thread blocks, another one is the worker.
            block_in_place(|| {
                assert_eq!(worker_index(), None);
                until(|| metrics.worker_thread_id(index) != Some(thread::current().id()));
            });
        })
        .await
        .unwrap();
        assert_eq!(spawn_blocking(worker_index).await.unwrap(), None);
    });
    let runtime = one_thread();
    assert_eq!(runtime.metrics().worker_thread_id(0), None);
    assert_eq!(runtime.block_on(async { worker_index() }), Some(0));
    assert_eq!(runtime.metrics().worker_thread_id(0), Some(thread::current().id()));
    assert_eq!(worker_index(), None);
}

#[test]
fn polls_by_a_stand_in_count_for_the_worker_that_blocks() {
    let runtime = pool(1);
    let metrics = runtime.metrics();
    runtime.block_on(async {
        unstuck::spawn(async {
            let other = unstuck::spawn(async {});
            block_in_place(|| until(|| other.is_finished()));
        })
        .await
        .unwrap();
    });
    drop(runtime);
    assert_eq!(metrics.worker_poll_count(0), 2);
}
