//! What every scenario may count: futures that are dropped once, and messages that arrive once.
//!
//! 1. The counts outlive the runtime, and are asked when it is gone.
//! 2. What is wrong at once (dropped twice, arrived twice) is reported at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use crate::findings;

/// Counts what lives, for one scenario.
#[derive(Debug)]
pub(crate) struct Lives {
    scenario: &'static str,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Lives {
    pub(crate) fn new(scenario: &'static str) -> Arc<Lives> {
        Arc::new(Lives { scenario, begun: AtomicUsize::new(0), ended: AtomicUsize::new(0) })
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Life {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Life { lives: self.clone(), over: AtomicBool::new(false) }
    }

    pub(crate) fn scenario(&self) -> &'static str {
        self.scenario
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn all_ended(&self) -> bool {
        self.begun.load(Ordering::SeqCst) == self.ended.load(Ordering::SeqCst)
    }

    pub(crate) fn describe(&self) -> String {
        let (begun, ended) = (self.begun.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst));
        format!("{}: {ended} of {begun} were dropped", self.scenario)
    }
}

/// Put into a future, or into whatever else is to be dropped once.
#[derive(Debug)]
pub(crate) struct Life {
    lives: Arc<Lives>,
    over: AtomicBool,
}

impl Drop for Life {
    fn drop(&mut self) {
        if self.over.swap(true, Ordering::SeqCst) {
            // What else this memory is now nobody knows.
            eprintln!("soak: FOUND: {}: dropped twice", self.lives.scenario);
            std::process::abort();
        }
        self.lives.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// So many messages, which arrive once each.
#[derive(Debug)]
pub(crate) struct Mail {
    lives: Arc<Lives>,
    arrivals: Box<[AtomicU8]>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) number: usize,
    _life: Life,
}

impl Mail {
    pub(crate) fn new(lives: &Arc<Lives>, letters: usize) -> Arc<Mail> {
        Arc::new(Mail { lives: lives.clone(), arrivals: (0..letters).map(|_| AtomicU8::new(0)).collect() })
    }

    pub(crate) fn letter(&self, number: usize) -> Letter {
        Letter { number, _life: self.lives.begin() }
    }

    /// It was received.
    pub(crate) fn arrived(&self, letter: Letter) {
        if self.arrivals[letter.number].fetch_add(1, Ordering::SeqCst) > 0 {
            findings::report(format!("{}: message {} arrived twice", self.lives.scenario, letter.number));
        }
    }

    /// Whether this one was received.
    pub(crate) fn has_arrived(&self, number: usize) -> bool {
        self.arrivals[number].load(Ordering::SeqCst) > 0
    }

    /// Which one has not arrived.
    pub(crate) fn missing(&self) -> Option<usize> {
        (0..self.arrivals.len()).find(|number| !self.has_arrived(*number))
    }
}
