//! A channel for one value, from one sender to one receiver.
//!
//! [`channel`] makes both ends. [`Sender::send`] needs no waiting and consumes the sender; the [`Receiver`] is a future
//! of the value. Use it to answer a request, or to hand over the result of a task.
//!
//! ```
//! use unstuck_sync::oneshot;
//!
//! # unstuck_base::parker::block_on(async {
//! let (answer, question) = oneshot::channel();
//! answer.send(42).unwrap();
//! assert_eq!(question.await, Ok(42));
//! # });
//! ```
//!
//! A sender that is dropped without sending lets the receiver end with [`RecvError`](error::RecvError); a receiver that
//! is dropped makes [`Sender::send`] give the value back.
//!
//! # How it works
//!
//! One allocation holds the value, one waker of each side and one word, whose table is in `oneshot/state.rs`: it alone
//! says who may touch what, and who frees the allocation. What each end does is in `oneshot/sender.rs` and
//! `oneshot/receiver.rs`.
//!
//! 1. The value is dropped exactly once: by the receiver's user, by the sender's user (refused), or by the receiver when
//!    it is dropped with the value unreceived.
//! 2. Wakers are woken and values dropped after the allocation has been left, so that their code may do anything.

use std::mem::MaybeUninit;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::Waker;

use unstuck_base::sync::UnsafeCell;

use state::{OnClose, OnLeave, State};

pub mod error;
mod receiver;
mod sender;
mod state;

pub use receiver::Receiver;
pub use sender::Sender;

/// Makes a channel for one value.
///
/// # Examples
///
/// ```
/// use unstuck_sync::oneshot;
///
/// let (sender, receiver) = oneshot::channel();
/// std::thread::spawn(move || sender.send("done"));
/// assert_eq!(receiver.blocking_recv(), Ok("done"));
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = NonNull::from(Box::leak(Box::new(Channel {
        state: State::new(),
        receiver: UnsafeCell::new(None),
        sender: UnsafeCell::new(None),
        made_at: Location::caller(),
        value: UnsafeCell::new(MaybeUninit::uninit()),
    })));
    (Sender { channel }, Receiver { channel: Some(channel) })
}

struct Channel<T> {
    state: State,
    /// The receiver's waker: rule 2 of the state.
    receiver: UnsafeCell<Option<Waker>>,
    /// The sender's waker: rule 3 of the state.
    sender: UnsafeCell<Option<Waker>>,
    /// Where the channel was made: a future that is polled by `.await` itself can't know its caller.
    made_at: &'static Location<'static>,
    /// Rule 1 of the state.
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Channel<T> {
    /// Refuses later values; the waker of a sender that waits for this is the caller's to wake.
    fn close(&self) -> Option<Waker> {
        match self.state.close() {
            OnClose::Quiet => None,
            // SAFETY: rule 3 (state): `close` found TX_WAITS, so the slot is ours until we leave.
            OnClose::WakeSender => self.sender.with_mut(|slot| unsafe { (*slot).take() }),
        }
    }

    /// The receiver's last step: nothing may be touched after it.
    fn take_value_and_leave(&self) -> (Option<T>, OnLeave) {
        let value = self.state.look().has_value().then(|| {
            // SAFETY: rule 1 (state): VALUE makes it ours; it is taken once, because the receiver leaves now.
            self.value.with(|place| unsafe { (*place).assume_init_read() })
        });
        (value, self.state.receiver_leaves())
    }
}

/// Frees the channel; the value has been taken or was never there.
///
/// # Safety
/// Rule 4 (state): both sides have left.
unsafe fn free<T>(channel: NonNull<Channel<T>>) {
    // SAFETY: made by `Box::leak` in `channel`; the caller vouches that it is the last one.
    drop(unsafe { Box::from_raw(channel.as_ptr()) });
}

/// Puts a copy of `waker` into `slot`, and gives back what must be dropped after the slot was passed on.
fn put(slot: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match slot {
        Some(old) if old.will_wake(waker) => None,
        _ => slot.replace(waker.clone()),
    }
}

/// The channel's name in the record of waits.
fn key<T>(channel: NonNull<Channel<T>>) -> usize {
    channel.addr().get()
}
