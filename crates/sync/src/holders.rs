//! Who holds the locks that somebody waits for.
//!
//! 1. A lock notes its holder in two words of its own (`HeldBy`): plain stores, whether or not somebody waits.
//! 2. A lock that was held when a first waiter came has an entry in the table, from then until it is dropped. The entry
//!    has the lock's address as its key while somebody waits, and none at other times. What never has a single holder
//!    (a semaphore, a channel) has no entry, and pays nothing.
//! 3. Nobody follows a key: an entry is a copy. Entries are never freed, only used again, so that a lock which was
//!    leaked, or moved away from its leaked waiters, leaves an old entry at the worst.
//! 4. What it says is for reports. A waiter that comes in the few nanoseconds between an acquisition and its note reads
//!    the holder before; words read while they change may belong to two moments.
//!
//! `permits` writes; an inspector that read the key in a task's waits looks it up. Nobody is
//! woken from here.

use std::num::NonZeroU64;
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unstuck_base::CachePadded;
use unstuck_base::fork::PerProcess;
use unstuck_base::local::{self, TaskRef};

use crate::wait_list::Seen;

/// Who acquired a lock, and where.
///
/// # Examples
///
/// ```
/// # use std::future::Future;
/// # use std::pin::pin;
/// # use std::task::{Context, Waker};
/// use unstuck_base::local;
/// use unstuck_sync::{Mutex, holders};
///
/// let mutex = Mutex::new(());
/// # let poll = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
/// // In a poll of some task:
/// let (task, line) = (local::current_task().unwrap(), line!() + 1);
/// let _guard = mutex.try_lock().unwrap();
/// # local::end_poll(poll);
/// # let poll = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
/// # let mut waiting = pin!(mutex.lock());
/// # assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
/// # let key = local::waits().next().unwrap().key;
/// # local::end_poll(poll);
///
/// // Once another task waits for the lock under `key`:
/// let holder = holders::look_up(key).unwrap().holder.unwrap();
/// assert_eq!(holder.task, Some(task.id));
/// assert_eq!(holder.at.line(), line);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The task, or `None` for code outside any task.
    pub task: Option<NonZeroU64>,
    /// Where the user's code asked for the lock.
    pub at: &'static Location<'static>,
}

/// To whom a lock was given that has not fetched it yet.
///
/// # Examples
///
/// ```
/// # use std::future::Future;
/// # use std::pin::pin;
/// # use std::task::{Context, Waker};
/// use unstuck_base::local;
/// use unstuck_sync::{Mutex, holders};
///
/// let mutex = Mutex::new(());
/// let guard = mutex.try_lock().unwrap();
///
/// // Two tasks wait for the lock, under `key`:
/// let [first, second] = [(); 2].map(|()| local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
/// # let (mut one, mut two) = (pin!(mutex.lock()), pin!(mutex.lock()));
/// # let cx = &mut Context::from_waker(Waker::noop());
/// # let poll = local::begin_poll(first);
/// # assert!(one.as_mut().poll(cx).is_pending());
/// # let key = local::waits().next().unwrap().key;
/// # local::end_poll(poll);
/// # let poll = local::begin_poll(second);
/// # assert!(two.as_mut().poll(cx).is_pending());
/// # local::end_poll(poll);
/// assert_eq!(holders::look_up(key).unwrap().grantee, None);
///
/// // It is the first one's turn, but that has not fetched it yet.
/// drop(guard);
/// let grantee = holders::look_up(key).unwrap().grantee.unwrap();
/// assert_eq!(grantee.seen, Some(first));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grantee {
    /// The task, and the poll in which the waiting future was last seen. If the task has ended a later poll, it does
    /// not poll that future any more.
    pub seen: Option<TaskRef>,
    /// Where the user's code asked for the lock.
    pub at: &'static Location<'static>,
}

