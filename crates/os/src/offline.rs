//! The real kernel without anything to wait for but time and other threads: for runtimes that were built without I/O.
//!
//! 1. It opens no descriptor: its driver's thread sleeps on a parker.
//! 2. What needs the reactor is refused; users are stopped before, with a message that names the cure. Clocks, names, files
//!    and standard streams, which are not waited for, are those of the other kernel.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use unstuck_base::WakeBatch;
use unstuck_base::parker::Parker;
use unstuck_driver::signal::SignalSource;
use unstuck_driver::socket::{Family, Foreign, Unconnected};
use unstuck_driver::{Activity, Disk, Driver, Kernel, Lookup, Socket, Stdio, ThreadKey};

use crate::file::OsDisk;
use crate::fork::watch_for_children;
use crate::kernel::entropy;
use crate::resolver;
use crate::stdio::OsStdio;
use crate::thread;

/// The kernel without I/O; see the module's rules.
pub struct OfflineKernel {
    parker: Arc<Parker>,
}

/// The driver without I/O; see the module's rules.
pub struct OfflineDriver {
    parker: Arc<Parker>,
}

/// A kernel without I/O, and the driver that belongs to it.
pub fn offline() -> (Arc<OfflineKernel>, OfflineDriver) {
    watch_for_children();
    let parker = Arc::new(Parker::new());
    (Arc::new(OfflineKernel { parker: parker.clone() }), OfflineDriver { parker })
}

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the runtime was built without I/O"))
}

impl Kernel for OfflineKernel {
    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn real_now(&self) -> Instant {
        Instant::now()
    }

    fn unpark(&self) {
        self.parker.unpark();
    }

    fn this_thread(&self) -> Option<ThreadKey> {
        thread::this_thread()
    }

    fn activity(&self, thread: ThreadKey) -> Option<Activity> {
        thread::activity(thread)
    }

    fn entropy(&self) -> u64 {
        entropy()
    }

    fn tcp_listen(&self, _address: SocketAddr, _backlog: u32) -> io::Result<Arc<dyn Socket>> {
        refused()
    }

    fn tcp_connect(&self, _peer: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        refused()
    }

    fn tcp_socket(&self, _family: Family) -> io::Result<Box<dyn Unconnected>> {
        refused()
    }

    fn udp_bind(&self, _address: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        refused()
    }

    fn adopt(&self, _socket: Foreign) -> io::Result<Arc<dyn Socket>> {
        refused()
    }

    fn disk(&self) -> io::Result<&dyn Disk> {
        Ok(&OsDisk)
    }

    fn stdio(&self) -> io::Result<&dyn Stdio> {
        Ok(&OsStdio)
    }

    fn lookup_host(&self, host: &str, port: u16) -> Lookup {
        resolver::lookup(host, port)
    }

    fn signal(&self, _number: i32) -> io::Result<Arc<SignalSource>> {
        refused()
    }
}

impl Driver for OfflineDriver {
    fn park(&mut self, deadline: Option<Instant>, _woken: &mut WakeBatch) -> io::Result<()> {
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => self.parker.park(),
            Some(span) if span.is_zero() => drop(self.parker.take_notification()),
            Some(span) => self.parker.park_for(span),
        }
        Ok(())
    }

    fn poll(&mut self, _woken: &mut WakeBatch) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self, _woken: &mut WakeBatch) {}
}

impl fmt::Debug for OfflineKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfflineKernel").finish_non_exhaustive()
    }
}

impl fmt::Debug for OfflineDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfflineDriver").finish_non_exhaustive()
    }
}
