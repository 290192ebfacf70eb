//! TCP: listeners, streams, and their halves.

pub(super) mod listener;
pub(super) mod socket;
mod socket_options;
mod split;
mod split_owned;
pub(super) mod stream;
mod stream_options;
mod stream_ready;

pub use split::{ReadHalf, WriteHalf};
pub use split_owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};

use stream::TcpStream;
