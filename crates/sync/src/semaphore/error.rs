//! Why a semaphore gave no permit.

use std::error::Error;
use std::fmt;

/// The semaphore was closed: it gives out no permits any more.
///
/// # Examples
///
/// ```
/// use unstuck_sync::{AcquireError, Semaphore};
///
/// # unstuck_base::parker::block_on(async {
/// /// Does its work, unless the program is about to end.
/// async fn work(limit: &Semaphore) -> Result<u32, AcquireError> {
///     let _permit = limit.acquire().await?;
///     Ok(42)
/// }
///
/// let limit = Semaphore::new(1);
/// assert_eq!(work(&limit).await.unwrap(), 42);
/// limit.close();
/// assert_eq!(work(&limit).await.unwrap_err().to_string(), "semaphore closed");
/// # });
/// ```
#[derive(Debug)]
pub struct AcquireError(pub(super) ());

/// Why a permit could not be had at once.
///
/// # Examples
///
/// ```
/// use unstuck_sync::{Semaphore, TryAcquireError};
///
/// let limit = Semaphore::new(1);
/// let answer = |limit: &Semaphore| match limit.try_acquire() {
///     Ok(_permit) => 200,
///     Err(TryAcquireError::NoPermits) => 429, // try again later
///     Err(TryAcquireError::Closed) => 503,
/// };
/// assert_eq!(answer(&limit), 200);
/// let _busy = limit.try_acquire().unwrap();
/// assert_eq!(answer(&limit), 429);
/// limit.close();
/// assert_eq!(answer(&limit), 503);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore was closed, and gives out no permits any more.
    Closed,
    /// There are too few permits now, or others wait for them already.
    NoPermits,
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl Error for AcquireError {}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "semaphore closed",
            TryAcquireError::NoPermits => "no permits available",
        })
    }
}

impl Error for TryAcquireError {}
