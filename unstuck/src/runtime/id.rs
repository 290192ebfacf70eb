//! The name of a runtime as users see it.

use std::fmt;
use std::num::NonZeroU64;

/// Identifies a runtime, or a [`LocalSet`](crate::task::LocalSet), among all that live in this process at the same time.
///
/// It says nothing about when it was made, and may be given again after it is gone.
///
/// # Examples
/// ```
/// let runtime = unstuck::runtime::Runtime::new()?;
/// let other = unstuck::runtime::Runtime::new()?;
/// assert_ne!(runtime.handle().id(), other.handle().id());
/// assert_eq!(runtime.handle().id(), runtime.block_on(async { unstuck::runtime::Handle::current().id() }));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Id(NonZeroU64);

impl Id {
    /// Of the scheduler whose home has this number.
    pub(crate) fn from_number(number: NonZeroU64) -> Self {
        Id(number)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
