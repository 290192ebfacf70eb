//! Timers, as their owners and the driver's thread see them.

use super::*;
use crate::still::Still;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use unstuck_base::local;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Fixture {
    kernel: Arc<Still>,
    timers: Arc<Timers>,
    count: Arc<Count>,
    waker: Waker,
}

impl Fixture {
    fn new() -> Self {
        let kernel = Still::new();
        let count = Arc::new(Count::default());
        Fixture { timers: Timers::new(kernel.clone(), 2), kernel, waker: Waker::from(count.clone()), count }
    }

    fn timer(&self, at: u64) -> Pin<Box<Timer>> {
        Box::pin(Timer::new(&self.timers, self.kernel.at(at)))
    }

    fn poll(&self, timer: &mut Pin<Box<Timer>>) -> Poll<Result<(), Shutdown>> {
        timer.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// Lets it be this late, and fires what is due; returns how many wakers there were.
    fn pass_to(&self, at: u64) -> usize {
        self.kernel.set_elapsed(at);
        let before = self.count.0.load(Ordering::Relaxed);
        self.timers.expire(self.kernel.now(), &mut WakeBatch::new());
        self.count.0.load(Ordering::Relaxed) - before
    }

    fn next(&self) -> Option<u64> {
        self.timers.next_deadline().map(|next| next.duration_since(self.kernel.at(0)).as_nanos() as u64)
    }
}

#[test]
fn fires_at_its_deadline_to_the_nanosecond() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(1_234_567);
    assert!(fixture.poll(&mut timer).is_pending());
    assert_eq!(fixture.next(), Some(1_234_567));
    assert_eq!(fixture.pass_to(1_234_566), 0);
    assert!(!timer.is_elapsed());
    assert_eq!(fixture.pass_to(1_234_567), 1);
    assert!(timer.is_elapsed());
    assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())));
    assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())));
    assert_eq!(fixture.next(), None);
}

#[test]
fn never_polled_or_due_at_once_is_never_registered() {
    let fixture = Fixture::new();
    fixture.kernel.set_elapsed(10);
    let unpolled = fixture.timer(1_000);
    let mut due = fixture.timer(10);
    assert!(!due.is_elapsed());
    assert_eq!(fixture.poll(&mut due), Poll::Ready(Ok(())));
    assert!(due.is_elapsed());
    assert_eq!(fixture.next(), None);
    drop(unpolled);
}

#[test]
fn a_dropped_timer_wakes_nobody_and_keeps_no_waker() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(50);
    assert!(fixture.poll(&mut timer).is_pending());
    let mut other = fixture.timer(60);
    assert!(fixture.poll(&mut other).is_pending());
    drop(timer);
    assert_eq!(Arc::strong_count(&fixture.count), 3, "ours, the waker's, the other timer's");
    assert_eq!(fixture.pass_to(100), 1);
}

#[test]
fn the_last_waker_is_woken() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(50);
    assert!(timer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(fixture.poll(&mut timer).is_pending());
    assert!(fixture.poll(&mut timer).is_pending());
    assert_eq!(fixture.pass_to(50), 1);
}

#[test]
fn moved_back_it_fires_later_and_only_then() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(50);
    assert!(fixture.poll(&mut timer).is_pending());
    timer.as_mut().reset(fixture.kernel.at(90));
    assert_eq!(timer.deadline(), fixture.kernel.at(90));
    assert_eq!(fixture.pass_to(60), 0);
    assert!(fixture.poll(&mut timer).is_pending());
    assert_eq!(fixture.next(), Some(90));
    assert_eq!(fixture.pass_to(90), 1);
    assert!(timer.is_elapsed());
    assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())));
}

#[test]
fn moved_forward_it_fires_earlier_without_another_poll() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(5_000);
    assert!(fixture.poll(&mut timer).is_pending());
    timer.as_mut().reset(fixture.kernel.at(40));
    assert_eq!(fixture.next(), Some(40));
    assert_eq!(fixture.pass_to(40), 1);
    assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())));
}

