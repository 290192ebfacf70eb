//! The peer's credentials by `getpeereid`, which does not tell the process.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::UCred;

pub(in super::super) fn credentials(socket: BorrowedFd<'_>) -> io::Result<UCred> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: both pointers are to variables of the right types.
    if unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut uid, &raw mut gid) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(UCred { uid, gid, pid: None })
}
