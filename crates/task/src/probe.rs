//! What an inspector sees of a task without polling it.
//!
//! 1. The record is written by the runner after each poll that returned Pending, and read by anybody at any time: a
//!    version, odd while a write is in progress, tells a torn read apart.
//! 2. Writing costs plain stores to the task's own memory. No clock is read.

use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;

use unstuck_base::local::{Wait, WaitKind, Waits};
use unstuck_base::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};

use crate::header::Header;
use crate::id::Id;
use crate::origin::Extra;

/// One poll, in the part of `meta` that counts those that remember a long one.
const LONG_POLL: u64 = 1 << 16;

/// So many polls remember one that was long.
const LONG_POLLS: u64 = 8 * LONG_POLL;

const LONG: u64 = 0xFF * LONG_POLL;

/// One poll, in the part of `meta` that counts those that used up their budget.
const SPENT_POLL: u64 = 1 << 24;

const SPENT: u64 = 0xFF * SPENT_POLL;

/// What is no part of what the task waits for, nor of the version.
const COUNTS: u64 = LONG | SPENT;

/// What a task waits for, as words; see the module's rules.
pub(crate) struct Record {
    /// Version in the upper half; below it how many polls have used up their budget (255: or more), then how many polls more
    /// the task counts as one with long polls, then the kind, then how many things there are.
    meta: AtomicU64,
    key: AtomicUsize,
    at: AtomicPtr<Location<'static>>,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// The first thing it waits for; none: something foreign to this runtime.
    pub first: Option<Wait>,
    /// How many things it waits for at the same time.
    pub count: u8,
}

/// What an inspector sees of one task.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its id.
    pub id: Id,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// What its spawner called it.
    pub name: Option<Arc<str>>,
    /// Whether a thread polls it now.
    pub running: bool,
    /// Whether it is queued to be polled.
    pub scheduled: bool,
    /// How often it was polled (wraps around).
    pub polls: u32,
    /// How many of these polls have used up their budget; 255 stands for more.
    pub forced_yields: u8,
    /// What it waited for when its last poll ended.
    pub waiting: Waiting,
}

