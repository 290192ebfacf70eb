//! One channel: the list of messages, the limit of how many there may be, the receiver's waker, and who is still there.
//!
//! 1. A message is pushed with a permit of the limit, which goes back when the message is received. An unbounded
//!    channel has no limit and no permits.
//! 2. Closing (by the receiver) ends the giving of permits; those that were given may still be used. Dropping the
//!    receiver also closes the list: later messages are refused, whoever has a permit, and what is in it is dropped.
//! 3. It is over for the receiver when nothing is left and nothing can come: every sender is gone, or the channel is
//!    closed and every permit is back. Whoever makes that so wakes the receiver.
//! 4. The receiver sleeps only when its waker is in the cell and the list is parked; then it looks once more whether it
//!    is over. Whoever has news publishes it and takes the waker after. All meet in the cell's word.
//! 5. Messages are dropped and tasks woken with no lock held; a panic there leaves the channel as it should be.
//!
//! `Tx` and `Rx` are what the public types wrap; the bounded and the unbounded ones differ in their `Limit`.

use std::panic::Location;
use std::task::{Context, Poll, Waker, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::{Arc, hint, thread};
use unstuck_base::waker_cell::WakerCell;

use super::blocks::{Blocks, Head, Popped};
use super::error::TryRecvError;
use super::tail::OnPark;
use crate::called;
use crate::permits::Permits;
use crate::wait_list::WaitList;

/// How many messages there may be: what differs between the two kinds of channels.
pub(super) trait Limit {
    /// Whether there are permits, so that refusing them is enough to close the channel.
    const GIVES_PERMITS: bool;
    /// No permit is given from now on.
    fn close(&self);
    /// Whether permits are given no more.
    fn is_closed(&self) -> bool;
    /// Whether every permit is back.
    fn is_idle(&self) -> bool;
    /// So many messages were received.
    fn received(&self, messages: usize);
}

/// The limit of a bounded channel.
pub(super) struct Bounded {
    pub(super) permits: Permits,
    pub(super) capacity: usize,
}

/// The limit of an unbounded channel: none.
pub(super) struct Unbounded;

impl Limit for Bounded {
    const GIVES_PERMITS: bool = true;

    fn close(&self) {
        self.permits.close();
    }

    fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    fn is_idle(&self) -> bool {
        self.permits.available() == self.capacity
    }

    #[inline]
    fn received(&self, messages: usize) {
        self.permits.release(messages);
    }
}

impl Limit for Unbounded {
    const GIVES_PERMITS: bool = false;

    fn close(&self) {}

    fn is_closed(&self) -> bool {
        false
    }

    fn is_idle(&self) -> bool {
        true
    }

    #[inline]
    fn received(&self, _messages: usize) {}
}

/// What all ends share.
pub(super) struct Channel<T, L> {
    blocks: Blocks<T>,
    pub(super) limit: L,
    receiver: WakerCell,
    senders: AtomicUsize,
    weak_senders: AtomicUsize,
    /// Senders that wait until the channel is closed.
    pub(super) closing: WaitList,
}

/// Makes a channel.
pub(super) fn channel<T, L: Limit>(limit: L) -> (Tx<T, L>, Rx<T, L>) {
    let (blocks, head) = Blocks::new();
    let channel = Arc::new(Channel {
        blocks,
        limit,
        receiver: WakerCell::new(),
        senders: AtomicUsize::new(1),
        weak_senders: AtomicUsize::new(0),
        closing: WaitList::new(),
    });
    (Tx { channel: channel.clone() }, Rx { channel, head, has_waited: false })
}

impl<T, L: Limit> Channel<T, L> {
    /// Sends a message for which there is a permit. Gives it back if the receiver is gone, or if there are no permits
    /// and the channel is closed.
    #[inline]
    pub(super) fn push(&self, value: T) -> Result<(), T> {
        if self.blocks.push(value)? {
            self.unpark();
        }
        Ok(())
    }

    /// Whether the receiver has closed the channel or is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.limit.is_closed() || self.blocks.is_closed()
    }

    /// How many senders there are.
    pub(super) fn strong_count(&self) -> usize {
        // Acquire: pairs with the Release in `Tx::drop`: none left means that all they sent is in the list.
        self.senders.load(Ordering::Acquire)
    }

    /// How many weak senders there are.
    pub(super) fn weak_count(&self) -> usize {
        self.weak_senders.load(Ordering::Relaxed)
    }

    /// Permits came back unused: the receiver learns whether this was the last that it waited for (rule 3).
    #[inline]
    pub(super) fn permits_are_back(&self) {
        if self.is_closed() && self.limit.is_idle() {
            self.receiver.wake();
        }
    }

    /// A message was pushed while the receiver was parked.
    #[cold]
    fn unpark(&self) {
        if self.blocks.unpark() {
            self.receiver.wake();
        }
    }

    /// Whether nothing will come any more (rule 3). The list must be looked at again after `true`: something may have
    /// come before.
    fn nothing_will_come(&self) -> bool {
        self.strong_count() == 0 || (self.is_closed() && self.limit.is_idle())
    }
}

