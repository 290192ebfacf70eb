//! Unix sockets and pipes: between processes of one machine.
//!
//! The sockets themselves are [`UnixListener`](crate::net::UnixListener), [`UnixStream`](crate::net::UnixStream),
//! [`UnixDatagram`](crate::net::UnixDatagram) and [`UnixSocket`](crate::net::UnixSocket). Here is what belongs to them: addresses,
//! credentials, the halves of a stream; and [`pipe`].
//!
//! In a simulation there are none of these: making one is refused, before anything of the real system is touched.
//!
//! Rules of this folder: a resource holds its object in a `Watched`, in non-blocking mode; only
//! making one asks for the current runtime; every wait goes through the readiness.

mod address;
mod bytes;
mod credentials;
pub(super) mod datagrams;
pub(super) mod listener;
pub mod pipe;
pub(super) mod socket;
pub(super) mod stream;

pub use address::SocketAddr;
pub use credentials::{UCred, gid_t, pid_t, uid_t};
pub use stream::split::{ReadHalf, WriteHalf};
pub use stream::split_owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};

/// A second path to [`UnixDatagram`](crate::net::UnixDatagram), which some programs use.
#[doc(hidden)]
pub mod datagram {
    pub use super::datagrams::UnixDatagram;
}
