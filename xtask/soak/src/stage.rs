//! What a scenario is given, and what it says when it is over.
//!
//! 1. A round may be cut short: its runtime goes away while scenarios run, or because one of its tasks panics. From then on ([`Stage::is_closing`]) calls may
//!    fail, and that is no finding; what was dropped or received is counted as ever.
//! 2. Every step that a scenario makes is progress; a round without any is stuck ([`watchdog`](crate::watchdog)).

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use unstuck::task::JoinHandle;

use crate::findings;
use crate::oracle::{Life, Lives, Mail};
use crate::rng::Rng;
use crate::shape::Shape;

/// The scenario can't go on, because its runtime is going away.
#[derive(Debug)]
pub(crate) struct Stop;

pub(crate) type Outcome = Result<(), Stop>;

pub(crate) type Run = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One of the things that are mixed.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Stage, Rng) -> Run,
}

/// Where a scenario is, from its start to its end.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    round: Arc<Round>,
    lives: Arc<Lives>,
}

/// What the scenarios of a round share.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) shape: Shape,
    has_sanitizer: bool,
    closing: AtomicBool,
}

/// Of the round that is on; there is one at a time.
static CLOSING: AtomicBool = AtomicBool::new(false);
static PROGRESS: AtomicU64 = AtomicU64::new(0);

/// How many steps were made by all scenarios of the process.
pub(crate) fn progress() -> u64 {
    PROGRESS.load(Ordering::Relaxed)
}

/// Counts a step.
pub(crate) fn step() {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
}

/// Whether the round is being cut short.
pub(crate) fn is_any_closing() -> bool {
    CLOSING.load(Ordering::SeqCst)
}

impl Round {
    pub(crate) fn new(shape: Shape, has_sanitizer: bool) -> Arc<Round> {
        CLOSING.store(false, Ordering::SeqCst);
        Arc::new(Round { shape, has_sanitizer, closing: AtomicBool::new(false) })
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// See rule 1.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        CLOSING.store(true, Ordering::SeqCst);
    }
}

impl Stage {
    pub(crate) fn new(round: &Arc<Round>, lives: &Arc<Lives>) -> Stage {
        Stage { round: round.clone(), lives: lives.clone() }
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.round.shape
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.round.is_closing()
    }

    /// Whether a sanitizer looks on.
    pub(crate) fn has_sanitizer(&self) -> bool {
        self.round.has_sanitizer
    }

    /// For something that is to be dropped once.
    pub(crate) fn life(&self) -> Life {
        self.lives.begin()
    }

    pub(crate) fn mail(&self, letters: usize) -> Arc<Mail> {
        Mail::new(&self.lives, letters)
    }

    /// Spawns, and counts the future.
    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let life = self.life();
        unstuck::spawn(async move {
            let _life = life;
            let output = future.await;
            step();
            output
        })
    }

    /// It must have succeeded.
    #[track_caller]
    pub(crate) fn must<T, E: Debug>(&self, result: Result<T, E>, what: &str) -> Result<T, Stop> {
        step();
        let at = std::panic::Location::caller();
        result.map_err(|error| {
            if !self.is_closing() {
                findings::report(format!("{} ({at}): {what}: {error:?}", self.lives.scenario()));
            }
            Stop
        })
    }

    /// It must be so.
    #[track_caller]
    pub(crate) fn check(&self, holds: bool, what: &str) -> Outcome {
        self.must(holds.then_some(()).ok_or("does not hold"), what)
    }

    /// It must be so, whether or not the runtime is going away.
    #[track_caller]
    pub(crate) fn always(&self, holds: bool, what: &str) {
        if !holds {
            let at = std::panic::Location::caller();
            findings::report(format!("{} ({at}): {what}: does not hold", self.lives.scenario()));
        }
    }

    /// A path that nobody else uses.
    pub(crate) fn path(&self) -> Scratch {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Scratch(folder().join(number.to_string()))
    }
}

/// The process's folder for all of these. What is made there by work that nobody waits for any more goes with it.
pub(crate) fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("unstuck-soak-{}", std::process::id()))
}

/// A path; what is there is removed in the end.
#[derive(Debug)]
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _none = if self.0.is_dir() { std::fs::remove_dir_all(&self.0) } else { std::fs::remove_file(&self.0) };
    }
}
