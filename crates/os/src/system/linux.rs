//! What Linux does in its own way: accepting in one call, a timer as a descriptor, an eventfd as the signals' pipe.
//!
//! 1. The timer is made when a deadline is first waited for, and set only if it would ring later than that deadline: a
//!    deadline that moves on, as timeouts under load do, costs no system call. It then rings too early once, which the
//!    trait allows.
//! 2. It is set by a span, not a point in time: `Instant` does not say where it is on the system's clock. The span is
//!    measured before the call, so the timer never rings early.
//! 3. Deadlines are rounded up to a grid, so that timers that are near each other share one wake-up, which costs about
//!    as much as the rounding: a fine grid, or a coarse one while one deadline follows the other that closely.
//! 4. Nothing reads the timer or the eventfd: edge-triggered, every expiry and every write is an event.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use socket2::{SockAddr, Socket};

use crate::reactor::ALARM;

/// In nanoseconds. Of the order of what it takes to wake a sleeping thread.
const FINE: u64 = 1 << 14;
const COARSE: u64 = 1 << 16;

/// A sleep for ever, for a clock that ends somewhere.
const LONGEST: Duration = Duration::from_secs(1 << 30);

/// Errors that say that the system has none left, now.
const RAN_OUT: [libc::c_int; 4] = [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOSPC];

pub(crate) const PRIORITY: Option<Interest> = Some(Interest::PRIORITY);

/// The timer of a driver; see rules 1 to 4.
#[derive(Debug)]
pub(crate) struct Alarm {
    start: Option<Instant>,
    timer: Timer,
    /// When it will ring.
    armed: Option<Instant>,
    /// When it rang last.
    rang: Option<Instant>,
}

#[derive(Debug)]
enum Timer {
    NotYet,
    Made(OwnedFd),
    /// The system knows no such thing: sleeps end at whole milliseconds.
    Refused,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Alarm { start: None, timer: Timer::NotYet, armed: None, rang: None }
    }

    /// It rang.
    pub(crate) fn has_fired(&mut self) {
        self.rang = self.armed.take();
    }

    /// Makes a sleep end by `deadline`; what is returned is its limit as well.
    pub(crate) fn set(&mut self, deadline: Option<Instant>, registry: &Registry) -> Option<Duration> {
        let deadline = deadline?;
        if self.armed.is_some_and(|armed| armed <= deadline) {
            return None;
        }
        let now = Instant::now();
        let Some(span) = deadline.checked_duration_since(now).filter(|span| !span.is_zero()) else {
            return Some(Duration::ZERO);
        };
        let span = self.round_up(now, span.min(LONGEST));
        if self.armed.is_some_and(|armed| armed <= now + span) {
            return None;
        }
        let Some(timer) = self.timer(registry) else { return Some(span) };
        match set_timer(timer, span) {
            Ok(()) => {
                self.armed = Some(now + span);
                None
            }
            Err(_) => Some(span),
        }
    }

    /// Makes `span` from `now` end on the grid (rule 3).
    fn round_up(&mut self, now: Instant, span: Duration) -> Duration {
        let near = |span: Duration| span < Duration::from_nanos(COARSE);
        let crowded = near(span) && self.rang.is_some_and(|rang| near(now.saturating_duration_since(rang)));
        let grain = u128::from(if crowded { COARSE } else { FINE });
        let start = *self.start.get_or_insert(now);
        let end = (now + span).saturating_duration_since(start).as_nanos();
        // Less than a grain, so it fits.
        span + Duration::from_nanos((end.next_multiple_of(grain) - end) as u64)
    }

    fn timer(&mut self, registry: &Registry) -> Option<RawFd> {
        if let Timer::NotYet = self.timer {
            self.timer = match make_timer(registry) {
                Ok(timer) => Timer::Made(timer),
                // There may be one for the next sleep. This one ends at a whole millisecond.
                Err(error) if RAN_OUT.contains(&error.raw_os_error().unwrap_or(0)) => Timer::NotYet,
                Err(_) => Timer::Refused,
            };
        }
        match &self.timer {
            Timer::Made(timer) => Some(timer.as_raw_fd()),
            _ => None,
        }
    }
}

fn make_timer(registry: &Registry) -> io::Result<OwnedFd> {
    // SAFETY: the call has no preconditions.
    let fd = check(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) })?;
    // SAFETY: the descriptor is new and ours.
    let timer = unsafe { OwnedFd::from_raw_fd(fd) };
    registry.register(&mut SourceFd(&fd), ALARM, Interest::READABLE)?;
    Ok(timer)
}

