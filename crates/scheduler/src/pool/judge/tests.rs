//! The situations that the module must get right, in invented samples.

use super::*;

const MS: Duration = Duration::from_millis(1);
const THRESHOLD: Duration = Duration::from_millis(10);

/// A pool as the test says it is, and its judge.
struct World {
    judge: Judge,
    now: Instant,
    sight: Sight,
    /// Of each place's thread.
    threads: Vec<Option<Activity>>,
}

impl World {
    fn new(workers: usize) -> World {
        let now = Instant::now();
        let sight = Sight {
            places: vec![Sample::default(); workers],
            seat: 1,
            sleeping: workers,
            threads: workers,
            waits: false,
        };
        World {
            judge: Judge::new(Limits { threshold: THRESHOLD, workers }, now),
            now,
            sight,
            threads: vec![Some(Activity { used: Duration::ZERO, sleeps: Some(true) }); workers],
        }
    }

    fn begins_poll(&mut self, index: usize) {
        assert!(self.sight.places[index].epoch.is_multiple_of(2));
        self.sight.places[index].epoch += 1;
        self.sight.sleeping -= 1;
    }

    fn ends_poll(&mut self, index: usize) {
        assert!(!self.sight.places[index].epoch.is_multiple_of(2));
        self.sight.places[index].epoch += 1;
        self.sight.sleeping += 1;
    }

    fn burns(&mut self, index: usize) {
        self.begins_poll(index);
        self.threads[index].as_mut().unwrap().sleeps = Some(false);
    }

    /// A look that comes after `passed`, in which those that burn have had a core.
    fn look_after(&mut self, passed: Duration) -> Action {
        self.now += passed;
        for activity in self.threads.iter_mut().flatten() {
            if activity.sleeps == Some(false) {
                activity.used += passed;
            }
        }
        let threads = &self.threads;
        self.judge.judge(self.sight.clone(), self.now, |index| threads[index])
    }

    /// Looks as the judge wants them, until `until` says that it is enough; the last action and the time that it took.
    fn look_until(&mut self, until: impl Fn(&Action) -> bool) -> (Action, Duration) {
        let start = self.now;
        for _ in 0..1000 {
            let after = match self.judge.next {
                NextLook::After(after) | NextLook::WhenWokenOrAfter(after) => after,
                NextLook::WhenWoken => Duration::ZERO,
            };
            let action = self.look_after(after);
            if until(&action) {
                return (action, self.now - start);
            }
        }
        panic!("never, in {:?}", self.now - start);
    }

    fn look_for(&mut self, time: Duration) -> Action {
        let end = self.now + time;
        loop {
            let (action, _) = self.look_until(|_| true);
            if self.now >= end || action.next == NextLook::WhenWoken {
                return action;
            }
        }
    }
}

#[test]
fn a_poll_that_waits_is_found_after_the_threshold_and_replaced() {
    let mut world = World::new(2);
    world.begins_poll(0);
    let (action, took) = world.look_until(|action| action.newly_stuck > 0);
    assert!(took >= THRESHOLD && took <= THRESHOLD + 4 * MS, "{took:?}");
    assert_eq!((action.stuck, action.burn, action.spares), (vec![0], vec![], 1));
    assert_eq!(world.look_for(20 * MS).newly_stuck, 0);
}

#[test]
fn all_that_wait_are_replaced_one_for_one() {
    let mut world = World::new(4);
    (0..4).for_each(|index| world.begins_poll(index));
    let (action, _) = world.look_until(|action| action.newly_stuck > 0);
    assert_eq!(action.spares, 4);
}

