//! What went wrong.
//!
//! 1. Anything that is not as it must be is a finding: an oracle that does not hold, or a panic that nobody planned.
//! 2. Who plans a panic panics with [`Planned`]. Nothing is printed for it.
//! 3. A timer whose runtime has gone can't fire, and panics. That is as it must be, where a runtime goes away in the middle
//!    of everything.

use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::{panic_any, set_hook};
use std::sync::Mutex;

use crate::stage;

static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// More than these would only repeat the first.
const MOST: usize = 20;

/// How a panic begins that is as it must be when a runtime has gone.
const GONE: &str = "A Tokio 1.x context was found, but it is being shutdown.";

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
        let gone = info.payload_as_str().is_some_and(|message| message.starts_with(GONE));
        let expected = info.payload().is::<Planned>() || gone && stage::is_any_closing();
        if !expected {
            report(format!("{info}\n{}", Backtrace::force_capture()));
        }
    }));
}
