//! Models of what threads do to each other here.

mod barrier;
mod broadcast;
mod cancel;
mod claim;
mod mpsc;
mod mutex;
mod notify;
mod once_cell;
mod oneshot;
mod permits;
mod rwlock;
mod set_once;
mod takeover;
mod wait_list;
mod watch;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Checks a model of three threads, for which all interleavings would take too long: those in which at most twice a
/// thread is interrupted where it could have gone on.
fn model_of_three(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}