#[test]
fn moved_to_a_time_that_has_come_it_fires_at_once() {
    let fixture = Fixture::new();
    for jumps in [false, true] {
        fixture.kernel.set_jumps(jumps);
        let mut timer = fixture.timer(5_000);
        fixture.kernel.set_elapsed(10);
        assert!(fixture.poll(&mut timer).is_pending());
        fixture.kernel.set_elapsed(50);
        let before = fixture.count.0.load(Ordering::Relaxed);
        timer.as_mut().reset(fixture.kernel.at(40));
        assert_eq!(fixture.count.0.load(Ordering::Relaxed) - before, 1, "who waits for it is told");
        assert!(timer.is_elapsed());
        assert_eq!(timer.deadline(), fixture.kernel.at(40));
        assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())));
        assert_eq!(fixture.pass_to(6_000), 0, "it is in no wheel any more");
        assert_eq!(fixture.next(), None);
    }
}

#[test]
fn moved_to_a_time_that_has_come_when_it_was_due_already_it_is_woken_once() {
    let fixture = Fixture::new();
    for fires_before in [false, true] {
        fixture.kernel.set_elapsed(0);
        let mut timer = fixture.timer(30);
        assert!(fixture.poll(&mut timer).is_pending());
        fixture.kernel.set_elapsed(50);
        let fired = if fires_before { fixture.pass_to(50) } else { 0 };
        let before = fixture.count.0.load(Ordering::Relaxed);
        timer.as_mut().reset(fixture.kernel.at(20));
        let told = fixture.count.0.load(Ordering::Relaxed) - before;
        assert_eq!(fired + told, 1);
        assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())));
        assert_eq!(fixture.pass_to(60), 0);
    }
}

#[test]
fn after_it_fired_it_can_be_used_again() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(10);
    assert!(fixture.poll(&mut timer).is_pending());
    assert_eq!(fixture.pass_to(10), 1);
    timer.as_mut().reset(fixture.kernel.at(20));
    assert!(!timer.is_elapsed());
    assert!(fixture.poll(&mut timer).is_pending());
    assert_eq!(fixture.pass_to(20), 1);
    assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())));
    timer.as_mut().reset(fixture.kernel.at(15));
    assert_eq!(fixture.poll(&mut timer), Poll::Ready(Ok(())), "a deadline of the past");
}

#[test]
fn deadlines_far_away_and_long_ago_are_kept() {
    let fixture = Fixture::new();
    let hundred_years = Duration::from_secs(100 * 365 * 86_400);
    let far = fixture.kernel.at(0) + hundred_years;
    let mut timer = Box::pin(Timer::new(&fixture.timers, far));
    assert_eq!(timer.deadline(), far);
    assert!(fixture.poll(&mut timer).is_pending());
    let farther = fixture.kernel.at(0) + hundred_years * 10;
    timer.as_mut().reset(farther);
    assert!(timer.deadline() > far + hundred_years);
    assert!(fixture.poll(&mut timer).is_pending());
    let before = fixture.kernel.at(0) - Duration::from_nanos(1);
    let mut past = Box::pin(Timer::new(&fixture.timers, before));
    assert_eq!(past.deadline(), before);
    assert_eq!(fixture.poll(&mut past), Poll::Ready(Ok(())));
}

#[test]
fn only_a_timer_that_is_earlier_than_the_sleep_unparks() {
    let fixture = Fixture::new();
    let mut first = fixture.timer(100);
    assert!(fixture.poll(&mut first).is_pending());
    assert_eq!(fixture.kernel.unparks(), 0, "nobody sleeps");
    assert_eq!(fixture.timers.begin_park(), Some(fixture.kernel.at(100)));
    let mut later = fixture.timer(200);
    assert!(fixture.poll(&mut later).is_pending());
    assert_eq!(fixture.kernel.unparks(), 0);
    let mut earlier = fixture.timer(50);
    assert!(fixture.poll(&mut earlier).is_pending());
    assert_eq!(fixture.kernel.unparks(), 1);
    let mut between = fixture.timer(60);
    assert!(fixture.poll(&mut between).is_pending());
    assert_eq!(fixture.kernel.unparks(), 1, "it is awake already, and will see");
    between.as_mut().reset(fixture.kernel.at(40));
    assert_eq!(fixture.kernel.unparks(), 2);
    fixture.timers.end_park();
    let mut awake = fixture.timer(10);
    assert!(fixture.poll(&mut awake).is_pending());
    assert_eq!(fixture.kernel.unparks(), 2);
    assert_eq!(fixture.timers.begin_park(), Some(fixture.kernel.at(10)));
}