/// A sender's share of the channel.
pub(super) struct Tx<T, L> {
    channel: Arc<Channel<T, L>>,
}

impl<T, L> Tx<T, L> {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }

    pub(super) fn downgrade(&self) -> WeakTx<T, L> {
        WeakTx::new(self.channel.clone())
    }
}

impl<T, L> std::ops::Deref for Tx<T, L> {
    type Target = Channel<T, L>;

    #[inline]
    fn deref(&self) -> &Channel<T, L> {
        &self.channel
    }
}

impl<T, L> Clone for Tx<T, L> {
    fn clone(&self) -> Self {
        // Relaxed: it is not zero, since we are one, and who is not the last publishes nothing.
        self.channel.senders.fetch_add(1, Ordering::Relaxed);
        Tx { channel: self.channel.clone() }
    }
}

impl<T, L> Drop for Tx<T, L> {
    fn drop(&mut self) {
        // AcqRel: Release pairs with the Acquire in `strong_count`; a read-modify-write goes on with the chain.
        let was_last = self.channel.senders.fetch_sub(1, Ordering::AcqRel) == 1;
        // A receiver that has closed the list does not wait for senders to go: it is gone itself, or has no limit.
        if was_last && !self.channel.blocks.is_closed() {
            self.channel.receiver.wake();
        }
    }
}

/// A weak sender's share of the channel: it keeps the memory, and does not count for rule 3.
pub(super) struct WeakTx<T, L> {
    channel: Arc<Channel<T, L>>,
}

impl<T, L> WeakTx<T, L> {
    fn new(channel: Arc<Channel<T, L>>) -> Self {
        channel.weak_senders.fetch_add(1, Ordering::Relaxed);
        WeakTx { channel }
    }

    /// A sender, unless the last one is gone: that is final.
    pub(super) fn upgrade(&self) -> Option<Tx<T, L>> {
        let more = |senders: usize| (senders != 0).then(|| senders + 1);
        // Relaxed: as in `Tx::clone`.
        self.channel.senders.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Tx { channel: self.channel.clone() })
    }
}

impl<T, L> std::ops::Deref for WeakTx<T, L> {
    type Target = Channel<T, L>;

    fn deref(&self) -> &Channel<T, L> {
        &self.channel
    }
}

impl<T, L> Clone for WeakTx<T, L> {
    fn clone(&self) -> Self {
        WeakTx::new(self.channel.clone())
    }
}

impl<T, L> Drop for WeakTx<T, L> {
    fn drop(&mut self) {
        self.channel.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The receiver's share of the channel.
pub(super) struct Rx<T, L: Limit> {
    channel: Arc<Channel<T, L>>,
    head: Head<T>,
    /// Whether there may be a waker in the cell.
    has_waited: bool,
}

/// Turns of a loop for which the receiver waits for a message in flight, before it lets others run.
const SPINS: u32 = 8;

/// What a poll found without waiting.
enum Found<T> {
    Message(T),
    /// Nothing will come any more.
    Over,
    /// Nothing has come.
    Nothing,
    /// A message is in flight, and it takes longer than usual.
    InFlight,
}

impl<T, L: Limit> Rx<T, L> {
    /// The next message; `None` when the channel is over.
    #[inline]
    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<Option<T>> {
        let charge = ready!(local::poll_budget(cx));
        let message = match self.channel.blocks.pop(&mut self.head) {
            Popped::Value(value) => Some(value),
            Popped::Empty | Popped::InFlight => ready!(self.poll_parking(cx, at)),
        };
        if message.is_some() {
            self.channel.limit.received(1);
        }
        charge.made_progress();
        Poll::Ready(message)
    }

    /// Up to `limit` messages, at least one; 0 when the channel is over.
    pub(super) fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
        at: &'static Location<'static>,
    ) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        let charge = ready!(local::poll_budget(cx));
        let first = match self.channel.blocks.pop(&mut self.head) {
            Popped::Value(value) => Some(value),
            Popped::Empty | Popped::InFlight => ready!(self.poll_parking(cx, at)),
        };
        let mut received = 0;
        if let Some(first) = first {
            buffer.push(first);
            received = 1;
            while received < limit
                && let Popped::Value(value) = self.channel.blocks.pop(&mut self.head)
            {
                buffer.push(value);
                received += 1;
            }
            self.channel.limit.received(received);
        }
        charge.made_progress();
        Poll::Ready(received)
    }

