//! Sleeping and timeouts, on a clock that stands still: durations are exact.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use unstuck::runtime::Builder;
use unstuck::task::{consume_budget, yield_now};
use unstuck::time::{self, Duration, Instant, sleep, sleep_until, timeout, timeout_at};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[unstuck::test(start_paused = true)]
async fn a_sleep_takes_exactly_its_time() {
    for duration in [ms(1), ms(250), Duration::from_nanos(1), Duration::from_secs(86_400 * 365)] {
        let start = Instant::now();
        sleep(duration).await;
        assert_eq!(start.elapsed(), duration);
    }
}

#[unstuck::test(start_paused = true)]
async fn a_sleep_counts_from_its_creation_not_from_its_first_poll() {
    let start = Instant::now();
    let first = sleep(ms(100));
    sleep(ms(60)).await;
    first.await;
    assert_eq!(start.elapsed(), ms(100));
}

#[unstuck::test(start_paused = true)]
async fn concurrent_sleeps_overlap() {
    let start = Instant::now();
    let tasks: Vec<_> = (1..=100).map(|n| unstuck::spawn(sleep(ms(n)))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(start.elapsed(), ms(100));
}

#[unstuck::test(start_paused = true)]
async fn a_deadline_in_the_past_is_ready_at_once() {
    let start = Instant::now();
    sleep_until(start - ms(5)).await;
    sleep(Duration::ZERO).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[unstuck::test(start_paused = true)]
async fn a_sleep_knows_its_deadline_and_whether_it_is_over() {
    let deadline = Instant::now() + ms(7);
    let mut sleep = pin!(sleep_until(deadline));
    assert_eq!(sleep.deadline(), deadline);
    assert!(!sleep.is_elapsed());
    sleep.as_mut().await;
    assert!(sleep.is_elapsed());
    assert!(format!("{sleep:?}").contains("deadline"));
}

#[unstuck::test(start_paused = true)]
async fn a_reset_moves_the_deadline_either_way_and_starts_anew() {
    let start = Instant::now();
    let mut sleep = pin!(sleep(ms(100)));
    assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
    sleep.as_mut().reset(start + ms(200));
    sleep.as_mut().await;
    assert_eq!(start.elapsed(), ms(200));

    sleep.as_mut().reset(start + ms(300));
    assert!(!sleep.is_elapsed());
    assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
    sleep.as_mut().reset(start + ms(250));
    sleep.as_mut().await;
    assert_eq!(start.elapsed(), ms(250));
}

#[unstuck::test(start_paused = true)]
async fn the_longest_durations_neither_panic_nor_fire() {
    let forever = sleep(Duration::MAX);
    assert!(forever.deadline() > Instant::now() + Duration::from_secs(86_400 * 365));
    assert_eq!(timeout(Duration::MAX, sleep(ms(1))).await, Ok(()));
    unstuck::select! {
        () = forever => panic!("for ever is over"),
        () = sleep(ms(1)) => {}
    }
}

#[unstuck::test(start_paused = true)]
async fn the_clock_jumps_to_the_end_of_for_ever_when_nothing_else_happens() {
    sleep(Duration::MAX).await;
}

#[unstuck::test(start_paused = true)]
async fn a_timeout_ends_a_future_that_waits() {
    let start = Instant::now();
    let error = timeout(ms(30), pending::<()>()).await.unwrap_err();
    assert_eq!(start.elapsed(), ms(30));
    assert_eq!(error.to_string(), "deadline has elapsed");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::TimedOut);
}

#[unstuck::test(start_paused = true)]
async fn a_future_that_is_ready_wins_over_a_deadline_that_has_passed() {
    assert_eq!(timeout(Duration::ZERO, async { 1 }).await, Ok(1));
    assert_eq!(timeout_at(Instant::now() - ms(9), async { 2 }).await, Ok(2));
    let start = Instant::now();
    assert_eq!(timeout(ms(10), sleep(ms(10))).await, Ok(()));
    assert_eq!(start.elapsed(), ms(10));
}

#[unstuck::test(start_paused = true)]
async fn a_timeout_gives_its_future_back() {
    let mut timeout = timeout(ms(1), std::future::ready(5));
    assert_eq!(timeout.get_ref().clone().await, 5);
    *timeout.get_mut() = std::future::ready(6);
    assert_eq!(timeout.into_inner().await, 6);
}

#[unstuck::test]
async fn a_future_that_is_always_busy_still_runs_into_its_timeout() {
    let busy = async {
        loop {
            consume_budget().await;
        }
    };
    assert!(timeout(ms(1), busy).await.is_err());
}

#[unstuck::test(start_paused = true)]
async fn advancing_fires_what_is_due_and_nothing_else() {
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    let start = Instant::now();
    let (mut early, mut late) = (pin!(sleep(ms(10))), pin!(sleep(ms(20))));
    assert!(early.as_mut().poll(&mut cx).is_pending());
    assert!(late.as_mut().poll(&mut cx).is_pending());

    time::advance(ms(9)).await;
    assert_eq!(count.get(), 0);
    time::advance(Duration::from_nanos(1_000_000)).await;
    assert_eq!((count.get(), start.elapsed()), (1, ms(10)));
    assert!(early.as_mut().poll(&mut cx).is_ready());
    assert!(late.as_mut().poll(&mut cx).is_pending());
    time::advance(ms(100)).await;
    assert_eq!(count.get(), 2);
    assert!(late.as_mut().poll(&mut cx).is_ready());
}

#[unstuck::test(start_paused = true)]
async fn tasks_that_became_due_run_while_the_advance_yields() {
    let task = unstuck::spawn(sleep(ms(5)));
    yield_now().await;
    time::advance(ms(5)).await;
    yield_now().await;
    assert!(task.is_finished());
}

#[unstuck::test]
async fn a_clock_that_is_stopped_advanced_and_resumed_goes_on_from_there() {
    let start = Instant::now();
    time::pause();
    time::advance(Duration::from_secs(10)).await;
    let shown = Instant::now();
    assert!(shown - start >= Duration::from_secs(10));
    assert_eq!(Instant::now(), shown);
    time::resume();
    sleep(ms(1)).await;
    assert!(Instant::now() >= shown + ms(1));
    assert!(Instant::now() - shown < Duration::from_secs(10), "time did not fall back");
    time::pause();
}

#[unstuck::test(start_paused = true)]
async fn blocking_work_keeps_the_clock_from_jumping() {
    let start = Instant::now();
    let work = unstuck::task::spawn_blocking(|| std::thread::sleep(ms(5)));
    unstuck::select! {
        biased;
        result = work => result.unwrap(),
        () = sleep(Duration::from_secs(3600)) => panic!("the clock jumped over work in progress"),
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[unstuck::test(start_paused = true)]
#[should_panic(expected = "already frozen")]
async fn pausing_twice_is_refused() {
    time::pause();
}

#[unstuck::test]
#[should_panic(expected = "not frozen")]
async fn resuming_a_clock_that_runs_is_refused() {
    time::resume();
}

#[unstuck::test]
#[should_panic(expected = "not frozen")]
async fn advancing_a_clock_that_runs_is_refused() {
    time::advance(ms(1)).await;
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 1)]
#[should_panic(expected = "current_thread")]
async fn pausing_the_clock_of_several_threads_is_refused() {
    time::pause();
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn a_sleep_outside_a_runtime_tells_what_to_do() {
    let _sleep = sleep(ms(1));
}

#[test]
fn the_time_outside_a_runtime_is_the_systems() {
    let before = std::time::Instant::now();
    let now = Instant::now();
    assert!(now.into_std() >= before && now.elapsed() < Duration::from_secs(3600));
    assert_eq!(Instant::from_std(before), Instant::from(before));
}

#[test]
fn instants_compute_like_those_of_std() {
    let start = Instant::now();
    let mut later = start + ms(5);
    later += ms(5);
    assert_eq!(later - start, ms(10));
    assert_eq!(start - later, Duration::ZERO);
    assert_eq!(later.duration_since(start), ms(10));
    assert_eq!(start.checked_duration_since(later), None);
    assert_eq!(start.saturating_duration_since(later), Duration::ZERO);
    assert_eq!(start.checked_add(Duration::MAX), None);
    assert_eq!(start.checked_sub(Duration::MAX), None);
    later -= ms(10);
    assert_eq!(later, start);
    assert_eq!((later - ms(1)).checked_add(ms(1)), Some(start));
    assert_eq!(std::time::Instant::from(start), start.into_std());
}

#[test]
fn a_sleep_outlives_its_runtime_but_does_not_fire() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut sleep = {
        let _guard = runtime.enter();
        Box::pin(sleep(Duration::from_secs(3600)))
    };
    let mut cx = Context::from_waker(Waker::noop());
    let _ = runtime.block_on(async { sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())) });
    drop(runtime);
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sleep.as_mut().poll(&mut cx)));
    assert!(polled.is_err(), "it would never fire, and says so");
}

#[test]
fn paused_runs_are_the_same_every_time() {
    let run = || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let start = Instant::now();
            let (sender, mut receiver) = unstuck::sync::mpsc::unbounded_channel();
            for n in 0..50_u64 {
                let sender = sender.clone();
                unstuck::spawn(async move {
                    for round in 0..5 {
                        sleep(ms((n * 7919 + round * 104_729) % 100)).await;
                        sender.send((n, start.elapsed())).unwrap();
                    }
                });
            }
            drop(sender);
            let mut log = Vec::new();
            while let Some(entry) = receiver.recv().await {
                log.push(entry);
            }
            log
        })
    };
    assert_eq!(run(), run());
}
