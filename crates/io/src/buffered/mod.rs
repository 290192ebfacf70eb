//! Buffers around readers and writers, so that many small operations become few large ones.
//!
//! 1. What is in a buffer is lost when the wrapper is dropped or taken apart: a writer is flushed first.
//! 2. Operations as large as the buffer go past it, without being copied.
//! 3. Each direction passes the other through, so wrappers nest.

mod reader;
mod stream;
mod writer;

pub use reader::BufReader;
pub use stream::BufStream;
pub use writer::BufWriter;

use std::fmt;
use std::io::SeekFrom;

/// The size of a buffer for which no other was asked, in bytes.
const DEFAULT_CAPACITY: usize = 8 * 1024;

/// How far a seek through a buffer has come.
#[derive(Clone, Copy, Debug)]
enum Seeking {
    /// None is asked for.
    No,
    /// It is asked for, and nothing done about it yet.
    Asked(SeekFrom),
    /// The first of two moves is under way: back to where the user thinks that we are. This one follows.
    Rewinding(i64),
    /// The last move is under way.
    Moving,
}

/// How full a buffer is: `"3/8192"`.
struct Fill(usize, usize);

impl fmt::Debug for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}
