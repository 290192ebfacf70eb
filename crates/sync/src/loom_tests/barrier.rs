//! Loom: the barrier.

use loom::future::block_on;
use unstuck_base::sync::{Arc, thread};

use crate::Barrier;

#[test]
fn loom_barrier_two_meet_twice() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || block_on(barrier.wait()).is_leader()
        });
        let mine = block_on(barrier.wait()).is_leader();
        assert_ne!(mine, other.join().unwrap());
    });
}
