//! What a worker counts of itself, always on.
//!
//! 1. Each word has one writer at a time, the worker, with plain loads and stores. Threads that stand in for a worker
//!    share words of their own, and add to them by read-modify-writes.
//! 2. Whoever reads a word reads it alone: words need not agree with each other, and no decision is made by them.
//! 3. The clock is read where a worker goes to sleep, wakes, or looks at the outside world, which costs more anyway; at
//!    each poll only when there is a histogram, and where a task is queued only when that is measured.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use unstuck_context::WorkerCounts;

use crate::Tuning;

/// How much one poll more changes the mean: it forgets what is some ten polls ago.
const WEIGHT: f64 = 0.1;

/// The counts of a worker; see the module's rules.
pub(crate) struct Counts {
    /// More than one thread may write (rule 1).
    shared: bool,
    polls: AtomicU64,
    mean_poll_nanos: AtomicU64,
    busy_nanos: AtomicU64,
    parks_and_unparks: AtomicU64,
    noops: AtomicU64,
    steals: AtomicU64,
    steal_operations: AtomicU64,
    local_schedules: AtomicU64,
    overflows: AtomicU64,
    forced_yields: AtomicU64,
    poll_times: Option<Histogram>,
    queue_times: Option<Histogram>,
    thread: Mutex<Option<ThreadId>>,
}

/// One number that several threads add to.
pub(crate) struct Tally(AtomicU64);

impl Tally {
    pub(crate) fn new() -> Self {
        Tally(AtomicU64::new(0))
    }

    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A length that one thread tells.
pub(crate) struct Length(AtomicUsize);

impl Length {
    pub(crate) fn new() -> Self {
        Length(AtomicUsize::new(0))
    }

    #[inline]
    pub(crate) fn tell(&self, length: usize) {
        self.0.store(length, Relaxed);
    }

    pub(crate) fn read(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// How many of what is measured took how long.
pub(crate) struct Histogram {
    /// Where the buckets end, but the last one: in nanoseconds, excluded, in order.
    bounds: Arc<[u64]>,
    buckets: Box<[AtomicU64]>,
}

impl Counts {
    /// For one thread.
    pub(crate) fn of_one(tuning: &Tuning) -> Self {
        Counts::new(false, tuning)
    }

    /// For several threads.
    pub(crate) fn of_several(tuning: &Tuning) -> Self {
        Counts::new(true, tuning)
    }

    fn new(shared: bool, tuning: &Tuning) -> Self {
        let zero = || AtomicU64::new(0);
        Counts {
            shared,
            polls: zero(),
            mean_poll_nanos: zero(),
            busy_nanos: zero(),
            parks_and_unparks: zero(),
            noops: zero(),
            steals: zero(),
            steal_operations: zero(),
            local_schedules: zero(),
            overflows: zero(),
            forced_yields: zero(),
            poll_times: tuning.poll_times.as_ref().map(Histogram::new),
            queue_times: tuning.queue_times.as_ref().map(Histogram::new),
            thread: Mutex::new(None),
        }
    }

    /// This thread is the worker from now on.
    pub(crate) fn is_this_thread(&self) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
    }

    #[inline]
    pub(crate) fn polled(&self) {
        self.add(&self.polls, 1);
    }

    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Relaxed)
    }

    #[inline]
    pub(crate) fn scheduled(&self) {
        self.add(&self.local_schedules, 1);
    }

    pub(crate) fn stole(&self, tasks: usize) {
        self.add(&self.steals, tasks as u64);
        self.add(&self.steal_operations, 1);
    }

    pub(crate) fn overflowed(&self) {
        self.add(&self.overflows, 1);
    }

    pub(crate) fn forced_yield(&self) {
        self.add(&self.forced_yields, 1);
    }

    pub(crate) fn forced_yields(&self) -> u64 {
        self.forced_yields.load(Relaxed)
    }

    pub(crate) fn poll_times(&self) -> Option<&Histogram> {
        self.poll_times.as_ref()
    }

    pub(crate) fn queue_times(&self) -> Option<&Histogram> {
        self.queue_times.as_ref()
    }

    /// What was counted. Whoever asks adds what is queued.
    pub(crate) fn read(&self) -> WorkerCounts {
        WorkerCounts {
            thread: *self.thread.lock().unwrap_or_else(PoisonError::into_inner),
            polls: self.polls.load(Relaxed),
            mean_poll: Duration::from_nanos(self.mean_poll_nanos.load(Relaxed)),
            busy: Duration::from_nanos(self.busy_nanos.load(Relaxed)),
            parks_and_unparks: self.parks_and_unparks.load(Relaxed),
            noops: self.noops.load(Relaxed),
            steals: self.steals.load(Relaxed),
            steal_operations: self.steal_operations.load(Relaxed),
            local_schedules: self.local_schedules.load(Relaxed),
            overflows: self.overflows.load(Relaxed),
            queued: 0,
        }
    }

    #[inline]
    fn add(&self, word: &AtomicU64, n: u64) {
        // Relaxed: rule 2.
        if self.shared {
            word.fetch_add(n, Relaxed);
        } else {
            word.store(word.load(Relaxed).wrapping_add(n), Relaxed);
        }
    }

