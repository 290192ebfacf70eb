//! Takeover: a task can't deadlock on a grant that one of its futures has and does not fetch.
//!
//! 1. A waiter's siblings are the waiters of the same task in the same queue. A grant may pass from a waiter to a
//!    sibling, never to another task. Code outside any task (and so on a foreign executor) has no siblings.
//! 2. A grant wakes two siblings too, through their own wakers: the one that was polled next after the granted one, and
//!    the one that was polled last, as that is most likely what the task polls now. A sibling with the granted one's
//!    waker needs no wake of its own. A task that grants to itself wakes them when its poll ends. Who leaves, done or dropped, while a granted sibling is there wakes another one.
//! 3. A waiter that is polled and finds a granted sibling wakes itself, and looks again when its task is next polled. A
//!    granted sibling is abandoned when its task was polled once more, from beginning to end, and did not poll it. The
//!    poll in which the grant was first seen does not count, since the grant may have come in its middle: so the third
//!    poll with such a look tells. What is told stays true until the abandoned future is polled, whichever task does.
//! 4. A waiter takes over from abandoned siblings as many permits as it lacks. The two change places: the one that
//!    takes stands at the head of the queue, where the grant was, and the abandoned one where the other stood. So the
//!    turns of each task stay what they were: first come, first served between tasks, also if a task keeps a future that
//!    it does not poll and takes its turn again and again.
//! 5. Only the front may have a part of what it needs. What the former front had, and what the abandoned one had more
//!    than was needed, is handed out again from the front.
//! 6. As long as no two waiters have the same tag (some bits of the task's id), none of them has a sibling: `tags` says
//!    which tags there are, and no more is known. When two have the same, all are put into an index (`siblings.rs`), and
//!    all who come later, until it is empty; meanwhile all tags count as taken.
//!
//! What this does not cure: a future that holds the guard itself, a waiter that is not granted yet because its own task
//! holds the missing permit, and waiters outside any task. Those are for reports (`holders.rs`).
//!
//! [`Claim`](crate::permits::Claim) stamps and looks; the queue's `grant` wakes.

use std::num::NonZeroU64;
use std::ptr::NonNull;
use std::task::Waker;

use unstuck_base::local::{self, TaskRef};
use unstuck_base::wake_batch::WakeBatch;

use super::siblings::{Run, Siblings, read, task_of, write};
use super::{Queue, State, Waiter};

/// How long a grant has been overlooked by its task; see rule 3.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Overlooked {
    /// The latest poll of the task in which a sibling looked: the end of its number is enough.
    poll: u16,
    /// In how many polls one did, up to [`ABANDONED`].
    polls: u8,
    /// How often in the latest one.
    looks: u8,
}

/// As many polls in which siblings looked prove that one whole poll went by.
const ABANDONED: u8 = 3;

/// As many looks in one poll wake who looks. A set that polls only who was woken needs a few in one poll; an executor
/// inside the task that runs until nobody is woken must come to its end.
const LOOKS: u8 = 8;

/// At how many siblings one looks to find one with a waker.
const GUESSES: u32 = 8;

/// What `tags` is while the index is in use.
const ALL_TAGS: u64 = u64::MAX;

/// What a waiter found that looked for abandoned siblings.
#[must_use = "what was taken must be handed out; who is early wakes itself"]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Some were abandoned: the waiter is first in line now, and so many permits are in the caller's hand, to be handed
    /// out from the front.
    pub(crate) taken: Option<usize>,
    /// One was granted that may still be polled. If the waiter still waits it must wake itself.
    pub(crate) is_early: bool,
}

impl Overlooked {
    /// A sibling looks, in this poll. Whether it is proven that the task does not poll the granted one.
    fn look(&mut self, poll: u32) -> bool {
        if self.polls == ABANDONED {
            return true;
        }
        let poll = poll as u16;
        if self.polls == 0 || self.poll != poll {
            *self = Overlooked { poll, polls: self.polls + 1, looks: 0 };
        }
        self.looks = self.looks.saturating_add(1);
        self.polls == ABANDONED
    }
}

