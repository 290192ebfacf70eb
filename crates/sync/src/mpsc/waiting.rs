//! The futures that both kinds of channels share: of a message, of several, of the channel's end.

use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local::{self, WaitKind};

use super::channel::{Channel, Limit, Rx};
use crate::called::Place;

/// The future of `recv`.
pub(super) struct Recv<'a, T, L: Limit> {
    rx: &'a mut Rx<T, L>,
    at: &'static Location<'static>,
    waits: bool,
    _pinned: PhantomPinned,
}

/// The future of `recv_many`.
pub(super) struct RecvMany<'a, 'b, T, L: Limit> {
    rx: &'a mut Rx<T, L>,
    buffer: &'b mut Vec<T>,
    limit: usize,
    at: &'static Location<'static>,
    waits: bool,
    _pinned: PhantomPinned,
}

/// The future of `closed`.
pub(super) struct Closed<'a, T, L> {
    channel: &'a Channel<T, L>,
    place: Place<'a>,
}

impl<'a, T, L: Limit> Recv<'a, T, L> {
    #[track_caller]
    #[inline]
    pub(super) fn new(rx: &'a mut Rx<T, L>) -> Self {
        Recv { rx, at: Location::caller(), waits: false, _pinned: PhantomPinned }
    }
}

impl<T, L: Limit> Future for Recv<'_, T, L> {
    type Output = Option<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // SAFETY: no field is pinned; PhantomPinned only withholds Unpin, as an `async fn` does.
        let this = unsafe { self.get_unchecked_mut() };
        let polled = this.rx.poll_recv(cx, this.at);
        this.waits = polled.is_pending();
        polled
    }
}

impl<T, L: Limit> Drop for Recv<'_, T, L> {
    #[inline]
    fn drop(&mut self) {
        if self.waits {
            local::forget_wait(WaitKind::Receive, self.rx.key());
        }
    }
}

impl<'a, 'b, T, L: Limit> RecvMany<'a, 'b, T, L> {
    #[track_caller]
    pub(super) fn new(rx: &'a mut Rx<T, L>, buffer: &'b mut Vec<T>, limit: usize) -> Self {
        RecvMany { rx, buffer, limit, at: Location::caller(), waits: false, _pinned: PhantomPinned }
    }
}

impl<T, L: Limit> Future for RecvMany<'_, '_, T, L> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        // SAFETY: as in `Recv`.
        let this = unsafe { self.get_unchecked_mut() };
        let polled = this.rx.poll_recv_many(cx, this.buffer, this.limit, this.at);
        this.waits = polled.is_pending();
        polled
    }
}

impl<T, L: Limit> Drop for RecvMany<'_, '_, T, L> {
    fn drop(&mut self) {
        if self.waits {
            local::forget_wait(WaitKind::Receive, self.rx.key());
        }
    }
}

impl<'a, T, L: Limit> Closed<'a, T, L> {
    #[track_caller]
    pub(super) fn new(channel: &'a Channel<T, L>) -> Self {
        Closed { channel, place: Place::new(&channel.closing, WaitKind::Send, Location::caller()) }
    }
}

impl<T, L: Limit> Future for Closed<'_, T, L> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let channel = self.channel;
        let charge = ready!(local::poll_budget(cx));
        // SAFETY: the place is pinned with us.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        // Closing is final: whoever is called need not look again.
        ready!(place.poll_called(cx, || channel.is_closed()));
        charge.made_progress();
        Poll::Ready(())
    }
}
