//! Where the events of one socket land and its tasks wait.
//!
//! 1. An event is published in the word first, then the waiters are taken under the lock; a waiter looks at the word
//!    once more under that lock before it waits. So one of the two sees the other, and no edge is lost.
//! 2. Readiness stays until somebody found that it isn't true any more and takes back what it saw. It is no permit: any
//!    number of tasks may act on it, and a waiter that is dropped takes nothing along.
//! 3. The lock guards the wakers and the list only. No waker is cloned, dropped or woken under it.
//! 4. After [`shutdown`](Readiness::shutdown) every wait ends at once, now and for ever.
//! 5. What the parent of this process waited for is shut down here, without locking: its driver brings nothing to us.
//!
//! A driver calls [`set`](Readiness::set) and [`shutdown`](Readiness::shutdown); the user-facing I/O types call the
//! rest, from any thread. The two `poll_*` slots belong to whoever splits a stream in halves (one task a direction, the
//! last one to poll is woken); the list is for `readable()` and its like, which any number of tasks may await.

use std::fmt;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use unstuck_base::WakeBatch;
use unstuck_base::const_unless_model;
use unstuck_base::fork::UsedBy;
use unstuck_base::interest::{Interest, Ready};
use unstuck_base::list::{Links, List, Node};
use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::{Mutex, UnsafeCell};

mod operation;
mod word;

pub use operation::AsyncIo;
pub use word::ReadyEvent;
use word::Word;

/// The two ways of a stream, for the `poll_*` forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Receiving, accepting, peeking.
    Read,
    /// Sending, connecting.
    Write,
}

impl Direction {
    /// The same as an interest.
    pub const fn interest(self) -> Interest {
        match self {
            Direction::Read => Interest::READABLE,
            Direction::Write => Interest::WRITABLE,
        }
    }
}

/// The readiness of one socket; see the module's rules.
#[derive(Debug)]
pub struct Readiness {
    word: Word,
    waiters: Mutex<Waiters>,
    /// Who uses it for a socket, if that was said (rule 5).
    used_by: UsedBy,
}

#[derive(Debug)]
struct Waiters {
    reader: Option<Waker>,
    writer: Option<Waker>,
    list: List<Waiter>,
}

impl Default for Readiness {
    fn default() -> Self {
        Readiness::new()
    }
}

impl Readiness {
    const_unless_model! {
        /// Ready for nothing yet.
        pub fn new() -> Self {
            Readiness::assumed(Ready::EMPTY)
        }

        /// Assumed to be ready for `ready` before any event said so: the first operation is tried at once instead of
        /// waiting for the driver. Right where the operation most likely succeeds, as sending on a new connection.
        pub fn assumed(ready: Ready) -> Self {
            Readiness {
                word: Word::new(ready),
                waiters: Mutex::new(Waiters { reader: None, writer: None, list: List::new() }),
                used_by: UsedBy::nobody(),
            }
        }
    }

    /// An event came: the socket is ready for `ready` (as well). Gathers the wakers of those who waited for it.
    pub fn set(&self, ready: Ready, woken: &mut WakeBatch) {
        self.word.set(ready);
        self.take_waiters(ready, woken);
    }

    /// The runtime has shut down: gathers all wakers, and lets no one wait any more.
    pub fn shutdown(&self, woken: &mut WakeBatch) {
        self.word.shut();
        self.take_waiters(Ready::ALL, woken);
    }

    fn take_waiters(&self, ready: Ready, woken: &mut WakeBatch) {
        let mut waiters = self.waiters.lock();
        if ready.is_readable()
            && let Some(waker) = waiters.reader.take()
        {
            woken.push(waker);
        }
        if ready.is_writable()
            && let Some(waker) = waiters.writer.take()
        {
            woken.push(waker);
        }
        let mut next = waiters.list.front();
        while let Some(waiter) = next {
            // SAFETY: the list is locked, and `waiter` is in it, so it is alive (rule 1 of `list`) and its links and
            // waker are ours. Its interest never changes while it is linked.
            unsafe {
                next = waiters.list.next(waiter);
                if waiter.as_ref().interest.wanted().intersection(ready).is_empty() {
                    continue;
                }
                waiters.list.remove(waiter);
                let waker = waiter.as_ref().waker.with_mut(|slot| (*slot).take());
                if let Some(waker) = waker {
                    woken.push(waker);
                }
            }
        }
    }

    /// What the socket is ready for now, as far as `interest` goes; nothing waits.
    #[inline]
    pub fn now(&self, interest: Interest) -> ReadyEvent {
        self.word.load().narrowed(interest.wanted())
    }

    /// Waits until an operation of `direction` need not wait, or the runtime has shut down. Of several tasks that poll
    /// the same direction, the last one is woken.
    #[inline]
    #[track_caller]
    pub fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<ReadyEvent> {
        let wanted = direction.interest().wanted();
        let event = self.word.load();
        if event.ends_wait_for(wanted) {
            return Poll::Ready(event.narrowed(wanted));
        }
        self.wait_in_slot(direction, cx, Location::caller())
    }

    #[cold]
    fn wait_in_slot(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
    ) -> Poll<ReadyEvent> {
        let wanted = direction.interest().wanted();
        if self.is_of_the_parent() {
            return Poll::Ready(self.word.load().narrowed(wanted));
        }
        let mut waker = Some(cx.waker().clone());
        let mut waiters = self.waiters.lock();
        let event = self.word.load();
        if event.ends_wait_for(wanted) {
            drop(waiters);
            return Poll::Ready(event.narrowed(wanted));
        }
        let slot = match direction {
            Direction::Read => &mut waiters.reader,
            Direction::Write => &mut waiters.writer,
        };
        std::mem::swap(slot, &mut waker);
        drop(waiters);
        drop(waker);
        local::wait_for(WaitKind::Io, self.key(), at);
        Poll::Pending
    }