impl Record {
    pub(crate) fn new() -> Self {
        Record { meta: AtomicU64::new(0), key: AtomicUsize::new(0), at: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// The poll has ended; it waits for `waits`. Only the runner calls this.
    #[inline]
    pub(crate) fn end_poll(&self, waits: Waits) {
        // Relaxed: one writer.
        let meta = self.meta.load(Ordering::Relaxed);
        if waits.len == 0 && meta as u8 == 0 {
            return;
        }
        let version = (meta >> 32) as u32;
        let kind = waits.first.map_or(0, |wait| wait.kind as u8);
        let counts = meta & COUNTS;
        self.meta.store(u64::from(version | 1) << 32 | counts, Ordering::Relaxed);
        // Release: pairs with the Acquire fence in `read`: who sees a new key also sees the odd version.
        fence(Ordering::Release);
        if let Some(wait) = waits.first {
            self.key.store(wait.key, Ordering::Relaxed);
            self.at.store(std::ptr::from_ref(wait.at).cast_mut(), Ordering::Relaxed);
        }
        let next = (version | 1).wrapping_add(1);
        // Release: pairs with the Acquire in `read`, which must see the key and the place.
        let meta = u64::from(next) << 32 | counts | u64::from(kind) << 8 | u64::from(waits.len);
        self.meta.store(meta, Ordering::Release);
    }

    /// Whether one of the last polls was long.
    #[inline]
    pub(crate) fn is_long(&self) -> bool {
        self.meta.load(Ordering::Relaxed) & LONG != 0
    }

    /// A poll has ended that was long, or one of a task with long polls that was not. Only the runner calls this.
    #[cold]
    pub(crate) fn note_length(&self, was_long: bool) {
        let meta = self.meta.load(Ordering::Relaxed);
        let more = if was_long { LONG_POLLS } else { (meta & LONG) - LONG_POLL };
        // Release: who reads the rest of the word relies on what `end_poll` released.
        self.meta.store(meta & !LONG | more, Ordering::Release);
    }

    /// How many polls have used up their budget, 255 or more.
    pub(crate) fn forced_yields(&self) -> u8 {
        (self.meta.load(Ordering::Relaxed) / SPENT_POLL) as u8
    }

    /// A poll has ended that used up its budget. Only the runner calls this.
    #[cold]
    pub(crate) fn note_spent(&self) {
        let meta = self.meta.load(Ordering::Relaxed);
        if meta & SPENT != SPENT {
            // Release: as in `note_length`.
            self.meta.store(meta + SPENT_POLL, Ordering::Release);
        }
    }

    /// What the last poll waited for; `None` while it is being written.
    pub(crate) fn read(&self) -> Option<Waiting> {
        // Acquire: pairs with the Release at the end of `end_poll`.
        let before = self.meta.load(Ordering::Acquire);
        let key = self.key.load(Ordering::Relaxed);
        let at = self.at.load(Ordering::Relaxed);
        // Acquire: pairs with the Release fence in `end_poll`.
        fence(Ordering::Acquire);
        let after = self.meta.load(Ordering::Relaxed);
        if before != after || (before >> 32) & 1 == 1 {
            return None;
        }
        let count = before as u8;
        let first = WaitKind::from_number((before >> 8) as u8).map(|kind| {
            // SAFETY: with a kind, the place was stored from a `&'static Location` in the same version.
            Wait { kind, key, at: unsafe { &*at } }
        });
        Some(Waiting { first, count })
    }
}

impl Probe {
    /// What an inspector sees now. Never waits for the runner: while it writes, what the task waits for is unknown.
    ///
    /// # Safety
    /// The task is live.
    pub(crate) unsafe fn of(task: NonNull<Header>) -> Probe {
        // SAFETY: the caller's.
        let (header, extra) = unsafe { (task.as_ref(), Extra::of(task)) };
        let state = header.state.snapshot();
        Probe {
            id: header.id,
            spawned_at: header.spawned_at,
            name: extra.and_then(|extra| extra.name()).cloned(),
            running: state.is_running(),
            scheduled: state.is_scheduled(),
            // Relaxed: any recent number will do.
            polls: header.polls.load(Ordering::Relaxed),
            forced_yields: header.record.forced_yields(),
            waiting: header.record.read().unwrap_or(Waiting { first: None, count: 0 }),
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_long_poll_is_remembered_for_some_polls_whatever_they_wait_for() {
        let record = Record::new();
        assert!(!record.is_long());
        record.note_length(true);
        let wait = Wait { kind: WaitKind::Mutex, key: 0x77, at: Location::caller() };
        for _ in 0..7 {
            record.end_poll(Waits { len: 1, first: Some(wait), spent: false });
            assert!(record.is_long());
            record.note_length(false);
            assert_eq!(record.read().unwrap().first.unwrap().key, 0x77);
        }
        record.note_length(false);
        assert!(!record.is_long());
        assert_eq!(record.read().unwrap().count, 1);
    }

    #[test]
    fn a_record_tells_the_last_poll_and_is_cleared_by_one_that_waits_for_nothing_of_ours() {
        let record = Record::new();
        let here = Location::caller();
        let wait = Wait { kind: WaitKind::Mutex, key: 0x77, at: here };
        record.end_poll(Waits { len: 3, first: Some(wait), spent: false });
        let waiting = record.read().unwrap();
        assert_eq!((waiting.count, waiting.first.unwrap().key), (3, 0x77));
        assert_eq!(waiting.first.unwrap().at, here);
        record.end_poll(Waits::default());
        assert!(record.read().unwrap().first.is_none());
    }

    #[test]
    fn polls_that_use_up_their_budget_are_counted_beside_all_else_and_up_to_255() {
        let record = Record::new();
        record.note_length(true);
        for count in 1..300 {
            let wait = Wait { kind: WaitKind::Receive, key: count, at: Location::caller() };
            record.end_poll(Waits { len: 1, first: Some(wait), spent: true });
            record.note_spent();
            assert_eq!(usize::from(record.forced_yields()), count.min(255));
            assert_eq!(record.read().unwrap().first.unwrap().key, count);
            assert!(record.is_long());
        }
    }
}