fn set_timer(timer: RawFd, span: Duration) -> io::Result<()> {
    let value = libc::timespec { tv_sec: span.as_secs() as _, tv_nsec: span.subsec_nanos() as _ };
    let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let setting = libc::itimerspec { it_interval: never, it_value: value };
    // SAFETY: the pointers are good for the call; the last one may be null.
    check(unsafe { libc::timerfd_settime(timer, 0, &setting, std::ptr::null_mut()) }).map(drop)
}

/// Takes a connection, in non-blocking mode, in one system call.
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    listener.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
}

/// A new socket, in non-blocking mode.
pub(crate) fn socket(domain: socket2::Domain, kind: socket2::Type) -> io::Result<Socket> {
    Socket::new(domain, kind.nonblocking().cloexec(), None)
}

pub(crate) fn quick_ack(socket: &Socket) -> io::Result<bool> {
    socket.tcp_quickack()
}

pub(crate) fn set_quick_ack(socket: &Socket, on: bool) -> io::Result<()> {
    socket.set_tcp_quickack(on)
}

/// Restricts a socket to an interface.
pub(crate) fn bind_device(socket: &Socket, interface: Option<&[u8]>) -> io::Result<()> {
    socket.bind_device(interface)
}

/// The interface to which a socket is restricted.
pub(crate) fn device(socket: &Socket) -> io::Result<Option<Vec<u8>>> {
    socket.device()
}

/// How far a stream is that other code made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It was never connected. Registered like that, it would be told to be closed.
    Fresh,
    Connected,
    /// On its way, or over.
    Other,
}

pub(crate) fn progress(stream: &Socket) -> io::Result<Progress> {
    let mut poll =
        libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLIN | libc::POLLOUT | libc::POLLRDHUP, revents: 0 };
    // SAFETY: the pointer is good for the call, and it is one.
    check(unsafe { libc::poll(&mut poll, 1, 0) })?;
    let says = |bits| poll.revents & bits != 0;
    // A socket that was connected once has received the end of the stream, or an error, before it hangs up.
    Ok(if says(libc::POLLHUP) && !says(libc::POLLIN | libc::POLLRDHUP | libc::POLLERR) {
        Progress::Fresh
    } else if says(libc::POLLOUT) && !says(libc::POLLHUP | libc::POLLERR) {
        Progress::Connected
    } else {
        Progress::Other
    })
}

/// A descriptor for a child process, which becomes readable when the child has ended. The system makes it closed on exec.
pub(crate) fn child_descriptor(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
    let fd = check(fd as libc::c_int)?;
    // SAFETY: the descriptor is new and ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What a signal handler writes to, and every driver waits for. One for the process, never closed.
#[derive(Debug)]
pub(crate) struct SignalPipe(RawFd);

impl SignalPipe {
    pub(crate) fn open() -> io::Result<SignalPipe> {
        // SAFETY: the call has no preconditions.
        check(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) }).map(SignalPipe)
    }

    /// Tells every driver. Nothing but a write: a signal handler may call it.
    pub(crate) fn ring(&self) {
        let one = 1u64;
        // SAFETY: the pointer is good for 8 bytes. It fails only after 2^64 signals.
        unsafe { libc::write(self.0, (&raw const one).cast(), size_of::<u64>()) };
    }

    pub(crate) fn reader(&self) -> RawFd {
        self.0
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_rounded_up_a_little_and_further_only_in_a_crowd() {
        let mut alarm = Alarm::new();
        let start = Instant::now();
        let late = |alarm: &mut Alarm, at: u64, span: u64| {
            let span = Duration::from_nanos(span);
            (alarm.round_up(start + Duration::from_nanos(at), span) - span).as_nanos() as u64
        };
        assert_eq!(late(&mut alarm, 0, FINE), 0);
        assert_eq!(late(&mut alarm, 0, FINE + 1), FINE - 1);
        assert_eq!(late(&mut alarm, 5, 1), FINE - 6);
        alarm.armed = Some(start + Duration::from_nanos(COARSE));
        alarm.has_fired();
        assert_eq!(alarm.rang, Some(start + Duration::from_nanos(COARSE)));
        assert_eq!(late(&mut alarm, COARSE + 1, 1), COARSE - 2, "one right after the other");
        assert_eq!(late(&mut alarm, COARSE + 1, COARSE), FINE - 1, "far enough");
        assert_eq!(late(&mut alarm, 3 * COARSE, 1), FINE - 1, "long after the last");
    }
}
