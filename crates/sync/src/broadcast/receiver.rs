//! The side of a broadcast channel that receives.
//!
//! 1. `next` is the number of the message to be received next: the ring counts this receiver for that one and all later
//!    ones, until it leaves.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::Ordering;
use unstuck_base::{entered, parker};

use super::error::{RecvError, TryRecvError};
use super::ring::Ring;
use crate::called::Place;
use crate::version::{Found, Seen};

/// Receives every message that is sent while it exists. See [`channel`](super::channel()) and
/// [`Sender::subscribe`](super::Sender::subscribe).
///
/// # Examples
///
/// ```
/// use unstuck_sync::broadcast;
///
/// let (sender, mut receiver) = broadcast::channel(16);
/// let log = std::thread::spawn(move || {
///     let mut lines = Vec::new();
///     while let Ok(line) = receiver.blocking_recv() {
///         lines.push(line);
///     }
///     lines
/// });
/// sender.send("started").unwrap();
/// sender.send("stopped").unwrap();
/// drop(sender);
/// assert_eq!(log.join().unwrap(), ["started", "stopped"]);
/// ```
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    /// The number of the message to be received next.
    next: Seen,
}

impl<T> Receiver<T> {
    pub(super) fn new(ring: &Arc<Ring<T>>) -> Self {
        Receiver { ring: ring.clone(), next: ring.enter() }
    }

    /// How many messages were sent that this receiver has not had, those included that it will miss.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(2);
    /// for n in 0..3 {
    ///     sender.send(n).unwrap();
    /// }
    /// assert_eq!(receiver.len(), 3);
    /// assert!(receiver.try_recv().is_err()); // one was missed
    /// assert_eq!(receiver.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.ring.sent.now().since(self.next)
    }

    /// Whether this receiver has had all that was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel(2);
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every sender is gone. There may be messages left.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel::<()>(2);
    /// assert!(!receiver.is_closed());
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.ring.sent.is_closed()
    }

    /// Whether both receivers belong to one channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::broadcast;
    ///
    /// let (sender, receiver) = broadcast::channel::<()>(4);
    /// let (_sender, other) = broadcast::channel::<()>(4);
    /// assert!(receiver.same_channel(&sender.subscribe()));
    /// assert!(!receiver.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// How many senders there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel::<()>(4);
    /// let other = sender.clone();
    /// assert_eq!(receiver.sender_strong_count(), 2);
    /// drop((sender, other));
    /// assert_eq!(receiver.sender_strong_count(), 0);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.ring.senders.load(Ordering::Relaxed)
    }

    /// How many weak senders there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = unstuck_sync::broadcast::channel::<()>(4);
    /// let _weak = sender.downgrade();
    /// assert_eq!(receiver.sender_weak_count(), 1);
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.ring.weak_senders.load(Ordering::Relaxed)
    }
}

impl<T: Clone> Receiver<T> {
    /// The next message; waits until there is one.
    ///
    /// # Errors
    ///
    /// [`Lagged`](RecvError::Lagged) when messages were overwritten before this receiver had them: the next call goes on
    /// with the oldest that is left. [`Closed`](RecvError::Closed) when none is left and every sender is gone.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has received nothing: no message is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # unstuck_base::parker::block_on(async {
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(16);
    /// std::thread::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.recv().await, Ok("hello"));
    /// assert!(receiver.recv().await.is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Result<T, RecvError>> {
        let place = Place::new(&self.ring.receiving, WaitKind::Receive, Location::caller());
        Recv { ring: &*self.ring, next: &mut self.next, place }
    }

    /// The next message if there is one; never waits.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) when there is none now, the others as for [`recv`](Receiver::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck_sync::broadcast::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(16);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.ring.sent.find(self.next) {
            Found::Changed(_) => self.ring.take(&mut self.next).map_err(TryRecvError::Lagged),
            Found::Closed => Err(TryRecvError::Closed),
            Found::Same => Err(TryRecvError::Empty),
        }
    }

    /// The next message; blocks the thread until there is one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv).
    ///
    /// # Panics
    ///
    /// Inside a runtime that was built without `nested_block_on`, where it would stall other tasks: await
    /// [`recv`](Receiver::recv) there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(16);
    /// std::thread::spawn(move || sender.send(1));
    /// assert_eq!(receiver.blocking_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        let _blocking = entered::begin_blocking();
        parker::block_on(self.recv())
    }

    /// One more receiver, which gets what is sent from now on, not what this one has not had yet.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = unstuck_sync::broadcast::channel(16);
    /// sender.send(1).unwrap();
    /// let mut later = receiver.resubscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!(later.try_recv(), Ok(2));
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn resubscribe(&self) -> Self {
        Receiver::new(&self.ring)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.ring.leave(self.next);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Receiver")
    }
}

/// The future of [`Receiver::recv`].
struct Recv<'a, T> {
    ring: &'a Ring<T>,
    next: &'a mut Seen,
    place: Place<'a>,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let charge = ready!(local::poll_budget(cx));
        // SAFETY: only the place must stay where it is, and it is pinned again at once.
        let (ring, next, mut place) = unsafe {
            let this = self.get_unchecked_mut();
            (this.ring, &mut *this.next, Pin::new_unchecked(&mut this.place))
        };
        loop {
            let received = match ring.sent.find(*next) {
                Found::Changed(_) => ring.take(next).map_err(RecvError::Lagged),
                Found::Closed => Err(RecvError::Closed),
                Found::Same => {
                    ready!(place.as_mut().poll_called(cx, || ring.sent.wait(*next)));
                    continue;
                }
            };
            charge.made_progress();
            return Poll::Ready(received);
        }
    }
}