#[test]
fn a_sleep_without_deadline_ends_for_any_timer() {
    let fixture = Fixture::new();
    assert_eq!(fixture.timers.begin_park(), None);
    let mut timer = fixture.timer(u64::MAX);
    assert!(fixture.poll(&mut timer).is_pending());
    assert_eq!(fixture.kernel.unparks(), 1);
}

#[test]
fn where_time_jumps_a_cancelled_deadline_is_not_jumped_to() {
    let fixture = Fixture::new();
    fixture.kernel.set_jumps(true);
    let mut cancelled = fixture.timer(10);
    let mut kept = fixture.timer(1_000_000);
    assert!(fixture.poll(&mut cancelled).is_pending());
    assert!(fixture.poll(&mut kept).is_pending());
    drop(cancelled);
    assert_eq!(fixture.next(), Some(1_000_000));
    kept.as_mut().reset(fixture.kernel.at(2_000_000));
    assert_eq!(fixture.next(), Some(2_000_000));
    drop(kept);
    assert_eq!(fixture.timers.begin_park(), None);
}

#[test]
fn the_timers_of_every_place_fire() {
    let fixture = Fixture::new();
    let timers: Vec<_> = (0..6)
        .map(|place| {
            let before = local::set_home(std::ptr::null(), place);
            let mut timer = fixture.timer(100 + place as u64);
            assert!(fixture.poll(&mut timer).is_pending());
            local::set_home(before.0, before.1);
            timer
        })
        .collect();
    let used = fixture.timers.places().iter().filter(|place| place.next() != NEVER);
    assert_eq!(used.count(), 3);
    assert_eq!(fixture.pass_to(105), 6);
    drop(timers);
}

#[test]
fn it_registers_where_it_is_polled() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(100);
    local::set_home(std::ptr::null(), 2);
    assert!(fixture.poll(&mut timer).is_pending());
    local::set_home(std::ptr::null(), 0);
    assert_ne!(fixture.timers.places()[2].next(), NEVER);
    assert!(fixture.poll(&mut timer).is_pending());
    assert_eq!(fixture.timers.places()[0].next(), NEVER, "it stays where it is");
}

#[test]
fn the_shutdown_tells_waiting_timers_and_refuses_new_ones() {
    let fixture = Fixture::new();
    let (mut waiting, mut new, mut fired) = (fixture.timer(50), fixture.timer(60), fixture.timer(5));
    assert!(fixture.poll(&mut waiting).is_pending());
    assert!(fixture.poll(&mut fired).is_pending());
    assert_eq!(fixture.pass_to(10), 1);
    let mut woken = WakeBatch::new();
    fixture.timers.shutdown(&mut woken);
    assert_eq!(woken.len(), 1);
    woken.wake_all();
    assert_eq!(fixture.poll(&mut waiting), Poll::Ready(Err(Shutdown)));
    assert_eq!(fixture.poll(&mut new), Poll::Ready(Err(Shutdown)));
    assert_eq!(fixture.poll(&mut fired), Poll::Ready(Ok(())));
    assert_eq!(fixture.next(), None);
}

#[test]
fn a_timer_may_outlive_its_timers() {
    let fixture = Fixture::new();
    let (mut waiting, mut unpolled) = (fixture.timer(50), fixture.timer(50));
    assert!(fixture.poll(&mut waiting).is_pending());
    let Fixture { timers, count, waker, .. } = fixture;
    drop(timers);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    let mut cx = Context::from_waker(&waker);
    assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Ready(Err(Shutdown)));
    assert_eq!(unpolled.as_mut().poll(&mut cx), Poll::Ready(Err(Shutdown)));
}

