//! Waiting for readiness, as users see it: the end of the runtime is an error.
//!
//! It takes nothing of the poll's budget: nothing was moved, and programs rely on being told at once that a socket is still
//! ready.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::Socket;
use unstuck_driver::readiness::{Direction, ReadyEvent, Waiting, shutdown_error};

pin_project! {
    /// Waits until a socket is ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub(super) struct UntilReady<'a> {
        #[pin]
        waiting: Waiting<'a>,
    }
}

/// Waits until `socket` is ready for anything of `interest`.
#[track_caller]
pub(super) fn ready(socket: &dyn Socket, interest: Interest) -> UntilReady<'_> {
    UntilReady { waiting: socket.readiness().ready(interest) }
}

/// Waits until an operation of `direction` need not wait.
#[track_caller]
pub(super) fn poll_ready(socket: &dyn Socket, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    socket.readiness().poll_ready(direction, cx).map(|event| readiness(event).map(drop))
}

fn readiness(event: ReadyEvent) -> io::Result<Ready> {
    if event.is_shutdown() { Err(shutdown_error()) } else { Ok(event.ready()) }
}

impl<'a> UntilReady<'a> {
    /// For those who need not know what it is ready for.
    pub(super) fn without_details(self) -> JustReady<'a> {
        JustReady { ready: self }
    }
}

impl Future for UntilReady<'_> {
    type Output = io::Result<Ready>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().waiting.poll(cx).map(readiness)
    }
}

pin_project! {
    /// Waits until a socket is ready, for whatever.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub(super) struct JustReady<'a> {
        #[pin]
        ready: UntilReady<'a>,
    }
}

impl Future for JustReady<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().ready.poll(cx).map_ok(drop)
    }
}
