//! Internal crate of unstuck, published in lockstep with it: locks and channels that work on any executor.
//!
//! 1. Nothing here needs a runtime: waiting leaves a waker, and whoever has news wakes it.
//! 2. Everything that queues does so in the one `wait_list`; `permits` is the one counter behind mutexes, semaphores,
//!    reader-writer locks and bounded channels.
//! 3. Wakers are woken, and users' values dropped, with no lock held.
//! 4. What waits says so ([`unstuck_base::local::wait_for`]), with the line of the user's code; what is held says who
//!    holds it ([`holders`]).
//!
//! `unstuck::sync` re-exports what users see.

pub mod broadcast;
pub mod cancel;
pub mod holders;
pub mod mpsc;
pub mod oneshot;
pub mod watch;

mod barrier;
mod called;
mod mutex;
mod notify;
mod once_cell;
mod permits;
mod rwlock;
mod semaphore;
mod set_once;
mod version;
mod wait_list;

pub use barrier::{Barrier, BarrierWaitResult};
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, TryLockError};
pub use notify::Notify;
pub use once_cell::{OnceCell, SetError};
pub use rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError};
pub use set_once::{SetOnce, SetOnceError};

/// The futures that have a name.
pub mod futures {
    pub use crate::notify::{Notified, OwnedNotified};
}

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
