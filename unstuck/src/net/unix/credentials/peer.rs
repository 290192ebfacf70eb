//! The peer's credentials by `SO_PEERCRED`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::UCred;

pub(in super::super) fn credentials(socket: BorrowedFd<'_>) -> io::Result<UCred> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: both pointers are to variables of the right types, and `len` is the size of the first one.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut peer).cast(), &raw mut len)
    };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(UCred { uid: peer.uid, gid: peer.gid, pid: Some(peer.pid) })
}
