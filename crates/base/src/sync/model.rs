//! The loom build: the same names, each a loom object that is made on first use so that constructors stay `const`.
//!
//! 1. An object is made by whichever modelled thread touches it first, with the value that the constructor was given.
//!    Loom runs all modelled threads on one OS thread, so "first" is well defined and `OnceLock` never blocks.

use std::sync::OnceLock;

pub use loom::sync::Arc;
pub use loom::{hint, thread};
pub use std::sync::Weak;

/// Declares a thread-local of the modelled thread. `const { .. }` initialisers are accepted and run lazily.
#[macro_export]
#[doc(hidden)]
macro_rules! __loom_thread_local {
    ($(#[$meta:meta])* $vis:vis static $name:ident: $ty:ty = const { $init:expr }; ) => {
        $crate::sync::__loom::thread_local! { $(#[$meta])* $vis static $name: $ty = $init; }
    };
}
pub use __loom_thread_local as thread_local_const;
#[doc(hidden)]
pub use ::loom as __loom;

/// Loom's atomics behind `const` constructors.
pub mod atomic {
    use super::OnceLock;
    pub use loom::sync::atomic::{Ordering, fence};

    macro_rules! lazy_atomic {
        ($name:ident, $value:ty) => {
            /// As std's type of this name.
            #[derive(Debug)]
            pub struct $name {
                initial: $value,
                object: OnceLock<loom::sync::atomic::$name>,
            }

            impl $name {
                /// Makes an atomic that holds `initial`.
                pub const fn new(initial: $value) -> Self {
                    Self { initial, object: OnceLock::new() }
                }

                fn object(&self) -> &loom::sync::atomic::$name {
                    self.object.get_or_init(|| loom::sync::atomic::$name::new(self.initial))
                }

                /// As std's method.
                pub fn load(&self, order: Ordering) -> $value {
                    self.object().load(order)
                }

                /// As std's method.
                pub fn store(&self, value: $value, order: Ordering) {
                    self.object().store(value, order)
                }

                /// As std's method.
                pub fn swap(&self, value: $value, order: Ordering) -> $value {
                    self.object().swap(value, order)
                }

                /// As std's method.
                pub fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.object().compare_exchange(current, new, success, failure)
                }

                /// As std's method.
                pub fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.object().compare_exchange_weak(current, new, success, failure)
                }

                /// As std's method.
                pub fn fetch_update(
                    &self,
                    set: Ordering,
                    fetch: Ordering,
                    update: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    self.object().fetch_update(set, fetch, update)
                }
            }
        };
    }

    macro_rules! lazy_integer {
        ($name:ident, $value:ty) => {
            lazy_atomic!($name, $value);

            impl Default for $name {
                fn default() -> Self {
                    Self::new(0)
                }
            }

            impl $name {
                /// As std's method.
                pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                    self.object().fetch_add(value, order)
                }

                /// As std's method.
                pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                    self.object().fetch_sub(value, order)
                }

                /// As std's method.
                pub fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                    self.object().fetch_or(value, order)
                }

                /// As std's method.
                pub fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                    self.object().fetch_and(value, order)
                }

                /// As std's method.
                pub fn fetch_xor(&self, value: $value, order: Ordering) -> $value {
                    self.object().fetch_xor(value, order)
                }

                /// As std's method.
                pub fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                    self.object().fetch_max(value, order)
                }

                /// As std's method.
                pub fn fetch_min(&self, value: $value, order: Ordering) -> $value {
                    self.object().fetch_min(value, order)
                }
            }
        };
    }

    lazy_integer!(AtomicU8, u8);
    lazy_integer!(AtomicU16, u16);
    lazy_integer!(AtomicU32, u32);
    lazy_integer!(AtomicU64, u64);
    lazy_integer!(AtomicUsize, usize);
    lazy_atomic!(AtomicBool, bool);

    /// As std's type of this name.
    #[derive(Debug)]
    pub struct AtomicPtr<T> {
        initial: *mut T,
        object: OnceLock<loom::sync::atomic::AtomicPtr<T>>,
    }

    // SAFETY: as std's AtomicPtr, which is Send and Sync for every T; `initial` is only ever copied.
    unsafe impl<T> Send for AtomicPtr<T> {}
    // SAFETY: as above.
    unsafe impl<T> Sync for AtomicPtr<T> {}

    impl<T> AtomicPtr<T> {
        /// Makes an atomic that holds `initial`.
        pub const fn new(initial: *mut T) -> Self {
            Self { initial, object: OnceLock::new() }
        }

        fn object(&self) -> &loom::sync::atomic::AtomicPtr<T> {
            self.object.get_or_init(|| loom::sync::atomic::AtomicPtr::new(self.initial))
        }

        /// As std's method.
        pub fn load(&self, order: Ordering) -> *mut T {
            self.object().load(order)
        }

        /// As std's method.
        pub fn store(&self, value: *mut T, order: Ordering) {
            self.object().store(value, order)
        }

        /// As std's method.
        pub fn swap(&self, value: *mut T, order: Ordering) -> *mut T {
            self.object().swap(value, order)
        }

        /// As std's method.
        pub fn compare_exchange(
            &self,
            current: *mut T,
            new: *mut T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<*mut T, *mut T> {
            self.object().compare_exchange(current, new, success, failure)
        }

        /// As std's method.
        pub fn compare_exchange_weak(
            &self,
            current: *mut T,
            new: *mut T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<*mut T, *mut T> {
            self.object().compare_exchange_weak(current, new, success, failure)
        }
    }
}

/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

/// A lock that ignores poisoning.
#[derive(Debug)]
pub struct Mutex<T> {
    initial: std::sync::Mutex<Option<T>>,
    object: OnceLock<loom::sync::Mutex<T>>,
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> Mutex<T> {
    /// Makes an unlocked lock around `value`.
    pub const fn new(value: T) -> Self {
        Mutex { initial: std::sync::Mutex::new(Some(value)), object: OnceLock::new() }
    }

    fn object(&self) -> &loom::sync::Mutex<T> {
        self.object.get_or_init(|| {
            let value = self.initial.lock().unwrap().take();
            loom::sync::Mutex::new(value.expect("the initial value is taken once, here"))
        })
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.object();
        match self.object.into_inner() {
            Some(object) => object.into_inner().unwrap(),
            None => unreachable!("made in the line above"),
        }
    }

    /// Locks, blocking the modelled thread while another holds the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.object().lock().unwrap()
    }

    /// Locks if nobody holds the lock now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.object().try_lock().ok()
    }

    /// The value, with no need to lock: `&mut self` proves that nobody else can.
    pub fn get_mut(&mut self) -> &mut T {
        self.object();
        self.object.get_mut().expect("made in the line above").get_mut().unwrap()
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(OnceLock<loom::sync::Condvar>);

impl Condvar {
    /// Makes a condition variable that nobody waits for.
    pub const fn new() -> Self {
        Condvar(OnceLock::new())
    }

    fn object(&self) -> &loom::sync::Condvar {
        self.0.get_or_init(loom::sync::Condvar::new)
    }

    /// Gives the lock back, waits for a notification, locks again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.object().wait(guard).unwrap()
    }

    /// Loom has no time: waits as [`wait`](Condvar::wait) does.
    pub fn wait_for<'a, T>(&self, guard: MutexGuard<'a, T>, _limit: std::time::Duration) -> (MutexGuard<'a, T>, bool) {
        (self.wait(guard), false)
    }

    /// Wakes one waiting thread.
    pub fn notify_one(&self) {
        self.object().notify_one();
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.object().notify_all();
    }
}

