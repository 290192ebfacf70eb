//! The kernel's face: makes sockets, asks clocks, names and entropy of the operating system.
//!
//! 1. Sockets are made in non-blocking mode, closed on exec, and registered before they are handed out.
//! 2. Errors are the system's own, unchanged.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use socket2::{Domain, Type};
use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::readiness::shutdown_error;
use unstuck_driver::signal::SignalSource;
use unstuck_driver::socket::{Family, Foreign, Unconnected};
use unstuck_driver::{Activity, Disk, IoCounts, Kernel, Lookup, Readiness, Socket, Stdio, ThreadKey, Watch};

use crate::file::OsDisk;
use crate::reactor::{Reactor, Registered};
use crate::ready::{Kind, LIKELY, mio_interest};
use crate::resolver;
use crate::socket::{OsSocket, listen};
use crate::stdio::OsStdio;
use crate::system;
use crate::thread;
use crate::unconnected::OsUnconnected;

/// The real kernel; see the module's rules.
pub struct OsKernel {
    reactor: Arc<Reactor>,
}

impl OsKernel {
    pub(crate) fn new(reactor: Arc<Reactor>) -> Self {
        OsKernel { reactor }
    }
}

impl Kernel for OsKernel {
    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn real_now(&self) -> Instant {
        Instant::now()
    }

    fn unpark(&self) {
        self.reactor.unpark();
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

    fn tcp_listen(&self, address: SocketAddr, backlog: u32) -> io::Result<Arc<dyn Socket>> {
        let socket = system::socket(Domain::for_address(address), Type::STREAM)?;
        // Else a restarted server has to wait until the connections of the last one are forgotten.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        listen(&socket, backlog)?;
        OsSocket::register(&self.reactor, socket, Kind::Listener, Ready::EMPTY)
    }

    fn tcp_connect(&self, peer: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        let socket = OsSocket::fresh(&self.reactor, system::socket(Domain::for_address(peer), Type::STREAM)?)?;
        socket.connect(peer)?;
        Ok(socket)
    }

    fn tcp_socket(&self, family: Family) -> io::Result<Box<dyn Unconnected>> {
        Ok(Box::new(OsUnconnected::new(family)?))
    }

    fn udp_bind(&self, address: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        let socket = system::socket(Domain::for_address(address), Type::DGRAM)?;
        socket.bind(&address.into())?;
        OsSocket::register(&self.reactor, socket, Kind::Datagram, Ready::WRITABLE)
    }

    fn adopt(&self, socket: Foreign) -> io::Result<Arc<dyn Socket>> {
        match socket {
            Foreign::Listener(listener) => {
                OsSocket::register(&self.reactor, listener.into(), Kind::Listener, Ready::EMPTY)
            }
            Foreign::Datagram(socket) => {
                OsSocket::register(&self.reactor, socket.into(), Kind::Datagram, Ready::WRITABLE)
            }
            Foreign::Stream(stream) => {
                let stream = stream.into();
                match system::progress(&stream)? {
                    system::Progress::Fresh => Ok(OsSocket::fresh(&self.reactor, stream)?),
                    system::Progress::Connected => OsSocket::register(&self.reactor, stream, Kind::Stream, LIKELY),
                    system::Progress::Other => OsSocket::register(&self.reactor, stream, Kind::Stream, Ready::EMPTY),
                }
            }
        }
    }

    fn may_watch(&self) -> io::Result<()> {
        Ok(())
    }

    fn watch(&self, fd: RawFd, interest: Interest) -> io::Result<Arc<dyn Watch>> {
        let registered = Registered::new(&self.reactor, fd, Kind::Watched, mio_interest(interest), Ready::EMPTY)?;
        Ok(Arc::new(Watched(registered)))
    }

    fn disk(&self) -> io::Result<&dyn Disk> {
        Ok(&OsDisk)
    }

    fn stdio(&self) -> io::Result<&dyn Stdio> {
        Ok(&OsStdio)
    }

    fn may_start_programs(&self) -> io::Result<()> {
        Ok(())
    }

    fn child_descriptor(&self, pid: u32) -> io::Result<OwnedFd> {
        system::child_descriptor(pid)
    }

    fn lookup_host(&self, host: &str, port: u16) -> Lookup {
        resolver::lookup(host, port)
    }

    fn io_counts(&self) -> IoCounts {
        self.reactor.io_counts()
    }

    fn signal(&self, number: i32) -> io::Result<Arc<SignalSource>> {
        if !self.reactor.process.is_this() {
            return Err(shutdown_error());
        }
        self.reactor.signals.subscribe(number, &self.reactor.registry)
    }
}

impl fmt::Debug for OsKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsKernel").finish_non_exhaustive()
    }
}

pub(crate) fn entropy() -> u64 {
    // The keys come from the system's entropy, once a thread, and differ each time; a forked child goes on with the same.
    RandomState::new().hash_one(std::process::id())
}

/// A descriptor of other code.
struct Watched(Registered);

impl Watch for Watched {
    fn readiness(&self) -> &Readiness {
        self.0.readiness()
    }
}
