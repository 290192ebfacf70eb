//! TCP: listeners, streams, and their halves.

pub(super) mod listener;
mod split;
mod split_owned;
pub(super) mod stream;
mod stream_options;

pub use split::{ReadHalf, WriteHalf};
pub use split_owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};

use stream::TcpStream;
