//! Which runtime a round has, and how it ends.

use std::io;
use std::time::Duration;

use unstuck::runtime::{Builder, Runtime};

use crate::rng::Rng;

/// More threads than all scenarios of a round want at once.
const MANY: usize = 512;

/// A runtime of random shape.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// `None`: all on the thread that blocks on it.
    pub(crate) workers: Option<usize>,
    /// `None`: nobody looks for stuck polls.
    pub(crate) stuck_threshold: Option<Duration>,
    event_interval: Option<u32>,
    queue_interval: Option<u32>,
    slot: bool,
    hands_seat_on: bool,
    histograms: bool,
    blocking: usize,
}

/// How a round ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// All scenarios end first.
    Done,
    /// The runtime goes away after so long, whatever runs there.
    Cut(Duration, Farewell),
}

/// How a runtime goes away.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Farewell {
    Drop,
    Timeout(Duration),
    Background,
    /// Dropped on another thread, while it is used on this one.
    DropElsewhere,
}

impl Shape {
    pub(crate) fn random(rng: &mut Rng) -> Shape {
        let thresholds = [None, Some(1), Some(2), Some(5), Some(10), Some(50)];
        Shape {
            workers: (!rng.one_in(4)).then(|| rng.count(1..=4)),
            stuck_threshold: rng.among(&thresholds).map(Duration::from_millis),
            event_interval: rng.among(&[None, None, Some(1), Some(7), Some(61), Some(1000)]),
            queue_interval: rng.among(&[None, None, Some(1), Some(31)]),
            slot: !rng.one_in(4),
            hands_seat_on: rng.one_in(4),
            histograms: rng.one_in(4),
            blocking: rng.among(&[2, 4, 16, MANY, MANY]),
        }
    }

    pub(crate) fn build(&self) -> io::Result<Runtime> {
        let mut builder = match self.workers {
            None => Builder::new_current_thread(),
            Some(workers) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(workers);
                builder
            }
        };
        builder.enable_all().max_blocking_threads(self.blocking).thread_keep_alive(Duration::from_millis(20));
        builder.stuck_threshold(self.stuck_threshold.unwrap_or(Duration::MAX));
        if let Some(interval) = self.event_interval {
            builder.event_interval(interval);
        }
        if let Some(interval) = self.queue_interval {
            builder.global_queue_interval(interval);
        }
        if !self.slot {
            builder.disable_lifo_slot();
        }
        if self.hands_seat_on {
            builder.enable_eager_driver_handoff();
        }
        if self.histograms {
            builder.enable_metrics_poll_time_histogram().track_task_schedule_latency();
        }
        builder.build()
    }

    /// Whether a task that has not said that it blocks is replaced.
    pub(crate) fn finds_who_blocks(&self) -> bool {
        self.workers.is_some() && self.stuck_threshold.is_some()
    }

    /// Whether a task that says that it blocks is replaced, however many do. Only then may it wait for others.
    pub(crate) fn replaces_all_who_block(&self) -> bool {
        self.workers.is_some() && self.blocking == MANY
    }
}

impl Ending {
    pub(crate) fn random(rng: &mut Rng) -> Ending {
        if rng.one_in(2) {
            return Ending::Done;
        }
        let after = Duration::from_micros(rng.pick(0..=60_000));
        let farewell = match rng.pick(0..=3) {
            0 => Farewell::Drop,
            1 => Farewell::Timeout(Duration::from_millis(rng.pick(0..=20))),
            2 => Farewell::Background,
            _ => Farewell::DropElsewhere,
        };
        Ending::Cut(after, farewell)
    }
}

impl Farewell {
    pub(crate) fn say(self, runtime: Runtime) {
        match self {
            Farewell::Drop => drop(runtime),
            Farewell::Timeout(limit) => runtime.shutdown_timeout(limit),
            Farewell::Background => runtime.shutdown_background(),
            Farewell::DropElsewhere => {
                let handle = runtime.handle().clone();
                let thread = std::thread::spawn(move || drop(runtime));
                // Whoever comes late is told so, or runs: all must be sound, and nothing is left behind.
                while !thread.is_finished() {
                    drop(handle.spawn(async {}));
                    drop(handle.spawn_blocking(|| {}));
                    std::thread::yield_now();
                }
                thread.join().expect("dropping a runtime does not panic");
            }
        }
    }
}