#[test]
fn those_that_burn_bring_as_many_spares_as_there_are_workers_at_most() {
    let mut world = World::new(2);
    (0..2).for_each(|index| world.burns(index));
    let (action, _) = world.look_until(|action| action.newly_stuck > 0);
    assert_eq!((action.spares, action.burn), (2, vec![(0, 1), (1, 1)]));
    // The spares burn as well.
    world.sight.places.resize(4, Sample::default());
    world.threads.resize(4, Some(Activity { used: Duration::ZERO, sleeps: Some(false) }));
    world.sight.sleeping += 2;
    world.sight.threads += 2;
    (2..4).for_each(|index| world.begins_poll(index));
    let (action, _) = world.look_until(|action| action.newly_stuck > 0);
    assert_eq!((action.stuck.len(), action.spares), (4, 2));
}

#[test]
fn who_burns_without_a_core_does_not_wait() {
    let mut world = World::new(1);
    world.burns(0);
    for _ in 0..100 {
        world.threads[0].as_mut().unwrap().used = Duration::ZERO;
        let action = world.look_after(MS);
        if let [_] = action.stuck[..] {
            assert_eq!(action.burn, [(0, 1)]);
            return;
        }
    }
    panic!("never stuck");
}

#[test]
fn the_clock_alone_tells_them_apart_where_nothing_else_is_known() {
    for (share, spares) in [(0, 3), (1, 1)] {
        let mut world = World::new(3);
        for index in 0..3 {
            world.begins_poll(index);
            world.threads[index] = Some(Activity { used: Duration::ZERO, sleeps: None });
        }
        world.judge.limits.workers = 1;
        for _ in 0..20 {
            world.threads.iter_mut().flatten().for_each(|activity| activity.used += share * MS);
            world.look_after(MS);
        }
        assert_eq!(world.look_after(MS).spares, spares);
    }
}

#[test]
fn a_thread_that_nothing_is_known_of_is_taken_to_burn() {
    let mut world = World::new(1);
    world.begins_poll(0);
    world.threads[0] = None;
    let (action, _) = world.look_until(|action| action.newly_stuck > 0);
    assert_eq!(action.burn, [(0, 1)]);
}

#[test]
fn who_waits_first_and_burns_then_is_found_to_burn() {
    let mut world = World::new(2);
    world.begins_poll(0);
    assert_eq!(world.look_until(|action| action.newly_stuck > 0).0.burn, []);
    world.threads[0].as_mut().unwrap().sleeps = Some(false);
    let (action, took) = world.look_until(|action| !action.burn.is_empty());
    assert!(took <= PROBE + STUCK_ALONE, "{took:?}");
    assert_eq!(action.newly_stuck, 0);
}

#[test]
fn a_task_that_is_known_to_burn_does_so_from_the_first_look() {
    let mut world = World::new(2);
    world.burns(1);
    world.sight.places[1].kind = Kind::Long;
    let action = world.look_after(MS);
    assert_eq!((action.spares, action.stuck), (1, vec![1]));
}

#[test]
fn one_spare_is_left_to_tasks_that_will_not_burn_while_as_many_burn_as_there_are_workers() {
    let mut world = World::new(3);
    assert_eq!(world.look_after(MS).room_for_doubtful, UNLIMITED);
    (0..2).for_each(|index| world.burns(index));
    world.look_until(|action| action.newly_stuck > 0);
    assert_eq!(world.look_for(20 * MS).room_for_doubtful, UNLIMITED, "one of the workers is free");
    world.burns(2);
    let (action, _) = world.look_until(|action| action.newly_stuck > 0);
    assert_eq!((action.room_for_doubtful, action.spares), (2, 3));
    // The workers are free for a moment, and others come.
    (0..3).for_each(|index| world.ends_poll(index));
    assert_eq!(world.look_after(MS).room_for_doubtful, 2);
    let (_, took) = world.look_until(|action| action.room_for_doubtful == UNLIMITED);
    assert!(took >= LINGER - QUIET && took <= LINGER + STUCK_ALONE, "{took:?}");
}

#[test]
fn a_lone_workers_spare_polls_new_tasks_too() {
    let mut world = World::new(1);
    world.burns(0);
    let (action, _) = world.look_until(|action| action.newly_stuck > 0);
    assert_eq!((action.room_for_doubtful, action.spares), (1, 1));
}

