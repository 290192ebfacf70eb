//! The tests that every kernel must pass: what resources and schedulers rely on, as plain functions that panic.
//!
//! 1. Each test gets a kernel and a driver of its own, and drives them with one thread: poll, park, expire, wake.
//! 2. Nothing is assumed about how long the outside world takes: a test waits until what it wants has happened, and
//!    fails when [`LIMIT`] of the kernel's time has passed.
//! 3. A test polls again only when its waker was woken: a wake-up that gets lost is a failure, not a delay.
//!
//! The tests of `os` and `sim` call [`run`]; a kernel whose driver can be unparked by other threads also
//! [`run_with_threads`].

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use unstuck_base::WakeBatch;
use unstuck_base::interest::Interest;

use crate::readiness::Direction;
use crate::{Driver, Kernel, Socket, Timers};

mod datagram;
mod lifetime;
mod stream;
mod time;

/// After how much of the kernel's time something that should happen is taken not to happen.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Runs every test that needs one thread only. `make` opens a kernel with its driver; sockets on the loopback address
/// must reach each other.
///
/// # Panics
/// If the kernel fails a test; the message says which.
pub fn run(make: impl Fn() -> (Arc<dyn Kernel>, Box<dyn Driver>)) {
    for (name, test) in stream::TESTS.iter().chain(datagram::TESTS).chain(time::TESTS).chain(lifetime::TESTS) {
        run_one(name, test, &make);
    }
}

/// Runs the tests in which another thread unparks the driver's.
///
/// # Panics
/// As [`run`].
pub fn run_with_threads(make: impl Fn() -> (Arc<dyn Kernel>, Box<dyn Driver>)) {
    for (name, test) in time::THREADED_TESTS {
        run_one(name, test, &make);
    }
}

/// Runs the tests of parking and deadlines, those with other threads as well: for a kernel without sockets.
///
/// # Panics
/// As [`run`].
pub fn run_without_sockets(make: impl Fn() -> (Arc<dyn Kernel>, Box<dyn Driver>)) {
    for (name, test) in time::TESTS.iter().chain(time::THREADED_TESTS) {
        run_one(name, test, &make);
    }
}

type Test = fn(&mut World);

fn run_one(name: &str, test: &Test, make: &impl Fn() -> (Arc<dyn Kernel>, Box<dyn Driver>)) {
    struct Name<'a>(&'a str);
    impl Drop for Name<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the kernel fails the conformance test {:?}", self.0);
            }
        }
    }
    let name = Name(name);
    let (kernel, driver) = make();
    let timers = Timers::new(kernel.clone(), 0);
    test(&mut World { kernel, driver, timers });
    std::mem::forget(name);
}

