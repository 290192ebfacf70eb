//! A future does nothing unless it is polled.

use std::cell::Cell;

use super::one_thread;

pub(super) fn an_await() -> String {
    let saved = Cell::new(false);
    let save = async || saved.set(true);
    one_thread().block_on(async {
        // Without the `let _ =` the compiler warns: "unused implementer of `Future` that must be used".
        #[expect(clippy::let_underscore_future)]
        let _ = save();
    });
    format!("was it saved? {}", saved.get())
}
