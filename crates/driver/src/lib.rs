//! The seam: everything outside the process reaches a task through the types here.
//!
//! 1. Nothing here names a task: what waits is a `Waker`, and it is woken by whoever parked, with no lock held.
//! 2. A [`Kernel`] acts and never sleeps; a [`Driver`] sleeps and never acts. One thread at a time has the driver.
//! 3. Nothing here reads a clock: time comes from [`Kernel::now`], which may be paused or simulated.
//! 4. No type is generic over a kernel: the seams are `dyn`.
//! 5. A resource holds its `Arc<dyn Socket>` or a [`Timer`](timer::Timer), which may outlive the runtime: after shutdown
//!    its operations fail, and dropping it is always fine.
//! 6. The runtime ends with [`Driver::shut_down`]: every wait for readiness or a signal ends, and the kernel makes no
//!    new sockets.
//!
//! Resources of the user-facing crate call in from any thread; schedulers park; `os` and `sim` implement. The tests
//! that every kernel must pass are in [`conformance`].

use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use unstuck_base::WakeBatch;
use unstuck_base::interest::Interest;

mod activity;
pub mod clock;
pub mod conformance;
pub mod disk;
pub mod lookup;
pub mod readiness;
pub mod signal;
pub mod socket;
pub mod stdio;
pub mod timer;

pub use activity::{Activity, ThreadKey};
pub use clock::PausedClock;
pub use disk::Disk;
pub use lookup::Lookup;
pub use readiness::Readiness;
pub use socket::Socket;
pub use stdio::Stdio;
pub use timer::Timers;

#[cfg(test)]
mod still;

/// Where one idle thread sleeps until the outside world has news.
pub trait Driver: Send {
    /// Sleeps until there is news, somebody calls [`Kernel::unpark`], or `deadline` has come (`None`: no limit). Marks
    /// the readiness of what has news and gathers the wakers of who waited for it; wakes nobody itself. An unpark
    /// that came before is not lost: the next park returns at once.
    ///
    /// # Errors
    /// Only when the back-end itself broke; an interrupted sleep is a spurious return.
    fn park(&mut self, deadline: Option<Instant>, woken: &mut WakeBatch) -> io::Result<()>;

    /// As [`park`](Driver::park), but only looks: it never sleeps. It may leave an unpark to the next park.
    ///
    /// # Errors
    /// As [`park`](Driver::park).
    fn poll(&mut self, woken: &mut WakeBatch) -> io::Result<()>;

    /// The runtime ends: from now on every wait of a resource of this driver's kernel ends with an error, and the kernel
    /// makes no new ones. Gathers the wakers of those that wait now: it calls [`Readiness::shutdown`] and
    /// [`SignalSource::shutdown`](signal::SignalSource::shutdown). Called once, before the driver is dropped.
    fn shut_down(&mut self, woken: &mut WakeBatch);
}

