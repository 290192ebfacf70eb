//! Locks and signals, as their users see them, by situation. One program, so that it is linked once.

mod cancel;
mod fairness;
mod mutex;
mod notify;
mod semaphore;
mod support;
mod traits;