/// What is known of a lock that somebody waits for.
///
/// # Examples
///
/// ```
/// # use std::future::Future;
/// # use std::pin::pin;
/// # use std::task::{Context, Waker};
/// use unstuck_base::local;
/// use unstuck_sync::{Mutex, holders};
///
/// let mutex = Mutex::new(());
/// let guard = mutex.try_lock().unwrap();
/// # let poll = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
/// # let mut waiting = pin!(mutex.lock());
/// # assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
/// # let key = local::waits().next().unwrap().key;
/// # local::end_poll(poll);
///
/// // While somebody waits for the lock under `key`:
/// let held = holders::look_up(key).unwrap();
/// assert!(held.holder.is_some() && held.grantee.is_none());
/// # drop(guard);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who holds it; `None` when many may (readers).
    pub holder: Option<Holder>,
    /// Who was given it last and has not fetched it; such a one comes after the holder.
    pub grantee: Option<Grantee>,
}

/// What is known of the lock with this key; `None` when nobody waits for it, or it has no single holder.
///
/// # Examples
///
/// ```
/// # use std::future::Future;
/// # use std::pin::pin;
/// # use std::task::{Context, Waker};
/// use unstuck_base::local;
/// use unstuck_sync::{Mutex, holders};
///
/// let mutex = Mutex::new(());
/// let guard = mutex.try_lock().unwrap();
/// {
///     // A task waits for it. What it waits for is on record, with the key.
/// #   let poll = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
///     let mut waiting = pin!(mutex.lock());
/// #   assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
///     let key = local::waits().next().unwrap().key;
/// #   local::end_poll(poll);
///     assert!(holders::look_up(key).is_some());
/// }
/// // The key of what nobody waits for, or of what is no lock, has no entry.
/// assert_eq!(holders::look_up(std::ptr::from_ref(&guard).addr()), None);
/// ```
pub fn look_up(key: usize) -> Option<Held> {
    snapshot().into_iter().find(|(found, _)| *found == key).map(|(_, held)| held)
}

/// What is known of every lock that somebody waits for, by key.
///
/// # Examples
///
/// ```
/// # use std::future::Future;
/// # use std::pin::pin;
/// # use std::task::{Context, Waker};
/// use unstuck_base::local;
/// use unstuck_sync::{Mutex, holders};
///
/// let mutex = Mutex::new(());
/// let _guard = mutex.try_lock().unwrap();
/// # let poll = local::begin_poll(local::TaskRef { id: local::next_task_id(), poll: 1, root: false });
/// # let mut waiting = pin!(mutex.lock());
/// # assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
/// # let key = local::waits().next().unwrap().key;
/// # local::end_poll(poll);
///
/// // While somebody waits for the lock under `key`:
/// let holders: Vec<_> = holders::snapshot().into_iter().filter(|(found, _)| *found == key).collect();
/// assert_eq!(holders.len(), 1);
/// ```
pub fn snapshot() -> Vec<(usize, Held)> {
    let mut found = Vec::new();
    for at in 0..SHARDS {
        for entry in &shard(at).all {
            match entry.key.load(Relaxed) {
                0 => {}
                key => found.push((key, entry.held())),
            }
        }
    }
    found
}

/// A task, or none, and a line of code, or none. They are std's atomics also in a model: reports must not multiply its
/// branches.
#[derive(Debug)]
struct Who {
    task: AtomicU64,
    at: AtomicPtr<Location<'static>>,
}

/// The words in a lock that say who holds it.
#[derive(Debug)]
pub(crate) struct HeldBy {
    holder: Who,
    /// Null: none was needed so far. Changed under the lock of the wait list.
    entry: AtomicPtr<Entry>,
}

/// One lock's entry in the table.
#[derive(Debug)]
struct Entry {
    /// 0: nobody waits.
    key: AtomicUsize,
    holder: Who,
    grantee: Who,
    /// Of the grantee's [`TaskRef`]: the poll number, and whether it is a root.
    seen: AtomicU64,
    /// The shard of the table that it is in.
    home: usize,
}

impl Who {
    const fn nobody() -> Self {
        Who { task: AtomicU64::new(0), at: AtomicPtr::new(std::ptr::null_mut()) }
    }

    #[inline]
    fn set(&self, task: Option<NonZeroU64>, at: &'static Location<'static>) {
        // Relaxed: rule 4.
        self.task.store(task.map_or(0, NonZeroU64::get), Relaxed);
        self.at.store(std::ptr::from_ref(at).cast_mut(), Relaxed);
    }

    fn clear(&self) {
        self.at.store(std::ptr::null_mut(), Relaxed);
    }

