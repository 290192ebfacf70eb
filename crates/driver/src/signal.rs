//! One Unix signal that tasks listen for: a count of its deliveries, and who waits for the next.
//!
//! 1. A delivery changes the count first, then takes the wakers; a listener looks at the count once more under the
//!    lock before it waits. So no delivery is lost.
//! 2. A listener remembers the count that it saw last: every listener sees every delivery, and deliveries that come
//!    before it looks count as one.
//! 3. No waker is cloned, dropped or woken under the lock.
//! 4. What a poll waits for is recorded once. The record goes when that poll gets its news after all, or drops whoever waits.
//! 5. After [`shutdown`](SignalSource::shutdown) nobody waits any more; nor in a forked child for a source of the parent.
//!
//! A driver delivers; the signal types of the user-facing crate listen.

use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use unstuck_base::WakeBatch;
use unstuck_base::fork::Process;
use unstuck_base::local::{self, TaskRef, WaitKind};
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
    ///
    /// # Errors
    /// It would hear nothing, for this reason: so it does not come.
    fn comes(&self) -> io::Result<()>;

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
    ///
    /// # Errors
    /// When the signal can't be caught any more.
    pub fn listen(self: &Arc<Self>) -> io::Result<Listener> {
        if let Some(audience) = &self.audience {
            audience.comes()?;
        }
        let mut slots = self.wakers.lock();
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.wakers.push(None);
            slots.wakers.len() - 1
        });
        // Acquire: pairs with the Release in `deliver`.
        let seen = self.word.load(Ordering::Acquire) & !SHUT;
        Ok(Listener { source: self.clone(), seen, slot, stamp: None })
    }
}

/// One who listens to a [`SignalSource`].
#[derive(Debug)]
pub struct Listener {
    source: Arc<SignalSource>,
    seen: u64,
    slot: usize,
    /// The poll that waits for this (rule 4).
    stamp: Option<TaskRef>,
}

/// Waits for a signal; see [`Listener::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Recv<'a> {
    listener: &'a mut Listener,
    at: &'static Location<'static>,
    /// As the future of an `async fn`.
    _pinned: PhantomPinned,
}

impl Listener {
    /// Waits until the signal has come since this listener last looked. `None`: the runtime has shut down, or belongs to the
    /// parent of this process.
    ///
    /// # Cancel safety
    /// Cancel safe: the news is taken only by the poll that returns it.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_> {
        Recv { listener: self, at: Location::caller(), _pinned: PhantomPinned }
    }

    /// As [`recv`](Listener::recv). Of several tasks that poll, the last one is woken.
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.poll_recv_at(cx, Location::caller())
    }

    fn poll_recv_at(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<Option<()>> {
        let polled = self.poll_news(cx);
        if polled.is_ready() {
            self.forget();
        } else {
            let now = local::current_task();
            if now.is_some() && std::mem::replace(&mut self.stamp, now) != now {
                local::wait_for(WaitKind::Io, self.key(), at);
            }
        }
        polled
    }

    fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let Listener { source, seen, slot, .. } = self;
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
        Poll::Pending
    }

    /// The poll in progress does not wait for this any more, if it did (rule 4).
    fn forget(&mut self) {
        let stamp = self.stamp.take();
        if stamp.is_some() && stamp == local::current_task() {
            local::forget_wait(WaitKind::Io, self.key());
        }
    }

    /// The address under which waits are recorded.
    fn key(&self) -> usize {
        Arc::as_ptr(&self.source).addr()
    }
}

impl Future for Recv<'_> {
    type Output = Option<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        // SAFETY: no field is pinned; PhantomPinned only withholds Unpin, as an `async fn` does.
        let this = unsafe { self.get_unchecked_mut() };
        this.listener.poll_recv_at(cx, this.at)
    }
}

