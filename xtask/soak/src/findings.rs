//! What went wrong.
//!
//! 1. Anything that is not as it must be is a finding: an oracle that does not hold, or a panic that nobody planned.
//! 2. Who plans a panic panics with [`Planned`]. Nothing is printed for it.

use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::{panic_any, set_hook};
use std::sync::Mutex;

static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// More than these would only repeat the first.
const MOST: usize = 20;

/// What a panic carries that is part of a scenario.
pub(crate) struct Planned;

impl Planned {
    /// Panics.
    pub(crate) fn panic() -> ! {
        panic_any(Planned)
    }

    /// Whether a panic is one of these. Drops it.
    pub(crate) fn is(panic: Box<dyn Any + Send>) -> bool {
        panic.is::<Planned>()
    }
}

/// Notes one.
pub(crate) fn report(text: String) {
    let mut found = FOUND.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if found.len() < MOST {
        eprintln!("soak: FOUND: {text}");
        found.push(text);
    }
}

/// How many there are.
pub(crate) fn count() -> usize {
    FOUND.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).len()
}

/// Makes every panic a finding but the planned ones.
pub(crate) fn watch_panics() {
    set_hook(Box::new(|info| {
        if !info.payload().is::<Planned>() {
            report(format!("{info}\n{}", Backtrace::force_capture()));
        }
    }));
}
