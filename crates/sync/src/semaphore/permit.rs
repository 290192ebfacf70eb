//! Permits that borrow their semaphore.
//!
//! 1. `permits` of the semaphore's units are out for this value: its drop gives them back, whatever was merged and
//!    split before.

use super::Semaphore;

/// Some permits of a borrowed [`Semaphore`]. Dropping it gives them back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::Semaphore;
///
/// # unstuck_base::parker::block_on(async {
/// let printers = Semaphore::new(1);
/// {
///     let _printer = printers.acquire().await.unwrap();
///     assert_eq!(printers.available_permits(), 0);
/// }
/// assert_eq!(printers.available_permits(), 1);
/// # });
/// ```
#[must_use]
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct SemaphorePermit<'a> {
    pub(super) semaphore: &'a Semaphore,
    pub(super) permits: usize,
}

impl SemaphorePermit<'_> {
    /// Gives the permits up without giving them back: the semaphore has so many fewer from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(2);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Adds the permits of `other` to these.
    ///
    /// # Panics
    /// If the two are permits of different semaphores.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(5);
    /// let mut permits = semaphore.try_acquire_many(2).unwrap();
    /// permits.merge(semaphore.try_acquire().unwrap());
    /// assert_eq!(permits.num_permits(), 3);
    /// drop(permits);
    /// assert_eq!(semaphore.available_permits(), 5);
    /// ```
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            std::ptr::eq(self.semaphore, other.semaphore),
            "merging permits from different semaphore instances is not possible"
        );
        self.permits += std::mem::take(&mut other.permits);
    }

    /// Takes `n` of these permits off into a permit of their own; `None`, and nothing changes, if there are fewer.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(5);
    /// let mut permits = semaphore.try_acquire_many(3).unwrap();
    /// drop(permits.split(2)); // two go back early
    /// assert_eq!((permits.num_permits(), semaphore.available_permits()), (1, 4));
    /// assert!(permits.split(2).is_none());
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(SemaphorePermit { semaphore: self.semaphore, permits: n })
    }

    /// How many permits these are.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(5);
    /// assert_eq!(semaphore.try_acquire_many(3).unwrap().num_permits(), 3);
    /// ```
    pub fn num_permits(&self) -> usize {
        self.permits
    }

    /// The semaphore of these permits.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(5);
    /// let permit = semaphore.try_acquire_many(3).unwrap();
    /// assert_eq!(permit.semaphore().available_permits(), 2);
    /// ```
    pub fn semaphore(&self) -> &Semaphore {
        self.semaphore
    }
}

impl Drop for SemaphorePermit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}
