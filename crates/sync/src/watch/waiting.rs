//! The futures that wait for a change of the value, or for the end.
//!
//! 1. Being called says "look again": each looks at the word before it is ready, and waits again if there is nothing.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local;
use unstuck_base::sync::atomic::Ordering;

use super::error::RecvError;
use super::{Ref, Shared};
use crate::called::Place;
use crate::version::{Found, Seen};

/// The future of [`Receiver::changed`](super::Receiver::changed).
pub(super) struct Changed<'a, T> {
    pub(super) shared: &'a Shared<T>,
    pub(super) seen: &'a mut Seen,
    pub(super) place: Place<'a>,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let charge = ready!(local::poll_budget(cx));
        // SAFETY: only the place must stay where it is, and it is pinned again at once.
        let (version, seen, mut place) = unsafe {
            let this = self.get_unchecked_mut();
            (&this.shared.version, &mut *this.seen, Pin::new_unchecked(&mut this.place))
        };
        loop {
            let ended = match version.find(*seen) {
                Found::Changed(now) => {
                    *seen = now;
                    Ok(())
                }
                Found::Closed => Err(RecvError(())),
                Found::Same => {
                    ready!(place.as_mut().poll_called(cx, || version.wait(*seen)));
                    continue;
                }
            };
            charge.made_progress();
            return Poll::Ready(ended);
        }
    }
}

/// The future of [`Receiver::wait_for`](super::Receiver::wait_for).
pub(super) struct WaitFor<'a, T, F> {
    pub(super) shared: &'a Shared<T>,
    pub(super) seen: &'a mut Seen,
    /// Whether the condition was false for the version seen.
    pub(super) asked: bool,
    pub(super) condition: F,
    pub(super) place: Place<'a>,
}

impl<'a, T, F: FnMut(&T) -> bool> Future for WaitFor<'a, T, F> {
    type Output = Result<Ref<'a, T>, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut charge = ready!(local::poll_budget(cx));
        // SAFETY: only the place must stay where it is, and it is pinned again at once. The condition is called by
        // reference, which pins nothing.
        let (shared, seen, asked, condition, mut place) = unsafe {
            let this = self.get_unchecked_mut();
            let place = Pin::new_unchecked(&mut this.place);
            (this.shared, &mut *this.seen, &mut this.asked, &mut this.condition, place)
        };
        loop {
            if *asked {
                match shared.version.find(*seen) {
                    Found::Changed(_) => {}
                    Found::Closed => {
                        charge.made_progress();
                        return Poll::Ready(Err(RecvError(())));
                    }
                    Found::Same => {
                        ready!(place.as_mut().poll_called(cx, || shared.version.wait(*seen)));
                        continue;
                    }
                }
            }
            let inner = shared.value.read();
            let now = shared.version.now();
            let has_changed = mem::replace(seen, now) != now;
            *asked = true;
            let is_met = condition(&inner);
            charge.made_progress();
            if is_met {
                return Poll::Ready(Ok(Ref { inner, has_changed }));
            }
            drop(inner);
            charge = ready!(local::poll_budget(cx));
        }
    }
}

/// The future of [`Sender::closed`](super::Sender::closed).
pub(super) struct Closed<'a, T> {
    pub(super) shared: &'a Shared<T>,
    pub(super) place: Place<'a>,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let charge = ready!(local::poll_budget(cx));
        let receivers = &self.shared.receivers;
        // SAFETY: the place is pinned with us.
        let mut place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        // Acquire: pairs with the Release in the receiver's drop.
        let is_closed = || receivers.load(Ordering::Acquire) == 0;
        while !is_closed() {
            ready!(place.as_mut().poll_called(cx, is_closed));
        }
        charge.made_progress();
        Poll::Ready(())
    }
}
