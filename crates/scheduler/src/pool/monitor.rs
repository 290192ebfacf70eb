//! The monitor: a thread of its own that sees to it that nothing gets stuck.
//!
//! 1. It looks and does what [`judge`](super::judge) decides. It owns nothing of a worker's: it reads what workers say of
//!    themselves, and what it finds it says in words that workers and thieves read when it suits them.
//! 2. It never waits for a worker, nor a worker for it. Without it everything works, but for what is stuck. No code of users
//!    runs here, but for the drop of closures that relied on a thread which can't be started for a spare, and of tasks that
//!    waited at a gate until the pool was closed.
//! 3. It sleeps while the pool does, and is woken by the first worker that wakes ([`alarm`](super::alarm)).
//! 4. It is one of the pool's threads: it ends when the pool is closed, and whoever shuts down waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use unstuck_base::sync::Mutex;
use unstuck_driver::Activity;

use super::Shared;
use super::alarm::Alarm;
use super::judge::{Action, Judge, Limits, NextLook, Sight};
use crate::counts::Tally;

/// What others see of the monitor.
pub(crate) struct Monitor {
    /// A poll that lasts for so long is stuck.
    threshold: Duration,
    alarm: Alarm,
    /// Polls that were found to be stuck.
    pub(crate) stuck_polls: Tally,
    /// Where which epoch was first seen, as of the last look. Only the monitor writes.
    first_seen: Mutex<Vec<(u64, Instant)>>,
}

impl Monitor {
    pub(crate) fn new(threshold: Duration) -> Self {
        Monitor { threshold, alarm: Alarm::new(), stuck_polls: Tally::new(), first_seen: Mutex::new(Vec::new()) }
    }

    /// A worker is awake, after it slept.
    #[inline]
    pub(crate) fn worker_woke(&self) {
        self.alarm.ring();
    }

    /// The pool is closed.
    pub(crate) fn end(&self) {
        self.alarm.wake();
    }

    /// Since when the poll of this epoch lasts at least; `None`: the monitor has not seen it.
    pub(crate) fn first_seen(&self, index: usize, epoch: u64) -> Option<Instant> {
        self.first_seen.lock().get(index).filter(|(seen, _)| *seen == epoch).map(|(_, at)| *at)
    }

    /// Looks until the pool is closed. The thread is in the runtime's context.
    pub(crate) fn run(&self, pool: &Arc<Shared>) {
        let limits = Limits { threshold: self.threshold, workers: pool.workers };
        let mut judge = Judge::new(limits, pool.kernel.real_now());
        let mut spares = 0;
        while !pool.is_closed() {
            let sight = look(pool);
            let now = pool.kernel.real_now();
            note_new(&mut self.first_seen.lock(), &sight, now);
            let action = judge.judge(sight.clone(), now, |index| activity(pool, index));
            self.act(pool, &action, &mut spares);
            match action.next {
                NextLook::After(limit) => self.alarm.sleep(Some(limit)),
                NextLook::WhenWokenOrAfter(limit) => self.sleep_while(pool, &sight, Some(limit)),
                NextLook::WhenWoken => self.sleep_while(pool, &sight, None),
            }
        }
    }

    /// Sleeps until a worker wakes, if all is as it was.
    fn sleep_while(&self, pool: &Shared, sight: &Sight, limit: Option<Duration>) {
        self.alarm.arm();
        if look(pool) == *sight && !pool.is_closed() {
            self.alarm.sleep(limit);
        }
        self.alarm.disarm();
    }

    fn act(&self, pool: &Arc<Shared>, action: &Action, spares: &mut usize) {
        if action.fill_seat {
            pool.offer_seat();
        }
        for index in 0..pool.places.visible() {
            pool.places.get(index).open_slot(action.stuck.contains(&index));
        }
        for (index, epoch) in &action.burn {
            pool.places.get(*index).poll_burns(*epoch);
        }
        for (gate, room) in [(&pool.long, action.room_for_long), (&pool.doubtful, action.room_for_doubtful)] {
            gate.set_room(room);
            // More than there is room for may come out, since those that did are not polled yet: they are back soon.
            for _ in 0..room.min(gate.waiting()) {
                let Some(task) = gate.take_if_there_is_room() else { break };
                // Refused only when the pool is closed; then it is cancelled here.
                drop(pool.queue_from_outside(task));
            }
        }
        for _ in 0..action.newly_stuck {
            self.stuck_polls.add_one();
        }
        while *spares < action.spares {
            *spares += 1;
            pool.one_runs_less(action.stuck.first().copied().unwrap_or(0) % pool.workers);
        }
        while *spares > action.spares {
            *spares -= 1;
            pool.one_runs_more();
        }
        // What is queued behind a stuck poll, or was woken by it, nobody else knows of.
        if action.stuck.iter().any(|index| pool.places.get(*index).queued() > 0) {
            pool.wake_one();
        }
    }
}

/// Notes the epochs that were not there at the last look.
fn note_new(first_seen: &mut Vec<(u64, Instant)>, sight: &Sight, now: Instant) {
    first_seen.resize(sight.places.len(), (0, now));
    for (noted, sample) in first_seen.iter_mut().zip(&sight.places) {
        if noted.0 != sample.epoch {
            *noted = (sample.epoch, now);
        }
    }
}

/// What there is to see now.
fn look(pool: &Shared) -> Sight {
    let sample = |index| pool.places.get(index).sample();
    Sight {
        places: (0..pool.places.visible()).map(sample).collect(),
        seat: pool.seat.visits(),
        sleeping: pool.idle.sleeping(),
        threads: pool.loops(),
        waits: !pool.long.is_empty() || !pool.doubtful.is_empty(),
    }
}

fn activity(pool: &Shared, index: usize) -> Option<Activity> {
    pool.places.get(index).thread().and_then(|thread| pool.kernel.activity(thread))
}
