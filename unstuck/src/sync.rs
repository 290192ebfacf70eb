//! Talking between tasks, and sharing between them.
//!
//! | to do | use |
//! |---|---|
//! | send one value, once | [`oneshot`] |
//! | send many values to one receiver | [`mpsc`] |
//! | send each value to all receivers | [`broadcast`] |
//! | let all see the latest value | [`watch`] |
//! | share data that is held across an `.await` | [`Mutex`], [`RwLock`]; the locks of std where it is not |
//! | let only so many in at a time | [`Semaphore`] |
//! | wake a task, without a value | [`Notify`] |
//! | wait until all have come to one point | [`Barrier`] |
//! | make a value once, asynchronously | [`OnceCell`]; [`SetOnce`] to wait for it |
//! | tell tasks to stop | [`CancellationToken`] |
//!
//! All of it works on any executor, and between threads: nothing here needs a runtime, but the few methods that wait for
//! some time at most.
//!
//! # Examples
//!
//! ```
//! use unstuck::sync::{mpsc, oneshot};
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() {
//! // A task that owns a counter. Others send it requests, each with the way back for the answer.
//! let (requests, mut inbox) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(16);
//! unstuck::spawn(async move {
//!     let mut total = 0;
//!     while let Some((n, answer)) = inbox.recv().await {
//!         total += n;
//!         let _ = answer.send(total);
//!     }
//! });
//!
//! let (answer, total) = oneshot::channel();
//! requests.send((5, answer)).await.unwrap();
//! assert_eq!(total.await, Ok(5));
//! # }
//! ```

pub use unstuck_sync::{
    AcquireError, Barrier, BarrierWaitResult, MappedMutexGuard, Mutex, MutexGuard, Notify, OnceCell,
    OwnedMappedMutexGuard, OwnedMutexGuard, OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    OwnedSemaphorePermit, RwLock, RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard, Semaphore,
    SemaphorePermit, SetError, SetOnce, SetOnceError, TryAcquireError, TryLockError,
};
pub use unstuck_sync::{broadcast, cancel, futures, mpsc, oneshot, watch};

#[doc(inline)]
pub use unstuck_sync::cancel::CancellationToken;
