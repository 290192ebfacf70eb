//! Copying from readers to writers, through a buffer of ours or the reader's own.
//!
//! 1. A byte that was read is written before the copy ends well; after an error, some may have been read and not
//!    written.
//! 2. Whenever the copy waits for the reader, all that was written is flushed: the other side is never kept waiting for
//!    bytes that rest in a buffer while nothing more comes.
//! 3. Each round is charged to the task's budget, so that a source and a destination that are always ready can't keep
//!    the other tasks waiting.
//! 4. `Interrupted` is retried for reads and writes; an error of a flush or shutdown ends the copy.

mod bidirectional;
mod buf;
#[expect(clippy::module_inception, reason = "the file is named after the function in it")]
mod copy;

pub use bidirectional::{copy_bidirectional, copy_bidirectional_with_sizes};
pub use buf::copy_buf;
pub use copy::copy;

/// The size of a buffer for which no other was asked, in bytes.
const DEFAULT_BUFFER: usize = 8 * 1024;
