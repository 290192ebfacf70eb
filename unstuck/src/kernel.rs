//! How resources reach the current runtime's kernel.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use unstuck_context::with_current;
use unstuck_driver::Kernel;
use unstuck_driver::socket::Endpoint;

use crate::called_at::{Line, named};

/// The kernel of the current runtime, for a resource that waits for the outside world.
///
/// # Panics
/// Outside a runtime, or in one without I/O.
#[track_caller]
pub(crate) fn kernel() -> Arc<dyn Kernel> {
    match with_current(|handle| handle.parts().io().cloned()) {
        Ok(Ok(kernel)) => kernel,
        Ok(Err(disabled)) => panic!("{disabled}"),
        Err(error) => panic!("{error}"),
    }
}

/// As [`kernel`], for a future that was asked for at `at`.
///
/// # Panics
/// As [`kernel`], with the line in the message.
pub(crate) fn kernel_at(at: Line) -> Arc<dyn Kernel> {
    match with_current(|handle| handle.parts().io().cloned()) {
        Ok(Ok(kernel)) => kernel,
        Ok(Err(disabled)) => panic!("{disabled}{}", named(at)),
        Err(error) => panic!("{error}{}", named(at)),
    }
}

/// Whether descriptors of the real system may be used here: to be asked before anything is done to it. Outside a runtime too:
/// what needs one says so later.
///
/// # Errors
/// In a simulation.
pub(crate) fn may_use_descriptors() -> io::Result<()> {
    match with_current(|handle| handle.parts().io().cloned()) {
        Ok(Ok(kernel)) => kernel.may_watch(),
        _ => Ok(()),
    }
}

/// The file descriptor of a socket.
///
/// # Panics
/// If it has none, since it is simulated.
#[track_caller]
pub(crate) fn file_descriptor(socket: &(impl Endpoint + ?Sized)) -> BorrowedFd<'_> {
    socket.fd().expect(NO_DESCRIPTOR)
}

/// What those are told who need a file descriptor where there is none.
pub(crate) const NO_DESCRIPTOR: &str = "a simulated socket has no file descriptor: in a simulation, use the socket's own \
                                        methods instead of system calls";
