//! How a send fails without a signal: it says so with each call.

pub(crate) const FLAG: libc::c_int = libc::MSG_NOSIGNAL;
