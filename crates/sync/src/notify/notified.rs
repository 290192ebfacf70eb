//! The futures that wait for a notification.
//!
//! 1. Both are one [`Listening`], with the notify borrowed or kept alive.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::listening::Listening;
use crate::Notify;

/// What [`Notify::notified`] returns: ready once it was notified.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use unstuck_sync::Notify;
///
/// # unstuck_base::parker::block_on(async {
/// static DONE: AtomicBool = AtomicBool::new(false);
/// static CHANGED: Notify = Notify::const_new();
///
/// let worker = std::thread::spawn(|| {
///     DONE.store(true, Ordering::Release);
///     CHANGED.notify_waiters();
/// });
/// loop {
///     // Made before the look: a call of `notify_waiters` after it is not missed.
///     let notified = CHANGED.notified();
///     if DONE.load(Ordering::Acquire) {
///         break;
///     }
///     notified.await;
/// }
/// worker.join().unwrap();
/// # });
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Notified<'a>(pub(super) Listening<&'a Notify>);

/// What [`Notify::notified_owned`] returns: ready once it was notified. It keeps the [`Notify`] alive.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::Notify;
/// use unstuck_sync::futures::OwnedNotified;
///
/// # unstuck_base::parker::block_on(async {
/// struct Reload {
///     asked: OwnedNotified, // no lifetime in here
/// }
///
/// let signal = Arc::new(Notify::new());
/// let reload = Reload { asked: signal.clone().notified_owned() };
/// signal.notify_waiters();
/// reload.asked.await;
/// # });
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct OwnedNotified(pub(super) Listening<Arc<Notify>>);

impl Notified<'_> {
    /// Takes a place in the line without being polled, so that a [`notify_one`](Notify::notify_one) from now on can
    /// choose this future. `true` says that it is notified already; then an `.await` of it returns at once.
    ///
    /// This is for code that looks whether something has happened after it has begun to wait, and before it sleeps.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use unstuck_sync::Notify;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let notify = Notify::new();
    /// let mut notified = pin!(notify.notified());
    /// assert!(!notified.as_mut().enable());
    /// // Whatever happens from here on is not missed.
    /// notify.notify_one();
    /// notified.await;
    /// # });
    /// ```
    pub fn enable(self: Pin<&mut Self>) -> bool {
        // SAFETY: the one field is pinned when we are.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(None).is_ready()
    }
}

impl OwnedNotified {
    /// As [`Notified::enable`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::sync::Arc;
    /// use unstuck_sync::Notify;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let notify = Arc::new(Notify::new());
    /// let mut notified = pin!(notify.clone().notified_owned());
    /// assert!(!notified.as_mut().enable());
    /// notify.notify_one();
    /// assert!(notified.as_mut().enable());
    /// notified.await;
    /// # });
    /// ```
    pub fn enable(self: Pin<&mut Self>) -> bool {
        // SAFETY: the one field is pinned when we are.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(None).is_ready()
    }
}

impl Future for Notified<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the one field is pinned when we are.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(Some(cx.waker()))
    }
}

impl Future for OwnedNotified {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the one field is pinned when we are.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(Some(cx.waker()))
    }
}
