//! What the descriptor of a pipe says about itself.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileTypeExt;

/// What a pipe must be open for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Refuses what is no pipe.
pub(super) fn check_pipe(file: &File) -> io::Result<()> {
    if file.metadata()?.file_type().is_fifo() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a pipe"))
}

/// Refuses a pipe that is not open for `access`.
pub(super) fn check_access(file: &File, access: Access) -> io::Result<()> {
    let mode = flags(file)? & libc::O_ACCMODE;
    let (only, message) = match access {
        Access::Read => (libc::O_RDONLY, "not open for reading"),
        Access::Write => (libc::O_WRONLY, "not open for writing"),
    };
    if mode == only || mode == libc::O_RDWR {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Whether operations say `WouldBlock` instead of waiting: for all who share this descriptor.
pub(super) fn set_nonblocking(fd: &impl AsFd, on: bool) -> io::Result<()> {
    let now = flags(fd)?;
    let wanted = if on { now | libc::O_NONBLOCK } else { now & !libc::O_NONBLOCK };
    if wanted == now {
        return Ok(());
    }
    // SAFETY: the descriptor is open, and the call changes nothing but its flags.
    match unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_SETFL, wanted) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn flags(fd: &impl AsFd) -> io::Result<libc::c_int> {
    // SAFETY: the descriptor is open, and the call changes nothing.
    match unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_GETFL) } {
        -1 => Err(io::Error::last_os_error()),
        flags => Ok(flags),
    }
}
