//! How resources reach the current runtime's kernel.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use unstuck_context::{TryCurrentError, with_current};
use unstuck_driver::{Kernel, Socket};

/// The kernel of the current runtime.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub(super) fn kernel() -> Arc<dyn Kernel> {
    let kernel: Result<_, TryCurrentError> = with_current(|handle| handle.parts().kernel.clone());
    match kernel {
        Ok(kernel) => kernel,
        Err(error) => panic!("{error}"),
    }
}

/// The file descriptor of a socket.
///
/// # Panics
/// If it has none, since it is simulated.
#[track_caller]
pub(super) fn file_descriptor(socket: &dyn Socket) -> BorrowedFd<'_> {
    match socket.fd() {
        Some(fd) => fd,
        None => panic!(
            "a simulated socket has no file descriptor: in a simulation, use the socket's own methods instead of system \
             calls"
        ),
    }
}
