//! Intervals, on a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use unstuck::time::{self, Duration, Instant, Interval, MissedTickBehavior, interval, interval_at, sleep};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Ticks that are due now, in milliseconds since `start`.
fn due(interval: &mut Interval, start: Instant) -> Vec<u64> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut due = Vec::new();
    while let Poll::Ready(tick) = interval.poll_tick(&mut cx) {
        due.push((tick - start).as_millis() as u64);
    }
    due
}

#[unstuck::test(start_paused = true)]
async fn the_first_tick_is_at_once_and_the_work_between_does_not_add_up() {
    let start = Instant::now();
    let mut interval = interval(ms(100));
    for n in 0..5 {
        let tick = interval.tick().await;
        assert_eq!((tick, start.elapsed()), (start + ms(100) * n, ms(100) * n));
        sleep(ms(30)).await;
    }
    assert_eq!(interval.period(), ms(100));
}

#[unstuck::test(start_paused = true)]
async fn a_start_in_the_future_is_waited_for() {
    let start = Instant::now();
    let mut interval = interval_at(start + ms(250), ms(100));
    interval.tick().await;
    interval.tick().await;
    assert_eq!(start.elapsed(), ms(350));
}

#[unstuck::test(start_paused = true)]
async fn missed_ticks_come_in_a_burst_by_default() {
    let start = Instant::now();
    let mut interval = interval(ms(100));
    assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
    assert_eq!(due(&mut interval, start), [0]);
    time::advance(ms(350)).await;
    assert_eq!(due(&mut interval, start), [100, 200, 300]);
    time::advance(ms(50)).await;
    assert_eq!(due(&mut interval, start), [400]);
}

#[unstuck::test(start_paused = true)]
async fn missed_ticks_delay_those_that_follow() {
    let start = Instant::now();
    let mut interval = interval(ms(100));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    assert_eq!(due(&mut interval, start), [0]);
    time::advance(ms(350)).await;
    assert_eq!(due(&mut interval, start), [100]);
    time::advance(ms(99)).await;
    assert_eq!(due(&mut interval, start), [0; 0]);
    time::advance(ms(1)).await;
    assert_eq!(due(&mut interval, start), [450]);
}

#[unstuck::test(start_paused = true)]
async fn missed_ticks_are_skipped() {
    let start = Instant::now();
    let mut interval = interval(ms(100));
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    assert_eq!(due(&mut interval, start), [0]);
    time::advance(ms(350)).await;
    assert_eq!(due(&mut interval, start), [100]);
    time::advance(ms(50)).await;
    assert_eq!(due(&mut interval, start), [400]);
}

#[unstuck::test(start_paused = true)]
async fn a_tick_that_is_a_little_late_is_not_missed() {
    for behavior in [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip] {
        let start = Instant::now();
        let mut interval = interval(ms(100));
        interval.set_missed_tick_behavior(behavior);
        assert_eq!(due(&mut interval, start), [0]);
        time::advance(ms(105)).await;
        assert_eq!(due(&mut interval, start), [100]);
        time::advance(ms(95)).await;
        assert_eq!(due(&mut interval, start), [200]);
    }
}

#[unstuck::test(start_paused = true)]
async fn resets_move_the_next_tick() {
    let start = Instant::now();
    let mut interval = interval(ms(100));
    assert_eq!(due(&mut interval, start), [0]);

    time::advance(ms(30)).await;
    interval.reset();
    time::advance(ms(100)).await;
    assert_eq!(due(&mut interval, start), [130]);

    interval.reset_immediately();
    assert_eq!(due(&mut interval, start), [130]);
    time::advance(ms(100)).await;
    assert_eq!(due(&mut interval, start), [230]);

    interval.reset_after(ms(7));
    time::advance(ms(107)).await;
    assert_eq!(due(&mut interval, start), [237, 337]);

    interval.reset_at(start + ms(1000));
    time::advance(ms(662)).await;
    assert_eq!(due(&mut interval, start), [0; 0]);
    time::advance(ms(1)).await;
    assert_eq!(due(&mut interval, start), [1000]);
}

#[unstuck::test(start_paused = true)]
async fn a_reset_wakes_who_waits_for_the_tick() {
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    let start = Instant::now();
    let mut interval = interval_at(start + Duration::from_secs(3600), ms(100));
    assert!(interval.poll_tick(&mut cx).is_pending());
    interval.reset_after(ms(40));
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    sleep(ms(40)).await;
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(interval.poll_tick(&mut cx), Poll::Ready(start + ms(40)));
    assert!(interval.poll_tick(&mut cx).is_pending());
    interval.reset_immediately();
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    assert!(interval.poll_tick(&mut cx).is_ready());
}

#[unstuck::test(start_paused = true)]
async fn a_tick_that_is_taken_leaves_no_waker_behind() {
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut interval = interval(ms(10));
    assert!(interval.poll_tick(&mut Context::from_waker(&waker)).is_ready());
    time::advance(ms(100)).await;
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
}

#[unstuck::test(start_paused = true)]
async fn the_longest_periods_do_not_panic() {
    let mut interval = interval(Duration::MAX);
    interval.tick().await;
    interval.reset();
    interval.reset_after(Duration::MAX);
    assert_eq!(due(&mut interval, Instant::now()), [0; 0]);
}

#[unstuck::test]
#[should_panic(expected = "must be non-zero")]
async fn a_period_of_zero_is_refused() {
    let _interval = interval(Duration::ZERO);
}