/// A kernel, its driver, and a loop around them.
struct World {
    kernel: Arc<dyn Kernel>,
    driver: Box<dyn Driver>,
    timers: Arc<Timers>,
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn new() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (count.clone(), Waker::from(count))
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl World {
    /// Parks once, expires timers, wakes.
    fn turn(&mut self) {
        let mut woken = WakeBatch::new();
        let limit = self.kernel.now() + Duration::from_millis(500);
        let deadline = self.timers.begin_park().map_or(limit, |deadline| deadline.min(limit));
        self.driver.park(Some(deadline), &mut woken).expect("the driver can park");
        self.timers.end_park();
        self.timers.expire(self.kernel.now(), &mut woken);
        woken.wake_all();
    }

    /// Turns until `done`.
    fn until(&mut self, what: &str, mut done: impl FnMut() -> bool) {
        let limit = self.kernel.now() + LIMIT;
        while !done() {
            assert!(self.kernel.now() < limit, "{what}: did not happen");
            self.turn();
        }
    }

    /// Drives a future to its end. It is polled again only when it was woken.
    fn block_on<F: Future>(&mut self, what: &str, future: F) -> F::Output {
        let mut future = pin!(future);
        let (count, waker) = Count::new();
        let mut cx = Context::from_waker(&waker);
        loop {
            let seen = count.get();
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            self.until(what, || count.get() != seen);
        }
    }

    /// Lets the world come to rest: nothing is expected to happen, so all there is to do is to let some time pass.
    fn settle(&mut self) {
        let limit = self.kernel.now() + Duration::from_millis(20);
        while self.kernel.now() < limit {
            let mut woken = WakeBatch::new();
            self.driver.park(Some(limit), &mut woken).expect("the driver can park");
        }
    }

    fn listen(&self) -> (Arc<dyn Socket>, SocketAddr) {
        let listener = self.kernel.tcp_listen(LOOPBACK, 16).expect("a listener can be made");
        let address = listener.local_addr().expect("a listener has an address");
        (listener, address)
    }

    /// Two ends of a connection: the one that connected, and the one that was accepted.
    fn pair(&mut self) -> (Arc<dyn Socket>, Arc<dyn Socket>) {
        let (listener, address) = self.listen();
        let connecting = self.connect(address);
        let accepted = self.accept(&listener);
        (connecting, accepted)
    }

    fn connect(&mut self, address: SocketAddr) -> Arc<dyn Socket> {
        let socket = self.kernel.tcp_connect(address).expect("an attempt can be begun");
        self.block_on("the connection is made", socket.readiness().ready(Interest::WRITABLE));
        assert!(socket.take_error().unwrap().is_none());
        socket
    }

    fn accept(&mut self, listener: &Arc<dyn Socket>) -> Arc<dyn Socket> {
        let accept = listener.readiness().async_io(Interest::READABLE, || listener.accept());
        self.block_on("a connection is accepted", accept).expect("accepting works").0
    }

    fn send(&mut self, socket: &Arc<dyn Socket>, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let send = socket.readiness().async_io(Interest::WRITABLE, || socket.send(bytes));
            let n = self.block_on("bytes are sent", send).expect("sending works");
            bytes = &bytes[n..];
        }
    }

    /// Receives once, at most `len` bytes.
    fn recv(&mut self, socket: &Arc<dyn Socket>, len: usize) -> io::Result<Vec<u8>> {
        let mut buffer = Buffer::new(len);
        let recv = socket.readiness().async_io(Interest::READABLE, || socket.recv(&mut buffer.0));
        let n = self.block_on("bytes arrive", recv)?;
        Ok(buffer.filled(n))
    }

    /// Receives exactly `len` bytes.
    fn recv_all(&mut self, socket: &Arc<dyn Socket>, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            let some = self.recv(socket, len - all.len()).expect("receiving works");
            assert!(!some.is_empty(), "the stream ended after {} of {len} bytes", all.len());
            all.extend(some);
        }
        all
    }

    /// Looks whether `socket` is ready, and leaves a waker if not.
    fn poll_ready(&self, socket: &Arc<dyn Socket>, direction: Direction, waker: &Waker) -> bool {
        socket.readiness().poll_ready(direction, &mut Context::from_waker(waker)).is_ready()
    }

    /// Takes whatever there is, until nothing is left and the readiness says so.
    fn drain(&mut self, socket: &Arc<dyn Socket>) {
        let mut buffer = Buffer::new(4096);
        while socket.readiness().try_io(Interest::READABLE, || socket.recv(&mut buffer.0)).is_ok() {}
    }
}

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Room to receive into.
struct Buffer(Vec<MaybeUninit<u8>>);

impl Buffer {
    fn new(len: usize) -> Self {
        Buffer(vec![MaybeUninit::uninit(); len])
    }

    /// The first `n` bytes, which a socket says that it initialised.
    fn filled(&self, n: usize) -> Vec<u8> {
        // SAFETY: the trait `Socket` promises that the first `n` bytes are initialised when it returns `n`.
        self.0[..n].iter().map(|byte| unsafe { byte.assume_init() }).collect()
    }
}

fn is_would_block<T>(result: &io::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
