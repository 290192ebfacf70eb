//! Locks and signals, as their users see them, by situation. One program, so that it is linked once.

mod barrier;
mod cancel;
mod fairness;
mod mutex;
mod notify;
mod once;
mod rwlock;
mod semaphore;
mod support;
mod takeover;
mod traits;
