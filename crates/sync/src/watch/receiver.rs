//! The side of a watch channel that looks at the value.
//!
//! 1. `seen` is the version that counts as seen; it is this receiver's alone.
//! 2. `receivers` counts these. The last one to go calls the senders that wait for that.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;

use unstuck_base::local::WaitKind;
use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::Ordering;

use super::error::RecvError;
use super::waiting::{Changed, WaitFor};
use super::{Ref, Shared};
use crate::called::{self, Place};
use crate::version::Seen;

/// Looks at the value, and waits for a newer one; clone it for more receivers, each with a memory of its own of what it
/// has seen. See [`channel`](super::channel()).
///
/// # Examples
///
/// ```
/// use unstuck_sync::watch;
///
/// let (config, mut watching) = watch::channel("v1");
/// let worker = std::thread::spawn(move || {
///     unstuck_base::parker::block_on(async {
///         let mut last = *watching.borrow_and_update();
///         while watching.changed().await.is_ok() {
///             last = *watching.borrow_and_update(); // perhaps not every one, but the latest
///         }
///         last
///     })
/// });
/// config.send("v2").unwrap();
/// config.send("v3").unwrap();
/// drop(config);
/// assert_eq!(worker.join().unwrap(), "v3");
/// ```
pub struct Receiver<T> {
    pub(super) shared: Arc<Shared<T>>,
    pub(super) seen: Seen,
}

impl<T> Receiver<T> {
    /// A reference to the latest value; does not count as having seen it: a following
    /// [`changed`](Receiver::changed) is ready at once if this was new. Use it to look without forgetting to wait.
    ///
    /// The value is locked for reading while the reference lives. Blocks the thread while somebody changes the value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        let inner = self.shared.value.read();
        let has_changed = self.shared.version.now() != self.seen;
        Ref { inner, has_changed }
    }

    /// A reference to the latest value, which counts as seen from now on. In a loop with [`changed`](Receiver::changed),
    /// use this: with [`borrow`](Receiver::borrow) a value that comes in between would be looked at twice.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), 2);
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let inner = self.shared.value.read();
        let now = self.shared.version.now();
        let has_changed = mem::replace(&mut self.seen, now) != now;
        Ref { inner, has_changed }
    }

    /// Whether there is a value that this receiver has not seen.
    ///
    /// # Errors
    ///
    /// When every sender is gone, also if the last value was not seen.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// assert!(!receiver.has_changed().unwrap());
    /// sender.send(2).unwrap();
    /// assert!(receiver.has_changed().unwrap());
    /// receiver.mark_unchanged();
    /// assert!(!receiver.has_changed().unwrap());
    /// drop(sender);
    /// assert!(receiver.has_changed().is_err());
    /// ```
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        if self.is_closed() {
            return Err(RecvError(()));
        }
        Ok(self.shared.version.now() != self.seen)
    }

    /// Whether every sender is gone, so that the value does not change any more.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::watch::channel(1);
    /// assert!(!receiver.is_closed());
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.version.is_closed()
    }

    /// Forgets that the value was seen: the next [`changed`](Receiver::changed) is ready at once.
    ///
    /// # Examples
    ///
    /// ```
    /// let (_sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// receiver.mark_changed();
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn mark_changed(&mut self) {
        self.seen = self.shared.version.now().minus(1);
    }

    /// Counts the latest value as seen, without looking at it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// receiver.mark_unchanged();
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.version.now();
    }

    /// Waits for a value that this receiver has not seen; it counts as seen when this is ready. Ready at once when there
    /// is one already.
    ///
    /// # Errors
    ///
    /// When every sender is gone and the last value was seen.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has seen nothing: no change is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = unstuck_sync::watch::channel("one");
    /// std::thread::spawn(move || sender.send("two"));
    /// receiver.changed().await.unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), "two");
    /// assert!(receiver.changed().await.is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn changed(&mut self) -> impl Future<Output = Result<(), RecvError>> {
        let place = Place::new(&self.shared.changing, WaitKind::Watch, Location::caller());
        Changed { shared: &*self.shared, seen: &mut self.seen, place }
    }

    /// Waits for a value for which `f` is `true`; the value of this moment is asked first, seen or not. Values that come
    /// and go while nobody looks are not asked. Each one that is asked counts as seen.
    ///
    /// # Errors
    ///
    /// When every sender is gone and `f` is `false` for the last value.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready loses nothing but what `f` remembers; the values that `f` was asked about
    /// count as seen.
    ///
    /// # Panics
    ///
    /// When `f` does. `f` must not use this channel: its value is locked.
    ///
    /// # Examples
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = unstuck_sync::watch::channel(1);
    /// std::thread::spawn(move || {
    ///     for n in 2..=10 {
    ///         sender.send(n).unwrap();
    ///     }
    /// });
    /// assert!(*receiver.wait_for(|n| *n >= 5).await.unwrap() >= 5);
    /// # });
    /// ```
    #[track_caller]
    pub fn wait_for(&mut self, f: impl FnMut(&T) -> bool) -> impl Future<Output = Result<Ref<'_, T>, RecvError>> {
        let place = Place::new(&self.shared.changing, WaitKind::Watch, Location::caller());
        WaitFor { shared: &*self.shared, seen: &mut self.seen, asked: false, condition: f, place }
    }

    /// Whether both receivers belong to one channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::watch;
    ///
    /// let (sender, receiver) = watch::channel(1);
    /// let (_sender, other) = watch::channel(1);
    /// assert!(receiver.same_channel(&sender.subscribe()));
    /// assert!(!receiver.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        // Relaxed: it is not zero, since we are one.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // AcqRel: Release pairs with the Acquire in `receiver_count`.
        if self.shared.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            called::call_all(&self.shared.closing);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.debug("Receiver", f)
    }
}
