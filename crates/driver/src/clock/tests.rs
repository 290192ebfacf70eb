//! The paused clock over a kernel whose real time stands still, too, unless the test moves it.

use super::*;
use crate::Timers;
use crate::still::{Sleeper, Sleepless, Still};
use crate::timer::Timer;
use std::task::{Context, Waker};

const SECOND: u64 = 1_000_000_000;

fn park(driver: &mut impl Driver, deadline: Option<Instant>) {
    driver.park(deadline, &mut WakeBatch::new()).unwrap();
}

#[test]
fn a_running_clock_is_the_real_one() {
    let (real, mut sleepless) = (Still::new(), Sleepless::default());
    let (kernel, mut driver) = pausable(real.clone(), &mut sleepless);
    real.set_elapsed(5);
    assert_eq!(kernel.now(), real.at(5));
    assert!(!kernel.time_jumps());
    assert!(!kernel.clock().resume());
    assert!(!kernel.clock().advance(Duration::from_secs(1)));
    park(&mut driver, Some(real.at(9)));
    assert_eq!(sleepless.parks, [Some(real.at(9))]);
}

#[test]
fn idle_and_paused_it_jumps_exactly_to_the_deadline() {
    let (real, mut sleepless) = (Still::new(), Sleepless::default());
    let (kernel, mut driver) = pausable(real.clone(), &mut sleepless);
    assert!(kernel.clock().pause());
    assert!(!kernel.clock().pause());
    assert!(kernel.time_jumps());
    // What was under way when the clock was paused ends the first park.
    park(&mut driver, Some(real.at(77)));
    assert_eq!(kernel.now(), real.at(0));
    park(&mut driver, Some(real.at(77)));
    assert_eq!(kernel.now(), real.at(77));
    park(&mut driver, Some(real.at(50)));
    assert_eq!(kernel.now(), real.at(77), "time does not go back");
    assert_eq!(kernel.real_now(), real.at(0));
    assert_eq!((sleepless.polls, sleepless.parks.len()), (3, 0));
}

#[test]
fn it_does_not_jump_over_an_unpark_or_a_waker() {
    struct News(Option<Waker>);
    impl Driver for News {
        fn park(&mut self, _: Option<Instant>, _: &mut WakeBatch) -> io::Result<()> {
            panic!("slept")
        }
        fn poll(&mut self, woken: &mut WakeBatch) -> io::Result<()> {
            self.0.take().into_iter().for_each(|waker| woken.push(waker));
            Ok(())
        }
        fn shut_down(&mut self, _: &mut WakeBatch) {}
    }
    let real = Still::new();
    let (kernel, mut driver) = pausable(real.clone(), News(Some(Waker::noop().clone())));
    kernel.clock().pause();
    kernel.clock().take_unparked();
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(0), "a waker was gathered");
    kernel.unpark();
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(0), "somebody unparked");
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(5));
}

#[test]
fn without_a_deadline_or_while_blocking_work_runs_it_sleeps() {
    let (real, mut sleepless) = (Still::new(), Sleepless::default());
    let (kernel, mut driver) = pausable(real.clone(), &mut sleepless);
    let clock = kernel.clock().clone();
    clock.pause();
    clock.take_unparked();
    park(&mut driver, None);
    clock.inhibit_auto_advance();
    clock.inhibit_auto_advance();
    park(&mut driver, Some(real.at(5)));
    clock.allow_auto_advance();
    assert_eq!(real.unparks(), 0);
    park(&mut driver, Some(real.at(5)));
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(0));
    clock.allow_auto_advance();
    assert_eq!(real.unparks(), 1, "the sleeping thread looks again");
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(0), "first it looks at what the work has left");
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(5));
    assert_eq!(sleepless.parks, [None, None, None]);
}

