//! The verdict: which polls have not ended for too long, and what is to be done about them?
//!
//! 1. Pure: the monitor brings what it saw and the time, and does what it is told. So it is tested with invented samples.
//! 2. A poll is *stuck* when it has been seen to last for the threshold. It *waits* if its thread sleeps in the system and
//!    has used little CPU meanwhile; otherwise it *burns*.
//! 3. Who waits is replaced one for one, so that as many threads make progress as there are workers. Who burns has a core
//!    already: all of them together bring at most as many spares as there are workers. A task that is known to burn is taken
//!    to do so at once, until its thread is found to wait.
//!    While as many burn as there are workers, all spares but one may poll tasks that burn, or are new and may do so as well.
//!    That one is left to those of which it is not to be feared.
//! 4. A look that came late says nothing about the time since the last: perhaps nobody had a core. It counts as if it had
//!    come in time.
//! 5. A seat that was empty at two looks in a row, and not sat on in between, is filled if anybody sleeps.
//! 6. Spares that were needed stay for [`LINGER`]: who was stuck a moment ago may be so again.
//! 7. The next look comes the sooner the more there is to see, and where something is due, at that time. When there is
//!    nothing, it comes when somebody wakes.
//!
//! The monitor calls in; nobody is woken from here.

use std::time::{Duration, Instant};

use unstuck_driver::Activity;

use super::gate::UNLIMITED;

/// From one look to the next when the seat was seen empty, and at least.
const SUSPECTING: Duration = Duration::from_millis(1);
/// When somebody has sat down there more often than that since the last look, most probably somebody is about to again: that
/// is no reason to look sooner.
const BRISK_VISITS: u64 = 4;
/// The same while tasks are polled, at most.
const BUSY: Duration = Duration::from_millis(3);
/// The same when nothing has happened since the last look.
const QUIET: Duration = Duration::from_millis(8);
/// So many quiet looks in a row, and the monitor sleeps until somebody wakes.
const QUIET_LOOKS: u32 = 2;
/// As long as it sleeps then at most if there are stuck polls: nobody tells when they end.
const STUCK_ALONE: Duration = Duration::from_millis(50);
/// See rule 6. So long after the last of these moments it counts as one in which as many burn as there are workers, too.
const LINGER: Duration = Duration::from_millis(100);
/// A spare's poll that burns for so long keeps no new task out any more: it may be for that one that it waits.
const PATIENCE: Duration = Duration::from_millis(500);
/// From one look at the thread of a stuck poll to the next.
const PROBE: Duration = Duration::from_millis(10);
/// What a look may be late, beside the time it was to come after.
const LATE: Duration = Duration::from_millis(1);

/// What is fixed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A poll that lasts for so long is stuck.
    pub(crate) threshold: Duration,
    pub(crate) workers: usize,
}

/// What the monitor saw of the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Of the places, in their order.
    pub(crate) places: Vec<Sample>,
    /// The seat's epoch: odd while somebody sits there.
    pub(crate) seat: u64,
    /// How many threads sleep.
    pub(crate) sleeping: usize,
    /// How many threads run tasks, or look for some, or sleep.
    pub(crate) threads: usize,
    /// Whether tasks wait at a gate.
    pub(crate) waits: bool,
}

/// What it saw of one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Odd during a poll.
    pub(crate) epoch: u64,
    /// The worker has announced that it may block, and is replaced already.
    pub(crate) announced: bool,
    pub(crate) kind: Kind,
}

/// What is known of the task that is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing, or nothing bad.
    #[default]
    Usual,
    /// It is known to burn.
    Long,
    /// A spare polls it, and nobody has before.
    New,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Action {
    /// Wake somebody to sit down in the driver.
    pub(crate) fill_seat: bool,
    /// The places whose polls are stuck.
    pub(crate) stuck: Vec<usize>,
    /// Of these, whose poll was found to be stuck by this look.
    pub(crate) newly_stuck: usize,
    /// Polls that are found to burn by this look: places and epochs.
    pub(crate) burn: Vec<(usize, u64)>,
    /// How many polls of tasks that are known to burn there may be at once.
    pub(crate) room_for_long: usize,
    /// How many of these, and of new tasks, by spares.
    pub(crate) room_for_doubtful: usize,
    /// How many spares there should be on account of stuck polls.
    pub(crate) spares: usize,
    pub(crate) next: NextLook,
}