#[test]
fn a_timer_of_a_runtime_that_is_gone_does_not_reach_the_next_one_in_its_home() {
    // No other test has as many places, so the second runtime gets the home of the first.
    const PLACES: usize = 9;
    let kernel = Still::new();
    let first = Timers::new(kernel.clone(), PLACES);
    let fixture = Fixture { timers: first.clone(), kernel: kernel.clone(), ..Fixture::new() };
    let (mut unpolled, mut waiting) = (fixture.timer(50), fixture.timer(60));
    assert!(fixture.poll(&mut waiting).is_pending());
    let home = std::ptr::from_ref(first.home);
    drop((fixture.timers, first));

    kernel.set_elapsed(20);
    let second = Timers::new(kernel.clone(), PLACES);
    assert!(std::ptr::eq(home, second.home), "the home is used again");
    let mut cx = Context::from_waker(&fixture.waker);
    assert_eq!(unpolled.as_mut().poll(&mut cx), Poll::Ready(Err(Shutdown)));
    assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Ready(Err(Shutdown)));
    waiting.as_mut().reset(kernel.at(30));
    assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Ready(Err(Shutdown)));
    assert_eq!(unpolled.deadline(), kernel.at(50));
    assert!(!waiting.is_elapsed());
    assert_eq!(second.next_deadline(), None);

    let mut new = Box::pin(Timer::new(&second, kernel.at(40)));
    assert!(new.as_mut().poll(&mut cx).is_pending());
    assert_eq!(second.next_deadline(), Some(kernel.at(40)));
    drop((unpolled, waiting));
    assert_eq!(second.next_deadline(), Some(kernel.at(40)));
}

#[test]
fn a_timer_that_was_moved_back_and_fired_before_asks_the_clock() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(10);
    assert!(fixture.poll(&mut timer).is_pending());
    // By nothing: so the wheel fires it, and the timer can't tell that from firing for an old deadline.
    timer.as_mut().reset(fixture.kernel.at(10));
    assert_eq!(fixture.pass_to(10), 1);
    assert!(timer.is_elapsed(), "its deadline has come");
    drop(fixture.timers);
    assert!(!timer.is_elapsed(), "there is no clock any more to ask");
}

#[test]
fn a_spent_budget_makes_it_yield() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(0);
    let task = local::TaskRef { id: local::next_task_id(), poll: 1, root: false };
    let outer = local::begin_poll(task);
    while local::has_budget() {
        assert!(fixture.poll(&mut timer).is_ready());
    }
    assert!(fixture.poll(&mut timer).is_pending());
    let _ = local::end_poll(outer);
    assert_eq!(fixture.count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_task_that_polls_on_and_on_finds_the_time_without_the_driver() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(10);
    let task = local::TaskRef { id: local::next_task_id(), poll: 1, root: false };
    let outer = local::begin_poll(task);
    assert!(fixture.poll(&mut timer).is_pending());
    fixture.kernel.set_elapsed(10);
    assert!(fixture.poll(&mut timer).is_pending(), "the driver will tell, if the task returns");
    let polls = (0..10_000).position(|_| fixture.poll(&mut timer).is_ready());
    assert!(polls.is_some() && local::is_spinning());
    let _ = local::end_poll(outer);
    assert!(!local::is_spinning());
    assert_eq!(fixture.pass_to(10), 0, "it is in no wheel any more");
}

#[test]
fn a_task_that_polls_on_and_on_before_the_deadline_waits() {
    let fixture = Fixture::new();
    let mut timer = fixture.timer(10);
    let task = local::TaskRef { id: local::next_task_id(), poll: 1, root: false };
    let outer = local::begin_poll(task);
    assert!((0..10_000).all(|_| fixture.poll(&mut timer).is_pending()));
    let _ = local::end_poll(outer);
    assert_eq!(fixture.pass_to(9), 0);
    assert_eq!(fixture.pass_to(10), 1, "it is in the wheel still");
    assert!(fixture.poll(&mut timer).is_ready());
}

#[test]
fn a_wait_is_recorded_and_forgotten() {
    let fixture = Fixture::new();
    let task = local::TaskRef { id: local::next_task_id(), poll: 1, root: false };
    let outer = local::begin_poll(task);
    let (mut kept, mut dropped) = (fixture.timer(50), fixture.timer(60));
    assert!(fixture.poll(&mut dropped).is_pending());
    assert!(fixture.poll(&mut kept).is_pending());
    drop(dropped);
    let waits = local::end_poll(outer);
    let wait = waits.first.unwrap();
    assert_eq!((waits.len, wait.kind), (1, local::WaitKind::Timer));
    assert!(wait.at.file().ends_with("tests.rs"));
}