#[test]
fn work_that_ends_while_the_driver_is_looked_at_is_seen_before_the_clock_jumps() {
    /// A driver that is looked at while the work ends on another thread.
    struct EndsNow(Option<Arc<PausedClock>>);
    impl Driver for EndsNow {
        fn park(&mut self, _: Option<Instant>, _: &mut WakeBatch) -> io::Result<()> {
            panic!("slept")
        }
        fn poll(&mut self, _: &mut WakeBatch) -> io::Result<()> {
            self.0.take().inspect(|clock| clock.allow_auto_advance());
            Ok(())
        }
        fn shut_down(&mut self, _: &mut WakeBatch) {}
    }
    let real = Still::new();
    let (kernel, mut driver) = pausable(real.clone(), EndsNow(None));
    kernel.clock().pause();
    kernel.clock().take_unparked();
    kernel.clock().inhibit_auto_advance();
    driver.driver.0 = Some(kernel.clock().clone());
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(0), "what the work has left is looked at first");
    park(&mut driver, Some(real.at(5)));
    assert_eq!(kernel.now(), real.at(5));
}

#[test]
fn it_jumps_when_work_that_nobody_awaits_has_ended_during_the_sleep() {
    let real = Still::new();
    let (kernel, mut driver) = pausable(real.clone(), Sleeper::new(real.clone()));
    kernel.clock().pause();
    kernel.clock().inhibit_auto_advance();
    let clock = kernel.clock().clone();
    let working = std::thread::spawn(move || clock.allow_auto_advance());
    let fifteen_minutes = real.at(900 * SECOND);
    while kernel.now() < fifteen_minutes {
        park(&mut driver, Some(fifteen_minutes));
    }
    assert_eq!(kernel.now(), fifteen_minutes);
    working.join().unwrap();
}

#[test]
fn advancing_moves_the_time_at_once() {
    let (real, mut sleepless) = (Still::new(), Sleepless::default());
    let (kernel, _driver) = pausable(real.clone(), &mut sleepless);
    kernel.clock().pause();
    assert!(kernel.clock().advance(Duration::from_nanos(3)));
    assert!(kernel.clock().advance(Duration::from_nanos(4)));
    assert_eq!(kernel.now(), real.at(7));
    assert_eq!(kernel.clock().now(), real.at(7));
}

#[test]
fn resumed_it_goes_on_from_what_it_showed() {
    let (real, mut sleepless) = (Still::new(), Sleepless::default());
    let (kernel, mut driver) = pausable(real.clone(), &mut sleepless);
    kernel.clock().pause();
    kernel.clock().advance(Duration::from_secs(10));
    real.set_elapsed(2 * SECOND);
    assert!(kernel.clock().resume());
    assert!(!kernel.time_jumps());
    real.set_elapsed(3 * SECOND);
    assert_eq!(kernel.now(), real.at(11 * SECOND));
    park(&mut driver, Some(real.at(15 * SECOND)));
    assert!(kernel.clock().pause());
    real.set_elapsed(4 * SECOND);
    assert_eq!(kernel.now(), real.at(11 * SECOND));
    assert_eq!(sleepless.parks, [Some(real.at(7 * SECOND))], "four seconds from now, in real time");
}

#[test]
fn a_sleep_fires_exactly_at_its_deadline() {
    let (real, mut sleepless) = (Still::new(), Sleepless::default());
    let (kernel, mut driver) = pausable(real.clone(), &mut sleepless);
    kernel.clock().pause();
    kernel.clock().take_unparked();
    let timers = Timers::new(kernel.clone(), 1);
    let mut cx = Context::from_waker(Waker::noop());
    let deadline = kernel.now() + Duration::from_nanos(1_000_003);
    let mut cancelled = Box::pin(Timer::new(&timers, kernel.now() + Duration::from_nanos(7)));
    let mut timer = Box::pin(Timer::new(&timers, deadline));
    assert!(cancelled.as_mut().poll(&mut cx).is_pending());
    assert!(timer.as_mut().poll(&mut cx).is_pending());
    drop(cancelled);
    let next = timers.begin_park();
    park(&mut driver, next);
    timers.end_park();
    assert_eq!(kernel.now(), deadline);
    timers.expire(kernel.now(), &mut WakeBatch::new());
    assert!(timer.as_mut().poll(&mut cx).is_ready());
}
