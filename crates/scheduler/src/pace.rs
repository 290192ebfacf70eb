//! When does a thread that has enough to do look at the outside world all the same?
//!
//! 1. After [`EVENT_INTERVAL`] polls, after [`LOOK_AFTER`] on the clock, and when everything that is queued has yielded
//!    [`YIELD_ROUNDS`] times: whichever comes first.
//! 2. The clock is not read at every poll: the number of polls between two readings follows how long polls take.
//! 3. Pure: the caller brings the time.

use std::time::{Duration, Instant};

/// Polls between two looks at the outside world, at most.
const EVENT_INTERVAL: u32 = 61;
/// When every queued task has yielded so often, nobody has anything better to do than to look outside.
const YIELD_ROUNDS: u32 = 8;
/// Time between two looks, about.
const LOOK_AFTER: Duration = Duration::from_micros(200);
/// The clock is read about this often.
const READ_AFTER: Duration = Duration::from_micros(50);
/// Polls between two readings of the clock, at most.
const READ_INTERVAL: u32 = 32;

/// Counts polls; see the module's rules.
pub(crate) struct Pace {
    polls: u32,
    yields: u32,
    read_at: u32,
    read_interval: u32,
    last_read: Instant,
    last_look: Instant,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Pace { polls: 0, yields: 0, read_at: 1, read_interval: 1, last_read: now, last_look: now }
    }

    /// A task was polled. `queued` are those that wait beside it, `yielded` says that it was woken during its poll.
    /// `true`: look outside now.
    #[inline]
    pub(crate) fn polled(&mut self, yielded: bool, queued: usize, now: impl FnOnce() -> Instant) -> bool {
        self.polls += 1;
        self.yields += u32::from(yielded);
        if self.polls >= EVENT_INTERVAL || self.yields as usize >= YIELD_ROUNDS as usize * queued.max(1) {
            return true;
        }
        self.polls >= self.read_at && self.read(now())
    }

    /// The outside world was looked at.
    pub(crate) fn looked(&mut self, now: Instant) {
        self.polls = 0;
        self.yields = 0;
        self.read_at = self.read_interval;
        self.last_read = now;
        self.last_look = now;
    }

    #[cold]
    fn read(&mut self, now: Instant) -> bool {
        let took = now.saturating_duration_since(self.last_read);
        // As many polls as would have taken the time that we want between two readings.
        let wanted = u128::from(self.read_interval) * READ_AFTER.as_nanos() / took.as_nanos().max(1);
        self.read_interval = wanted.clamp(1, u128::from(READ_INTERVAL)) as u32;
        self.read_at = self.polls + self.read_interval;
        self.last_read = now;
        now.saturating_duration_since(self.last_look) >= LOOK_AFTER
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    /// Polls that take `each`, with `queued` tasks beside; how many until the look.
    fn polls_until_look(each: Duration, yielded: bool, queued: usize) -> u32 {
        let start = Instant::now();
        let mut now = start;
        let mut pace = Pace::new(start);
        for polls in 1.. {
            now += each;
            if pace.polled(yielded, queued, || now) {
                return polls;
            }
        }
        unreachable!()
    }

    #[test]
    fn short_polls_look_after_a_number_and_long_ones_after_a_time() {
        assert_eq!(polls_until_look(Duration::from_nanos(50), false, 10), EVENT_INTERVAL);
        assert_eq!(polls_until_look(Duration::from_millis(1), false, 10), 1);
        let polls = polls_until_look(Duration::from_micros(40), false, 10);
        assert!((5..=8).contains(&polls), "{polls} polls of 40 us");
    }

    #[test]
    fn tasks_that_only_yield_make_it_look_after_some_rounds() {
        assert_eq!(polls_until_look(Duration::from_nanos(20), true, 1), YIELD_ROUNDS);
        assert_eq!(polls_until_look(Duration::from_nanos(20), true, 0), YIELD_ROUNDS);
        assert_eq!(polls_until_look(Duration::from_nanos(20), true, 3), 3 * YIELD_ROUNDS);
        assert_eq!(polls_until_look(Duration::from_nanos(20), true, 1000), EVENT_INTERVAL);
    }

    #[test]
    fn after_a_time_of_long_polls_the_clock_is_read_at_each() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..1000 {
            now += Duration::from_nanos(10);
            if pace.polled(false, 1, || now) {
                pace.looked(now);
            }
        }
        // The first long polls may go unseen until the next reading; from then on each is seen.
        while !pace.polled(false, 1, || now) {
            now += Duration::from_millis(1);
        }
        for _ in 0..5 {
            pace.looked(now);
            now += Duration::from_millis(1);
            assert!(pace.polled(false, 1, || now));
        }
    }
}