impl Queue {
    /// As [`stamp`](Queue::stamp), for the first poll of a waiter whose grant its siblings may take over.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other, and was not stamped since.
    #[inline]
    pub(crate) unsafe fn stamp_first(&mut self, waiter: &Waiter, key: usize) {
        let Some(now) = local::current_task() else { return };
        // SAFETY: the caller's, and rule 2 of the wait list.
        unsafe { waiter.with(self, |entry| entry.stamp = Some(now)) };
        local::wait_for(waiter.kind, key, waiter.at);
        if self.tags & tag(now) == 0 {
            self.tags |= tag(now);
        } else {
            // SAFETY: the caller's.
            unsafe { self.change_task(NonNull::from(waiter), None, Some(now)) }
        }
    }

    /// As [`stamp`](Queue::stamp), for a later poll of such a waiter.
    ///
    /// # Safety
    /// `waiter` has joined this list and no other.
    #[inline]
    pub(crate) unsafe fn stamp_again(&mut self, waiter: &Waiter, key: usize) {
        // SAFETY: the caller's, and rule 2 of the wait list.
        unsafe {
            let before = self.stamp(waiter, key);
            let (now, run, state) = waiter.with(self, |entry| {
                // It is polled.
                entry.overlooked.polls = 0;
                (entry.stamp, entry.run.filter(|_| entry.state == State::Waiting), entry.state)
            });
            if state == State::Called {
                // It is in no list any more, so it has no siblings.
                return;
            }
            if before.map(|before| before.id) != now.map(|now| now.id) {
                self.change_task(NonNull::from(waiter), before, now);
            } else if let (Some(_), Some(now)) = (run, now) {
                self.siblings().come_first(NonNull::from(waiter), now.id);
            }
        }
    }

    /// `waiter`, which had this stamp, waits no more for that task.
    ///
    /// # Safety
    /// It is in this queue.
    #[inline]
    pub(super) unsafe fn forget_task(&mut self, waiter: NonNull<Waiter>, run: Option<Run>, stamp: Option<TaskRef>) {
        let Some(stamp) = stamp else { return };
        if run.is_none() {
            self.tags &= !tag(stamp);
        } else {
            // SAFETY: who is in a run is in the index.
            unsafe { self.unfile(waiter, stamp) }
        }
    }

    /// Whether a sibling of `waiter`, which waits, was granted and has not fetched it.
    ///
    /// # Safety
    /// As [`stamp_again`](Queue::stamp_again).
    #[inline]
    pub(crate) unsafe fn has_granted_sibling(&mut self, waiter: &Waiter) -> bool {
        if self.siblings.as_ref().is_none_or(|siblings| siblings.is_empty()) {
            return false;
        }
        // SAFETY: the caller's, and rule 2 of the wait list.
        let task = unsafe { waiter.with(self, |entry| entry.stamp) };
        task.is_some_and(|task| self.siblings().first(task.id, Run::Granted).is_some())
    }

    /// Looks for abandoned siblings on behalf of `waiter`, which waits, and takes over from them (rules 3 and 4).
    ///
    /// # Safety
    /// As [`stamp_again`](Queue::stamp_again), it was stamped in the poll in progress, and it has a granted sibling.
    pub(crate) unsafe fn look_for_abandoned(&mut self, waiter: &Waiter) -> Look {
        let waiter = NonNull::from(waiter);
        // SAFETY: the caller's; and who is in the index is in this queue, whose lock is ours (rule 2 of the wait list).
        unsafe {
            let now = read(waiter, |entry| entry.stamp).expect("who has siblings has a task");
            let (mut is_early, mut is_proven) = (false, false);
            let mut next = self.siblings().first(now.id, Run::Granted);
            while let Some(granted) = next {
                let (proven, looks) = write(granted, |entry| (entry.overlooked.look(now.poll), entry.overlooked.looks));
                is_proven |= proven;
                is_early |= !proven && looks <= LOOKS;
                next = self.siblings().next(granted, now.id, Run::Granted);
            }
            let taken = if is_proven { Some(self.take_over(waiter, now.id)) } else { None };
            Look { taken, is_early }
        }
    }