/// What resources ask of the outside world, from any thread. Nothing here blocks, but the methods
/// of [`Disk`] and [`Stdio`] that say so.
pub trait Kernel: Send + Sync + 'static {
    /// The time as tasks see it: it may be paused or simulated.
    fn now(&self) -> Instant;

    /// The time as the machine sees it, for limits on the runtime itself. In a simulation it is the simulated time.
    fn real_now(&self) -> Instant;

    /// Whether [`now`](Kernel::now) jumps to the deadline that a thread parks with, instead of passing: then that
    /// deadline must be exact, since a jump to an earlier one would be seen.
    fn time_jumps(&self) -> bool {
        false
    }

    /// Makes the thread in [`Driver::park`] return, or the next one that parks. Cheap enough to call needlessly, but
    /// it may cost a system call.
    fn unpark(&self);

    /// The calling thread, for others to ask what it does; `None` where that can't be known.
    fn this_thread(&self) -> Option<ThreadKey> {
        None
    }

    /// What a thread does, of this process; `None` if it has ended, or where that can't be known.
    fn activity(&self, thread: ThreadKey) -> Option<Activity> {
        let _ = thread;
        None
    }

    /// 64 bits that nobody can guess (in a simulation: that follow from the seed).
    fn entropy(&self) -> u64;

    /// Listens for TCP connections on `address` (port 0: any free port), with at most `backlog` waiting.
    ///
    /// # Errors
    /// What the system says: address in use, no permission, out of file descriptors.
    fn tcp_listen(&self, address: SocketAddr, backlog: u32) -> io::Result<Arc<dyn Socket>>;

    /// Begins to connect to `peer`. The socket is writable when the attempt has ended; then
    /// [`take_error`](socket::Endpoint::take_error) tells how.
    ///
    /// # Errors
    /// What the system says at once.
    fn tcp_connect(&self, peer: SocketAddr) -> io::Result<Arc<dyn Socket>>;

    /// A TCP socket that neither connects nor listens yet.
    ///
    /// # Errors
    /// What the system says: out of file descriptors, no such family.
    fn tcp_socket(&self, family: socket::Family) -> io::Result<Box<dyn socket::Unconnected>>;

    /// Opens a UDP socket on `address` (port 0: any free port).
    ///
    /// # Errors
    /// As [`tcp_listen`](Kernel::tcp_listen).
    fn udp_bind(&self, address: SocketAddr) -> io::Result<Arc<dyn Socket>>;

    /// Takes over a socket that other code made; it is in non-blocking mode already. A stream may be connected, about
    /// to be, or not connected yet: then [`Socket::connect`] begins it.
    ///
    /// # Errors
    /// What the system says; a simulation refuses what it can't simulate, and says why. The socket is closed then.
    fn adopt(&self, socket: socket::Foreign) -> io::Result<Arc<dyn Socket>>;

    /// Whether file descriptors may be [watched](Kernel::watch): to be asked before one is made for that.
    ///
    /// # Errors
    /// A simulation refuses: `Unsupported`.
    fn may_watch(&self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this kernel has no file descriptors to wait for"))
    }

    /// Watches a file descriptor that other code keeps (a pipe, a Unix socket, a child's pidfd): its events land in the
    /// readiness of what is returned, until that is dropped. Drop it before the descriptor is closed.
    ///
    /// # Errors
    /// What the system says: no such descriptor, already watched by this driver, a kind that can't be waited for (a
    /// regular file). A simulation refuses: `Unsupported`.
    fn watch(&self, fd: RawFd, interest: Interest) -> io::Result<Arc<dyn Watch>> {
        let _ = (fd, interest);
        // Who may watch has a method of its own for it.
        self.may_watch()?;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Where files are.
    ///
    /// # Errors
    /// `Unsupported` and why, if the kernel has none.
    fn disk(&self) -> io::Result<&dyn Disk> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this kernel has no files"))
    }

    /// The standard streams.
    ///
    /// # Errors
    /// `Unsupported` and why, if the kernel has none.
    fn stdio(&self) -> io::Result<&dyn Stdio> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this kernel has no standard streams"))
    }

    /// Whether programs may be started as child processes.
    ///
    /// # Errors
    /// A simulation refuses: `Unsupported`.
    fn may_start_programs(&self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this kernel has no child processes to wait for"))
    }

    /// A descriptor for a child process that nobody has collected yet, to [`watch`](Kernel::watch): it becomes readable when
    /// the child has ended. It is closed on exec.
    ///
    /// # Errors
    /// `Unsupported` where there is no such thing, or what the system says. Then [`signal`](Kernel::signal) tells of children.
    fn child_descriptor(&self, pid: u32) -> io::Result<OwnedFd> {
        let _ = pid;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Begins to look up the addresses of `host`, which come as the system's resolver orders them. Nobody has to wait for
    /// it: it is no work of the runtime's, whose end leaves it alone, as does that of the program.
    fn lookup_host(&self, host: &str, port: u16) -> Lookup;

    /// What it has counted of the sockets and descriptors that it watches.
    fn io_counts(&self) -> IoCounts {
        IoCounts::default()
    }

    /// Subscribes to a Unix signal by number.
    ///
    /// # Errors
    /// If the signal can't be caught (SIGKILL, SIGSTOP ..) or the system refuses.
    fn signal(&self, number: i32) -> io::Result<Arc<signal::SignalSource>>;
}

/// What a kernel has counted so far; see [`Kernel::io_counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoCounts {
    /// Descriptors that began to be watched.
    pub registered: u64,
    /// Descriptors that ceased to be.
    pub deregistered: u64,
    /// Events that the driver brought for them.
    pub events: u64,
}

/// A file descriptor whose events a driver looks for; see [`Kernel::watch`]. Dropping it ends that.
pub trait Watch: Send + Sync {
    /// Where tasks wait for it.
    fn readiness(&self) -> &Readiness;
}

/// Work of the runtime's own that needs a thread, such as a spare worker. It never waits behind users' blocking work.
pub trait Offload: Send + Sync + 'static {
    /// Runs `work` on a thread that may block. `Err` gives it back, never begun: the runtime has shut down.
    ///
    /// # Errors
    /// The work itself, when the runtime has shut down or no thread can be started.
    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), Box<dyn FnOnce() + Send>>;
}
