//! Permits that keep their semaphore alive.
//!
//! 1. As for those that borrow it: `permits` units are out for this value, and its drop gives them back.

use std::sync::Arc;

use super::Semaphore;

/// Some permits of a shared [`Semaphore`], which it keeps alive. Dropping it gives them back.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::{OwnedSemaphorePermit, Semaphore};
///
/// # unstuck_base::parker::block_on(async {
/// struct Connection {
///     _slot: OwnedSemaphorePermit, // given back when the connection is dropped
/// }
///
/// let slots = Arc::new(Semaphore::new(1));
/// let connection = Connection { _slot: slots.clone().acquire_owned().await.unwrap() };
/// assert_eq!(slots.available_permits(), 0);
/// drop(connection);
/// assert_eq!(slots.available_permits(), 1);
/// # });
/// ```
#[must_use]
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct OwnedSemaphorePermit {
    pub(super) semaphore: Arc<Semaphore>,
    pub(super) permits: usize,
}

impl OwnedSemaphorePermit {
    /// Gives the permits up without giving them back: the semaphore has so many fewer from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(2));
    /// semaphore.clone().try_acquire_owned().unwrap().forget();
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
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(5));
    /// let mut permits = semaphore.clone().try_acquire_many_owned(2).unwrap();
    /// permits.merge(semaphore.clone().try_acquire_owned().unwrap());
    /// assert_eq!(permits.num_permits(), 3);
    /// drop(permits);
    /// assert_eq!(semaphore.available_permits(), 5);
    /// ```
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            Arc::ptr_eq(&self.semaphore, &other.semaphore),
            "merging permits from different semaphore instances is not possible"
        );
        self.permits += std::mem::take(&mut other.permits);
    }

    /// Takes `n` of these permits off into a permit of their own; `None`, and nothing changes, if there are fewer.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(5));
    /// let mut permits = semaphore.clone().try_acquire_many_owned(3).unwrap();
    /// drop(permits.split(2)); // two go back early
    /// assert_eq!((permits.num_permits(), semaphore.available_permits()), (1, 4));
    /// assert!(permits.split(2).is_none());
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(OwnedSemaphorePermit { semaphore: self.semaphore.clone(), permits: n })
    }

    /// How many permits these are.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(5));
    /// assert_eq!(semaphore.clone().try_acquire_many_owned(3).unwrap().num_permits(), 3);
    /// ```
    pub fn num_permits(&self) -> usize {
        self.permits
    }

    /// The semaphore of these permits.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(5));
    /// let permit = semaphore.clone().try_acquire_many_owned(3).unwrap();
    /// assert_eq!(permit.semaphore().available_permits(), 2);
    /// ```
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }
}

impl Drop for OwnedSemaphorePermit {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}
