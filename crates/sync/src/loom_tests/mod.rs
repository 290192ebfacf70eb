//! Models of what threads do to each other here.

mod cancel;
mod mpsc;
mod mutex;
mod notify;
mod oneshot;
mod permits;
mod wait_list;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
