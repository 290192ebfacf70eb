//! Which process of a line of forks is this? What was made before a fork belongs to the parent, also in the child's memory.
//!
//! 1. The number of this process changes in a child only, before `fork` returns there, while it has one thread. So no
//!    order is needed: whoever reads it has seen all that came before.
//! 2. [`became_child`] stores one word: it may be called where only a signal handler's means are allowed.
//! 3. Threads do not survive a fork. So what belongs to the parent may be locked for ever, or half-changed, and whoever
//!    would have told us of news is not there: it is left alone, neither locked nor waited for nor freed.
//! 4. A value that every process needs for itself is a [`PerProcess`]. It has no lock of its own.
//!
//! The real kernel says when a child begins. Whatever may be locked, waited for or freed later remembers [`Process::this`]
//! when it is made.

use std::fmt;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

static THIS: AtomicU32 = AtomicU32::new(FIRST.0);

const FIRST: Process = Process(1);

/// What a panic says about a runtime that belongs to the parent.
pub const OF_THE_PARENT: &str = "this runtime belongs to the parent process: threads do not survive fork, so nothing would \
                                 ever run here. Build a new runtime in the child";

/// A process, as what is made in it remembers it. One before us is told from this one, and that is all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// That which the thread is in.
    #[inline]
    pub fn this() -> Process {
        // Relaxed: rule 1.
        Process(THIS.load(Ordering::Relaxed))
    }

    /// Whether the thread is in it, and not in a child of it.
    #[inline]
    pub fn is_this(self) -> bool {
        self == Process::this()
    }

    /// For operations that can't be had of a runtime of the parent.
    ///
    /// # Panics
    /// If this belongs to a runtime of the parent.
    #[inline]
    #[track_caller]
    pub fn assert_is_this(self) {
        if !self.is_this() {
            of_the_parent(Location::caller());
        }
    }

    /// A number above 0 that no other process of the line has, for thread-locals, which begin without one.
    #[inline]
    pub const fn to_number(self) -> u32 {
        self.0
    }
}

/// Which process uses a thing, where that is not known when it is made, or changes.
#[derive(Debug)]
pub struct UsedBy(AtomicU32);

impl UsedBy {
    /// None yet.
    pub const fn nobody() -> UsedBy {
        UsedBy(AtomicU32::new(0))
    }

    /// This one.
    #[inline]
    pub fn set_this(&self) {
        // Relaxed, here and below: rule 1. The threads of one process write the same.
        self.0.store(Process::this().0, Ordering::Relaxed);
    }

    /// None any more.
    pub fn set_nobody(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the last one was this.
    #[inline]
    pub fn is_this(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Process::this().0
    }

    /// Whether the last one was the parent.
    #[inline]
    pub fn is_the_parent(&self) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        last != 0 && last != Process::this().0
    }
}

#[cold]
#[track_caller]
fn of_the_parent(_at: &'static Location<'static>) -> ! {
    panic!("{OF_THE_PARENT}")
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_this() { "Process(this)" } else { "Process(parent)" })
    }
}

/// This process is a child that has just begun: what was made before is the parent's.
pub fn became_child() {
    // No addition in one step: there is one thread (rule 1). No line of forks has so many that the numbers end.
    THIS.store(Process::this().0.wrapping_add(1).max(FIRST.0 + 1), Ordering::Relaxed);
}

/// Whether this process is a child of one that had a runtime.
pub fn is_child() -> bool {
    Process::this() != FIRST
}

/// Ends a child whose only thread belonged to a runtime of the parent: it has nothing else to do.
pub fn abort_in_child() -> ! {
    eprintln!(
        "unstuck: a task, a blocking closure or a hook forked, and returned in the child. {OF_THE_PARENT}, and end it there"
    );
    std::process::abort()
}

/// A value of which every process makes its own when it first asks; see rule 4.
pub struct PerProcess<T: 'static> {
    made: AtomicPtr<Made<T>>,
    make: fn() -> T,
}

struct Made<T> {
    by: Process,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    /// A value that `make` makes.
    pub const fn new(make: fn() -> T) -> Self {
        PerProcess { made: AtomicPtr::new(ptr::null_mut()), make }
    }

    /// The value of this process. That of the parent stays in the memory, for whoever has a reference to it.
    pub fn get(&'static self) -> &'static T {
        // Acquire: pairs with the Release below.
        let found = self.made.load(Ordering::Acquire);
        match Self::of_this_process(found) {
            Some(value) => value,
            None => self.replace(found),
        }
    }

    #[cold]
    fn replace(&'static self, found: *mut Made<T>) -> &'static T {
        let new = Box::into_raw(Box::new(Made { by: Process::this(), value: (self.make)() }));
        // Release: whoever reads the pointer sees the value. Acquire: another thread has made one.
        match self.made.compare_exchange(found, new, Ordering::Release, Ordering::Acquire) {
            // SAFETY: it was just made, and is never freed from here on.
            Ok(_) => unsafe { &(*new).value },
            Err(others) => {
                // SAFETY: nobody has seen ours.
                drop(unsafe { Box::from_raw(new) });
                Self::of_this_process(others).expect("while this process lives, it is replaced once")
            }
        }
    }

    fn of_this_process(made: *mut Made<T>) -> Option<&'static T> {
        // SAFETY: what was published is never freed or changed.
        let made = unsafe { made.as_ref() }?;
        made.by.is_this().then_some(&made.value)
    }
}

impl<T> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerProcess").finish_non_exhaustive()
    }
}
