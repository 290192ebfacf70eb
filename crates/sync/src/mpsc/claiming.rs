//! The futures that wait for room in a bounded channel.
//!
//! 1. Each waits by a [`Claim`] of permits, and owns them only when it is ready.
//! 2. Permits that a claim had been given and gives back may be the last that a closed channel's receiver waits for:
//!    the [`Claimant`] is dropped after they are back, and looks.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use unstuck_base::alarm;
use unstuck_base::local::WaitKind;

use super::channel::{Bounded, Channel, Tx};
use super::error::{SendError, SendTimeoutError};
use super::permit::{OwnedPermit, Permit, PermitIterator};
use crate::permits::{Claim, Permits, Source};

/// Who claims permits of a channel: a borrowed one, or a sender of its own.
///
/// Dropped when the claim did not come to an end, or to a bad one: permits that it had been given are back by then,
/// and the receiver may have waited for them (rule 2).
pub(super) struct Claimant<C: Claims>(Option<C>);

/// What a [`Claimant`] can hold.
///
/// # Safety
/// `permits` returns the same permits every time, also after the value was moved, and they live as long as the value.
pub(super) unsafe trait Claims {
    fn permits(&self) -> &Permits;
    fn permits_are_back(&self);
}

// SAFETY: a reference keeps the channel, and the permits in it, in place.
unsafe impl<T> Claims for &Channel<T, Bounded> {
    fn permits(&self) -> &Permits {
        &self.limit.permits
    }

    fn permits_are_back(&self) {
        Channel::permits_are_back(self);
    }
}

// SAFETY: a sender shares the channel, which is in an `Arc`.
unsafe impl<T> Claims for Tx<T, Bounded> {
    fn permits(&self) -> &Permits {
        &self.limit.permits
    }

    fn permits_are_back(&self) {
        Channel::permits_are_back(self);
    }
}

impl<C: Claims> Claimant<C> {
    /// The claim was granted: the permits are the caller's.
    fn granted(mut self) -> C {
        self.0.take().expect("a claimant is used up once")
    }
}

impl<C: Claims> Drop for Claimant<C> {
    #[inline]
    fn drop(&mut self) {
        if let Some(claims) = &self.0 {
            claims.permits_are_back();
        }
    }
}

// SAFETY: as `Claims` says; it is there while the claim has the claimant.
unsafe impl<C: Claims> Source for Claimant<C> {
    #[inline]
    fn permits(&self) -> &Permits {
        self.0.as_ref().expect("a claimant is used up once").permits()
    }
}

#[track_caller]
#[inline]
pub(super) fn claim<C: Claims>(claims: C, n: usize) -> Claim<Claimant<C>> {
    Claim::new(Claimant(Some(claims)), n, WaitKind::Send, Location::caller())
}

/// The future of [`Sender::send`](super::Sender::send).
pub(super) struct Sending<'a, T> {
    pub(super) claim: Claim<Claimant<&'a Channel<T, Bounded>>>,
    pub(super) value: Option<T>,
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: only the claim must stay in place, and it is pinned again at once.
        let (claim, value) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.claim), &mut this.value)
        };
        let granted = ready!(claim.poll(cx));
        let value = value.take().expect("the claim panics when polled after its end");
        Poll::Ready(match granted {
            Ok(claimant) => claimant.granted().push_permitted(value).map_err(SendError),
            Err(_closed) => Err(SendError(value)),
        })
    }
}

/// The future of [`Sender::send_timeout`](super::Sender::send_timeout).
pub(super) struct SendingInTime<'a, T> {
    /// `None` once it has ended, so that one that came too late keeps no place in the queue.
    pub(super) claim: Option<Claim<Claimant<&'a Channel<T, Bounded>>>>,
    pub(super) value: Option<T>,
    pub(super) timeout: Duration,
    pub(super) alarm: Option<Alarm>,
}

/// A timer that may be shared between threads, since nobody can do anything with a shared reference to it.
pub(super) struct Alarm(Pin<Box<dyn Future<Output = ()> + Send>>);

// SAFETY: `&Alarm` gives access to nothing.
unsafe impl Sync for Alarm {}

impl<T> Future for SendingInTime<'_, T> {
    type Output = Result<(), SendTimeoutError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: only the claim must stay in place, and it is pinned again at once.
        let (mut claim, value, timeout, alarm) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.claim), &mut this.value, this.timeout, &mut this.alarm)
        };
        assert!(alarm.is_some() || alarm::is_provided(), "{NO_CLOCK}");
        let claiming = claim.as_mut().as_pin_mut().expect("`send_timeout` was polled after it had ended");
        let granted = match claiming.poll(cx) {
            Poll::Ready(granted) => Some(granted),
            Poll::Pending => {
                let alarm = alarm.get_or_insert_with(|| Alarm(alarm::after(timeout).expect(NO_CLOCK)));
                ready!(alarm.0.as_mut().poll(cx));
                None
            }
        };
        claim.set(None);
        let value = value.take().expect("there is a message while there is a claim");
        Poll::Ready(match granted {
            Some(Ok(claimant)) => claimant.granted().push_permitted(value).map_err(SendTimeoutError::Closed),
            Some(Err(_closed)) => Err(SendTimeoutError::Closed(value)),
            None => Err(SendTimeoutError::Timeout(value)),
        })
    }
}

const NO_CLOCK: &str = "there is no reactor running, must be called from the context of a Tokio 1.x runtime, which \
                        unstuck's is: `send_timeout` needs a clock. Wrap the call in `Runtime::block_on`, or spawn it";

/// The future of [`Sender::reserve`](super::Sender::reserve).
pub(super) struct Reserve<'a, T> {
    pub(super) claim: Claim<Claimant<&'a Channel<T, Bounded>>>,
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the claim is pinned with us.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.claim) };
        let granted = ready!(claim.poll(cx)).map_err(|_closed| SendError(()));
        Poll::Ready(granted.map(|claimant| Permit::new(claimant.granted())))
    }
}

/// The future of [`Sender::reserve_many`](super::Sender::reserve_many).
pub(super) struct ReserveMany<'a, T> {
    pub(super) claim: Claim<Claimant<&'a Channel<T, Bounded>>>,
    pub(super) n: usize,
    /// Whether the channel ever has room for so many.
    pub(super) fits: bool,
}

impl<'a, T> Future for ReserveMany<'a, T> {
    type Output = Result<PermitIterator<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let n = self.n;
        if !self.fits {
            return Poll::Ready(Err(SendError(())));
        }
        // SAFETY: the claim is pinned with us.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.claim) };
        let granted = ready!(claim.poll(cx)).map_err(|_closed| SendError(()));
        Poll::Ready(granted.map(|claimant| PermitIterator::new(claimant.granted(), n)))
    }
}

/// The future of [`Sender::reserve_owned`](super::Sender::reserve_owned).
pub(super) struct ReserveOwned<T> {
    pub(super) claim: Claim<Claimant<Tx<T, Bounded>>>,
}

impl<T> Future for ReserveOwned<T> {
    type Output = Result<OwnedPermit<T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the claim is pinned with us.
        let claim = unsafe { self.map_unchecked_mut(|this| &mut this.claim) };
        let granted = ready!(claim.poll(cx)).map_err(|_closed| SendError(()));
        Poll::Ready(granted.map(|claimant| OwnedPermit::new(claimant.granted())))
    }
}