    /// Makes `waiter` the first in line, in the place of abandoned siblings; returns what they had (rules 4 and 5).
    ///
    /// # Safety
    /// As [`look_for_abandoned`](Queue::look_for_abandoned), and there is an abandoned sibling.
    unsafe fn take_over(&mut self, waiter: NonNull<Waiter>, task: NonZeroU64) -> usize {
        let front = self.waiting.front().expect("`waiter` waits");
        let mut in_hand = 0;
        // SAFETY: as in `look_for_abandoned`; who is granted is in `granted`, who waits in `waiting`.
        unsafe {
            if front != waiter {
                in_hand = write(front, |entry| std::mem::take(&mut entry.has));
            }
            let lacks = waiter.as_ref().needs - read(waiter, |entry| entry.has);
            let mut taken = 0;
            let mut next = self.siblings().first(task, Run::Granted);
            while let Some(granted) = next
                && taken < lacks
            {
                next = self.siblings().next(granted, task, Run::Granted);
                if read(granted, |entry| entry.overlooked.polls < ABANDONED) {
                    continue;
                }
                self.granted.remove(granted);
                // The first goes where `waiter` stood; more of them keep the turns that they had before all who wait.
                if taken == 0 {
                    self.waiting.insert_before(waiter, granted);
                } else {
                    self.waiting.push_front(granted);
                }
                taken += write(granted, |entry| {
                    entry.state = State::Waiting;
                    std::mem::take(&mut entry.has)
                });
                self.siblings().change_run(granted, task, Run::Abandoned);
            }
            self.waiting.remove(waiter);
            self.waiting.push_front(waiter);
            in_hand + taken
        }
    }

    /// `waiter`, which has siblings or had them, was granted just now: its own waker goes into `batch`, and those of
    /// siblings (rule 2).
    ///
    /// # Safety
    /// `waiter` is in this queue and in its index.
    #[inline(never)]
    pub(super) unsafe fn wake_siblings(&mut self, waiter: NonNull<Waiter>, own: Option<Waker>, batch: &mut WakeBatch) {
        let mut woken = [None, None];
        // SAFETY: the caller's.
        let stamped = unsafe { task_of(waiter) };
        // SAFETY: the caller's; and who is in the index is in this queue, whose lock is ours (rule 2 of the wait list).
        unsafe {
            let task = stamped.expect("who is in the index has a task");
            let run = read(waiter, |entry| entry.run).expect("it is in the index");
            let siblings = self.siblings();
            let (next, is_single) = match run {
                Run::Abandoned => (None, false),
                _ => {
                    let next = siblings.previous(waiter, task, run);
                    (next, next.is_none() && siblings.next(waiter, task, run).is_none())
                }
            };
            if !is_single {
                siblings.change_run(waiter, task, Run::Granted);
                let is_other = |waker: &mut Waker| !own.as_ref().is_some_and(|own| own.will_wake(waker));
                let next = next.and_then(|next| write(next, |entry| entry.waker.take_if(is_other)));
                woken = [next, self.wake_one_of(task, waiter, is_other)];
            }
        }
        let is_own = local::current_task().map(|task| task.id) == stamped;
        match own {
            Some(own) => batch.push(own),
            // It may be one of those that are to be woken when this poll ends; now there is more to tell.
            None if is_own => local::wake_before_end(batch),
            None => {}
        }
        for waker in woken.into_iter().flatten() {
            // A task that grants to itself may still fetch it in this poll: its siblings can't know before the next.
            if is_own { local::wake_after_poll(waker) } else { batch.push(waker) }
        }
    }

    /// Whether `waiter` is in the index. If not, it has no siblings.
    ///
    /// # Safety
    /// As [`stamp_again`](Queue::stamp_again).
    #[inline]
    pub(crate) unsafe fn may_have_siblings(&mut self, waiter: &Waiter) -> bool {
        // SAFETY: the caller's, and rule 2 of the wait list.
        unsafe { waiter.with(self, |entry| entry.run.is_some()) }
    }

