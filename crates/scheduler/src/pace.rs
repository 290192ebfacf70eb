//! When does a thread that has enough to do look at the outside world all the same?
//!
//! 1. After a number of polls ([`EVENT_INTERVAL`], if nobody says another), after [`LOOK_AFTER`] on the clock, and when
//!    the turn of a task comes that has yielded: whichever comes first.
//! 2. Who yields for a moment finds the outside world looked at when it goes on; who yields all the time does not pay
//!    for a look each time. So a thread saves up for such looks ([`Rounds`]): all in all one poll of several has one.
//! 3. The clock is not read at every poll: the number of polls between two readings follows how long polls take.
//! 4. Pure: the caller brings the time.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Polls between two looks at the outside world, at most, if nobody says another number.
pub(crate) const EVENT_INTERVAL: u32 = 61;
/// So many polls pay for one look on behalf of those that yielded.
const LOOK_COSTS: u32 = 8;
/// More than for so many looks in a row nobody saves.
const MOST_SAVED: u32 = 4 * LOOK_COSTS;
/// Time between two looks, about.
const LOOK_AFTER: Duration = Duration::from_micros(200);
/// The clock is read about this often.
const READ_AFTER: Duration = Duration::from_micros(50);
/// Polls between two readings of the clock, at most.
const READ_INTERVAL: u32 = 32;

/// Says of every so-manieth poll that its turn has come; never, if there is no such number.
#[derive(Debug)]
pub(crate) struct Every {
    interval: Option<u32>,
    polls: Cell<u32>,
}

impl Every {
    pub(crate) fn nth(interval: Option<u32>) -> Self {
        Every { interval, polls: Cell::new(0) }
    }

    /// One poll more: is it one of those?
    #[inline]
    pub(crate) fn turn(&self) -> bool {
        let Some(interval) = self.interval else { return false };
        let polls = self.polls.get() + 1;
        let is_one = polls >= interval;
        self.polls.set(if is_one { 0 } else { polls });
        is_one
    }
}

/// Says when a task that has yielded is about to go on, if enough polls have paid for a look before that (rule 2).
#[derive(Debug)]
pub(crate) struct Rounds {
    /// So many polls are ahead of the one that yielded; 0 if none has.
    ahead: u32,
    /// So many polls have not been spent on a look.
    saved: u32,
}

impl Rounds {
    /// With enough saved to begin with.
    pub(crate) fn new() -> Self {
        Rounds { ahead: 0, saved: MOST_SAVED }
    }

    /// A task was polled; the arguments are those of [`Pace::polled`]. `true`: look outside now.
    #[inline]
    pub(crate) fn polled(&mut self, yielded: bool, queued: usize) -> bool {
        self.saved = (self.saved + 1).min(MOST_SAVED);
        if self.ahead == 0 {
            if !yielded {
                return false;
            }
            self.ahead = queued.max(1) as u32;
        }
        self.ahead -= 1;
        if self.ahead > 0 || self.saved < LOOK_COSTS {
            return false;
        }
        self.saved -= LOOK_COSTS;
        true
    }
}

/// Counts polls; see the module's rules.
pub(crate) struct Pace {
    event_interval: u32,
    polls: u32,
    rounds: Rounds,
    read_at: u32,
    read_interval: u32,
    last_read: Instant,
    last_look: Instant,
}

impl Pace {
    /// For a thread that looks outside after so many polls at the latest.
    pub(crate) fn new(event_interval: u32, now: Instant) -> Self {
        let rounds = Rounds::new();
        Pace { event_interval, polls: 0, rounds, read_at: 1, read_interval: 1, last_read: now, last_look: now }
    }

    /// A task was polled. `yielded` says that it was woken during its poll, `queued` how many are queued now, with it if
    /// so. `true`: look outside now.
    #[inline]
    pub(crate) fn polled(&mut self, yielded: bool, queued: usize, now: impl FnOnce() -> Instant) -> bool {
        self.polls += 1;
        if self.rounds.polled(yielded, queued) || self.polls >= self.event_interval {
            return true;
        }
        self.polls >= self.read_at && self.read(now())
    }

    /// The outside world was looked at.
    pub(crate) fn looked(&mut self, now: Instant) {
        self.polls = 0;
        self.read_at = self.read_interval;
        self.last_read = now;
        self.last_look = now;
    }

    /// Something came from the outside world: it was worth looking, or the thread had nothing else to do.
    pub(crate) fn found(&mut self) {
        self.rounds.saved = MOST_SAVED;
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
        let mut pace = Pace::new(EVENT_INTERVAL, start);
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
    fn every_third_poll_has_its_turn_and_none_without_a_number() {
        let every = Every::nth(Some(3));
        assert_eq!([(); 6].map(|()| every.turn()), [false, false, true, false, false, true]);
        assert!(!Every::nth(None).turn());
        assert!(Every::nth(Some(1)).turn());
    }

    #[test]
    fn a_smaller_number_of_polls_is_kept() {
        let now = Instant::now();
        let mut pace = Pace::new(5, now);
        let polls = (1..).find(|_| pace.polled(false, 10, || now));
        assert_eq!(polls, Some(5));
    }

    /// Which of so many polls, that take no time, bring a look; `yields` says of each whether it yields.
    fn looks(pace: &mut Pace, count: u32, queued: usize, yields: impl Fn(u32) -> bool) -> Vec<u32> {
        let now = pace.last_look;
        let mut looks = Vec::new();
        for poll in 1..=count {
            if pace.polled(yields(poll), queued, || now) {
                looks.push(poll);
                pace.looked(now);
            }
        }
        looks
    }

    #[test]
    fn who_yields_for_a_moment_makes_it_look_at_once_and_who_goes_on_more_seldom() {
        let mut pace = Pace::new(EVENT_INTERVAL, Instant::now());
        assert_eq!(looks(&mut pace, 40, 1, |_| true), [1, 2, 3, 4, 9, 17, 25, 33]);
        assert!(looks(&mut pace, MOST_SAVED, 1, |_| false).is_empty(), "nobody has yielded");
        assert_eq!(looks(&mut pace, 10, 0, |_| true), [1, 2, 3, 4, 9]);
        pace.found();
        assert_eq!(looks(&mut pace, 10, 1, |_| true), [1, 2, 3, 4, 9]);
    }

    #[test]
    fn it_looks_when_the_turn_of_the_one_that_yielded_comes() {
        let mut pace = Pace::new(EVENT_INTERVAL, Instant::now());
        assert_eq!(looks(&mut pace, 50, 3, |poll| poll == 20), [22]);
        assert_eq!(looks(&mut pace, 22, 3, |_| true), [3, 6, 9, 12, 15, 21]);
        assert_eq!(polls_until_look(Duration::from_nanos(20), true, 1000), EVENT_INTERVAL);
    }

    #[test]
    fn whatever_else_runs_one_look_in_several_polls_is_the_most_in_the_long_run() {
        for yields in [1, 2, 3, 7] {
            let mut pace = Pace::new(EVENT_INTERVAL, Instant::now());
            let count = 1000 * LOOK_COSTS;
            let looks = looks(&mut pace, count, 1, |poll| poll.is_multiple_of(yields)).len() as u32;
            assert!((1000..=1000 + MOST_SAVED / LOOK_COSTS).contains(&looks), "{looks} for each {yields}th");
        }
    }

    #[test]
    fn after_a_time_of_long_polls_the_clock_is_read_at_each() {
        let mut now = Instant::now();
        let mut pace = Pace::new(EVENT_INTERVAL, now);
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
