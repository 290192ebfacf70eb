//! How long tasks are queued before they are polled, where a runtime is asked to measure it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use unstuck::runtime::{Builder, HistogramConfiguration, RuntimeMetrics, TaskMeta};
use unstuck::task::yield_now;

const MS: Duration = Duration::from_millis(1);

/// What a hook was told, in order.
type Told = Arc<Mutex<Vec<Option<Duration>>>>;

fn tells(told: &Told) -> impl Fn(&TaskMeta<'_>) + Send + Sync + 'static {
    let told = told.clone();
    move |task| told.lock().unwrap().push(task.schedule_latency())
}

fn taken(told: &Told) -> Vec<Option<Duration>> {
    std::mem::take(&mut told.lock().unwrap())
}

#[test]
fn the_time_until_the_first_poll_is_told_before_and_after_it() {
    let (before, after) = (Told::default(), Told::default());
    let runtime = Builder::new_current_thread()
        .track_task_schedule_latency()
        .on_before_task_poll(tells(&before))
        .on_after_task_poll(tells(&after))
        .build()
        .unwrap();
    let task = runtime.spawn(async {});
    thread::sleep(5 * MS); // nobody polls it meanwhile
    runtime.block_on(task).unwrap();
    let before = taken(&before);
    assert!(before.len() == 1 && before[0].unwrap() >= 5 * MS, "{before:?}");
    assert_eq!(before, taken(&after));
}

#[test]
fn a_task_is_queued_anew_each_time_it_is_woken() {
    let told = Told::default();
    let runtime =
        Builder::new_current_thread().track_task_schedule_latency().on_before_task_poll(tells(&told)).build().unwrap();
    let (waker_out, waker) = mpsc::channel();
    let mut polls = 0;
    let task = runtime.spawn(std::future::poll_fn(move |cx| {
        polls += 1;
        if polls == 3 {
            return std::task::Poll::Ready(());
        }
        waker_out.send(cx.waker().clone()).unwrap();
        std::task::Poll::Pending
    }));
    for poll in 0..2 {
        runtime.block_on(async { yield_now().await });
        assert!(taken(&told)[0].is_some(), "poll {poll}");
        waker.recv().unwrap().wake();
        thread::sleep(5 * MS);
    }
    runtime.block_on(task).unwrap();
    assert!(taken(&told)[0].unwrap() >= 5 * MS);
}

#[test]
fn a_task_that_waits_is_not_queued() {
    let told = Told::default();
    let runtime =
        Builder::new_current_thread().track_task_schedule_latency().on_before_task_poll(tells(&told)).build().unwrap();
    let (open, opened) = unstuck::sync::oneshot::channel::<()>();
    let task = runtime.spawn(opened);
    runtime.block_on(async { yield_now().await });
    thread::sleep(20 * MS);
    let before = Instant::now();
    open.send(()).unwrap();
    runtime.block_on(task).unwrap().unwrap();
    assert!(taken(&told)[1].unwrap() <= before.elapsed(), "it was not queued while it waited");
}

#[test]
fn hooks_that_are_not_about_a_poll_are_told_none() {
    let told = Told::default();
    let runtime = Builder::new_current_thread()
        .track_task_schedule_latency()
        .on_task_spawn(tells(&told))
        .on_task_terminate(tells(&told))
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn(async {})).unwrap();
    assert_eq!(taken(&told), [None, None]);
}

#[test]
fn a_runtime_that_was_not_asked_tells_none_also_of_a_task_with_a_name() {
    let told = Told::default();
    let runtime = Builder::new_current_thread().on_before_task_poll(tells(&told)).build().unwrap();
    let named = unstuck::task::Builder::new().name("named").spawn_on(async {}, runtime.handle()).unwrap();
    runtime.block_on(named).unwrap();
    runtime.block_on(runtime.spawn(async {})).unwrap();
    assert_eq!(taken(&told), [None, None]);
}

#[test]
fn each_poll_falls_into_one_bucket_whichever_worker_it_was() {
    fn sum(metrics: &RuntimeMetrics) -> u64 {
        let count = |worker, bucket| metrics.schedule_latency_histogram_bucket_count(worker, bucket);
        let buckets = metrics.schedule_latency_histogram_num_buckets();
        (0..metrics.num_workers()).flat_map(|worker| (0..buckets).map(move |bucket| count(worker, bucket))).sum()
    }
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.worker_threads(2).enable_metrics_schedule_latency_histogram().build().unwrap();
        let metrics = runtime.metrics();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..20).map(|_| unstuck::spawn(async { yield_now().await })).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        drop(runtime);
        assert_eq!(sum(&metrics), 40);
        assert!(!metrics.poll_time_histogram_enabled());
    }
}

#[test]
fn a_long_wait_falls_into_the_bucket_of_long_ones() {
    let runtime = Builder::new_current_thread()
        .enable_metrics_schedule_latency_histogram()
        .metrics_schedule_latency_histogram_configuration(HistogramConfiguration::linear(5 * MS, 2))
        .build()
        .unwrap();
    let task = runtime.spawn(async {});
    thread::sleep(5 * MS);
    runtime.block_on(task).unwrap();
    let metrics = runtime.metrics();
    assert_eq!(metrics.schedule_latency_histogram_num_buckets(), 2);
    assert_eq!(metrics.schedule_latency_histogram_bucket_range(1), 5 * MS..Duration::from_nanos(u64::MAX));
    assert_eq!([0, 1].map(|bucket| metrics.schedule_latency_histogram_bucket_count(0, bucket)), [0, 1]);
}

#[test]
fn without_a_histogram_there_are_no_buckets() {
    let runtime = Builder::new_current_thread().track_task_schedule_latency().build().unwrap();
    let metrics = runtime.metrics();
    assert!(!metrics.schedule_latency_histogram_enabled());
    assert_eq!(metrics.schedule_latency_histogram_num_buckets(), 0);
    assert_eq!(metrics.schedule_latency_histogram_bucket_range(0), Duration::ZERO..Duration::ZERO);
    assert_eq!(metrics.schedule_latency_histogram_bucket_count(0, 0), 0);
}

#[test]
fn a_task_of_a_pool_is_told_of_from_every_way_into_a_queue() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .track_task_schedule_latency()
        .on_before_task_poll(move |task| {
            assert!(task.schedule_latency().is_some());
            count.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap();
    // From outside, from the worker, from the worker's own poll, and by a waker of another thread.
    let (send, receive) = unstuck::sync::oneshot::channel();
    let task = runtime.spawn(async {
        unstuck::spawn(async { yield_now().await }).await.unwrap();
        receive.await
    });
    thread::spawn(move || send.send(())).join().unwrap().unwrap();
    runtime.block_on(task).unwrap().unwrap();
    drop(runtime);
    assert!((4..=5).contains(&told.load(Ordering::Relaxed)), "{told:?}");
}