impl Drop for Recv<'_> {
    fn drop(&mut self) {
        self.listener.forget();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.forget();
        if !self.source.process.is_this() {
            return;
        }
        let mut slots = self.source.wakers.lock();
        let waker = slots.wakers[self.slot].take();
        slots.free.push(self.slot);
        drop(slots);
        if let Some(audience) = &self.source.audience {
            audience.goes();
        }
        drop(waker);
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
        let (mut a, mut b) = (source.listen().unwrap(), source.listen().unwrap());
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
        assert!(source.listen().unwrap().poll_recv(&mut cx).is_pending(), "a newcomer does not see what came before");
    }

    #[test]
    fn a_dropped_listener_is_not_woken_and_its_slot_is_used_again() {
        let source = Arc::new(SignalSource::new());
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut listener = source.listen().unwrap();
        assert!(listener.poll_recv(&mut Context::from_waker(&waker)).is_pending());
        drop(listener);
        source.deliver(&mut WakeBatch::new());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        let _again = source.listen().unwrap();
        assert_eq!(source.wakers.lock().wakers.len(), 1);
    }

    /// Runs `poll` as a poll of a new task.
    fn as_task(poll: impl FnOnce(&mut Context<'_>)) {
        let outer = local::begin_poll(TaskRef { id: local::next_task_id(), poll: 0, root: false });
        poll(&mut Context::from_waker(Waker::noop()));
        let _waits = local::end_poll(outer);
    }

    /// For how much the poll in progress waits.
    fn waits() -> usize {
        local::waits().count()
    }

    #[test]
    fn who_is_dropped_in_the_poll_that_waited_is_not_waited_for() {
        let source = Arc::new(SignalSource::new());
        let (mut kept, mut other) = (source.listen().unwrap(), source.listen().unwrap());
        as_task(|cx| {
            assert!(kept.poll_recv(cx).is_pending());
            {
                let mut recv = std::pin::pin!(other.recv());
                assert!(recv.as_mut().poll(cx).is_pending());
                assert!(recv.as_mut().poll(cx).is_pending());
                assert_eq!(waits(), 2, "once for each that waits");
            }
            assert_eq!(waits(), 1);
            let mut last = source.listen().unwrap();
            assert!(last.poll_recv(cx).is_pending());
            assert_eq!(waits(), 2);
            drop(last);
            assert_eq!(waits(), 1);
        });
        // What another task's poll waits for is no concern of the listener.
        as_task(|cx| {
            assert!(other.poll_recv(cx).is_pending());
            drop(kept);
            assert_eq!(waits(), 1);
        });
    }

    #[test]
    fn who_gets_its_news_in_the_poll_that_waited_is_not_waited_for() {
        let source = Arc::new(SignalSource::new());
        let mut listener = source.listen().unwrap();
        as_task(|cx| {
            let mut recv = std::pin::pin!(listener.recv());
            assert!(recv.as_mut().poll(cx).is_pending());
            assert_eq!(waits(), 1);
            source.deliver(&mut WakeBatch::new());
            assert!(recv.as_mut().poll(cx).is_ready());
            assert_eq!(waits(), 0);
            assert!(recv.as_mut().poll(cx).is_pending());
            assert_eq!(waits(), 1);
        });
    }

    #[test]
    fn a_listener_that_would_hear_nothing_does_not_come() {
        #[derive(Debug)]
        struct Deaf;
        impl Audience for Deaf {
            fn comes(&self) -> io::Result<()> {
                Err(io::Error::other("not now"))
            }

            fn goes(&self) {
                panic!("nobody came");
            }
        }
        let source = Arc::new(SignalSource::with_audience(Box::new(Deaf)));
        assert_eq!(source.listen().unwrap_err().to_string(), "not now");
        assert!(source.wakers.lock().wakers.is_empty());
    }

    #[test]
    fn a_delivery_before_the_shutdown_is_still_seen() {
        let source = Arc::new(SignalSource::new());
        let mut listener = source.listen().unwrap();
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
            let mut listener = source.listen().unwrap();
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
