//! Expecting a panic: what it says, and whom it blames.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Once;
use std::time::Duration;

use unstuck::runtime::Runtime;

thread_local! {
    /// Whether a panic of this thread is expected.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
    /// The last one that was.
    static PANIC: Cell<Option<Panic>> = const { Cell::new(None) };
}

struct Panic {
    message: String,
    file: String,
    line: u32,
}

/// Asserts that `f` panics and blames the user: the panic contains `says`, and is at a line of the caller's file, not above
/// that of the call. A future panics inside our crate, so its message names the line instead: "(called at ..)".
#[track_caller]
pub(crate) fn refused(says: &str, f: impl FnOnce()) {
    let caller = Location::caller();
    let panic = refused_with(says, f);
    assert!(
        blamed(&panic, caller).is_some_and(|line| line >= caller.line()),
        "it blames {}:{}",
        panic.file,
        panic.line
    );
}

/// As [`refused`], for each row of a table inside the call.
#[track_caller]
pub(crate) fn each_refused(rows: &[(&str, fn())]) {
    let caller = Location::caller();
    let mut above = caller.line();
    for (says, f) in rows {
        let panic = refused_with(says, f);
        let line = blamed(&panic, caller).unwrap_or_else(|| panic!("{says:?} blames {}:{}", panic.file, panic.line));
        assert!(line > above, "{says:?} blames line {line}, which is not below {above}");
        above = line;
    }
}

/// Asserts that `f` panics with a message that contains `says`, for panics that can't know the user's line: in a `Drop`, in a
/// `poll` that was called through the trait.
#[track_caller]
pub(crate) fn refused_somewhere(says: &str, f: impl FnOnce()) {
    refused_with(says, f);
}

#[track_caller]
fn refused_with(says: &str, f: impl FnOnce()) -> Panic {
    let panic = panic_of(f);
    assert!(panic.message.contains(says), "it should say {says:?}: {:?}", panic.message);
    panic
}

/// The line of the caller's file that is blamed.
fn blamed(panic: &Panic, caller: &Location<'_>) -> Option<u32> {
    if panic.file == caller.file() {
        return Some(panic.line);
    }
    let (_, at) = panic.message.split_once(&format!("(called at {}:", caller.file()))?;
    at.split(':').next()?.parse().ok()
}

#[track_caller]
fn panic_of(f: impl FnOnce()) -> Panic {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                return before(info);
            }
            let at = info.location().expect("a panic has a place");
            let message = info.payload_as_str().unwrap_or_default().to_owned();
            PANIC.set(Some(Panic { message, file: at.file().to_owned(), line: at.line() }));
        }));
    });
    EXPECTED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    EXPECTED.set(false);
    assert!(result.is_err(), "it is not refused");
    PANIC.take().expect("the hook was called")
}

/// The output of `future`, which must end: a hang fails the test.
pub(crate) async fn ends<F: Future>(future: F) -> F::Output {
    unstuck::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// Runs `future` on `runtime`; a hang fails the test.
#[track_caller]
pub(crate) fn run<F: Future>(runtime: &Runtime, future: F) -> F::Output {
    runtime.block_on(ends(future))
}
