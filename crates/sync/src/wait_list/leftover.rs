//! A waker that is not needed any more, on its way out of the lock.
//!
//! 1. It is declared before the guard of the queue, so that it is dropped after it (rule 7 of the wait list).
//! 2. The waker is the user's, and its drop may panic. That ends here: by then its future may have been granted something
//!    that it is about to return, or be dropped by another panic.
//!
//! The futures that wait hold one while they look into the queue.

use std::task::Waker;

use unstuck_base::quietly;

/// Room for a waker; see the rules of the file.
#[derive(Debug, Default)]
pub(crate) struct Leftover(Option<Waker>);

impl Leftover {
    /// Keeps `waker` until the lock is released. There is room for one.
    pub(crate) fn keep(&mut self, waker: Option<Waker>) {
        if waker.is_some() {
            debug_assert!(self.0.is_none(), "a waker would be dropped under the lock");
            self.0 = waker;
        }
    }

    /// Takes the waker out: it is needed after all.
    pub(crate) fn take(&mut self) -> Option<Waker> {
        self.0.take()
    }

    /// Whether there is a waker.
    #[cfg(all(test, unstuck_loom))]
    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl From<Option<Waker>> for Leftover {
    fn from(waker: Option<Waker>) -> Self {
        Leftover(waker)
    }
}

impl Drop for Leftover {
    #[inline]
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            quietly(|| drop(waker));
        }
    }
}
