//! Expecting a panic: what it says, and whom it blames.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Once;
use std::time::Duration;

use unstuck::runtime::Runtime;

thread_local! {
    /// Whether a panic of this thread is expected, and the last one that came.
    static PANIC: Cell<Option<Panic>> = const { Cell::new(None) };
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

struct Panic {
    message: String,
    file: String,
    line: u32,
}

/// Asserts that `f` panics, that the message contains `says`, and that it blames a line at or below that of the caller in
/// the same file: the line of `f` that made the mistake.
#[track_caller]
pub(crate) fn refused(says: &str, f: impl FnOnce()) {
    let caller = Location::caller();
    let panic = panic_of(f);
    assert!(panic.message.contains(says), "it should say {says:?}: {:?}", panic.message);
    assert_eq!(panic.file, caller.file(), "it blames the line of somebody else: {}", panic.line);
    assert!((caller.line()..caller.line() + 25).contains(&panic.line), "it blames another line: {}", panic.line);
}

/// As [`refused`], for each row of a table. The rows are below the call.
#[track_caller]
pub(crate) fn each_refused(rows: &[(&str, fn())]) {
    let caller = Location::caller();
    let mut line = caller.line();
    for (says, f) in rows {
        let panic = panic_of(f);
        assert!(panic.message.contains(says), "it should say {says:?}: {:?}", panic.message);
        assert_eq!(panic.file, caller.file(), "{says:?} blames the line of somebody else: {}", panic.line);
        assert!(panic.line > line, "{says:?} blames line {}, which is not below {line}", panic.line);
        line = panic.line;
    }
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
