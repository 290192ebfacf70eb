//! Wakers gathered under a lock and woken after it is released.
//!
//! 1. Pushing never wakes and never runs user code, so it is safe under any lock.
//! 2. Every waker that was pushed is woken exactly once: by [`wake_all`](WakeBatch::wake_all), or when the batch is
//!    dropped, also when another waker of the batch panics.
//! 3. The first [`INLINE`] wakers need no allocation.

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// How many wakers fit before the batch allocates.
pub const INLINE: usize = 32;

/// A bag of wakers; see the module's rules.
pub struct WakeBatch {
    len: usize,
    inline: [MaybeUninit<Waker>; INLINE],
    spill: Vec<Waker>,
}

impl Default for WakeBatch {
    fn default() -> Self {
        WakeBatch::new()
    }
}

impl std::fmt::Debug for WakeBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WakeBatch").field("len", &self.len()).finish()
    }
}

impl WakeBatch {
    /// An empty batch.
    pub const fn new() -> Self {
        WakeBatch { len: 0, inline: [const { MaybeUninit::uninit() }; INLINE], spill: Vec::new() }
    }

    /// Adds a waker, to be woken later.
    #[inline]
    pub fn push(&mut self, waker: Waker) {
        if self.len < INLINE {
            self.inline[self.len].write(waker);
            self.len += 1;
        } else {
            self.spill.push(waker);
        }
    }

    /// How many wakers wait in the batch.
    pub fn len(&self) -> usize {
        self.len + self.spill.len()
    }

    /// Whether no waker waits in the batch.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Wakes every waker, oldest first, and leaves the batch empty. No lock may be held: a waker may run any code.
    ///
    /// If wakers panic, the rest is still woken, and the first panic goes on after that.
    pub fn wake_all(&mut self) {
        let mut panic = None;
        let inline = std::mem::take(&mut self.len);
        for slot in &mut self.inline[..inline] {
            // SAFETY: slots below `len` are initialised; `len` is 0 already, so none of them is read again.
            let waker = unsafe { slot.assume_init_read() };
            wake_one(waker, &mut panic);
        }
        for waker in std::mem::take(&mut self.spill) {
            wake_one(waker, &mut panic);
        }
        if let Some(panic) = panic
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

/// Wakes one, and keeps its panic if it is the first.
#[inline]
fn wake_one(waker: Waker, first_panic: &mut Option<Box<dyn Any + Send>>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        first_panic.get_or_insert(panic);
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        self.wake_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }

    #[test]
    fn wakes_each_once_also_beyond_the_inline_room() {
        let count = Arc::new(Count::default());
        let mut batch = WakeBatch::new();
        for _ in 0..INLINE * 3 {
            batch.push(count.clone().into());
        }
        assert_eq!(batch.len(), INLINE * 3);
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        batch.wake_all();
        assert!(batch.is_empty());
        assert_eq!(count.0.load(Ordering::Relaxed), INLINE * 3);
        drop(batch);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn a_dropped_batch_still_wakes() {
        let count = Arc::new(Count::default());
        let mut batch = WakeBatch::new();
        batch.push(count.clone().into());
        drop(batch);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panicking_waker_does_not_swallow_the_others() {
        let count = Arc::new(Count::default());
        for position in [0, 5, INLINE - 1, INLINE + 1] {
            let mut batch = WakeBatch::new();
            let before = count.0.load(Ordering::Relaxed);
            for at in 0..INLINE + 4 {
                batch.push(if at == position { Arc::new(Panics).into() } else { count.clone().into() });
            }
            assert!(catch_unwind(AssertUnwindSafe(|| batch.wake_all())).is_err());
            assert!(batch.is_empty());
            assert_eq!(count.0.load(Ordering::Relaxed) - before, INLINE + 3);
        }
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