    fn get(&self) -> Option<Holder> {
        // SAFETY: the pointer is null or was made from a `&'static`.
        let at = unsafe { self.at.load(Relaxed).as_ref() }?;
        Some(Holder { task: NonZeroU64::new(self.task.load(Relaxed)), at })
    }

    fn copy(&self, from: &Who) {
        self.task.store(from.task.load(Relaxed), Relaxed);
        self.at.store(from.at.load(Relaxed), Relaxed);
    }
}

impl HeldBy {
    /// Nobody was noted.
    pub(crate) const fn nobody() -> Self {
        HeldBy { holder: Who::nobody(), entry: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Notes the task that this thread polls.
    #[inline]
    pub(crate) fn set(&self, at: &'static Location<'static>) {
        self.holder.set(local::current_task().map(|task| task.id), at);
    }

    /// Notes that nobody holds the lock alone.
    #[inline]
    pub(crate) fn clear(&self) {
        self.holder.clear();
    }

    /// The first waiter came.
    pub(crate) fn first_waiter(&self, key: usize) {
        if self.holder.get().is_none() {
            return;
        }
        let entry = self.entry().unwrap_or_else(|| {
            let entry = Entry::take();
            self.entry.store(std::ptr::from_ref(entry).cast_mut(), Relaxed);
            entry
        });
        entry.grantee.clear();
        entry.holder.copy(&self.holder);
        entry.key.store(key, Relaxed);
    }

    /// The lock was given to a waiter, and others wait on.
    pub(crate) fn granted(&self, to: Seen) {
        if let Some(entry) = self.entry() {
            entry.seen.store(to.stamp.map_or(0, |seen| u64::from(seen.poll) << 1 | u64::from(seen.root)), Relaxed);
            entry.grantee.set(to.stamp.map(|seen| seen.id), to.at);
        }
    }

    /// What was granted has been fetched, and others wait on.
    #[cold]
    pub(crate) fn fetched(&self) {
        if let Some(entry) = self.entry() {
            entry.grantee.clear();
            entry.holder.copy(&self.holder);
        }
    }

    /// The last waiter left.
    pub(crate) fn last_waiter(&self) {
        if let Some(entry) = self.entry() {
            entry.key.store(0, Relaxed);
        }
    }

    /// The lock is dropped: its entry is free for another one.
    pub(crate) fn retire(&self) {
        if let Some(entry) = self.entry() {
            entry.give_back();
        }
    }

    fn entry(&self) -> Option<&'static Entry> {
        // SAFETY: the pointer is null or was made from a `&'static` (rule 3).
        unsafe { self.entry.load(Relaxed).as_ref() }
    }
}

impl Entry {
    /// An entry without a key, for a lock that has none yet.
    #[cold]
    fn take() -> &'static Entry {
        let home = local::spread() % SHARDS;
        let mut shard = shard(home);
        shard.free.pop().unwrap_or_else(|| {
            let entry: &'static Entry = Box::leak(Box::new(Entry {
                key: AtomicUsize::new(0),
                holder: Who::nobody(),
                grantee: Who::nobody(),
                seen: AtomicU64::new(0),
                home,
            }));
            shard.all.push(entry);
            entry
        })
    }

    fn give_back(&'static self) {
        self.key.store(0, Relaxed);
        shard(self.home).free.push(self);
    }

    fn held(&self) -> Held {
        let seen = self.seen.load(Relaxed);
        let task_ref = |id| TaskRef { id, poll: (seen >> 1) as u32, root: seen & 1 != 0 };
        Held {
            holder: self.holder.get(),
            grantee: self.grantee.get().map(|to| Grantee { seen: to.task.map(task_ref), at: to.at }),
        }
    }
}

/// Entries that were made by some of the threads.
struct Shard {
    all: Vec<&'static Entry>,
    free: Vec<&'static Entry>,
}

const SHARDS: usize = 16;

static TABLE: PerProcess<[CachePadded<Mutex<Shard>>; SHARDS]> =
    PerProcess::new(|| [const { CachePadded::new(Mutex::new(Shard { all: Vec::new(), free: Vec::new() })) }; SHARDS]);

fn shard(at: usize) -> MutexGuard<'static, Shard> {
    TABLE.get()[at].lock().unwrap_or_else(PoisonError::into_inner)
}
