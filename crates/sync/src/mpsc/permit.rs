//! Room in a bounded channel that was taken before there is a message to put there.
//!
//! 1. Each of these owns permits: it gives them back when it is dropped, unless a message has been sent with them.
//! 2. Whatever a permit does, it has done its accounting before user code (a waker, a destructor) can run.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::Sender;
use super::channel::{Bounded, Channel, Tx};

impl<T> Channel<T, Bounded> {
    /// Sends a message whose permit the caller has; gives it back if the receiver is gone.
    #[inline]
    pub(super) fn push_permitted(&self, value: T) -> Result<(), T> {
        let pushed = self.push(value);
        if pushed.is_err() {
            self.release(1);
        }
        pushed
    }

    /// Permits go back unused.
    fn release(&self, permits: usize) {
        self.limit.permits.release(permits);
        self.permits_are_back();
    }
}

/// Room for one message, taken by [`Sender::reserve`]. Dropping it gives the room back.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// let (sender, _receiver) = mpsc::channel::<i32>(1);
/// let permit = sender.try_reserve().unwrap();
/// assert_eq!(sender.capacity(), 0);
/// drop(permit);
/// assert_eq!(sender.capacity(), 1);
/// ```
pub struct Permit<'a, T> {
    channel: &'a Channel<T, Bounded>,
}

/// Room for several messages, taken by [`Sender::reserve_many`]: yields a [`Permit`] for each. Dropping it gives back
/// the room of those that it has not yielded.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// let (sender, mut receiver) = mpsc::channel(10);
/// let mut permits = sender.try_reserve_many(3).unwrap();
/// permits.next().unwrap().send(1);
/// drop(permits);
/// assert_eq!(sender.capacity(), 9);
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
pub struct PermitIterator<'a, T> {
    channel: &'a Channel<T, Bounded>,
    n: usize,
}

/// Room for one message together with the sender, taken by [`Sender::reserve_owned`]. Dropping it gives the room back
/// and drops the sender.
///
/// # Examples
///
/// ```
/// use unstuck_sync::mpsc;
///
/// let (sender, mut receiver) = mpsc::channel(1);
/// let permit = sender.clone().try_reserve_owned().unwrap();
/// assert!(permit.same_channel_as_sender(&sender));
/// permit.send(1);
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
pub struct OwnedPermit<T> {
    /// `None` when it has been used up.
    tx: Option<Tx<T, Bounded>>,
}

impl<'a, T> Permit<'a, T> {
    /// The caller has taken one permit.
    pub(super) fn new(channel: &'a Channel<T, Bounded>) -> Self {
        Permit { channel }
    }

    /// Sends a message into the room that was kept for it; never waits, never fails. If the receiver is gone meanwhile,
    /// the message is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// // Now that there is room, the message can be made: nothing is lost if this task is dropped while it waits.
    /// permit.send(String::from("made late"));
    /// assert_eq!(receiver.recv().await.unwrap(), "made late");
    /// # });
    /// ```
    pub fn send(self, value: T) {
        let channel = self.channel;
        // Rule 2: the permit goes along with the message.
        mem::forget(self);
        let _refused = channel.push_permitted(value);
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.channel.release(1);
    }
}

impl<'a, T> PermitIterator<'a, T> {
    /// The caller has taken `n` permits.
    pub(super) fn new(channel: &'a Channel<T, Bounded>, n: usize) -> Self {
        PermitIterator { channel, n }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.n = self.n.checked_sub(1)?;
        Some(Permit::new(self.channel))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n, Some(self.n))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.n != 0 {
            self.channel.release(self.n);
        }
    }
}

const USED_UP: &str = "an owned permit is used up once";

impl<T> OwnedPermit<T> {
    /// The caller has taken one permit.
    pub(super) fn new(tx: Tx<T, Bounded>) -> Self {
        OwnedPermit { tx: Some(tx) }
    }

    /// Sends a message into the room that was kept for it, and gives the sender back; never waits, never fails. If the
    /// receiver is gone meanwhile, the message is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, mut receiver) = mpsc::channel(2);
    /// let sender = sender.try_reserve_owned().unwrap().send(1);
    /// sender.try_send(2).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Ok(2));
    /// ```
    pub fn send(mut self, value: T) -> Sender<T> {
        // Rule 2: the permit goes along with the message.
        let tx = self.tx.take().expect(USED_UP);
        let _refused = tx.push_permitted(value);
        Sender::new(tx)
    }

    /// Gives the room back, and the sender to the caller.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, _receiver) = mpsc::channel::<i32>(1);
    /// let permit = sender.try_reserve_owned().unwrap();
    /// let sender = permit.release();
    /// assert_eq!(sender.capacity(), 1);
    /// ```
    pub fn release(mut self) -> Sender<T> {
        let tx = self.tx.take().expect(USED_UP);
        tx.release(1);
        Sender::new(tx)
    }

    /// Whether both permits belong to one channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, _receiver) = mpsc::channel::<()>(2);
    /// let one = sender.clone().try_reserve_owned().unwrap();
    /// let two = sender.try_reserve_owned().unwrap();
    /// assert!(one.same_channel(&two));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.tx().is_same(other.tx())
    }

    /// Whether the permit belongs to the channel of `sender`.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::mpsc;
    ///
    /// let (sender, _receiver) = mpsc::channel::<()>(1);
    /// let (other, _receiver) = mpsc::channel::<()>(1);
    /// let permit = sender.clone().try_reserve_owned().unwrap();
    /// assert!(permit.same_channel_as_sender(&sender));
    /// assert!(!permit.same_channel_as_sender(&other));
    /// ```
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.tx().is_same(sender.tx())
    }

    fn tx(&self) -> &Tx<T, Bounded> {
        self.tx.as_ref().expect(USED_UP)
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(tx) = self.tx.take() {
            tx.release(1);
        }
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator").field("capacity", &self.n).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}

// As for the senders.
impl<T> UnwindSafe for Permit<'_, T> {}
impl<T> RefUnwindSafe for Permit<'_, T> {}
impl<T> UnwindSafe for PermitIterator<'_, T> {}
impl<T> RefUnwindSafe for PermitIterator<'_, T> {}
impl<T> UnwindSafe for OwnedPermit<T> {}
impl<T> RefUnwindSafe for OwnedPermit<T> {}
