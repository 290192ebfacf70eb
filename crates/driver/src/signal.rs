//! One Unix signal that tasks listen for: a count of its deliveries, and who waits for the next.
//!
//! 1. A delivery changes the count first, then takes the wakers; a listener looks at the count once more under the
//!    lock before it waits. So no delivery is lost.
//! 2. A listener remembers the count that it saw last: every listener sees every delivery, and deliveries that come
//!    before it looks count as one.
//! 3. No waker is cloned, dropped or woken under the lock.
//! 4. After [`shutdown`](SignalSource::shutdown) nobody waits any more; nor in a forked child for a source of the parent.
//!
//! A driver delivers; the signal types of the user-facing crate listen.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use unstuck_base::WakeBatch;
use unstuck_base::fork::Process;
use unstuck_base::local::{self, WaitKind};
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicU64, Ordering};

/// The word's lowest bit: no further delivery will come. The count is in the bits above.
const SHUT: u64 = 1;
const ONE: u64 = 2;

/// Where deliveries of one signal land; see the module's rules.
#[derive(Debug)]
pub struct SignalSource {
    word: AtomicU64,
    wakers: Mutex<Slots>,
    process: Process,
    audience: Option<Box<dyn Audience>>,
}

/// Whoever wants to know whether anybody listens.
pub trait Audience: fmt::Debug + Send + Sync {
    /// A listener comes.
    fn comes(&self);

    /// One has gone.
    fn goes(&self);
}

/// One waker for each listener.
#[derive(Debug, Default)]
struct Slots {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Default for SignalSource {
    fn default() -> Self {
        SignalSource::new()
    }
}

impl SignalSource {
    /// A signal that has not come yet.
    pub fn new() -> Self {
        SignalSource {
            word: AtomicU64::new(0),
            wakers: Mutex::new(Slots::default()),
            process: Process::this(),
            audience: None,
        }
    }

    /// As [`new`](SignalSource::new); `audience` is told of every listener.
    pub fn with_audience(audience: Box<dyn Audience>) -> Self {
        SignalSource { audience: Some(audience), ..SignalSource::new() }
    }

    /// The signal came. Gathers the wakers of those who wait for it.
    pub fn deliver(&self, woken: &mut WakeBatch) {
        // Release: pairs with the Acquire in `look`, which must see what the driver saw.
        self.word.fetch_add(ONE, Ordering::Release);
        self.take_wakers(woken);
    }

    /// The runtime has shut down. Gathers all wakers.
    pub fn shutdown(&self, woken: &mut WakeBatch) {
        // Release: as in `deliver`.
        self.word.fetch_or(SHUT, Ordering::Release);
        self.take_wakers(woken);
    }

    fn take_wakers(&self, woken: &mut WakeBatch) {
        self.wakers.lock().wakers.iter_mut().filter_map(Option::take).for_each(|waker| woken.push(waker));
    }

    /// What has come since `seen`, which it brings up to date; `None` for nothing.
    fn look(&self, seen: &mut u64) -> Option<Option<()>> {
        // Acquire: pairs with the Release in `deliver` and `shutdown`.
        let word = self.word.load(Ordering::Acquire);
        if word & !SHUT != *seen {
            *seen = word & !SHUT;
            return Some(Some(()));
        }
        (word & SHUT != 0).then_some(None)
    }

    /// Listens from now on: earlier deliveries do not count.
    pub fn listen(self: &Arc<Self>) -> Listener {
        if let Some(audience) = &self.audience {
            audience.comes();
        }
        let mut slots = self.wakers.lock();
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.wakers.push(None);
            slots.wakers.len() - 1
        });
        // Acquire: pairs with the Release in `deliver`.
        Listener { source: self.clone(), seen: self.word.load(Ordering::Acquire) & !SHUT, slot }
    }
}

/// One who listens to a [`SignalSource`].
#[derive(Debug)]
pub struct Listener {
    source: Arc<SignalSource>,
    seen: u64,
    slot: usize,
}

impl Listener {
    /// Waits until the signal has come since this listener last looked. `None`: the runtime has shut down, or belongs to the
    /// parent of this process.
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let Listener { source, seen, slot } = self;
        if let Some(news) = source.look(seen) {
            return Poll::Ready(news);
        }
        if !source.process.is_this() {
            return Poll::Ready(None);
        }
        let mut waker = Some(cx.waker().clone());
        let mut slots = source.wakers.lock();
        if let Some(news) = source.look(seen) {
            drop(slots);
            return Poll::Ready(news);
        }
        std::mem::swap(&mut slots.wakers[*slot], &mut waker);
        drop(slots);
        drop(waker);
        local::wait_for(WaitKind::Io, Arc::as_ptr(source).addr(), Location::caller());
        Poll::Pending
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if !self.source.process.is_this() {
            return;
        }
        let mut slots = self.source.wakers.lock();
        let waker = slots.wakers[self.slot].take();
        slots.free.push(self.slot);
        drop(slots);
        drop(waker);
        if let Some(audience) = &self.source.audience {
            audience.goes();
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_listener_sees_a_burst_once() {
        let source = Arc::new(SignalSource::new());
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        let (mut a, mut b) = (source.listen(), source.listen());
        assert!(a.poll_recv(&mut cx).is_pending());
        assert!(b.poll_recv(&mut cx).is_pending());
        for _ in 0..3 {
            source.deliver(&mut WakeBatch::new());
        }
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        for listener in [&mut a, &mut b] {
            assert_eq!(listener.poll_recv(&mut cx), Poll::Ready(Some(())));
            assert!(listener.poll_recv(&mut cx).is_pending());
        }
        assert!(source.listen().poll_recv(&mut cx).is_pending(), "a newcomer does not see what came before");
    }

    #[test]
    fn a_dropped_listener_is_not_woken_and_its_slot_is_used_again() {
        let source = Arc::new(SignalSource::new());
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut listener = source.listen();
        assert!(listener.poll_recv(&mut Context::from_waker(&waker)).is_pending());
        drop(listener);
        source.deliver(&mut WakeBatch::new());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        let _again = source.listen();
        assert_eq!(source.wakers.lock().wakers.len(), 1);
    }

    #[test]
    fn a_delivery_before_the_shutdown_is_still_seen() {
        let source = Arc::new(SignalSource::new());
        let mut listener = source.listen();
        source.deliver(&mut WakeBatch::new());
        source.shutdown(&mut WakeBatch::new());
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(listener.poll_recv(&mut cx), Poll::Ready(Some(())));
        assert_eq!(listener.poll_recv(&mut cx), Poll::Ready(None));
    }
}

#[cfg(all(test, unstuck_loom))]
mod loom_tests {
    use super::*;
    use unstuck_base::sync::atomic::AtomicUsize;
    use unstuck_base::sync::thread;

    struct Count(AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn loom_signal_a_delivery_and_a_listener_see_each_other() {
        loom::model(|| {
            let source = Arc::new(SignalSource::new());
            let mut listener = source.listen();
            let delivering = thread::spawn({
                let source = source.clone();
                move || source.deliver(&mut WakeBatch::new())
            });
            let count = Arc::new(Count(AtomicUsize::new(0)));
            let waker = Waker::from(count.clone());
            let pending = listener.poll_recv(&mut Context::from_waker(&waker)).is_pending();
            delivering.join().unwrap();
            assert_eq!(count.0.load(Ordering::SeqCst), usize::from(pending));
        });
    }
}
