//! What other threads see of one worker.
//!
//! 1. The ring and the slot are filled by the worker of the place; others take from them.
//! 2. The slot (LIFO slot) holds the runnable that was woken last, to be run next while its data is warm. Owner and thief
//!    both take by a swap, so it is sound to take from any thread; thieves leave it alone unless its worker looks stuck.
//! 3. The epoch is even between two polls and odd during one. Only the worker writes it, with plain stores; a watcher
//!    that sees the same odd epoch for too long knows that one poll has not ended.
//! 4. The monitor opens the slot of a place to thieves while a poll there is stuck, and notes the epoch of a poll that
//!    burns; the worker reads that note when the poll ends.
//! 5. A worker that is going to sleep in the driver says so before it looks for notifications, and an unparking thread
//!    leaves the notification before it looks where the worker sleeps.

use std::ptr::{self, NonNull};

use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use unstuck_driver::ThreadKey;
use unstuck_task::{Id, Runnable};

use super::judge::{Kind, Sample};
use super::ring::Ring;
use crate::asleep::Asleep;

/// One worker, as others see it; see the module's rules.
pub(crate) struct Place {
    pub(crate) ring: Ring,
    slot: AtomicPtr<()>,
    epoch: AtomicU64,
    /// The id of the task that is polled, or was last.
    task: AtomicU64,
    /// Whether the worker is in a blocking part that it announced.
    announced: AtomicBool,
    /// What is known of the task that is polled: a [`Kind`].
    kind: AtomicUsize,
    /// Rule 4.
    slot_is_open: AtomicBool,
    /// Rule 4; 0 for none.
    burning: AtomicU64,
    /// The key of the worker's thread; 0 for none.
    thread: AtomicU64,
    parker: Parker,
    seated: Asleep,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place {
            ring: Ring::new(),
            slot: AtomicPtr::new(ptr::null_mut()),
            epoch: AtomicU64::new(0),
            task: AtomicU64::new(0),
            announced: AtomicBool::new(false),
            kind: AtomicUsize::new(Kind::Usual as usize),
            slot_is_open: AtomicBool::new(false),
            burning: AtomicU64::new(0),
            thread: AtomicU64::new(0),
            parker: Parker::new(),
            seated: Asleep::new(),
        }
    }

    /// Puts a runnable into the slot, and returns the one that was there.
    #[inline]
    pub(crate) fn swap_slot(&self, task: Runnable) -> Option<Runnable> {
        // AcqRel: Release for whoever takes this one, Acquire for the one that we take.
        Self::from_slot(self.slot.swap(task.into_raw().as_ptr(), Ordering::AcqRel))
    }

    /// Takes the runnable out of the slot.
    #[inline]
    pub(crate) fn take_slot(&self) -> Option<Runnable> {
        // Relaxed: only a hint that saves the swap; the worker itself fills the slot.
        if self.slot.load(Ordering::Relaxed).is_null() {
            return None;
        }
        // Acquire: pairs with the Release in `swap_slot`.
        Self::from_slot(self.slot.swap(ptr::null_mut(), Ordering::Acquire))
    }

    /// Takes the runnable out of the slot of another worker, if that is stuck.
    pub(crate) fn steal_slot(&self) -> Option<Runnable> {
        // Relaxed: a hint; the swap decides who has it.
        if self.slot_is_open.load(Ordering::Relaxed) { self.take_slot() } else { None }
    }

    /// Whether there is something that others may take.
    pub(crate) fn has_work_for_others(&self) -> bool {
        !self.ring.is_empty()
            // Relaxed: as in `has_work`, whose caller has fenced.
            || (self.slot_is_open.load(Ordering::Relaxed) && !self.slot.load(Ordering::Relaxed).is_null())
    }

    /// Says whether others may take what is in the slot. Only the monitor.
    pub(crate) fn open_slot(&self, open: bool) {
        // Relaxed: as in `steal_slot`.
        if self.slot_is_open.load(Ordering::Relaxed) != open {
            self.slot_is_open.store(open, Ordering::Relaxed);
        }
    }

    /// How many runnables are queued here.
    #[inline]
    pub(crate) fn queued(&self) -> usize {
        // Relaxed: the worker itself asks, or it is a hint.
        self.ring.len() + usize::from(!self.slot.load(Ordering::Relaxed).is_null())
    }

    fn from_slot(raw: *mut ()) -> Option<Runnable> {
        // SAFETY: what is in the slot was put there by `into_raw`, and a swap gives it to one thread (rule 2).
        NonNull::new(raw).map(|raw| unsafe { Runnable::from_raw(raw) })
    }

    /// A poll of this task begins (rule 3). Only the worker.
    #[inline]
    pub(crate) fn begin_poll(&self, task: Id) {
        // Relaxed: who asks for it has to do with a hint.
        self.task.store(task.number().get(), Ordering::Relaxed);
        self.turn_epoch();
    }

    /// The poll has ended. Only the worker.
    #[inline]
    pub(crate) fn end_poll(&self) {
        self.turn_epoch();
    }

    fn turn_epoch(&self) {
        // Relaxed: one writer; a watcher only compares what it sees with what it saw.
        self.epoch.store(self.epoch.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// The number of the task that is polled, and the epoch of that poll. A hint: by the time that it is read, the poll may
    /// have ended.
    pub(crate) fn polled(&self) -> Option<(u64, u64)> {
        let (epoch, task) = (self.epoch.load(Ordering::Relaxed), self.task.load(Ordering::Relaxed));
        (!epoch.is_multiple_of(2)).then_some((task, epoch))
    }

    /// How many polls the worker has begun, and whether it is in one now.
    pub(crate) fn polls(&self) -> (u64, bool) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        (epoch.div_ceil(2), epoch % 2 == 1)
    }

    /// What a watcher sees.
    pub(crate) fn sample(&self) -> Sample {
        // Relaxed: as in `turn_epoch`; the flags are hints.
        Sample {
            epoch: self.epoch.load(Ordering::Relaxed),
            announced: self.announced.load(Ordering::Relaxed),
            kind: match self.kind.load(Ordering::Relaxed) {
                kind if kind == Kind::Long as usize => Kind::Long,
                kind if kind == Kind::New as usize => Kind::New,
                _ => Kind::Usual,
            },
        }
    }

    /// A blocking part begins or ends. Only the worker.
    pub(crate) fn announce(&self, blocks: bool) {
        self.announced.store(blocks, Ordering::Relaxed);
    }

    /// Whether the worker is in a blocking part.
    pub(crate) fn is_announced(&self) -> bool {
        // Relaxed: the worker itself has seen to it that its spare comes.
        self.announced.load(Ordering::Relaxed)
    }

    /// The poll of this epoch was found to burn. Only the monitor.
    pub(crate) fn poll_burns(&self, epoch: u64) {
        self.burning.store(epoch, Ordering::Relaxed);
    }

    /// Whether the poll that is ending was found to burn. Only the worker.
    #[inline]
    pub(crate) fn poll_burned(&self) -> bool {
        self.burning.load(Ordering::Relaxed) != 0 && self.take_burning()
    }

    #[cold]
    fn take_burning(&self) -> bool {
        self.burning.swap(0, Ordering::Relaxed) == self.epoch.load(Ordering::Relaxed)
    }

    /// What is known of the task that is polled next. Only the worker.
    pub(crate) fn set_kind(&self, kind: Kind) {
        self.kind.store(kind as usize, Ordering::Relaxed);
    }

    /// The thread that has this place, or has left it. Only the worker.
    pub(crate) fn set_thread(&self, thread: Option<ThreadKey>) {
        self.thread.store(thread.map_or(0, |key| key.0), Ordering::Relaxed);
    }

    /// The thread of the worker.
    pub(crate) fn thread(&self) -> Option<ThreadKey> {
        Some(self.thread.load(Ordering::Relaxed)).filter(|key| *key != 0).map(ThreadKey)
    }

    /// Wakes the worker wherever it sleeps (`unpark_driver` wakes who sleeps in the driver), or makes its next sleep
    /// return at once.
    pub(crate) fn unpark(&self, unpark_driver: impl FnOnce()) {
        self.parker.unpark();
        if self.seated.must_wake() {
            unpark_driver();
        }
    }

    /// Sleeps on the parker.
    pub(crate) fn park(&self) {
        self.parker.park();
    }

    /// Runs `sleep`, which sleeps in the driver, unless the worker was unparked already.
    pub(crate) fn sit<R>(&self, sleep: impl FnOnce() -> R) -> Option<R> {
        self.seated.lie_down();
        let result = (!self.parker.take_notification()).then(sleep);
        self.seated.get_up();
        // What came meanwhile has done its work: the sleep is over.
        self.parker.take_notification();
        result
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.take_slot());
    }
}
