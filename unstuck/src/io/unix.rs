//! Waiting for file descriptors of your own: [`AsyncFd`].
//!
//! For sockets and pipes there are types that read and write: see [`net`](crate::net) and [`net::unix`](crate::net::unix).
//! What is here is for everything else that has a descriptor which can be polled: an `inotify`, a `timerfd`, a device, a
//! socket that a C library opened.

pub use super::async_fd::AsyncFd;
pub use super::async_fd_error::{AsyncFdRegisterError, TryIoError};
pub use super::async_fd_guard::AsyncFdReadyGuard;
pub use super::async_fd_mut_guard::AsyncFdReadyMutGuard;

/// The former name of [`AsyncFdRegisterError`].
#[doc(hidden)]
pub type AsyncFdTryNewError<T> = AsyncFdRegisterError<T>;
