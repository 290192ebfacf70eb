//! The methods that every reader, writer and seeker has: one trait per file, its futures beside it.
//!
//! 1. A future here borrows the object and holds no bytes that the object does not, except where its docs deny cancel
//!    safety.
//! 2. `Interrupted` is retried where a method promises a whole (exact, to the end, all), and passed on where it makes
//!    one attempt.
//! 3. A buffer with no room, or nothing to write, is Ready at once; only `read` and `write` still ask the object, which
//!    may have something to say (that it is closed).
//! 4. No future is `Unpin`, so that what it holds may change.

mod buf_read;
mod chain;
mod integers;
mod lines;
mod read;
mod read_buf;
mod read_to_end;
mod seek;
mod segments;
mod take;
pub(crate) mod until;
mod write;
mod write_buf;

pub use buf_read::AsyncBufReadExt;
pub use chain::Chain;
pub use lines::Lines;
pub use read::AsyncReadExt;
pub use seek::AsyncSeekExt;
pub use segments::Split;
pub use take::Take;
pub use write::AsyncWriteExt;
