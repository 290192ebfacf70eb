//! Receiving datagrams.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::buffer::{into_buf_mut, into_read_buf, uninit};
use super::UdpSocket;
use crate::io::ReadBuf;

/// From the peer of [`connect`](UdpSocket::connect).
impl UdpSocket {
    /// Waits for a datagram of the connected peer, and returns its length. What does not fit into `buf` is lost.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a datagram is taken only by the poll that returns it.
    #[track_caller]
    pub fn recv(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::READABLE, || self.socket.recv(uninit(buf)))
    }

    /// As [`recv`](UdpSocket::recv), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last one is
    /// woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[track_caller]
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = &self.socket;
        let receive = || into_read_buf(buf, |buf| socket.recv(buf));
        socket.readiness().poll_io(Direction::Read, cx, receive).map_ok(drop)
    }

    /// Receives a datagram of the connected peer that is there now, and returns its length.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::READABLE, || self.socket.recv(uninit(buf)))
    }

    /// As [`recv`](UdpSocket::recv), appending to a buffer that has spare room: a datagram longer than that loses its end.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a datagram is taken only by the poll that returns it.
    #[track_caller]
    pub fn recv_buf<B: BufMut>(&self, buf: &mut B) -> impl Future<Output = io::Result<usize>> {
        let socket = &self.socket;
        socket.readiness().async_io(Interest::READABLE, || into_buf_mut(buf, |buf| socket.recv(buf)))
    }

    /// As [`try_recv`](UdpSocket::try_recv), appending to a buffer.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        let socket = &self.socket;
        socket.readiness().try_io(Interest::READABLE, || into_buf_mut(buf, |buf| socket.recv(buf)))
    }

    /// Waits for a datagram and copies it into `buf`, leaving it to be received again. Returns how many bytes were copied.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram stays anyway.
    #[track_caller]
    pub fn peek(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::READABLE, || self.socket.peek(uninit(buf)))
    }

    /// As [`peek`](UdpSocket::peek), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last one is
    /// woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[track_caller]
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = &self.socket;
        let peek = || into_read_buf(buf, |buf| socket.peek(buf));
        socket.readiness().poll_io(Direction::Read, cx, peek).map_ok(drop)
    }

    /// Copies a datagram that is there now into `buf`, leaving it to be received again.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::READABLE, || self.socket.peek(uninit(buf)))
    }
}

/// From anybody.
impl UdpSocket {
    /// Waits for a datagram, and returns its length and its sender. What does not fit into `buf` is lost.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a datagram is taken only by the poll that returns it.
    #[track_caller]
    pub fn recv_from(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.socket.readiness().async_io(Interest::READABLE, || self.socket.recv_from(uninit(buf)))
    }

    /// As [`recv_from`](UdpSocket::recv_from), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last
    /// one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[track_caller]
    pub fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        let socket = &self.socket;
        let receive = || into_read_buf(buf, |buf| socket.recv_from(buf));
        socket.readiness().poll_io(Direction::Read, cx, receive).map_ok(|(_, sender)| sender)
    }

    /// Receives a datagram that is there now, and returns its length and its sender.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.readiness().try_io(Interest::READABLE, || self.socket.recv_from(uninit(buf)))
    }

    /// As [`recv_from`](UdpSocket::recv_from), appending to a buffer that has spare room: a datagram longer than that loses its
    /// end.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a datagram is taken only by the poll that returns it.
    #[track_caller]
    pub fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        let socket = &self.socket;
        socket.readiness().async_io(Interest::READABLE, || into_buf_mut(buf, |buf| socket.recv_from(buf)))
    }

    /// As [`try_recv_from`](UdpSocket::try_recv_from), appending to a buffer.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let socket = &self.socket;
        socket.readiness().try_io(Interest::READABLE, || into_buf_mut(buf, |buf| socket.recv_from(buf)))
    }

    /// Waits for a datagram and copies it into `buf`, leaving it to be received again. Returns how many bytes were copied, and
    /// the sender.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram stays anyway.
    #[track_caller]
    pub fn peek_from(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.socket.readiness().async_io(Interest::READABLE, || self.socket.peek_from(uninit(buf)))
    }

    /// As [`peek_from`](UdpSocket::peek_from), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last
    /// one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[track_caller]
    pub fn poll_peek_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        let socket = &self.socket;
        let peek = || into_read_buf(buf, |buf| socket.peek_from(buf));
        socket.readiness().poll_io(Direction::Read, cx, peek).map_ok(|(_, sender)| sender)
    }

    /// Copies a datagram that is there now into `buf`, leaving it to be received again. Returns how many bytes were copied, and
    /// the sender.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.readiness().try_io(Interest::READABLE, || self.socket.peek_from(uninit(buf)))
    }

    /// Waits for a datagram, and returns its sender, leaving it to be received.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram stays anyway.
    #[track_caller]
    pub fn peek_sender(&self) -> impl Future<Output = io::Result<SocketAddr>> {
        self.socket.readiness().async_io(Interest::READABLE, || self.peek_sender_now())
    }

    /// As [`peek_sender`](UdpSocket::peek_sender). Of several tasks that poll for receiving, the last one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[track_caller]
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.socket.readiness().poll_io(Direction::Read, cx, || self.peek_sender_now())
    }

    /// The sender of a datagram that is there now, which is left to be received.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.socket.readiness().try_io(Interest::READABLE, || self.peek_sender_now())
    }

    fn peek_sender_now(&self) -> io::Result<SocketAddr> {
        self.socket.peek_from(&mut []).map(|(_, sender)| sender)
    }
}
