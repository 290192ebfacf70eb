//! The loom build: the same names over loom's objects.
//!
//! 1. Every constructor makes its loom object at once, so it belongs to the modelled thread that calls it.
//! 2. Loom has no time: waits with a limit wait without one.

pub use loom::sync::{Arc, atomic};
pub use loom::{hint, thread};
pub use std::sync::Weak;

/// Whether loom models this build. Small constants depend on it: a model explores every interleaving.
pub const MODELLED: bool = true;

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

/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

/// A lock that ignores poisoning.
#[derive(Debug, Default)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Makes an unlocked lock around `value`.
    pub fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap()
    }

    /// Locks, blocking the modelled thread while another holds the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }

    /// Locks if nobody holds the lock now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }

    /// The value, with no need to lock: `&mut self` proves that nobody else can.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap()
    }
}

/// The guards of a [`RwLock`].
pub type RwLockReadGuard<'a, T> = loom::sync::RwLockReadGuard<'a, T>;
/// The guards of a [`RwLock`].
pub type RwLockWriteGuard<'a, T> = loom::sync::RwLockWriteGuard<'a, T>;

/// A lock for many readers or one writer, which ignores poisoning.
#[derive(Debug, Default)]
pub struct RwLock<T>(loom::sync::RwLock<T>);

impl<T> RwLock<T> {
    /// Makes an unlocked lock around `value`.
    pub fn new(value: T) -> Self {
        RwLock(loom::sync::RwLock::new(value))
    }

    /// Locks for reading, blocking the modelled thread while another writes.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap()
    }

    /// Locks for writing, blocking the modelled thread while others read or write.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap()
    }

    /// Locks for reading if nobody writes now.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read().ok()
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(loom::sync::Condvar);

impl Condvar {
    /// Makes a condition variable that nobody waits for.
    pub fn new() -> Self {
        Condvar(loom::sync::Condvar::new())
    }

    /// Gives the lock back, waits for a notification, locks again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap()
    }

    /// As [`wait`](Condvar::wait): rule 2.
    pub fn wait_for<'a, T>(&self, guard: MutexGuard<'a, T>, _limit: std::time::Duration) -> (MutexGuard<'a, T>, bool) {
        (self.wait(guard), false)
    }

    /// Wakes one waiting thread.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell whose accesses loom checks.
#[derive(Debug, Default)]
pub struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Makes a cell around `value`.
    pub fn new(value: T) -> Self {
        UnsafeCell(loom::cell::UnsafeCell::new(value))
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    /// Hands out a pointer for reading; loom reports a concurrent write.
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.0.with(read)
    }

    /// Hands out a pointer for writing; loom reports any concurrent access.
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(write)
    }
}
