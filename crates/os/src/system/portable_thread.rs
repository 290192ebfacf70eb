//! What a thread does: nothing is known of it.

use unstuck_driver::{Activity, ThreadKey};

pub(crate) fn this_thread() -> Option<ThreadKey> {
    None
}

pub(crate) fn activity(_thread: ThreadKey) -> Option<Activity> {
    None
}
