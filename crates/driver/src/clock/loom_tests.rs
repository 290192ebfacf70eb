//! Loom: the end of blocking work, and an unpark, against the thread that is about to let the time jump or to sleep.

use super::*;
use crate::still::{Sleeper, Still};
use unstuck_base::sync::thread;

const FAR: u64 = 1_000_000_000;

fn park(driver: &mut PausedDriver<Sleeper>, deadline: Option<Instant>) {
    driver.park(deadline, &mut WakeBatch::new()).unwrap();
}

/// A clock that stands, whose driver's thread has nothing to look at first.
fn stopped() -> (Arc<Still>, Arc<Paused<Still>>, PausedDriver<Sleeper>) {
    let real = Still::new();
    let (kernel, driver) = pausable(real.clone(), Sleeper::new(real.clone()));
    assert!(kernel.clock().pause());
    assert!(kernel.clock().take_unparked());
    (real, kernel, driver)
}

/// A thread on which blocking work ends.
fn ends(kernel: &Paused<Still>) -> thread::JoinHandle<()> {
    let clock = kernel.clock().clone();
    thread::spawn(move || clock.allow_auto_advance())
}

#[test]
fn loom_clock_what_blocking_work_left_behind_is_looked_at_before_the_jump() {
    loom::model(|| {
        let (real, kernel, mut driver) = stopped();
        let left_behind = Arc::new(AtomicUsize::new(0));
        kernel.clock().inhibit_auto_advance();
        let working = thread::spawn({
            let (clock, left_behind) = (kernel.clock().clone(), left_behind.clone());
            move || {
                left_behind.store(1, Ordering::Relaxed);
                clock.allow_auto_advance();
            }
        });
        // As a scheduler does: whatever it finds comes before the next park.
        while left_behind.load(Ordering::Relaxed) == 0 {
            assert_eq!(kernel.now(), real.at(0), "the clock jumped over the end of the work");
            park(&mut driver, Some(real.at(FAR)));
        }
        assert_eq!(kernel.now(), real.at(0));
        working.join().unwrap();
    });
}

#[test]
fn loom_clock_jumps_when_the_last_of_two_has_ended() {
    loom::model(|| {
        let (real, kernel, mut driver) = stopped();
        kernel.clock().inhibit_auto_advance();
        kernel.clock().inhibit_auto_advance();
        let working = ends(&kernel);
        kernel.clock().allow_auto_advance();
        // Nobody awaits the work: only its end can make the clock jump.
        while kernel.now() < real.at(FAR) {
            park(&mut driver, Some(real.at(FAR)));
        }
        working.join().unwrap();
    });
}

#[test]
fn loom_clock_is_stopped_while_work_ends() {
    loom::model(|| {
        let real = Still::new();
        let (kernel, mut driver) = pausable(real.clone(), Sleeper::new(real.clone()));
        kernel.clock().inhibit_auto_advance();
        let working = ends(&kernel);
        assert!(kernel.clock().pause());
        while kernel.now() < real.at(FAR) {
            park(&mut driver, Some(real.at(FAR)));
        }
        working.join().unwrap();
    });
}

#[test]
fn loom_clock_an_unpark_ends_the_sleep() {
    loom::model(|| {
        let (_real, kernel, mut driver) = stopped();
        let news = Arc::new(AtomicUsize::new(0));
        let unparking = thread::spawn({
            let (kernel, news) = (kernel.clone(), news.clone());
            move || {
                news.store(1, Ordering::Relaxed);
                kernel.unpark();
            }
        });
        while news.load(Ordering::Relaxed) == 0 {
            park(&mut driver, None);
        }
        unparking.join().unwrap();
    });
}
