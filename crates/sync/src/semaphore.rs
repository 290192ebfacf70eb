//! The counting semaphore that users see.
//!
//! 1. A permit is the right to one unit; dropping it gives the unit back, `forget` does not.
//! 2. Everything else is [`Permits`]: this file only names it.
//!
//! The ways to take permits are in `semaphore/acquire.rs`, what they give in `semaphore/permit.rs` and
//! `semaphore/owned.rs`, what they refuse with in `semaphore/error.rs`.

mod acquire;
mod error;
mod owned;
mod permit;

use std::fmt;
use std::sync::Arc;

use unstuck_base::const_unless_model;

use crate::permits::{self, Permits, Source};

pub use error::{AcquireError, TryAcquireError};
pub use owned::OwnedSemaphorePermit;
pub use permit::SemaphorePermit;

/// A number of permits, of which tasks take some and give them back.
///
/// It is fair: permits go to those who wait in the order in which they began to wait, and nobody overtakes. A task that
/// waits for many permits holds up those behind it until it has them all, also if they would be content with fewer.
///
/// Giving a permit back happens before every later taking of one: what a task did while it had its permit is seen by
/// those who get a permit afterwards.
///
/// # Examples
///
/// At most two of these sections run at a time:
///
/// ```
/// use std::sync::Arc;
/// use unstuck_sync::Semaphore;
///
/// # unstuck_base::parker::block_on(async {
/// let limit = Arc::new(Semaphore::new(2));
///
/// let first = limit.acquire().await.unwrap();
/// let _second = limit.acquire().await.unwrap();
/// assert!(limit.try_acquire().is_err());
///
/// drop(first);
/// assert_eq!(limit.available_permits(), 1);
/// # });
/// ```
pub struct Semaphore {
    permits: Permits,
}

impl Semaphore {
    /// The most permits that a semaphore can have. Going beyond panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    /// assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    /// ```
    pub const MAX_PERMITS: usize = permits::MAX_PERMITS;

    const_unless_model! {
        /// A semaphore with `permits` permits, for a `static` or a `const`.
        ///
        /// # Panics
        /// If `permits` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck_sync::Semaphore;
        ///
        /// static CONNECTIONS: Semaphore = Semaphore::const_new(100);
        /// assert_eq!(CONNECTIONS.available_permits(), 100);
        /// ```
        #[track_caller]
        pub fn const_new(permits: usize) -> Self {
            Semaphore { permits: Permits::new(permits) }
        }
    }

    /// A semaphore with `permits` permits.
    ///
    /// # Panics
    /// If `permits` exceeds [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let uploads = Semaphore::new(3);
    /// let _upload = uploads.acquire().await.unwrap();
    /// assert_eq!(uploads.available_permits(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        Semaphore::const_new(permits)
    }

    /// How many permits are there to be taken now.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(2);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    pub fn available_permits(&self) -> usize {
        self.permits.available()
    }

    /// Adds `n` permits, and gives them to those who wait.
    ///
    /// # Panics
    /// If there would be more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) available; then nothing is added.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unstuck_sync::Semaphore;
    ///
    /// // Nothing is ready yet: the permits come as the work is done.
    /// let ready = Arc::new(Semaphore::new(0));
    /// let cook = std::thread::spawn({
    ///     let ready = ready.clone();
    ///     move || ready.add_permits(2)
    /// });
    /// let meals = ready.blocking_acquire_many(2).unwrap();
    /// meals.forget(); // they are eaten, not given back
    /// assert_eq!(ready.available_permits(), 0);
    /// # cook.join().unwrap();
    /// ```
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        self.permits.add(n);
    }

    /// Takes up to `n` of the available permits away for good, and returns how many those were.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(10);
    /// assert_eq!(semaphore.forget_permits(4), 4); // from now on there are six
    /// assert_eq!(semaphore.available_permits(), 6);
    /// assert_eq!(semaphore.forget_permits(100), 6);
    /// ```
    pub fn forget_permits(&self, n: usize) -> usize {
        self.permits.forget(n)
    }

    /// Closes the semaphore for good: all who wait, and all who ask later, get an error. Permits that are out stay
    /// valid and come back as usual.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let semaphore = Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.acquire().await.is_err());
    /// # });
    /// ```
    pub fn close(&self) {
        self.permits.close();
    }

    /// Whether the semaphore was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(1);
    /// assert!(!semaphore.is_closed());
    /// semaphore.close();
    /// assert!(semaphore.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.available_permits())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

// SAFETY: a shared reference keeps its referent in place.
unsafe impl Source for &Semaphore {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

// SAFETY: an `Arc` keeps its referent in place.
unsafe impl Source for Arc<Semaphore> {
    fn permits(&self) -> &Permits {
        &self.permits
    }
}
