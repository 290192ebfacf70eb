//! A kernel for the tests of this crate: its clock stands until it is told, it counts unparks, and has no sockets. And two
//! drivers: one that never sleeps, and one that sleeps until it is unparked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unstuck_base::WakeBatch;
use unstuck_base::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use unstuck_base::sync::thread;

use crate::signal::SignalSource;
use crate::socket::{Family, Foreign, Unconnected};
use crate::{Driver, Kernel, Lookup, Socket};

#[derive(Debug)]
pub(crate) struct Still {
    start: Instant,
    /// Nanoseconds since `start`.
    elapsed: AtomicU64,
    jumps: AtomicBool,
    unparks: AtomicUsize,
}

impl Still {
    pub(crate) fn new() -> Arc<Still> {
        Arc::new(Still {
            start: Instant::now(),
            elapsed: AtomicU64::new(0),
            jumps: AtomicBool::new(false),
            unparks: AtomicUsize::new(0),
        })
    }

    pub(crate) fn set_elapsed(&self, nanoseconds: u64) {
        self.elapsed.store(nanoseconds, Ordering::SeqCst);
    }

    pub(crate) fn set_jumps(&self, jumps: bool) {
        self.jumps.store(jumps, Ordering::SeqCst);
    }

    pub(crate) fn unparks(&self) -> usize {
        self.unparks.load(Ordering::SeqCst)
    }

    pub(crate) fn at(&self, nanoseconds: u64) -> Instant {
        self.start + Duration::from_nanos(nanoseconds)
    }
}

impl Kernel for Still {
    fn now(&self) -> Instant {
        self.real_now()
    }

    fn real_now(&self) -> Instant {
        self.at(self.elapsed.load(Ordering::SeqCst))
    }

    fn time_jumps(&self) -> bool {
        self.jumps.load(Ordering::SeqCst)
    }

    fn unpark(&self) {
        self.unparks.fetch_add(1, Ordering::SeqCst);
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

/// A driver that never sleeps: it remembers with which deadline it was asked to.
#[derive(Debug, Default)]
pub(crate) struct Sleepless {
    pub(crate) polls: usize,
    pub(crate) parks: Vec<Option<Instant>>,
}

impl Driver for &mut Sleepless {
    fn park(&mut self, deadline: Option<Instant>, _woken: &mut WakeBatch) -> io::Result<()> {
        self.parks.push(deadline);
        Ok(())
    }

    fn poll(&mut self, _woken: &mut WakeBatch) -> io::Result<()> {
        self.polls += 1;
        Ok(())
    }

    fn shut_down(&mut self, _woken: &mut WakeBatch) {}
}

/// A driver that sleeps until somebody unparks, and for nothing else.
#[derive(Debug)]
pub(crate) struct Sleeper {
    kernel: Arc<Still>,
    seen: usize,
}

impl Sleeper {
    pub(crate) fn new(kernel: Arc<Still>) -> Sleeper {
        Sleeper { kernel, seen: 0 }
    }
}

impl Driver for Sleeper {
    fn park(&mut self, _deadline: Option<Instant>, _woken: &mut WakeBatch) -> io::Result<()> {
        let begin = Instant::now();
        while self.kernel.unparks() == self.seen {
            assert!(begin.elapsed() < Duration::from_secs(60), "nobody unparks the driver's thread");
            thread::yield_now();
        }
        self.seen = self.kernel.unparks();
        Ok(())
    }

    fn poll(&mut self, _woken: &mut WakeBatch) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self, _woken: &mut WakeBatch) {}
}
