//! Sending datagrams.

use std::future::Future;
use std::io;
use std::path::Path;
use std::task::{Context, Poll};

use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::address::named;
use super::UnixDatagram;
use crate::called_at::called_here;

impl UnixDatagram {
    /// Sends a datagram to the connected peer, and returns its length. It waits while the peer has as many as it may have.
    ///
    /// # Errors
    ///
    /// What the system says, as when the peer is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram was sent only if the future has completed.
    #[track_caller]
    pub fn send(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::WRITABLE, || self.socket.get().send(buf))
    }

    /// As [`send`](UnixDatagram::send). Of several tasks that poll for sending, the last one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[track_caller]
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.readiness().poll_io(Direction::Write, cx, || self.socket.get().send(buf))
    }

    /// Sends a datagram to the connected peer if there is room now.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::WRITABLE, || self.socket.get().send(buf))
    }

    /// Sends a datagram to the socket at `target`, and returns its length. On Linux, a path that begins with a NUL byte is an
    /// abstract name.
    ///
    /// # Errors
    ///
    /// What the system says, as when there is no such socket.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram was sent only if the future has completed.
    #[track_caller]
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> impl Future<Output = io::Result<usize>> {
        called_here(async move {
            let target = named(target.as_ref())?;
            let send = || self.socket.get().send_to_addr(buf, &target);
            self.socket.readiness().async_io(Interest::WRITABLE, send).await
        })
    }

    /// As [`send_to`](UnixDatagram::send_to). Of several tasks that poll for sending, the last one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[track_caller]
    pub fn poll_send_to<P: AsRef<Path>>(&self, cx: &mut Context<'_>, buf: &[u8], target: P) -> Poll<io::Result<usize>> {
        let target = named(target.as_ref())?;
        let send = || self.socket.get().send_to_addr(buf, &target);
        self.socket.readiness().poll_io(Direction::Write, cx, send)
    }

    /// Sends a datagram to the socket at `target` if there is room now.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        let target = named(target.as_ref())?;
        self.socket.readiness().try_io(Interest::WRITABLE, || self.socket.get().send_to_addr(buf, &target))
    }
}
