//! What went wrong.
//!
//! 1. Anything that is not as it must be is a finding: an oracle that does not hold, or a panic that nobody planned.
//! 2. Who plans a panic panics with [`Planned`]. Nothing is printed for it.
//! 3. A timer whose runtime has gone can't fire, and panics; so does who blocks on a runtime that a panic ends. That is as
//!    it must be, where a runtime goes away in the middle of everything.

use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::{panic_any, set_hook};
use std::sync::Mutex;

use crate::stage;

static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// More than these would only repeat the first.
const MOST: usize = 20;

/// How panics begin that are as they must be when a runtime goes away.
const GONE: [&str; 2] = [
    "A Tokio 1.x context was found, but it is being shutdown.",
    "a spawned task panicked and the runtime is configured to shut down on unhandled panic",
];

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
    watch_panics_but(&[], || ());
}

/// As [`watch_panics`], but those that begin like one of `also` are expected too. Before one is reported, which takes
/// memory, `clear` is called.
pub(crate) fn watch_panics_but(also: &'static [&'static str], clear: fn()) {
    set_hook(Box::new(move |info| {
        let begins = |list: &[&str]| {
            info.payload_as_str().is_some_and(|message| list.iter().any(|begin| message.starts_with(begin)))
        };
        let expected = info.payload().is::<Planned>() || begins(also) || begins(&GONE) && stage::is_any_closing();
        if !expected {
            clear();
            report(format!("{info}\n{}", Backtrace::force_capture()));
        }
    }));
}
