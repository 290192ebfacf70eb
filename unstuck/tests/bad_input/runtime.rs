//! Runtimes: numbers that build none, and calls where none may be blocked, built or dropped.

use std::future::pending;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use unstuck::runtime::{
    Builder, Handle, HistogramConfiguration, InvalidHistogramConfiguration, LocalOptions, LocalRuntime, LogHistogram,
    Runtime,
};
use unstuck::task::LocalSet;

use crate::blame::{each_refused, refused, refused_somewhere, run};
use crate::common::{both, current_thread, multi_thread};

#[test]
fn a_number_that_builds_no_runtime_is_refused_where_it_is_given() {
    each_refused(&[
        ("Worker threads cannot be set to 0", || drop(Builder::new_multi_thread().worker_threads(0).build())),
        ("Worker threads cannot be set to 0", || drop(Builder::new_current_thread().worker_threads(0).build())),
        ("Max blocking threads cannot be set to 0", || _ = Builder::new_multi_thread().max_blocking_threads(0)),
        ("event_interval must be greater than 0", || _ = Builder::new_multi_thread().event_interval(0)),
        ("global_queue_interval must be greater than 0", || _ = Builder::new_multi_thread().global_queue_interval(0)),
        ("max_io_events_per_tick must be non-zero", || _ = Builder::new_current_thread().max_io_events_per_tick(0)),
        ("must be non-zero", || _ = Builder::new_current_thread().max_io_events_per_busy_tick(0)),
        ("runtime name shouldn't be empty", || _ = Builder::new_current_thread().name("")),
        ("runtime name shouldn't be empty", || _ = Builder::new_current_thread().name(" \t")),
        ("only on a current-thread runtime", || drop(Builder::new_multi_thread().start_paused(true).build())),
        ("multi_thread is not supported for `LocalRuntime`", || {
            drop(Builder::new_multi_thread().build_local(LocalOptions::default()))
        }),
    ]);
}

#[test]
fn a_histogram_that_can_not_be_is_refused_where_it_is_described() {
    each_refused(&[
        ("at least one bucket", || _ = HistogramConfiguration::linear(Duration::from_secs(1), 0)),
        ("width above zero", || _ = HistogramConfiguration::linear(Duration::ZERO, 1)),
        ("max_error must be greater than 0", || _ = LogHistogram::builder().max_error(0.0)),
        ("max_error must be greater than 0", || _ = LogHistogram::builder().max_error(-0.5)),
        ("max_error must be greater than 0", || _ = LogHistogram::builder().max_error(f64::NAN)),
        ("max_error must be at most 1", || _ = LogHistogram::builder().max_error(1.001)),
        ("max_error must be at least 2^-10", || _ = LogHistogram::builder().max_error(0.0001)),
        ("precision must be at most 10", || _ = LogHistogram::builder().precision_exact(11)),
        ("min_value must be above zero", || _ = LogHistogram::builder().min_value(Duration::ZERO)),
        ("max_value must be above zero", || _ = LogHistogram::builder().max_value(Duration::ZERO)),
    ]);
    #[allow(deprecated, reason = "they are there as long as Tokio has them")]
    each_refused(&[
        ("above zero", || _ = Builder::new_current_thread().metrics_poll_count_histogram_resolution(Duration::ZERO)),
        ("at least one bucket", || _ = Builder::new_current_thread().metrics_poll_count_histogram_buckets(0)),
    ]);
    let error = LogHistogram::builder().max_buckets(3).unwrap_err();
    let InvalidHistogramConfiguration::TooManyBuckets { required_bucket_count } = &error;
    assert!(*required_bucket_count > 3 && error.to_string().contains("buckets"), "{error}");
    assert!(LogHistogram::builder().max_buckets(*required_bucket_count).is_ok());
    // The wrong way round: as narrow as it can be, no panic.
    let narrow = LogHistogram::builder().min_value(Duration::from_secs(2)).max_value(Duration::from_secs(1)).build();
    let mut builder = Builder::new_current_thread();
    builder.enable_metrics_poll_time_histogram();
    builder.metrics_poll_time_histogram_configuration(HistogramConfiguration::log(narrow));
    let runtime = builder.build().unwrap();
    runtime.block_on(async { unstuck::spawn(async {}).await.unwrap() });
    let buckets = runtime.metrics().poll_time_histogram_num_buckets();
    refused("there is no bucket", || _ = runtime.metrics().poll_time_histogram_bucket_range(buckets));
    refused("there is no worker", || _ = runtime.metrics().poll_time_histogram_bucket_count(1, 0));
}