    /// Waits until the socket is ready for anything of `interest`, or the runtime has shut down.
    ///
    /// # Cancel safety
    /// Cancel safe: readiness is no permit, so dropping the future loses nothing.
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> Waiting<'_> {
        Waiting { readiness: self, at: Location::caller(), waited: false, waiter: Waiter::new(interest) }
    }

    /// Takes back what `event` said, but for closed sides, which do not open again. Events that came since are not lost.
    #[inline]
    pub fn clear(&self, event: ReadyEvent) {
        self.word.clear(event.without_closed());
    }

    /// Takes back all that `event` said: an operation that it promised had to wait after all. A closed side that makes
    /// operations wait isn't one, and would let them be tried for ever. Events that came since are not lost.
    #[inline]
    pub fn disprove(&self, event: ReadyEvent) {
        self.word.clear(event);
    }

    /// For a kernel that uses this for another socket: ready for `ready`, nobody waits, no shutdown.
    pub fn reset(&self, ready: Ready) {
        self.used_by.set_this();
        let mut waiters = self.waiters.lock();
        let wakers = (waiters.reader.take(), waiters.writer.take());
        // A socket goes away after all futures that borrow it, but for those that were forgotten: their memory is never
        // used again, so their nodes are still there.
        let mut forgotten = Vec::new();
        while let Some(waiter) = waiters.list.pop_front() {
            // SAFETY: the list is locked, and the waiter was in it, so it is in place and its waker is ours.
            forgotten.push(unsafe { waiter.as_ref().waker.with_mut(|slot| (*slot).take()) });
        }
        self.word.reset(ready);
        drop(waiters);
        drop((wakers, forgotten));
    }

    /// Rule 5. If so, it is shut down now.
    fn is_of_the_parent(&self) -> bool {
        let parents = self.used_by.is_the_parent();
        if parents {
            self.word.shut();
        }
        parents
    }

    /// The address, as an opaque key for [`local::wait_for`].
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// The error of an operation on a resource whose runtime has shut down.
pub fn shutdown_error() -> io::Error {
    io::Error::other(Shutdown)
}

/// What is inside the error of an operation on a resource whose runtime has shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown;

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Programs look for these words.
        f.write_str("A Tokio 1.x context was found, but it is being shutdown.")
    }
}

impl std::error::Error for Shutdown {}

/// Waits for readiness; see [`Readiness::ready`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Waiting<'a> {
    readiness: &'a Readiness,
    at: &'static Location<'static>,
    /// Whether the waiter has ever been linked: only then is there anything to undo.
    waited: bool,
    waiter: Waiter,
}

/// A node of the list of waiters. Linked: it belongs to the list's lock. Unlinked: to its future.
struct Waiter {
    links: Links<Waiter>,
    waker: UnsafeCell<Option<Waker>>,
    interest: Interest,
}

// SAFETY: the links and the waker belong to the list's lock (rule 3), the interest does not change while the node is
// linked. Wakers are Send and Sync.
unsafe impl Send for Waiter {}
// SAFETY: as above.
unsafe impl Sync for Waiter {}

// SAFETY: always the same field; no reference is made.
unsafe impl Node for Waiter {
    unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: the caller vouches that the node is alive.
        unsafe { NonNull::new_unchecked(&raw mut (*node.as_ptr()).links) }
    }
}

impl Waiter {
    fn new(interest: Interest) -> Self {
        Waiter { links: Links::new(), waker: UnsafeCell::new(None), interest }
    }
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Waiter").field(&self.interest).finish()
    }
}

impl Future for Waiting<'_> {
    type Output = ReadyEvent;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ReadyEvent> {
        // SAFETY: nothing is moved out; the waiter stays where it is.
        let this = unsafe { self.get_unchecked_mut() };
        let wanted = this.waiter.interest.wanted();
        let event = this.readiness.word.load();
        if event.ends_wait_for(wanted) {
            return Poll::Ready(event.narrowed(wanted));
        }
        if this.readiness.is_of_the_parent() {
            return Poll::Ready(this.readiness.word.load().narrowed(wanted));
        }
        let waker = Some(cx.waker().clone());
        let mut waiters = this.readiness.waiters.lock();
        let event = this.readiness.word.load();
        if event.ends_wait_for(wanted) {
            drop(waiters);
            return Poll::Ready(event.narrowed(wanted));
        }
        this.waited = true;
        // SAFETY: the list is locked, so the links and the waker are ours; the future is pinned, and its drop unlinks
        // the node before it goes away.
        let replaced = unsafe {
            if !this.waiter.links.is_linked() {
                waiters.list.push_back(NonNull::from(&this.waiter));
            }
            this.waiter.waker.with_mut(|slot| slot.replace(waker))
        };
        drop(waiters);
        drop(replaced);
        local::wait_for(WaitKind::Io, this.readiness.key(), this.at);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.waited || self.readiness.is_of_the_parent() {
            return;
        }
        let mut waiters = self.readiness.waiters.lock();
        // SAFETY: the list is locked; a node is linked in no other list than this one.
        let waker = unsafe {
            if self.waiter.links.is_linked() {
                waiters.list.remove(NonNull::from(&self.waiter));
            }
            self.waiter.waker.with_mut(|slot| (*slot).take())
        };
        drop(waiters);
        drop(waker);
        local::forget_wait(WaitKind::Io, self.readiness.key());
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests;

#[cfg(all(test, unstuck_loom))]
mod loom_tests;
