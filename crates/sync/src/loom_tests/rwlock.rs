//! Loom: the reader-writer lock.

use loom::future::block_on;
use unstuck_base::sync::{Arc, UnsafeCell, thread};

use crate::RwLock;

#[test]
fn loom_rwlock_readers_see_what_a_writer_wrote() {
    struct Checked(UnsafeCell<u32>);
    // SAFETY: the lock around it is what the model checks.
    unsafe impl Sync for Checked {}
    // SAFETY: as above.
    unsafe impl Send for Checked {}
    loom::model(|| {
        let lock = Arc::new(RwLock::with_max_readers(Checked(UnsafeCell::new(0)), 2));
        let writing = thread::spawn({
            let lock = lock.clone();
            move || {
                let value = block_on(lock.write());
                // SAFETY: loom reports it if somebody else has access.
                value.0.with_mut(|value| unsafe { *value += 1 });
                let value = value.downgrade();
                // SAFETY: as above.
                assert_eq!(value.0.with(|value| unsafe { *value }), 1);
            }
        });
        // SAFETY: as above.
        let seen = block_on(lock.read()).0.with(|value| unsafe { *value });
        assert!(seen <= 1);
        writing.join().unwrap();
        // SAFETY: as above.
        assert_eq!(lock.try_write().map(|value| value.0.with(|value| unsafe { *value })).unwrap(), 1);
    });
}
