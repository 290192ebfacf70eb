//! Loom: waits for a cancellation.

use loom::future::block_on;
use unstuck_base::sync::thread;

use crate::cancel::CancellationToken;

#[test]
fn loom_cancel_wakes_who_begins_to_wait() {
    loom::model(|| {
        let token = CancellationToken::new();
        let cancelling = thread::spawn({
            let token = token.clone();
            move || token.cancel()
        });
        block_on(token.cancelled());
        assert!(token.is_cancelled());
        cancelling.join().unwrap();
    });
}

#[test]
fn loom_cancel_a_look_and_then_a_wait_miss_nothing() {
    loom::model(|| {
        let token = CancellationToken::new();
        let child = token.child_token();
        let cancelling = thread::spawn(move || token.cancel());
        // The flag is looked at without a lock, first by hand, then by the future: the wait must not be lost between.
        if !child.is_cancelled() {
            block_on(child.cancelled());
        }
        assert!(child.is_cancelled());
        cancelling.join().unwrap();
    });
}
