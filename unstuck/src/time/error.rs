//! What can go wrong with time.

use std::fmt;
use std::io;

/// The time was up before the future completed. Returned by a [`Timeout`](super::Timeout).
///
/// # Examples
///
/// ```
/// use std::{future, io};
/// use unstuck::time::{Duration, timeout};
///
/// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let elapsed = timeout(Duration::from_secs(1), future::pending::<()>()).await.unwrap_err();
/// assert_eq!(elapsed.to_string(), "deadline has elapsed");
/// assert_eq!(io::Error::from(elapsed).kind(), io::ErrorKind::TimedOut);
/// # }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl Elapsed {
    pub(super) fn new() -> Self {
        Elapsed(())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(_: Elapsed) -> io::Error {
        io::ErrorKind::TimedOut.into()
    }
}

/// A timer that does not work. Nothing of unstuck returns it; code written for Tokio may name it.
///
/// # Examples
///
/// ```
/// use unstuck::time::error::Error;
///
/// assert!(Error::shutdown().is_shutdown());
/// assert!(Error::at_capacity().is_at_capacity());
/// assert!(Error::invalid().is_invalid());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Error(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Shutdown,
    AtCapacity,
    Invalid,
}

impl Error {
    /// The runtime that would fire the timer has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::error::Error;
    ///
    /// assert!(Error::shutdown().to_string().contains("shut down"));
    /// ```
    pub fn shutdown() -> Error {
        Error(Kind::Shutdown)
    }

    /// Whether the runtime that would fire the timer has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::error::Error;
    ///
    /// assert!(Error::shutdown().is_shutdown());
    /// assert!(!Error::invalid().is_shutdown());
    /// ```
    pub fn is_shutdown(&self) -> bool {
        self.0 == Kind::Shutdown
    }

    /// There are too many timers.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::error::Error;
    ///
    /// assert!(Error::at_capacity().to_string().contains("too many timers"));
    /// ```
    pub fn at_capacity() -> Error {
        Error(Kind::AtCapacity)
    }

    /// Whether there are too many timers.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::error::Error;
    ///
    /// assert!(Error::at_capacity().is_at_capacity());
    /// assert!(!Error::shutdown().is_at_capacity());
    /// ```
    pub fn is_at_capacity(&self) -> bool {
        self.0 == Kind::AtCapacity
    }

    /// The deadline is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::error::Error;
    ///
    /// assert!(Error::invalid().to_string().contains("out of range"));
    /// ```
    pub fn invalid() -> Error {
        Error(Kind::Invalid)
    }

    /// Whether the deadline is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::time::error::Error;
    ///
    /// assert!(Error::invalid().is_invalid());
    /// assert!(!Error::at_capacity().is_invalid());
    /// ```
    pub fn is_invalid(&self) -> bool {
        self.0 == Kind::Invalid
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Shutdown => "the runtime that drives the timer has shut down; use it inside a running one",
            Kind::AtCapacity => "there are too many timers; drop some before making more",
            Kind::Invalid => "the deadline of the timer is out of range",
        })
    }
}

impl std::error::Error for Error {}
