//! The futures that lock a reader-writer lock.
//!
//! 1. Each owns its permits only when it is ready: a [`Claim`] that is dropped before has changed nothing.
//! 2. A writer notes itself as the holder as soon as it has all permits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::permits::Claim;

const NEVER_CLOSED: &str = "a reader-writer lock is never closed";

/// What [`RwLock::read`] returns.
pub(super) struct Read<'a, T: ?Sized>(pub(super) Claim<&'a RwLock<T>>);

impl<'a, T: ?Sized> Future for Read<'a, T> {
    type Output = RwLockReadGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let lock = ready!(claim.poll(cx)).expect(NEVER_CLOSED);
        Poll::Ready(RwLockReadGuard::of(lock))
    }
}

/// What [`RwLock::read_owned`] returns.
pub(super) struct ReadOwned<T: ?Sized>(pub(super) Claim<Arc<RwLock<T>>>);

impl<T: ?Sized> Future for ReadOwned<T> {
    type Output = OwnedRwLockReadGuard<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let lock = ready!(claim.poll(cx)).expect(NEVER_CLOSED);
        Poll::Ready(OwnedRwLockReadGuard::of(lock))
    }
}

/// What [`RwLock::write`] returns.
pub(super) struct Write<'a, T: ?Sized>(pub(super) Claim<&'a RwLock<T>>);

impl<'a, T: ?Sized> Future for Write<'a, T> {
    type Output = RwLockWriteGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let at = claim.at();
        let lock = ready!(claim.poll(cx)).expect(NEVER_CLOSED);
        lock.permits.note_holder(at);
        Poll::Ready(RwLockWriteGuard { lock })
    }
}

/// What [`RwLock::write_owned`] returns.
pub(super) struct WriteOwned<T: ?Sized>(pub(super) Claim<Arc<RwLock<T>>>);

impl<T: ?Sized> Future for WriteOwned<T> {
    type Output = OwnedRwLockWriteGuard<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the one field is pinned when we are.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let at = claim.at();
        let lock = ready!(claim.poll(cx)).expect(NEVER_CLOSED);
        lock.permits.note_holder(at);
        Poll::Ready(OwnedRwLockWriteGuard { lock })
    }
}
