//! A task that always has something to do: it ends, its parts get on with it, and so do the others.
//!
//! 1. Each program here hangs where a spent budget only says "later", or where nothing ever says so.
//! 2. Each runs as a task and as the root future, on both flavors.

mod common;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread::{self, Thread};

use common::{both, ends};
use unstuck::io::{AsyncReadExt, AsyncWriteExt, duplex, empty, repeat, sink};
use unstuck::net::{TcpListener, TcpStream, UdpSocket};
use unstuck::sync::{Mutex, Notify, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use unstuck::task::coop::{consume_budget, cooperative};
use unstuck::task::{JoinSet, yield_now};
use unstuck::time::{Duration, interval, sleep, timeout};

/// More operations than a poll may complete, by far.
const MANY: usize = 10_000;

const SHORT: Duration = Duration::from_millis(5);

/// Runs the program everywhere (rule 2), and fails if it does not end.
fn everywhere<F: Future<Output = ()> + Send + 'static>(program: impl Fn() -> F + Send + 'static) {
    ends(move || {
        for runtime in both() {
            runtime.block_on(program());
            runtime.block_on(async { unstuck::spawn(program()).await.unwrap() });
        }
    });
}

/// Said when it is time to stop.
#[derive(Clone, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn say(&self) {
        self.0.store(true, SeqCst);
    }

    fn is_said(&self) -> bool {
        self.0.load(SeqCst)
    }

    /// Another task says it.
    fn said_by_another_task() -> Stop {
        let stop = Stop::default();
        let stopping = stop.clone();
        unstuck::spawn(async move { stopping.say() });
        stop
    }

    /// Another task says it, when some time has passed.
    fn said_later_by_another_task() -> Stop {
        let stop = Stop::default();
        let stopping = stop.clone();
        unstuck::spawn(async move {
            sleep(SHORT).await;
            stopping.say();
        });
        stop
    }
}

/// Never has to wait, until it is told to stop.
async fn busy(stop: Stop) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    sender.send(()).unwrap();
    while !stop.is_said() {
        receiver.recv().await.unwrap();
        sender.send(()).unwrap();
    }
}

/// Waits, then tells the others to stop.
async fn late(stop: Stop) {
    sleep(SHORT).await;
    stop.say();
}

/// What was woken, and whom that wakes.
#[derive(Default)]
struct Woken {
    which: StdMutex<VecDeque<usize>>,
    task: StdMutex<Option<Waker>>,
}

struct Part(Arc<Woken>, usize);

impl Wake for Part {
    fn wake(self: Arc<Self>) {
        self.0.which.lock().unwrap().push_back(self.1);
        let task = self.0.task.lock().unwrap().clone();
        task.into_iter().for_each(Waker::wake);
    }
}

/// Futures of which only those are polled that were woken, and polled again for as long as there are any: as sets of
/// futures do that never return to the runtime by themselves.
struct Set<F> {
    parts: Vec<Option<Pin<Box<F>>>>,
    woken: Arc<Woken>,
}

fn set<F: Future<Output = ()>>(futures: impl IntoIterator<Item = F>) -> Set<F> {
    let parts: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    let woken = Woken { which: StdMutex::new((0..parts.len()).collect()), task: StdMutex::default() };
    Set { parts, woken: Arc::new(woken) }
}

impl<F: Future<Output = ()>> Future for Set<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.woken.task.lock().unwrap() = Some(cx.waker().clone());
        loop {
            let next = self.woken.which.lock().unwrap().pop_front();
            let Some(which) = next else { break };
            let waker = Waker::from(Arc::new(Part(self.woken.clone(), which)));
            let part = &mut self.parts[which];
            if part.as_mut().is_some_and(|part| part.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()) {
                *part = None;
            }
        }
        if self.parts.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Polls its parts in their order, all in each poll, as `join_all` does.
struct InOrder<'a>(Vec<Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>>);

impl Future for InOrder<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for part in &mut self.0 {
            if part.as_mut().is_some_and(|part| part.as_mut().poll(cx).is_ready()) {
                *part = None;
            }
        }
        if self.0.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Polls its future again at once when that was woken in its poll.
async fn eager<F: Future>(future: F) -> F::Output {
    struct Flag(AtomicBool, Waker);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
            self.1.wake_by_ref();
        }
    }
    let mut future = pin!(future);
    poll_fn(|cx| {
        let flag = Arc::new(Flag(AtomicBool::new(true), cx.waker().clone()));
        let waker = Waker::from(flag.clone());
        while flag.0.swap(false, SeqCst) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
}

/// An executor that is not ours: blocks its thread, a task's thread, until the future is ready.
fn block_on_elsewhere<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_set_of_futures_that_want_one_permit_ends() {
    everywhere(async || {
        let permits = Arc::new(Semaphore::new(1));
        let wanting = (0..1000).map(|_| {
            let permits = permits.clone();
            async move { drop(permits.acquire().await.unwrap()) }
        });
        set(wanting).await;
        assert_eq!(permits.available_permits(), 1);
    });
}

#[test]
fn a_set_of_futures_that_use_what_is_ready_ends() {
    everywhere(async || {
        let lock = Arc::new((Mutex::new(0), RwLock::new(0)));
        let adding = (0..1000).map(|_| {
            let lock = lock.clone();
            async move {
                *lock.0.lock().await += 1;
                drop(lock.1.read().await);
                *lock.1.write().await += 1;
                unstuck::spawn(async {}).await.unwrap();
            }
        });
        set(adding).await;
        assert_eq!((*lock.0.lock().await, *lock.1.read().await), (1000, 1000));
    });
}

#[test]
fn a_set_within_a_set_within_a_set_ends() {
    everywhere(async || {
        let inner = || set((0..30).map(async |_| (0..30).for_each(drop)));
        let operations = || set((0..30).map(async |_| consume_budget().await));
        set((0..10).map(|_| async move {
            set((0..10).map(|_| async move {
                inner().await;
                operations().await;
            }))
            .await;
        }))
        .await;
    });
}

#[test]
fn a_set_that_spins_does_not_keep_a_sleep_from_ending() {
    everywhere(async || {
        let stop = Stop::default();
        let spinning = poll_fn({
            let stop = stop.clone();
            move |cx| {
                cx.waker().wake_by_ref();
                if stop.is_said() { Poll::Ready(()) } else { Poll::Pending }
            }
        });
        let parts: [Pin<Box<dyn Future<Output = ()> + Send>>; 2] = [Box::pin(late(stop)), Box::pin(spinning)];
        set(parts).await;
    });
}
