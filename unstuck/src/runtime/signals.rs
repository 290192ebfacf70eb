//! Signals for code that has no runtime to ask.

use std::io;

/// From now on the system does what it did before about a signal, while nobody listens.
pub(crate) fn default_restore_when_unused(number: i32) -> io::Result<()> {
    unstuck_os::restore_signal_when_unused(number)
}
