//! Times: none, too long, too late, and clocks that can't be stopped.

use std::future::{pending, ready};

use unstuck::runtime::Builder;
use unstuck::time::{self, Duration, Instant, interval, interval_at, sleep, sleep_until, timeout, timeout_at};

use crate::blame::{each_refused, refused, refused_somewhere, run};
use crate::common::{both, current_thread, multi_thread};

#[test]
fn a_period_of_zero_is_refused_at_the_users_line() {
    each_refused(&[
        ("`period` must be non-zero.", || drop(interval(Duration::ZERO))),
        ("`period` must be non-zero.", || drop(interval_at(Instant::now(), Duration::ZERO))),
    ]);
    // Before anything is asked of a runtime, and inside one.
    let runtime = current_thread();
    let _guard = runtime.enter();
    refused("`period` must be non-zero.", || drop(interval(Duration::ZERO)));
}

#[test]
fn outside_a_runtime_there_is_no_timer() {
    each_refused(&[
        ("there is no reactor running", || drop(sleep(Duration::ZERO))),
        ("there is no reactor running", || drop(sleep_until(Instant::now()))),
        ("there is no reactor running", || drop(timeout(Duration::ZERO, ready(())))),
        ("there is no reactor running", || drop(timeout_at(Instant::now(), ready(())))),
        ("there is no reactor running", || drop(interval(Duration::from_secs(1)))),
        ("there is no reactor running", || drop(interval_at(Instant::now(), Duration::from_secs(1)))),
    ]);
}

#[test]
fn a_runtime_without_timers_says_how_to_have_them() {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let _guard = runtime.enter();
    each_refused(&[
        ("Call `enable_time`", || drop(sleep(Duration::ZERO))),
        ("Call `enable_time`", || drop(sleep_until(Instant::now()))),
        ("Call `enable_time`", || drop(timeout(Duration::ZERO, ready(())))),
        ("Call `enable_time`", || drop(timeout_at(Instant::now(), ready(())))),
        ("Call `enable_time`", || drop(interval(Duration::from_secs(1)))),
        ("Call `enable_time`", || drop(interval_at(Instant::now(), Duration::from_secs(1)))),
    ]);
}

#[test]
fn what_is_too_far_away_neither_panics_nor_comes() {
    for runtime in both() {
        run(&runtime, async {
            let soon = Duration::from_millis(1);
            assert!(timeout(soon, sleep(Duration::MAX)).await.is_err());
            assert!(timeout(soon, timeout(Duration::MAX, pending::<()>())).await.is_err());
            assert_eq!(timeout(Duration::MAX, ready(1)).await, Ok(1));
            assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
            let mut longest = interval(Duration::MAX);
            longest.tick().await;
            assert!(timeout(soon, longest.tick()).await.is_err());
            longest.reset_after(Duration::MAX);
            assert!(timeout(soon, longest.tick()).await.is_err());
        });
    }
}

#[test]
fn what_is_past_comes_at_once() {
    for runtime in both() {
        run(&runtime, async {
            sleep_until(Instant::now() - Duration::from_millis(1)).await;
            assert!(timeout_at(Instant::now() - Duration::from_millis(1), pending::<()>()).await.is_err());
        });
    }
}

#[test]
fn an_instant_too_far_away_is_no_instant() {
    let now = Instant::now();
    assert_eq!(now.checked_add(Duration::MAX), None);
    assert_eq!(now.checked_sub(Duration::MAX), None);
    refused_somewhere("overflow", || _ = now + Duration::MAX);
    refused_somewhere("overflow", || _ = now - Duration::MAX);
    // What would be negative is nothing.
    assert_eq!(now - (now + Duration::from_secs(1)), Duration::ZERO);
    assert_eq!(now.saturating_duration_since(now + Duration::from_secs(1)), Duration::ZERO);
    assert_eq!(now.duration_since(now + Duration::from_secs(1)), Duration::ZERO);
    assert_eq!(now.checked_duration_since(now + Duration::from_secs(1)), None);
}

#[test]
fn a_clock_is_stopped_once_and_only_where_one_thread_sees_it() {
    refused("there is no reactor running", || time::pause());
    let runtime = current_thread();
    refused("time is not frozen", || runtime.block_on(async { time::resume() }));
    refused("time is not frozen", || runtime.block_on(time::advance(Duration::from_secs(1))));
    runtime.block_on(async { time::pause() });
    refused("time is already frozen", || runtime.block_on(async { time::pause() }));
    let pool = multi_thread(1);
    refused("requires the `current_thread` Tokio runtime", || pool.block_on(async { time::pause() }));
    refused("requires the `current_thread` Tokio runtime", || pool.block_on(async { time::resume() }));
    refused("requires the `current_thread`", || pool.block_on(time::advance(Duration::from_secs(1))));
}
