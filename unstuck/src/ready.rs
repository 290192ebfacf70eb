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
use unstuck_driver::Readiness;
use unstuck_driver::readiness::{Direction, ReadyEvent, Waiting, shutdown_error};

pin_project! {
    /// Waits until a socket is ready.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub(crate) struct UntilReady<'a> {
        #[pin]
        waiting: Waiting<'a>,
    }
}

/// Waits until there is readiness for anything of `interest`.
#[track_caller]
pub(crate) fn ready(readiness: &Readiness, interest: Interest) -> UntilReady<'_> {
    UntilReady { waiting: readiness.ready(interest) }
}

/// Waits until an operation of `direction` need not wait.
#[track_caller]
pub(crate) fn poll_ready(readiness: &Readiness, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    readiness.poll_ready(direction, cx).map(|event| unless_shut_down(event).map(drop))
}

fn unless_shut_down(event: ReadyEvent) -> io::Result<Ready> {
    if event.is_shutdown() { Err(shutdown_error()) } else { Ok(event.ready()) }
}

impl<'a> UntilReady<'a> {
    /// For those who need not know what it is ready for.
    pub(crate) fn without_details(self) -> JustReady<'a> {
        JustReady { ready: self }
    }
}

impl Future for UntilReady<'_> {
    type Output = io::Result<Ready>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().waiting.poll(cx).map(unless_shut_down)
    }
}

pin_project! {
    /// Waits until a socket is ready, for whatever.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub(crate) struct JustReady<'a> {
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
