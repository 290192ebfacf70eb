//! The errors that this crate makes itself, and the one that it retries.

use std::io::{Error, ErrorKind};

/// The source ended in the middle of what was asked for.
#[cold]
pub(crate) fn early_eof() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "early eof")
}

/// The destination takes no more, and there is more.
#[cold]
pub(crate) fn write_zero() -> Error {
    ErrorKind::WriteZero.into()
}

/// Bytes that were to be appended to a string are no UTF-8.
#[cold]
pub(crate) fn not_utf8(why: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

/// Whether the operation was only disturbed, and is to be tried again at once.
#[inline]
pub(crate) fn is_interrupted(error: &Error) -> bool {
    error.kind() == ErrorKind::Interrupted
}
