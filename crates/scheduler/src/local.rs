//! Tasks that stay on one thread: what is behind a `LocalSet`.
//!
//! 1. A [`Local`] can't leave its thread, and only it runs or drops runnables. So the tasks need not be `Send`.
//! 2. While a `Local` runs or drops tasks, its thread's home ([`local::set_home`]) is that of the set: whoever finds it
//!    there is on the set's thread and may touch `queue`. It belongs to that thread, and no user code runs meanwhile.
//! 3. Tasks that are woken from elsewhere, or on the thread while the set does not run, are queued under the lock, and
//!    every [`Poller`] that waits is woken. A poller leaves its waker before the set looks at that queue: it misses none.
//! 4. No waker is cloned, dropped or woken, and no runnable dropped, under the lock.
//!
//! The user-facing crate polls; wakers of the tasks call [`Schedule::schedule`].

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;

use unstuck_base::local;
use unstuck_base::sync::Mutex;
use unstuck_base::{WakeBatch, prng};
use unstuck_context::Spawner;
use unstuck_task::{HomeRef, Id, JoinHandle, Runnable, Schedule, TaskList};