#[test]
fn threads_that_can_not_be_started_are_an_error_and_no_hang() {
    // No thread has a name with a zero byte in it: a name ends there.
    let build = |set: &dyn Fn(&mut Builder)| {
        let mut builder = Builder::new_multi_thread();
        set(builder.worker_threads(2));
        builder.build().map(|runtime| runtime.block_on(runtime.spawn(async { 1 })).unwrap())
    };
    let error = build(&|builder| _ = builder.thread_name("a\0b")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
    let error = build(&|builder| _ = builder.thread_name_fn(|| "\0".to_owned())).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
    // More than there is address space for.
    build(&|builder| _ = builder.thread_stack_size(usize::MAX / 2)).unwrap_err();
    // Too small is what the system takes at least.
    assert_eq!(build(&|builder| _ = builder.thread_stack_size(0)).unwrap(), 1);
    assert_eq!(build(&|builder| _ = builder.thread_name("")).unwrap(), 1);
    assert_eq!(build(&|builder| _ = builder.thread_name("longer than the fifteen bytes that Linux keeps")).unwrap(), 1);
}

#[test]
fn blocking_work_without_a_thread_to_run_it_is_refused() {
    let runtime = Builder::new_current_thread().thread_name("a\0b").build().unwrap();
    refused_somewhere("OS can't spawn worker thread", || drop(runtime.spawn_blocking(|| ())));
    // It goes on.
    assert_eq!(runtime.block_on(async { 1 }), 1);
}

/// Set in the child processes of the test below: environment variables belong to the process.
const CHILD: &str = "UNSTUCK_TEST_BUILD_A_POOL";

#[test]
fn a_number_of_workers_from_the_environment_that_is_none_is_refused() {
    use std::ffi::OsStr;

    if std::env::var_os(CHILD).is_some() {
        println!("workers={}", Builder::new_multi_thread().build().unwrap().metrics().num_workers());
        return;
    }
    let child = |value: &OsStr| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "runtime::a_number_of_workers_from_the_environment_that_is_none_is_refused",
                "--exact",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .env("RUST_BACKTRACE", "0")
            .env("TOKIO_WORKER_THREADS", value)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    };
    assert!(matches!(child(OsStr::new("2")), (true, text) if text.contains("workers=2")));
    for (value, says) in [
        ("0", "\"TOKIO_WORKER_THREADS\" cannot be set to 0"),
        ("many", "\"TOKIO_WORKER_THREADS\" must be usize"),
        ("", "\"TOKIO_WORKER_THREADS\" must be usize"),
        ("-1", "\"TOKIO_WORKER_THREADS\" must be usize"),
        (" 2", "\"TOKIO_WORKER_THREADS\" must be usize"),
        ("18446744073709551616", "\"TOKIO_WORKER_THREADS\" must be usize"),
    ] {
        let (ok, text) = child(OsStr::new(value));
        assert!(!ok && text.contains(says), "{value:?}: {text}");
        assert!(text.contains("bad_input/runtime.rs:"), "{value:?} blames somebody else: {text}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let (ok, text) = child(OsStr::from_bytes(b"\xff"));
        assert!(!ok && text.contains("\"TOKIO_WORKER_THREADS\" must be valid unicode"), "{text}");
    }
}

#[test]
fn without_a_runtime_there_is_no_handle() {
    refused("there is no reactor running", || _ = Handle::current());
    let error = Handle::try_current().unwrap_err();
    assert!(error.is_missing_context() && !error.is_thread_local_destroyed());
    assert!(error.to_string().contains("there is no reactor running"), "{error}");
}

#[test]
fn blocking_on_inside_a_runtime_is_refused_at_the_users_line() {
    for runtime in [current_thread(), multi_thread(1)] {
        let cure = "use `.await` on the future";
        let set = LocalSet::new();
        refused(cure, || runtime.block_on(async { set.block_on(&runtime, async {}) }));
        refused(cure, || runtime.block_on(async { runtime.block_on(async {}) }));
        refused(cure, || runtime.block_on(async { runtime.handle().block_on(async {}) }));
        refused(cure, || runtime.block_on(async { current_thread().block_on(async {}) }));
        refused(cure, || runtime.block_on(async { LocalRuntime::new().unwrap().block_on(async {}) }));
        // It goes on.
        assert_eq!(runtime.block_on(async { 1 }), 1);
    }
}

#[test]
fn a_runtime_that_ends_inside_asynchronous_code_says_where_it_may() {
    let says = "Cannot drop a runtime in a context where blocking is not allowed";
    type End = fn(Runtime);
    let ends: [End; 2] = [drop, |runtime| runtime.shutdown_timeout(Duration::from_secs(1))];
    for runtime in both() {
        for end in ends {
            for inner in both() {
                let (alive, ended) = std::sync::mpsc::channel::<()>();
                inner.spawn(async move {
                    pending::<()>().await;
                    drop(alive);
                });
                refused_somewhere(says, || runtime.block_on(async { end(inner) }));
                // It ends all the same, and drops its task.
                assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Err(RecvTimeoutError::Disconnected));
            }
        }
        for inner in both() {
            runtime.block_on(async { inner.shutdown_background() });
        }
        let elsewhere = runtime.spawn_blocking(|| {
            drop(both());
            for runtime in both() {
                runtime.shutdown_timeout(Duration::from_secs(60));
            }
        });
        run(&runtime, elsewhere).unwrap();
    }
}

#[test]
fn guards_that_are_dropped_in_another_order_are_refused() {
    let runtimes = both();
    let (first, second) = (runtimes[0].enter(), runtimes[1].enter());
    refused_somewhere("dropped out of order", || drop(first));
    drop(second);
}

#[test]
fn a_local_runtime_runs_on_its_own_thread_alone() {
    let runtime = LocalRuntime::new().unwrap();
    let handle = runtime.handle().clone();
    let elsewhere = thread::spawn(move || {
        let _guard = handle.enter();
        refused("from the thread the runtime was created on", || drop(unstuck::task::spawn_local(async {})));
        // One that is Send may be spawned anywhere.
        unstuck::spawn(async { 3 })
    });
    assert_eq!(runtime.block_on(elsewhere.join().unwrap()).unwrap(), 3);
}

#[test]
fn a_worker_that_is_not_there_has_no_metrics() {
    let metrics = multi_thread(2).metrics();
    refused("there is no worker 2", || _ = metrics.worker_poll_count(2));
    refused("there is no worker 2", || _ = metrics.worker_total_busy_duration(2));
    refused("there is no worker 2", || _ = metrics.worker_park_count(2));
    refused("there is no worker", || _ = metrics.worker_local_queue_depth(usize::MAX));
}
