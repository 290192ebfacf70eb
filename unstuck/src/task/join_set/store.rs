//! What the members of a set share with it: the handles of those that run, and the outputs of those that are over.
//!
//! 1. Whoever ends a member rings its [`Bell`], from any thread: its output moves from the task to the queue of outputs, its
//!    handle goes, and who waits for the set is woken. So the set keeps no task that is over.
//! 2. A bell rings once at most. Until then its place is its own, or empty since the set has let all its members go; no member
//!    enters a store after that. So it never finds the handle of another one.
//! 3. The set looks at what is there and leaves its waker under one lock: it misses nobody.
//! 4. No user code runs under the lock: no waker of the user's is cloned, dropped or woken, and an output is moved at most.
//! 5. What is not `Send` stays on its thread: then the set, the handle and the runner of the task are all there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

use slab::Slab;
use unstuck_base::sync::Mutex;
use unstuck_task::{leave_bell, take_output};

use crate::task::{AbortHandle, Id, JoinError, JoinHandle};

/// What is shared; see the module's rules.
pub(super) struct Store<T>(Mutex<Contents<T>>);

/// What a [`Store`] has.
pub(super) struct Contents<T> {
    pub(super) running: Slab<JoinHandle<T>>,
    /// In the order in which they ended.
    pub(super) over: VecDeque<Joined<T>>,
    /// Who waits for the set.
    pub(super) waiting: Option<Waker>,
}

/// How a member ended.
pub(super) type Joined<T> = Result<(Id, T), JoinError>;

// What a set keeps of each task without an output: its place in the queue. The place among the running is used again.
const _: () = assert!(size_of::<Joined<()>>() <= 16 && size_of::<JoinHandle<()>>() == size_of::<usize>());

/// Rings when a member's task ends: it is the waker of its join handle.
struct Bell<T> {
    store: Arc<Store<T>>,
    place: usize,
}

// SAFETY: rule 5. If `T` is Send, so is all of it. If it is not, the task was spawned on this thread, which also runs and
// ends it; the bell is woken and dropped by who ends the task and by who has the handle, which is not Send (rule 3 of
// `join.rs` in unstuck_task).
unsafe impl<T> Send for Bell<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Bell<T> {}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Store(Mutex::new(Contents::default()))
    }
}

impl<T> Store<T> {
    /// A member enters.
    pub(super) fn insert(self: &Arc<Self>, task: JoinHandle<T>)
    where
        T: 'static,
    {
        let mut contents = self.0.lock();
        let place = contents.running.vacant_entry();
        let bell = Waker::from(Arc::new(Bell { store: self.clone(), place: place.key() }));
        // Under the lock, so that the bell finds the handle in its place.
        if leave_bell(&task, bell) {
            place.insert(task);
            return;
        }
        let waiting = contents.end(task);
        drop(contents);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// The output of the member that ended first.
    pub(super) fn next(&self) -> Option<Joined<T>> {
        self.0.lock().next()
    }

    /// How many outputs there are.
    pub(super) fn over(&self) -> usize {
        self.0.lock().over.len()
    }

    /// What `look` finds; when that is nothing, `waker` is woken by the next member that ends.
    pub(super) fn look_or_wait<R>(
        &self,
        waker: &Waker,
        mut look: impl FnMut(&mut Contents<T>) -> Option<R>,
    ) -> Option<R> {
        let mut ours = None;
        loop {
            let mut contents = self.0.lock();
            if let Some(found) = look(&mut contents) {
                drop(contents);
                return Some(found);
            }
            if contents.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(waker)) {
                drop(contents);
                return None;
            }
            if ours.is_some() {
                std::mem::swap(&mut contents.waiting, &mut ours);
                drop(contents);
                return None;
            }
            drop(contents);
            ours = Some(waker.clone());
        }
    }

    /// Aborts those that run. They stay.
    pub(super) fn abort_all(&self) {
        // Aborting wakes who runs the tasks, so it is done without the lock.
        let running: Vec<AbortHandle> = self.0.lock().running.iter().map(|(_, task)| task.abort_handle()).collect();
        running.iter().for_each(AbortHandle::abort);
    }

    /// Lets all members go: the store is not used again.
    pub(super) fn take(&self) -> Contents<T> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl<T> Default for Contents<T> {
    fn default() -> Self {
        Contents { running: Slab::new(), over: VecDeque::new(), waiting: None }
    }
}

impl<T> Contents<T> {
    /// The output of the member that ended first.
    pub(super) fn next(&mut self) -> Option<Joined<T>> {
        let next = self.over.pop_front();
        if self.over.is_empty() && self.over.capacity() > ROOM_KEPT {
            self.over = VecDeque::new();
        }
        next
    }

    /// A member is over. Returns whom to wake, without the lock.
    #[must_use]
    fn end(&mut self, task: JoinHandle<T>) -> Option<Waker> {
        let id = task.id();
        self.over.push_back(take_output(task).map(|output| (id, output)));
        self.waiting.take()
    }
}

impl<T> Wake for Bell<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut contents = self.store.0.lock();
        let Some(task) = contents.running.try_remove(self.place) else { return };
        if contents.running.is_empty() && contents.running.capacity() > ROOM_KEPT {
            contents.running = Slab::new();
        }
        let waiting = contents.end(task);
        drop(contents);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

/// A set that was larger once gives its room back when it is empty.
const ROOM_KEPT: usize = 1024;
