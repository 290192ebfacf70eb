//! How a send fails without a signal on Apple's systems: the socket itself is told when it is made or accepted, which
//! socket2 and std do.

pub(crate) const FLAG: libc::c_int = 0;
