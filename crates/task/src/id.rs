//! The name of a task as users see it.

use std::fmt;
use std::num::NonZeroU64;

/// Identifies a task among all tasks that live in this process at the same time.
///
/// An id says nothing about when or where its task was spawned, and it may be given again after the task is gone.
///
/// # Examples
/// ```
/// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
/// use std::collections::HashMap;
/// # unstuck::run(async {
/// let (a, b) = (unstuck::spawn(async { 1 }), unstuck::spawn(async { 2 }));
/// let names = HashMap::from([(a.id(), "first"), (b.id(), "second")]);
/// assert_eq!(names[&b.id()], "second");
/// # assert_eq!(a.await.unwrap() + b.await.unwrap(), 3);
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(NonZeroU64);

impl Id {
    /// The id with this number.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// use std::num::NonZeroU64;
    /// # unstuck::run(async {
    /// let number = NonZeroU64::new(42).expect("it is not zero");
    /// assert_eq!(unstuck::task::Id::from_number(number).to_string(), "42");
    /// # });
    /// ```
    pub const fn from_number(number: NonZeroU64) -> Self {
        Id(number)
    }

    /// The number, for the records of a diagnosis.
    ///
    /// # Examples
    /// ```
    /// # mod unstuck { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/examples.rs.in")); }
    /// # unstuck::run(async {
    /// let task = unstuck::spawn(async {});
    /// assert_eq!(task.id().number().to_string(), task.id().to_string());
    /// # });
    /// ```
    pub const fn number(self) -> NonZeroU64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
