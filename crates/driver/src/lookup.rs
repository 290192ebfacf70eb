//! A name that is looked up: who asked, and who answers.
//!
//! 1. Neither side waits for the other to go: the answer may come when nobody asks any more, and then it is dropped.
//! 2. It is there before whoever waits is woken. An [`Answer`] that is dropped says that there is none.
//! 3. A [`Lookup`] that is dropped takes its waker with it: no code of others runs where the answer is dropped.
//!
//! `net` of the user-facing crate awaits it; `os` answers on threads of its own, a simulation at once.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::Mutex;
use unstuck_base::waker_cell::WakerCell;

/// What a lookup comes to.
pub type Found = io::Result<Vec<SocketAddr>>;

/// The addresses of a name, when they are known. It is awaited once.
#[must_use = "the answer is given to whoever awaits it"]
pub struct Lookup(Arc<Place>);

/// What is owed to a [`Lookup`].
pub struct Answer(Arc<Place>);

struct Place {
    found: Mutex<Option<Found>>,
    waiter: WakerCell,
}

impl Lookup {
    /// One that is to be answered.
    pub fn new() -> (Lookup, Answer) {
        let place = Arc::new(Place { found: Mutex::new(None), waiter: WakerCell::new() });
        (Lookup(place.clone()), Answer(place))
    }

    /// One that is answered already.
    pub fn answered(found: Found) -> Lookup {
        let (lookup, answer) = Lookup::new();
        answer.give(found);
        lookup
    }
}

impl Future for Lookup {
    type Output = Found;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Found> {
        // Before the look at the answer: rule 2.
        self.0.waiter.register(cx.waker());
        let found = self.0.found.lock().take();
        if found.is_none() {
            local::wait_for(WaitKind::Io, Arc::as_ptr(&self.0).addr(), Location::caller());
        }
        found.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        local::forget_wait(WaitKind::Io, Arc::as_ptr(&self.0).addr());
        drop(self.0.waiter.take());
    }
}

impl Answer {
    /// Whether anybody still asks.
    pub fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Tells whoever asked.
    pub fn give(self, found: Found) {
        self.0.give(found);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.give(Err(io::Error::other("the lookup of a host name broke off")));
    }
}

impl Place {
    /// Only the first answer counts.
    fn give(&self, answer: Found) {
        let unused = {
            let mut found = self.found.lock();
            match &*found {
                None => found.replace(answer),
                Some(_) => Some(answer),
            }
        };
        drop(unused);
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("is_wanted", &self.is_wanted()).finish()
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(lookup: &mut Lookup, waker: &Waker) -> Poll<Found> {
        Pin::new(lookup).poll(&mut Context::from_waker(waker))
    }

    #[test]
    fn who_waits_is_woken_when_the_answer_is_there() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let (mut lookup, answer) = Lookup::new();
        assert!(poll(&mut lookup, &waker).is_pending());
        let address: SocketAddr = ([10, 0, 0, 1], 80).into();
        answer.give(Ok(vec![address]));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(matches!(poll(&mut lookup, &waker), Poll::Ready(Ok(found)) if found == [address]));
    }

    #[test]
    fn an_answer_that_is_never_given_is_an_error() {
        let (mut lookup, answer) = Lookup::new();
        assert!(poll(&mut lookup, Waker::noop()).is_pending());
        drop(answer);
        assert!(matches!(poll(&mut lookup, Waker::noop()), Poll::Ready(Err(_))));
    }

    #[test]
    fn a_lookup_that_was_given_up_is_not_wanted_and_lets_go_of_its_waker() {
        let count = Arc::new(Count::default());
        let (mut lookup, answer) = Lookup::new();
        assert!(poll(&mut lookup, &count.clone().into()).is_pending());
        assert!(answer.is_wanted());
        drop(lookup);
        assert!(!answer.is_wanted());
        assert_eq!(Arc::strong_count(&count), 1);
        answer.give(Ok(Vec::new()));
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
    }
}