/// A cell whose accesses loom checks.
#[derive(Debug)]
pub struct UnsafeCell<T> {
    initial: std::sync::Mutex<Option<T>>,
    object: OnceLock<loom::cell::UnsafeCell<T>>,
}

// SAFETY: as std's UnsafeCell, which is Send if T is; the OnceLock only delays its making.
unsafe impl<T: Send> Send for UnsafeCell<T> {}

impl<T: Default> Default for UnsafeCell<T> {
    fn default() -> Self {
        UnsafeCell::new(T::default())
    }
}

impl<T> UnsafeCell<T> {
    /// Makes a cell around `value`.
    pub const fn new(value: T) -> Self {
        UnsafeCell { initial: std::sync::Mutex::new(Some(value)), object: OnceLock::new() }
    }

    fn object(&self) -> &loom::cell::UnsafeCell<T> {
        self.object.get_or_init(|| {
            let value = self.initial.lock().unwrap().take();
            loom::cell::UnsafeCell::new(value.expect("the initial value is taken once, here"))
        })
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.object();
        match self.object.into_inner() {
            Some(object) => object.into_inner(),
            None => unreachable!("made in the line above"),
        }
    }

    /// Hands out a pointer for reading; loom reports a concurrent write.
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.object().with(read)
    }

    /// Hands out a pointer for writing; loom reports any concurrent access.
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.object().with_mut(write)
    }
}
