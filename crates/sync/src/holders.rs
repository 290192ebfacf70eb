//! Who holds the locks that somebody waits for.
//!
//! 1. A lock notes its holder in two words of its own ([`HeldBy`]): plain stores, whether or not somebody waits.
//! 2. The table has an entry for a lock that was held when its first waiter came, until its last waiter left; both
//!    happen under the lock of its wait list. It is keyed by address, and nobody follows the address: an entry is a copy.
//!    What never has a single holder (a semaphore, a channel) is never entered, and pays nothing.
//! 3. What it says is for reports. A waiter that comes in the few nanoseconds between an acquisition and its note reads
//!    the holder before.
//!
//! [`Permits`](crate::permits::Permits) writes; an inspector that read the key in a task's waits looks it up. Nobody is
//! woken from here.

use std::num::NonZeroU64;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unstuck_base::CachePadded;
use unstuck_base::local::{self, TaskRef};

use crate::wait_list::Seen;

/// Who acquired a lock, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The task, or `None` for code outside any task.
    pub task: Option<NonZeroU64>,
    /// Where the user's code asked for the lock.
    pub at: &'static Location<'static>,
}

/// To whom a lock was given that has not fetched it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grantee {
    /// The task, and the poll in which the waiting future was last seen. If the task has ended a later poll, it does
    /// not poll that future any more.
    pub seen: Option<TaskRef>,
    /// Where the user's code asked for the lock.
    pub at: &'static Location<'static>,
}

/// What is known of a lock that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who holds it; `None` when the lock has no single holder (a semaphore).
    pub holder: Option<Holder>,
    /// Who was given it last and has not fetched it; such a one comes after the holder.
    pub grantee: Option<Grantee>,
}

/// What is known of the lock with this key; `None` when nobody waits for it.
pub fn look_up(key: usize) -> Option<Held> {
    shard(key).iter().find(|entry| entry.0 == key).map(|entry| entry.1)
}

/// The words in a lock that say who holds it. They are std's atomics also in a model: reports must not multiply its
/// branches.
#[derive(Debug)]
pub(crate) struct HeldBy {
    task: AtomicU64,
    /// Null: nobody was noted.
    at: AtomicPtr<Location<'static>>,
    /// Whether the table has an entry. Written under the lock of the wait list.
    entered: AtomicBool,
}

impl HeldBy {
    /// Nobody was noted.
    pub(crate) const fn nobody() -> Self {
        HeldBy { task: AtomicU64::new(0), at: AtomicPtr::new(std::ptr::null_mut()), entered: AtomicBool::new(false) }
    }

    /// Notes the task that this thread polls.
    #[inline]
    pub(crate) fn set(&self, at: &'static Location<'static>) {
        // Relaxed: rule 3.
        self.task.store(local::current_task().map_or(0, |task| task.id.get()), Relaxed);
        self.at.store(std::ptr::from_ref(at).cast_mut(), Relaxed);
    }

    /// Notes that nobody holds the lock alone.
    #[inline]
    pub(crate) fn clear(&self) {
        self.at.store(std::ptr::null_mut(), Relaxed);
    }

    /// The first waiter came.
    pub(crate) fn first_waiter(&self, key: usize) {
        let Some(holder) = self.holder() else { return };
        self.entered.store(true, Relaxed);
        let mut shard = shard(key);
        // A leaked waiter can have left the entry of a lock that has moved away.
        shard.retain(|entry| entry.0 != key);
        shard.push((key, Held { holder: Some(holder), grantee: None }));
    }

    /// The lock was given to a waiter, and others wait on.
    pub(crate) fn granted(&self, key: usize, to: Seen) {
        self.change(key, |held| held.grantee = Some(Grantee { seen: to.stamp, at: to.at }));
    }

    /// What was granted has been fetched, and others wait on.
    #[cold]
    pub(crate) fn fetched(&self, key: usize) {
        self.change(key, |held| *held = Held { holder: self.holder(), grantee: None });
    }

    /// The last waiter left.
    pub(crate) fn last_waiter(&self, key: usize) {
        if self.entered.load(Relaxed) {
            self.entered.store(false, Relaxed);
            shard(key).retain(|entry| entry.0 != key);
        }
    }

    fn change(&self, key: usize, change: impl FnOnce(&mut Held)) {
        if self.entered.load(Relaxed)
            && let Some(entry) = shard(key).iter_mut().find(|entry| entry.0 == key)
        {
            change(&mut entry.1);
        }
    }

    /// Who was noted last.
    fn holder(&self) -> Option<Holder> {
        // SAFETY: the pointer is null or was made from a `&'static`.
        let at = unsafe { self.at.load(Relaxed).as_ref() }?;
        Some(Holder { task: NonZeroU64::new(self.task.load(Relaxed)), at })
    }
}

type Shard = Vec<(usize, Held)>;

const SHARDS: usize = 64;

fn shard(key: usize) -> MutexGuard<'static, Shard> {
    static TABLE: [CachePadded<Mutex<Shard>>; SHARDS] = [const { CachePadded::new(Mutex::new(Vec::new())) }; SHARDS];
    // Locks are words apart at least; a multiplication spreads what allocators line up.
    let spread = (key >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> (usize::BITS - 6);
    TABLE[spread % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
}
