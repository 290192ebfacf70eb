//! A runtime for the tests: outside it there is nothing but a parker, and its time stands still.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use unstuck_base::WakeBatch;
use unstuck_base::parker::Parker;
use unstuck_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use unstuck_base::sync::{Mutex, thread};
use unstuck_context::{Enabled, Handle, Parts};
use unstuck_driver::signal::SignalSource;
use unstuck_driver::socket::{Family, Foreign, Unconnected};
use unstuck_driver::{Driver, Kernel, Lookup, Socket, Timers};

use crate::blocking::{self, StartThread};
use crate::{BlockingPool, Hooks, Pool, Single, Tuning, pool};

/// The kernel, and where its driver sleeps.
pub(crate) struct Bare {
    start: Instant,
    bed: Parker,
    breaks: AtomicBool,
    unparks: AtomicUsize,
    news: Mutex<News>,
}

/// What comes from outside, and who waits for it.
#[derive(Default)]
struct News {
    /// So often something has happened, which the driver sees when it looks.
    came: usize,
    /// So much of it the driver has seen.
    seen: usize,
    /// Each with how much it waits for.
    waiting: Vec<(usize, Waker)>,
}

/// A whole runtime; ends as the real one does.
pub(crate) struct Runtime<S> {
    pub(crate) scheduler: S,
    pub(crate) blocking: Arc<BlockingPool>,
    pub(crate) handle: Handle,
    pub(crate) kernel: Arc<Bare>,
}

pub(crate) fn single() -> Runtime<Single> {
    let kernel = Bare::new();
    let timers = Timers::new(kernel.clone(), 0);
    let driver = Box::new(BareDriver(kernel.clone()));
    let single = Single::new(kernel.clone(), driver, timers.clone(), 0, Hooks::default(), Tuning::default());
    let blocking = blocking_pool(&kernel, 2, &Hooks::default());
    let parts = Parts {
        scheduler: single.scheduler(),
        kernel: kernel.clone(),
        timers,
        blocking: blocking.clone(),
        clock: None,
        name: None,
        enabled: Enabled::ALL,
    };
    Runtime { scheduler: single, blocking, handle: Handle::new(parts), kernel }
}

pub(crate) fn pool(workers: usize, hooks: Hooks) -> Runtime<Pool> {
    pool_with_spares(workers, 2, hooks)
}

/// With at most so many spares, and two threads for blocking work.
pub(crate) fn pool_with_spares(workers: usize, spares: usize, hooks: Hooks) -> Runtime<Pool> {
    pool_of(workers, spares, 2, hooks)
}

/// With at most so many spares, for which there are at most so many threads.
pub(crate) fn pool_of(workers: usize, spares: usize, threads: usize, hooks: Hooks) -> Runtime<Pool> {
    let kernel = Bare::new();
    let timers = Timers::new(kernel.clone(), 0);
    let blocking = blocking_pool(&kernel, threads, &hooks);
    let config = pool::Config {
        workers,
        spares,
        start_thread: start_thread(),
        hooks,
        tuning: Tuning::default(),
        seed: 0,
        monitor: None,
    };
    let driver = Box::new(BareDriver(kernel.clone()));
    let pool = Pool::new(&config, kernel.clone(), driver, timers.clone(), blocking.clone());
    let parts = Parts {
        scheduler: pool.scheduler(),
        kernel: kernel.clone(),
        timers,
        blocking: blocking.clone(),
        clock: None,
        name: None,
        enabled: Enabled::ALL,
    };
    let handle = Handle::new(parts);
    blocking.set_context(handle.clone());
    pool.start(&handle, &config).unwrap();
    Runtime { scheduler: pool, blocking, handle, kernel }
}

impl Runtime<Pool> {
    /// Ends it, and waits for its threads.
    pub(crate) fn shut_down(&self) {
        let _context = self.handle.enter();
        self.blocking.close(true);
        assert!(self.scheduler.shut_down(None));
        assert!(self.blocking.wait(None));
    }
}

fn blocking_pool(kernel: &Arc<Bare>, threads: usize, hooks: &Hooks) -> Arc<BlockingPool> {
    let config = blocking::Config {
        max_threads: threads,
        keep_alive: Duration::from_secs(10),
        start_thread: start_thread(),
        hooks: hooks.clone(),
    };
    BlockingPool::new(config, kernel.clone())
}

fn start_thread() -> StartThread {
    std::sync::Arc::new(|work| {
        thread::spawn(work);
        Ok(())
    })
}

impl Bare {
    fn new() -> Arc<Bare> {
        Arc::new(Bare {
            start: Instant::now(),
            bed: Parker::new(),
            breaks: AtomicBool::new(false),
            unparks: AtomicUsize::new(0),
            news: Mutex::new(News::default()),
        })
    }

    /// From now on the driver returns errors.
    pub(crate) fn break_driver(&self) {
        self.breaks.store(true, Ordering::SeqCst);
        self.bed.unpark();
    }

    /// Something happens outside, which whoever waits in the driver sees, or else who looks there next.
    pub(crate) fn bring_news(&self) {
        self.news.lock().came += 1;
        self.bed.unpark();
    }

    /// Waits until the driver has seen so much news.
    pub(crate) fn poll_news(&self, count: usize, cx: &mut Context<'_>) -> Poll<()> {
        let mut news = self.news.lock();
        if news.seen >= count {
            return Poll::Ready(());
        }
        news.waiting.push((count, cx.waker().clone()));
        Poll::Pending
    }

    /// How often somebody wanted to wake the driver.
    pub(crate) fn unparks(&self) -> usize {
        self.unparks.load(Ordering::SeqCst)
    }
}

struct BareDriver(Arc<Bare>);

impl Driver for BareDriver {
    fn park(&mut self, _deadline: Option<Instant>, woken: &mut WakeBatch) -> io::Result<()> {
        self.poll(woken)?;
        self.0.bed.park();
        self.poll(woken)
    }

    fn poll(&mut self, woken: &mut WakeBatch) -> io::Result<()> {
        let mut news = self.0.news.lock();
        if news.seen < news.came {
            news.seen = news.came;
            let seen = news.seen;
            news.waiting.extract_if(.., |(count, _)| *count <= seen).for_each(|(_, waker)| woken.push(waker));
        }
        if self.0.breaks.load(Ordering::SeqCst) { Err(io::Error::other("broken by the test")) } else { Ok(()) }
    }

    fn shut_down(&mut self, _woken: &mut WakeBatch) {
        let waiting = std::mem::take(&mut self.0.news.lock().waiting);
        drop(waiting);
    }
}

impl Kernel for Bare {
    fn now(&self) -> Instant {
        self.start
    }

    fn real_now(&self) -> Instant {
        self.start
    }

    fn unpark(&self) {
        // Relaxed: a count, read when all is over.
        self.unparks.fetch_add(1, Ordering::Relaxed);
        self.bed.unpark();
    }

    fn entropy(&self) -> u64 {
        4
    }

    fn tcp_listen(&self, _address: SocketAddr, _backlog: u32) -> io::Result<Arc<dyn Socket>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn tcp_connect(&self, _peer: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn tcp_socket(&self, _family: Family) -> io::Result<Box<dyn Unconnected>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn udp_bind(&self, _address: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn adopt(&self, _socket: Foreign) -> io::Result<Arc<dyn Socket>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn lookup_host(&self, _host: &str, _port: u16) -> Lookup {
        Lookup::answered(Err(io::ErrorKind::Unsupported.into()))
    }

    fn signal(&self, _number: i32) -> io::Result<Arc<SignalSource>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
