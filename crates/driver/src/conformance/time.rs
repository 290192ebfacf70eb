//! Parking, unparking, deadlines.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use unstuck_base::WakeBatch;

use super::{Count, LIMIT, Test, World};
use crate::timer::Timer;

pub(super) const TESTS: &[(&str, Test)] = &[
    ("a park ends at its deadline, not before", deadline),
    ("a deadline that has passed ends the park at once", past_deadline),
    ("timers fire in order, none early", timers),
    ("an unpark before the park is not lost", unpark_before),
    ("looking never sleeps", poll_returns),
];

pub(super) const THREADED_TESTS: &[(&str, Test)] = &[
    ("an unpark by another thread ends a park", unpark_by_a_thread),
    ("a timer of another thread that is the earliest ends a park", timer_of_a_thread),
];

fn deadline(world: &mut World) {
    for micros in [1, 50, 700, 3_000] {
        let deadline = world.kernel.now() + Duration::from_micros(micros);
        let mut turns = 0;
        while world.kernel.now() < deadline {
            // A park may end early; it must not do so for ever.
            turns += 1;
            assert!(turns < 1_000, "parks keep ending before their deadline");
            world.driver.park(Some(deadline), &mut WakeBatch::new()).unwrap();
        }
    }
}

fn past_deadline(world: &mut World) {
    let deadline = world.kernel.now();
    for _ in 0..3 {
        world.driver.park(Some(deadline), &mut WakeBatch::new()).unwrap();
    }
}

fn timers(world: &mut World) {
    let start = world.kernel.now();
    let after = |micros| start + Duration::from_micros(micros);
    let mut fired = Vec::new();
    // The latest is asked first: when it has come, so have all that are asked after it, however slow this thread is.
    let mut timers: Vec<_> =
        [2_500, 900, 400, 100, 0].map(|micros| (micros, Box::pin(Timer::new(&world.timers, after(micros))))).into();
    let kernel = world.kernel.clone();
    let all = std::future::poll_fn(|cx| {
        let before = fired.len();
        timers.retain_mut(|(micros, timer)| {
            let pending = timer.as_mut().poll(cx).is_pending();
            if !pending {
                assert!(kernel.now() >= after(*micros), "a timer fired early");
                fired.insert(before, *micros);
            }
            pending
        });
        if timers.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    });
    world.block_on("the timers fire", all);
    assert_eq!(fired, [0, 100, 400, 900, 2_500]);
}

fn unpark_before(world: &mut World) {
    world.kernel.unpark();
    world.kernel.unpark();
    let before = world.kernel.now();
    world.driver.park(Some(before + LIMIT), &mut WakeBatch::new()).unwrap();
    assert!(world.kernel.now() < before + LIMIT, "the park slept until its deadline");
}

fn poll_returns(world: &mut World) {
    let before = world.kernel.now();
    for _ in 0..10 {
        world.driver.poll(&mut WakeBatch::new()).unwrap();
    }
    assert!(world.kernel.now() < before + LIMIT);
}

fn unpark_by_a_thread(world: &mut World) {
    let rounds = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let unparking = std::thread::spawn({
        let (kernel, rounds, stop) = (world.kernel.clone(), rounds.clone(), stop.clone());
        move || {
            let mut seen = 0;
            while !stop.load(Ordering::Acquire) {
                // Each park is ended by one unpark, which comes at any moment before it or during it.
                if rounds.load(Ordering::Acquire) != seen {
                    seen += 1;
                    kernel.unpark();
                }
                std::thread::yield_now();
            }
        }
    });
    let before = world.kernel.now();
    for round in 1..=200 {
        rounds.store(round, Ordering::Release);
        world.driver.park(Some(before + LIMIT), &mut WakeBatch::new()).unwrap();
    }
    assert!(world.kernel.now() < before + LIMIT, "an unpark was lost");
    stop.store(true, Ordering::Release);
    unparking.join().unwrap();
}

fn timer_of_a_thread(world: &mut World) {
    let (count, waker) = Count::new();
    let mut far = pin!(Timer::new(&world.timers, world.kernel.now() + LIMIT));
    assert!(far.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let arming = std::thread::spawn({
        let (timers, kernel) = (world.timers.clone(), world.kernel.clone());
        move || {
            let mut near = Box::pin(Timer::new(&timers, kernel.now() + Duration::from_millis(1)));
            // Ready, if this thread was held up for a millisecond.
            let pending = near.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
            (near, pending)
        }
    });
    let limit = world.kernel.now() + LIMIT / 2;
    let mut near = None;
    let mut arming = Some(arming);
    while count.get() == 0 {
        assert!(world.kernel.now() < limit, "the driver's thread was not told of the earlier timer");
        let mut woken = WakeBatch::new();
        let deadline = world.timers.begin_park();
        world.driver.park(deadline, &mut woken).unwrap();
        world.timers.end_park();
        world.timers.expire(world.kernel.now(), &mut woken);
        woken.wake_all();
        if let Some(finished) = arming.take_if(|arming| arming.is_finished()) {
            let (timer, pending) = finished.join().unwrap();
            if !pending {
                return;
            }
            near = Some(timer);
        }
    }
    drop(near);
}
