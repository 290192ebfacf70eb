//! The time for code that has no runtime to ask.

use std::time::Instant;

/// The time outside any runtime.
pub(crate) fn default_now() -> Instant {
    unstuck_os::now()
}