    /// So many polls took so long in all. A few of them may get lost where threads share the word: it is a mean.
    fn average(&self, polls: u64, took: Duration) {
        let each = took.as_nanos() as f64 / polls as f64;
        let keep = (1.0 - WEIGHT).powi(i32::try_from(polls).unwrap_or(i32::MAX));
        let mean = match self.mean_poll_nanos.load(Relaxed) {
            0 => each,
            mean => each + (mean as f64 - each) * keep,
        };
        self.mean_poll_nanos.store(mean.max(1.0) as u64, Relaxed);
    }
}

impl Histogram {
    fn new(bounds: &Arc<[u64]>) -> Self {
        Histogram { bounds: bounds.clone(), buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(crate) fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|end| *end <= nanos);
        self.buckets[bucket].fetch_add(1, Relaxed);
    }

    /// How many fell into a bucket; none if there is no such bucket.
    pub(crate) fn count(&self, bucket: usize) -> u64 {
        self.buckets.get(bucket).map_or(0, |count| count.load(Relaxed))
    }
}

/// A worker's stopwatch: what of its time was work.
pub(crate) struct Stopwatch {
    /// Up to when the time is counted.
    since: Cell<Instant>,
    /// How many polls there were by then.
    polls: Cell<u64>,
    /// How many there were when the worker last went to sleep.
    polls_before_sleep: Cell<u64>,
    /// Whether it has polled or slept.
    has_begun: Cell<bool>,
}

impl Stopwatch {
    /// Started now, by a thread that has made so many polls.
    pub(crate) fn started(now: Instant, polls: u64) -> Self {
        Stopwatch {
            since: Cell::new(now),
            polls: Cell::new(polls),
            polls_before_sleep: Cell::new(polls),
            has_begun: Cell::new(false),
        }
    }

    /// The time until now was work; `polls` is how many there were in all.
    pub(crate) fn worked(&self, counts: &Counts, polls: u64, now: Instant) {
        let took = now.saturating_duration_since(self.since.replace(now));
        counts.add(&counts.busy_nanos, took.as_nanos() as u64);
        let new = polls.wrapping_sub(self.polls.replace(polls));
        if new > 0 {
            self.has_begun.set(true);
            counts.average(new, took);
        }
    }

    /// The worker goes to sleep.
    pub(crate) fn falls_asleep(&self, counts: &Counts, polls: u64, now: Instant) {
        self.worked(counts, polls, now);
        if self.polls_before_sleep.replace(polls) == polls {
            counts.add(&counts.noops, 1);
        }
        counts.add(&counts.parks_and_unparks, 1);
        self.has_begun.set(true);
    }

    /// The worker ends. If the pool was closed before it came to do anything, it counts as one that slept until then.
    pub(crate) fn ends(&self, counts: &Counts, polls: u64, now: Instant) {
        self.worked(counts, polls, now);
        if !self.has_begun.get() {
            self.falls_asleep(counts, polls, now);
            self.wakes(counts, now);
        }
    }

    /// The worker has slept.
    pub(crate) fn wakes(&self, counts: &Counts, now: Instant) {
        self.since.set(now);
        counts.add(&counts.parks_and_unparks, 1);
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn sleep_is_no_work_and_a_sleep_without_polls_before_it_is_a_noop() {
        let counts = Counts::of_one(&Tuning::default());
        let start = Instant::now();
        let watch = Stopwatch::started(start, 0);
        watch.falls_asleep(&counts, 0, start + MS);
        watch.wakes(&counts, start + 10 * MS);
        watch.worked(&counts, 2, start + 14 * MS);
        watch.falls_asleep(&counts, 2, start + 15 * MS);
        let read = counts.read();
        assert_eq!(read.busy, 6 * MS);
        assert_eq!((read.noops, read.parks_and_unparks), (1, 3));
        assert_eq!(read.mean_poll, 2 * MS);
    }

    #[test]
    fn the_mean_follows_what_polls_take_now() {
        let counts = Counts::of_one(&Tuning::default());
        counts.average(5, 5 * MS);
        assert_eq!(counts.read().mean_poll, MS);
        counts.average(1, 2 * MS);
        let after_one = counts.read().mean_poll;
        assert!(after_one > MS && after_one < 2 * MS, "{after_one:?}");
        counts.average(1000, 2000 * MS);
        assert_eq!(counts.read().mean_poll, 2 * MS);
    }

    #[test]
    fn a_time_falls_into_the_bucket_that_ends_after_it() {
        let times = Histogram::new(&Arc::from([10, 20]));
        for nanos in [0, 9, 10, 19, 20, 1000] {
            times.record(Duration::from_nanos(nanos));
        }
        assert_eq!([0, 1, 2, 3].map(|bucket| times.count(bucket)), [2, 2, 2, 0]);
    }

    #[test]
    fn words_of_several_threads_lose_nothing() {
        let counts = Counts::of_several(&Tuning::default());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..1000).for_each(|_| counts.polled()));
            }
        });
        assert_eq!(counts.read().polls, 2000);
    }
}