#[test]
fn a_doubtful_task_that_waits_or_does_not_end_keeps_no_other_out() {
    let mut world = World::new(2);
    (0..2).for_each(|index| world.burns(index));
    world.look_until(|action| action.spares == 2);
    world.sight.places.resize(4, Sample { kind: Kind::New, ..Sample::default() });
    world.threads.resize(4, Some(Activity { used: Duration::ZERO, sleeps: Some(true) }));
    world.sight.sleeping += 2;
    world.sight.threads += 2;
    // It waits.
    world.begins_poll(2);
    assert_eq!(world.look_after(MS).room_for_doubtful, 1);
    let (_, took) = world.look_until(|action| action.room_for_doubtful == 2);
    assert!(took <= THRESHOLD + 2 * MS, "{took:?}");
    world.sight.places[2].announced = true;
    assert_eq!(world.look_after(MS).room_for_doubtful, 2);
    // Its place polls another new one, which burns on and on.
    world.sight.places[2] = Sample { epoch: 3, announced: false, kind: Kind::New };
    world.threads[2].as_mut().unwrap().sleeps = Some(false);
    assert_eq!(world.look_after(MS).room_for_doubtful, 1);
    let (_, took) = world.look_until(|action| action.room_for_doubtful == 2);
    assert!(took >= PATIENCE && took <= PATIENCE + STUCK_ALONE, "{took:?}");
    // A worker's do not count.
    world.ends_poll(2);
    world.ends_poll(0);
    world.burns(0);
    world.sight.places[0].kind = Kind::Long;
    assert_eq!(world.look_for(2 * PATIENCE).room_for_doubtful, 1);
}

#[test]
fn short_polls_are_never_stuck_however_many() {
    let mut world = World::new(2);
    for _ in 0..1000 {
        world.burns(0);
        for _ in 0..3 {
            let action = world.look_after(2 * MS);
            assert_eq!((action.spares, action.newly_stuck), (0, 0));
        }
        world.ends_poll(0);
        world.look_after(MS);
    }
}

#[test]
fn a_task_that_is_known_to_burn_and_waits_is_replaced_and_makes_room_for_others_of_its_kind() {
    let mut world = World::new(2);
    world.begins_poll(0);
    world.sight.places[0].kind = Kind::Long;
    let action = world.look_after(MS);
    assert_eq!((action.spares, action.room_for_long), (1, 2));
    let (action, took) = world.look_until(|action| action.room_for_long > 2);
    assert_eq!((action.spares, action.stuck, action.newly_stuck), (1, vec![0], 0));
    assert!(took < 3 * THRESHOLD, "{took:?}");
    // It says so itself.
    world.sight.places[0].announced = true;
    let action = world.look_after(MS);
    assert_eq!((action.room_for_long, action.stuck), (3, vec![]));
    world.sight.places[0].announced = false;
    world.threads[0].as_mut().unwrap().sleeps = Some(false);
    assert_eq!(world.look_after(MS).room_for_long, 2);
}

#[test]
fn a_look_that_comes_late_condemns_nobody() {
    let mut world = World::new(2);
    world.begins_poll(0);
    world.look_after(MS);
    // The whole machine stood still.
    let action = world.look_after(1000 * MS);
    assert!(action.stuck.is_empty());
    let (_, took) = world.look_until(|action| action.newly_stuck > 0);
    assert!(took >= THRESHOLD - 3 * MS, "{took:?}");
}

#[test]
fn a_blocking_part_that_was_announced_is_nobodys_business() {
    let mut world = World::new(2);
    world.begins_poll(0);
    world.sight.places[0].announced = true;
    for _ in 0..100 {
        let action = world.look_after(MS);
        assert_eq!((action.spares, action.stuck), (0, vec![]));
    }
    // Then it goes on, in the same poll.
    world.sight.places[0].announced = false;
    let (_, took) = world.look_until(|action| action.newly_stuck > 0);
    assert!(took >= THRESHOLD, "{took:?}");
}

