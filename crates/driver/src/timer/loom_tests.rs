//! Loom: a timer's owner (`entry`) against the thread that fires, shuts down or goes to sleep, and a home (`place`) that
//! changes its tenant.

use super::*;
use crate::still::Still;
use std::pin::Pin;
use std::task::{Context, Poll, Wake};
use unstuck_base::sync::atomic::AtomicUsize;
use unstuck_base::sync::thread;

struct Count(AtomicUsize);

impl Count {
    fn new() -> Arc<Count> {
        Arc::new(Count(AtomicUsize::new(0)))
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Fixture {
    kernel: Arc<Still>,
    timers: Arc<Timers>,
    timer: Pin<Box<Timer>>,
    count: Arc<Count>,
}

/// A timer that is armed for 10, while it is 0.
fn armed() -> Fixture {
    let kernel = Still::new();
    let timers = Timers::new(kernel.clone(), 0);
    let count = Count::new();
    let mut timer = Box::pin(Timer::new(&timers, kernel.at(10)));
    assert!(poll(&mut timer, &count).is_pending());
    Fixture { kernel, timers, timer, count }
}

fn poll(timer: &mut Pin<Box<Timer>>, count: &Arc<Count>) -> Poll<Result<(), Shutdown>> {
    timer.as_mut().poll(&mut Context::from_waker(&count.clone().into()))
}

/// Another thread fires what is due at this time.
fn expire(fixture: &Fixture, at: u64) -> thread::JoinHandle<()> {
    let (timers, now) = (fixture.timers.clone(), fixture.kernel.at(at));
    thread::spawn(move || timers.expire(now, &mut WakeBatch::new()))
}

#[test]
fn loom_timer_is_dropped_while_it_fires() {
    loom::model(|| {
        let fixture = armed();
        let firing = expire(&fixture, 10);
        drop(fixture.timer);
        firing.join().unwrap();
        assert!(fixture.count.get() <= 1);
        assert_eq!(Arc::strong_count(&fixture.count), 1, "no waker is left behind");
        assert_eq!(fixture.timers.next_deadline(), None);
    });
}

#[test]
fn loom_timer_is_polled_with_another_waker_while_it_fires() {
    loom::model(|| {
        let mut fixture = armed();
        let firing = expire(&fixture, 10);
        let second = Count::new();
        let pending = poll(&mut fixture.timer, &second).is_pending();
        firing.join().unwrap();
        assert!(!pending || second.get() == 1, "pending, and its waker was not woken");
        assert_eq!(fixture.count.get() + second.get(), 1, "one waker is woken");
        assert!(poll(&mut fixture.timer, &second).is_ready());
    });
}

#[test]
fn loom_timer_is_moved_back_while_it_fires() {
    move_back_while_it_fires(false);
}

#[test]
fn loom_timer_is_moved_back_while_it_fires_and_time_jumps() {
    move_back_while_it_fires(true);
}

fn move_back_while_it_fires(jumps: bool) {
    loom::model(move || {
        let mut fixture = armed();
        fixture.kernel.set_jumps(jumps);
        let firing = expire(&fixture, 10);
        fixture.timer.as_mut().reset(fixture.kernel.at(20));
        firing.join().unwrap();
        fixture.kernel.set_elapsed(10);
        assert!(poll(&mut fixture.timer, &fixture.count).is_pending(), "it fired for the old deadline");
        let before = fixture.count.get();
        fixture.kernel.set_elapsed(20);
        fixture.timers.expire(fixture.kernel.at(20), &mut WakeBatch::new());
        assert_eq!(fixture.count.get(), before + 1, "it does not fire for the new one");
        assert!(poll(&mut fixture.timer, &fixture.count).is_ready());
    });
}

#[test]
fn loom_timer_is_moved_forward_while_it_fires() {
    loom::model(|| {
        let mut fixture = armed();
        let firing = expire(&fixture, 10);
        fixture.kernel.set_elapsed(10);
        fixture.timer.as_mut().reset(fixture.kernel.at(5));
        firing.join().unwrap();
        fixture.timers.expire(fixture.kernel.at(10), &mut WakeBatch::new());
        assert!(fixture.count.get() == 1 || poll(&mut fixture.timer, &fixture.count).is_ready());
        assert!(poll(&mut fixture.timer, &fixture.count).is_ready());
        assert_eq!(fixture.timers.next_deadline(), None);
    });
}

#[test]
fn loom_timer_is_moved_to_a_time_that_has_come_while_the_runtime_shuts_down() {
    loom::model(|| {
        let mut fixture = armed();
        let shutting = thread::spawn({
            let timers = fixture.timers.clone();
            move || timers.shutdown(&mut WakeBatch::new())
        });
        fixture.kernel.set_elapsed(5);
        fixture.timer.as_mut().reset(fixture.kernel.at(5));
        assert!(poll(&mut fixture.timer, &fixture.count).is_ready());
        shutting.join().unwrap();
        assert_eq!(fixture.count.get(), 1, "told once, by the owner or by the shutdown");
        drop(fixture.timer);
        assert_eq!(Arc::strong_count(&fixture.count), 1, "no waker is left behind");
    });
}

#[test]
fn loom_timer_that_is_the_earliest_shortens_the_sleep() {
    loom::model(|| {
        let kernel = Still::new();
        let timers = Timers::new(kernel.clone(), 0);
        let arming = thread::spawn({
            let (timers, kernel) = (timers.clone(), kernel.clone());
            move || {
                let mut timer = Box::pin(Timer::new(&timers, kernel.at(10)));
                assert!(poll(&mut timer, &Count::new()).is_pending());
                timer
            }
        });
        let until = timers.begin_park();
        let timer = arming.join().unwrap();
        assert!(until.is_some_and(|until| until <= kernel.at(10)) || kernel.unparks() > 0, "it would be slept through");
        timers.end_park();
        drop(timer);
    });
}

#[test]
fn loom_timer_that_comes_between_two_sleeps_is_seen() {
    loom::model(|| {
        let kernel = Still::new();
        let timers = Timers::new(kernel.clone(), 0);
        let arming = thread::spawn({
            let (timers, kernel) = (timers.clone(), kernel.clone());
            move || {
                let mut timer = Box::pin(Timer::new(&timers, kernel.at(10)));
                assert!(poll(&mut timer, &Count::new()).is_pending());
                timer
            }
        });
        timers.begin_park();
        timers.end_park();
        let before = kernel.unparks();
        let until = timers.begin_park();
        let timer = arming.join().unwrap();
        let told = kernel.unparks() > before;
        assert!(told || until.is_some_and(|until| until <= kernel.at(10)) || before > 0, "it would be slept through");
        drop(timer);
    });
}

#[test]
fn loom_timer_is_started_while_the_runtime_shuts_down() {
    loom::model(|| {
        let kernel = Still::new();
        let timers = Timers::new(kernel.clone(), 0);
        let shutting = thread::spawn({
            let timers = timers.clone();
            move || timers.shutdown(&mut WakeBatch::new())
        });
        let count = Count::new();
        let mut timer = Box::pin(Timer::new(&timers, kernel.at(10)));
        let pending = poll(&mut timer, &count).is_pending();
        shutting.join().unwrap();
        assert!(!pending || count.get() == 1, "pending, and not told");
        assert_eq!(poll(&mut timer, &count), Poll::Ready(Err(Shutdown)));
    });
}

#[test]
fn loom_timer_of_the_tenant_before_does_not_reach_the_next() {
    loom::model(|| {
        let (kernel, next_kernel) = (Still::new(), Still::new());
        let timers = Timers::new(kernel.clone(), 0);
        let home = timers.home;
        let count = Count::new();
        let mut late = Box::pin(Timer::new(&timers, kernel.at(10)));
        let arming = thread::spawn({
            let count = count.clone();
            move || {
                let pending = poll(&mut late, &count).is_pending();
                (late, pending)
            }
        });
        drop(timers);
        let timers = Timers::at(home, 1, next_kernel.clone());
        assert_eq!(timers.begin_park(), None, "a timer of the tenant before came in");
        let (mut late, pending) = arming.join().unwrap();
        assert!(!pending || count.get() == 1, "pending, and not told");
        assert_eq!(poll(&mut late, &count), Poll::Ready(Err(Shutdown)));
        assert_eq!(next_kernel.unparks(), 0);

        let mut timer = Box::pin(Timer::new(&timers, next_kernel.at(20)));
        assert!(poll(&mut timer, &Count::new()).is_pending());
        assert_eq!(next_kernel.unparks(), 1, "it would be slept through");
    });
}