    /// The next message if there is one.
    pub(super) fn try_recv(&mut self) -> Result<T, TryRecvError> {
        loop {
            return match self.find() {
                Found::Message(value) => {
                    self.channel.limit.received(1);
                    Ok(value)
                }
                Found::Over => Err(TryRecvError::Disconnected),
                Found::Nothing => Err(TryRecvError::Empty),
                // Something that was sent later may be complete: the caller may know that, and must not be told
                // "empty".
                Found::InFlight => {
                    thread::yield_now();
                    continue;
                }
            };
        }
    }

    /// No more messages than those for which permits were given.
    pub(super) fn close(&mut self) {
        self.channel.limit.close();
        if !L::GIVES_PERMITS {
            self.channel.blocks.close();
        }
        called::call_all(&self.channel.closing);
    }

    /// Whether the channel is closed, by this side or because all senders are gone.
    pub(super) fn is_closed(&self) -> bool {
        self.channel.is_closed() || self.channel.strong_count() == 0
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.channel.blocks.len(&self.head)
    }

    /// Whether there are no messages.
    pub(super) fn is_empty(&self) -> bool {
        self.channel.blocks.is_empty(&self.head)
    }

    pub(super) fn channel(&self) -> &Channel<T, L> {
        &self.channel
    }

    /// What waits for a message is known by this.
    pub(super) fn key(&self) -> usize {
        std::ptr::from_ref::<Channel<T, L>>(&self.channel).addr()
    }

    /// Nothing was there at the first look: leaves the waker, and looks again.
    #[cold]
    fn poll_parking(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<Option<T>> {
        loop {
            self.has_waited = true;
            self.channel.receiver.register(cx.waker());
            let parked = self.channel.blocks.park(&self.head);
            match self.find() {
                Found::Message(value) => return Poll::Ready(Some(value)),
                Found::Over => return Poll::Ready(None),
                Found::Nothing if parked == OnPark::Parked => break,
                Found::Nothing => {}
                Found::InFlight => {
                    // Its sender has not seen us park, so it will not wake us: come back after the others have run.
                    cx.waker().wake_by_ref();
                    break;
                }
            }
        }
        local::wait_for(WaitKind::Receive, self.key(), at);
        Poll::Pending
    }

    /// Looks, and waits a moment for a message in flight.
    fn find(&mut self) -> Found<T> {
        let mut spins = 0;
        let mut over = false;
        loop {
            match self.channel.blocks.pop(&mut self.head) {
                Popped::Value(value) => return Found::Message(value),
                Popped::Empty if over => return Found::Over,
                Popped::Empty if self.channel.nothing_will_come() => over = true,
                Popped::Empty => return Found::Nothing,
                Popped::InFlight if spins == SPINS => return Found::InFlight,
                Popped::InFlight => {
                    spins += 1;
                    hint::spin_loop();
                }
            }
        }
    }

    /// Drops the messages that are left; the list is closed.
    fn drain(&mut self) {
        loop {
            match self.channel.blocks.pop(&mut self.head) {
                Popped::Value(value) => {
                    self.channel.limit.received(1);
                    drop(value);
                }
                Popped::Empty => return,
                // Its sender believes that it has been sent: nobody else will drop it.
                Popped::InFlight => thread::yield_now(),
            }
        }
    }
}

impl<T, L: Limit> Drop for Rx<T, L> {
    fn drop(&mut self) {
        /// Goes on draining when the destructor of a message panics.
        struct Drain<'a, T, L: Limit>(&'a mut Rx<T, L>);
        impl<T, L: Limit> Drop for Drain<'_, T, L> {
            fn drop(&mut self) {
                self.0.drain();
                let Rx { channel, head, .. } = &mut *self.0;
                channel.blocks.leave(head);
            }
        }

        // Without senders, which is final, there is nobody to be refused, and nobody who waits for that.
        let has_senders = self.channel.strong_count() != 0;
        if has_senders {
            self.channel.limit.close();
            self.channel.blocks.close();
        }
        // Our task is not to be kept alive by the senders.
        let waker: Option<Waker> = if self.has_waited { self.channel.receiver.take() } else { None };
        let drain = Drain(self);
        drop(waker);
        if has_senders {
            called::call_all(&drain.0.channel.closing);
        }
        drain.0.drain();
    }
}