#[test]
fn an_empty_seat_is_filled_at_the_second_look_if_somebody_sleeps() {
    let mut world = World::new(2);
    world.begins_poll(0);
    world.sight.seat = 2;
    assert!(!world.look_after(MS).fill_seat);
    assert!(world.look_after(MS).fill_seat);
    // Nobody sleeps who could sit.
    world.begins_poll(1);
    assert!(!world.look_after(MS).fill_seat);
    world.ends_poll(1);
    // Somebody sat there since.
    world.sight.seat += 2;
    assert!(!world.look_after(MS).fill_seat);
    assert!(world.look_after(MS).fill_seat);
    // Somebody sits there.
    world.sight.seat += 1;
    assert!(!world.look_after(MS).fill_seat);
    assert!(!world.look_after(MS).fill_seat);
}

#[test]
fn an_empty_seat_is_found_within_a_few_milliseconds_while_tasks_run() {
    let mut world = World::new(2);
    for _ in 0..10 {
        world.begins_poll(1);
        world.look_until(|_| true);
        world.ends_poll(1);
        world.look_until(|_| true);
    }
    world.begins_poll(0);
    world.sight.seat = 2;
    let (_, took) = world.look_until(|action| action.fill_seat);
    assert!(took <= BUSY + SUSPECTING, "{took:?}");
}

#[test]
fn a_seat_that_is_left_and_taken_all_the_time_is_looked_at_less_often_but_filled_all_the_same() {
    let mut world = World::new(2);
    world.begins_poll(0);
    let looks = (0..100).map(|_| {
        world.sight.seat += 20;
        world.sight.places[0].epoch += 20;
        world.sight.seat &= !1;
        world.look_until(|_| true).1
    });
    let looks: Duration = looks.sum();
    assert!(looks >= 99 * BUSY, "{looks:?}");
    let (_, took) = world.look_until(|action| action.fill_seat);
    assert!(took <= BUSY, "{took:?}");
}

#[test]
fn spares_stay_for_a_while_and_then_go() {
    let mut world = World::new(2);
    world.begins_poll(0);
    world.look_until(|action| action.spares == 1);
    world.ends_poll(0);
    let (_, took) = world.look_until(|action| action.spares == 0);
    assert!(took >= LINGER - QUIET && took <= LINGER + STUCK_ALONE, "{took:?}");
}

#[test]
fn a_pool_that_sleeps_while_tasks_wait_at_a_gate_is_looked_at_now_and_then() {
    let mut world = World::new(2);
    world.sight.waits = true;
    let action = world.look_for(Duration::from_secs(1));
    assert_eq!(action.next, NextLook::WhenWokenOrAfter(STUCK_ALONE));
}

#[test]
fn nobody_looks_at_a_pool_that_sleeps() {
    let mut world = World::new(2);
    world.begins_poll(0);
    world.look_after(MS);
    world.ends_poll(0);
    let (_, took) = world.look_until(|action| action.next == NextLook::WhenWoken);
    assert!(took <= 30 * MS, "{took:?}");
}

#[test]
fn a_task_that_runs_ten_times_a_second_costs_fifty_looks_at_most() {
    let mut world = World::new(2);
    let mut looks = 0;
    for _ in 0..10 {
        let begin = world.now;
        world.sight.places[0].epoch += 2;
        world.sight.seat += 2;
        while world.now - begin < 100 * MS {
            looks += 1;
            match world.look_until(|_| true).0.next {
                NextLook::WhenWoken => world.now = begin + 100 * MS,
                NextLook::After(_) | NextLook::WhenWokenOrAfter(_) => {}
            }
        }
    }
    assert!(looks <= 50, "{looks}");
}

#[test]
fn one_that_is_stuck_for_ever_is_looked_at_now_and_then() {
    let mut world = World::new(2);
    world.begins_poll(0);
    let action = world.look_for(Duration::from_secs(1));
    assert_eq!(action.next, NextLook::WhenWokenOrAfter(STUCK_ALONE));
    assert_eq!(action.spares, 1);
}