    /// `waiter` is about to leave: the waker of a sibling that is to look in its stead, to be woken after the lock.
    ///
    /// # Safety
    /// As [`stamp_again`](Queue::stamp_again).
    pub(crate) unsafe fn heir(&mut self, waiter: &Waiter) -> Option<Waker> {
        // SAFETY: the caller's; and who is in the index is in this queue, whose lock is ours.
        unsafe {
            if !self.may_have_siblings(waiter) {
                return None;
            }
            let waiter = NonNull::from(waiter);
            let task = task_of(waiter)?;
            let granted = self.siblings().first(task, Run::Granted)?;
            if granted == waiter && self.siblings().next(granted, task, Run::Granted).is_none() {
                return None;
            }
            self.wake_one_of(task, waiter, |_| true)
        }
    }

    /// Takes the waker of a waiting one of this task that passes, the one that was polled last if it has one. Who has
    /// none was woken, and not polled since.
    ///
    /// # Safety
    /// The lock is the caller's.
    unsafe fn wake_one_of(
        &mut self,
        task: NonZeroU64,
        but: NonNull<Waiter>,
        passes: impl Fn(&mut Waker) -> bool,
    ) -> Option<Waker> {
        let mut next = self.siblings().first(task, Run::Waiting);
        for _ in 0..GUESSES {
            let sibling = next?;
            // SAFETY: who is in the index is in this queue, whose lock is ours.
            unsafe {
                if sibling != but && read(sibling, |entry| entry.waker.is_some()) {
                    return write(sibling, |entry| entry.waker.take_if(|waker| passes(waker)));
                }
                next = self.siblings().next(sibling, task, Run::Waiting);
            }
        }
        None
    }

    /// `waiter` had one of these stamps and has the other now: somebody is there with the same tag, or another task polls
    /// it than before.
    ///
    /// # Safety
    /// It is in this queue.
    #[inline(never)]
    unsafe fn change_task(&mut self, waiter: NonNull<Waiter>, before: Option<TaskRef>, now: Option<TaskRef>) {
        // SAFETY: the caller's; and who is in either list is in this queue, whose lock is ours.
        unsafe {
            self.forget_task(waiter, read(waiter, |entry| entry.run), before);
            let Some(now) = now else { return };
            if self.tags & tag(now) == 0 {
                self.tags |= tag(now);
                return;
            }
            if self.siblings().is_empty() {
                self.file_all_but(waiter);
            }
            self.siblings().insert(waiter, now.id);
        }
    }

    /// Puts all but `waiter` into the index.
    ///
    /// # Safety
    /// The index is empty.
    unsafe fn file_all_but(&mut self, waiter: NonNull<Waiter>) {
        self.tags = ALL_TAGS;
        let Queue { waiting, granted, siblings, .. } = self;
        let siblings = siblings.get_or_insert_default();
        for list in [&*waiting, &*granted] {
            let mut next = list.front();
            while let Some(other) = next {
                // SAFETY: it is in this list of this queue, whose lock is ours.
                unsafe {
                    if other != waiter
                        && let Some(task) = task_of(other)
                    {
                        siblings.insert(other, task);
                    }
                    next = list.next(other);
                }
            }
        }
    }

    /// Takes `waiter` out of the index.
    ///
    /// # Safety
    /// It is in there, for the task of this stamp.
    #[inline(never)]
    unsafe fn unfile(&mut self, waiter: NonNull<Waiter>, stamp: TaskRef) {
        // SAFETY: the caller's.
        unsafe { self.siblings().remove(waiter, stamp.id) }
        if self.siblings().is_empty() {
            self.tags = 0;
        }
    }

    fn siblings(&mut self) -> &mut Siblings {
        self.siblings.get_or_insert_default()
    }
}

/// The tag of a task: tasks that were spawned one after the other have different ones.
#[inline]
fn tag(task: TaskRef) -> u64 {
    1 << (task.id.get() % u64::from(u64::BITS))
}
