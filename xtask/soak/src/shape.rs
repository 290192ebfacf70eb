//! Which runtime a round has, and how it ends.

use std::io;
use std::time::{Duration, Instant};

use unstuck::runtime::{Builder, Runtime, UnhandledPanic};

use crate::findings;
use crate::rng::Rng;
use crate::told::Told;

/// More threads than all scenarios of a round want at once.
const MANY: usize = 512;
/// By so much a call with a limit may be late. Generous: the machine may be busy.
const LATE: Duration = Duration::from_secs(5);

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
    panics: Panics,
}

/// What a runtime is told to do about tasks that panic.
#[derive(Clone, Debug)]
enum Panics {
    Unsaid,
    Ignored,
    Told(Told),
}

/// How a round ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// All scenarios end first.
    Done,
    /// The runtime goes away after so long, whatever runs there.
    Cut(Duration, Farewell),
    /// A task panics after so long at the latest, in a runtime that ends by that. Then it goes away.
    Panic(Duration, Farewell),
}

/// How a runtime goes away.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Farewell {
    Drop,
    Timeout(Duration),
    Report(Duration),
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
            panics: match rng.pick(0..=2) {
                0 => Panics::Unsaid,
                1 => Panics::Ignored,
                _ => Panics::Told(Told::default()),
            },
        }
    }

    pub(crate) fn build(&self) -> io::Result<Runtime> {
        self.builder().build()
    }

    /// One that ends when a task panics; `ends` is called before.
    pub(crate) fn build_to_end_by_panic(&self, ends: impl Fn() + Send + Sync + 'static) -> io::Result<Runtime> {
        let told = self.told().cloned();
        let mut builder = self.builder();
        builder.unhandled_panic(UnhandledPanic::ShutdownRuntime).on_unhandled_panic(move |panic| {
            if let Some(told) = &told {
                told.add(panic);
            }
            // That of blocking work ends nothing.
            if !panic.is_blocking() {
                ends();
            }
        });
        builder.build()
    }

    /// What builds it, to be told more.
    pub(crate) fn builder(&self) -> Builder {
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
        match &self.panics {
            Panics::Unsaid => {}
            Panics::Ignored => {
                builder.unhandled_panic(UnhandledPanic::Ignore);
            }
            Panics::Told(told) => {
                let told = told.clone();
                builder.on_unhandled_panic(move |panic| told.add(panic));
            }
        }
        builder
    }

    /// Whose panics it was told of, if it is.
    pub(crate) fn told(&self) -> Option<&Told> {
        match &self.panics {
            Panics::Told(told) => Some(told),
            Panics::Unsaid | Panics::Ignored => None,
        }
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
        let limit = Duration::from_millis(rng.pick(0..=20));
        let farewell = match rng.pick(0..=4) {
            0 => Farewell::Drop,
            1 => Farewell::Timeout(limit),
            2 => Farewell::Report(limit),
            3 => Farewell::Background,
            _ => Farewell::DropElsewhere,
        };
        if rng.one_in(6) { Ending::Panic(after, farewell) } else { Ending::Cut(after, farewell) }
    }
}

impl Farewell {
    /// For how long the caller waits; `None`: until all has stopped.
    pub(crate) fn limit(self) -> Option<Duration> {
        match self {
            Farewell::Drop | Farewell::DropElsewhere => None,
            Farewell::Timeout(limit) | Farewell::Report(limit) => Some(limit),
            Farewell::Background => Some(Duration::ZERO),
        }
    }

    /// Says it. Whether everything has stopped, as far as that is known.
    pub(crate) fn say(self, runtime: Runtime) -> bool {
        let begin = Instant::now();
        let has_stopped = self.say_untimed(runtime);
        let late = self.limit().map_or(Duration::ZERO, |limit| begin.elapsed().saturating_sub(limit));
        if late > LATE {
            findings::report(format!("a runtime's end, {self:?}, was late by {late:?}"));
        }
        has_stopped
    }

    fn say_untimed(self, runtime: Runtime) -> bool {
        match self {
            Farewell::Drop => drop(runtime),
            Farewell::Timeout(limit) => runtime.shutdown_timeout(limit),
            Farewell::Report(limit) => {
                let report = runtime.shutdown_report(limit);
                if report.is_empty() == report.to_string().contains("spawned at") {
                    findings::report(format!("a report that names {} says: {report}", report.len()));
                }
                return report.is_empty();
            }
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
        self.limit().is_none()
    }
}