/// When to look again (rule 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NextLook {
    After(Duration),
    /// When somebody wakes, or after such a time.
    WhenWokenOrAfter(Duration),
    #[default]
    WhenWoken,
}

/// Remembers what was seen; see the module's rules.
pub(crate) struct Judge {
    limits: Limits,
    last: Sight,
    polls: Vec<Poll>,
    looked_at: Instant,
    next: NextLook,
    quiet_looks: u32,
    /// So many spares stay until then (rule 6).
    kept: (usize, Instant),
    /// Until then one spare is left to tasks of which nothing is to be feared (rule 3).
    strained_until: Instant,
}

/// What is known of the poll at one place.
#[derive(Clone, Copy, Debug, Default)]
struct Poll {
    /// How long it has been seen to last.
    lasted: Duration,
    /// What was seen of its thread, and how long it had lasted then.
    probed: Option<(Activity, Duration)>,
    verdict: Option<Verdict>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Waits,
    Burns,
}

impl Judge {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Judge {
            limits,
            last: Sight::default(),
            polls: Vec::new(),
            looked_at: now,
            next: NextLook::WhenWoken,
            quiet_looks: 0,
            kept: (0, now),
            strained_until: now,
        }
    }

    /// What follows from `sight`. `probe` looks at the thread of a place.
    pub(crate) fn judge(
        &mut self,
        sight: Sight,
        now: Instant,
        mut probe: impl FnMut(usize) -> Option<Activity>,
    ) -> Action {
        let passed = self.passed(now);
        let changed = sight != self.last;
        let mut action = Action::default();
        let (mut due, mut wait, mut burn) = (None, 0, 0);
        let (mut resting_long, mut resting_doubtful) = (0, 0);
        self.polls.resize(sight.places.len(), Poll::default());
        for (index, (sample, poll)) in sight.places.iter().zip(&mut self.polls).enumerate() {
            let seen_before = self.last.places.get(index).is_some_and(|last| last.epoch == sample.epoch);
            if !seen_before || sample.announced || sample.epoch.is_multiple_of(2) {
                *poll = Poll::default();
            } else {
                poll.lasted += passed;
            }
            let is_spare = index >= self.limits.workers;
            let for_ages = poll.lasted >= PATIENCE;
            let mut rests = |rests: bool| {
                resting_long += usize::from(sample.kind == Kind::Long && rests);
                resting_doubtful += usize::from(sample.kind != Kind::Usual && is_spare && (rests || for_ages));
            };
            if sample.announced || sample.epoch.is_multiple_of(2) {
                rests(sample.announced);
                continue;
            }
            let before = poll.verdict;
            let known = (sample.kind == Kind::Long).then_some(Verdict::Burns);
            let verdict = poll.judge(self.limits, || probe(index)).or(known);
            rests(verdict == Some(Verdict::Waits));
            match verdict {
                None if poll.lasted.is_zero() => {}
                None => due = due.into_iter().chain([poll.due_after(self.limits)]).min(),
                Some(Verdict::Waits) => wait += 1,
                Some(Verdict::Burns) => burn += 1,
            }
            poll.verdict = verdict;
            if verdict.is_some() {
                action.stuck.push(index);
                action.newly_stuck += usize::from(before.is_none());
                if verdict == Some(Verdict::Burns) && before != verdict {
                    action.burn.push((index, sample.epoch));
                }
            }
        }
        action.spares = self.keep(wait + burn.min(self.limits.workers), now);
        let nobody_sits = sight.seat.is_multiple_of(2) && sight.sleeping > 0;
        action.fill_seat = nobody_sits && sight.seat == self.last.seat;
        if nobody_sits && !action.fill_seat {
            // An epoch for coming, and one for going.
            let visits = sight.seat.wrapping_sub(self.last.seat) / 2;
            due = if visits <= BRISK_VISITS { Some(SUSPECTING) } else { due };
        }
        action.room_for_long = self.limits.workers + resting_long;
        action.room_for_doubtful = if self.is_strained(burn, now) {
            self.limits.workers.saturating_sub(1).max(1) + resting_doubtful
        } else {
            UNLIMITED
        };
        action.next = self.next_look(&sight, changed, due, &action);
        self.next = action.next;
        self.looked_at = now;
        self.last = sight;
        action
    }

    /// The time since the last look, as far as it can be trusted (rule 4).
    fn passed(&self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.looked_at);
        match self.next {
            NextLook::After(after) | NextLook::WhenWokenOrAfter(after) if passed > 2 * after + LATE => after,
            NextLook::After(_) | NextLook::WhenWokenOrAfter(_) => passed,
            NextLook::WhenWoken => passed.min(LATE),
        }
    }

    /// Rule 6.
    fn keep(&mut self, wanted: usize, now: Instant) -> usize {
        let (count, until) = self.kept;
        if wanted >= count || now >= until {
            self.kept = (wanted, now + LINGER);
        }
        self.kept.0
    }

    /// Whether so many polls burn, or did a moment ago, that a spare is to be left to the other tasks (rule 3).
    fn is_strained(&mut self, burn: usize, now: Instant) -> bool {
        if burn >= self.limits.workers {
            self.strained_until = now + LINGER;
        }
        now < self.strained_until
    }

    /// Rule 7. Something is to be looked at after the time `due`.
    fn next_look(&mut self, sight: &Sight, changed: bool, due: Option<Duration>, action: &Action) -> NextLook {
        if changed || due.is_some() {
            self.quiet_looks = 0;
            return NextLook::After(due.map_or(BUSY, |due| due.clamp(SUSPECTING, BUSY)));
        }
        let announced = sight.places.iter().filter(|sample| sample.announced).count();
        if sight.sleeping + announced + action.stuck.len() < sight.threads {
            self.quiet_looks = 0;
        } else if self.quiet_looks < QUIET_LOOKS {
            self.quiet_looks += 1;
        }
        match self.quiet_looks {
            QUIET_LOOKS if action.spares > 0 || sight.waits => NextLook::WhenWokenOrAfter(STUCK_ALONE),
            QUIET_LOOKS => NextLook::WhenWoken,
            _ => NextLook::After(QUIET),
        }
    }
}

impl Poll {
    /// How long it is until its thread is to be looked at.
    fn due_after(&self, limits: Limits) -> Duration {
        let at = match (self.probed, self.verdict) {
            (Some((_, at)), Some(_)) => at + PROBE,
            (Some(_), None) => limits.threshold,
            (None, _) => limits.threshold / 2,
        };
        at.saturating_sub(self.lasted)
    }

    /// Rule 2.
    fn judge(&mut self, limits: Limits, probe: impl FnOnce() -> Option<Activity>) -> Option<Verdict> {
        if !self.due_after(limits).is_zero() {
            return self.verdict;
        }
        let activity = probe();
        let before = std::mem::replace(&mut self.probed, activity.map(|activity| (activity, self.lasted)));
        if self.lasted < limits.threshold {
            return None;
        }
        let Some(activity) = activity else { return Some(Verdict::Burns) };
        let (used, span) = match before {
            Some((before, at)) => (activity.used.saturating_sub(before.used), self.lasted - at),
            None => (Duration::ZERO, Duration::ZERO),
        };
        let waits = match activity.sleeps {
            Some(sleeps) => sleeps && used <= span / 2,
            None => used < span / 10,
        };
        Some(if waits { Verdict::Waits } else { Verdict::Burns })
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;
