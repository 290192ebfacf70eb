//! Receiving datagrams, and telling from whom they are.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::buffer::{PeekFrom, RecvFrom, into_buf_mut, into_read_buf, into_slice};
use super::UdpSocket;
use crate::io::ReadBuf;

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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// let mut buf = [0; 1500];
    /// let (len, sender) = a.recv_from(&mut buf).await?;
    /// assert_eq!((&buf[..len], sender), (&b"hello"[..], b.local_addr()?));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv_from(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_slice(buf, RecvFrom(&*self.socket)))
    }

    /// As [`recv_from`](UdpSocket::recv_from), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last
    /// one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::io::ReadBuf;
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// let mut storage = [0; 1500];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// let sender = poll_fn(|cx| a.poll_recv_from(cx, &mut buf)).await?;
    /// assert_eq!((buf.filled(), sender), (&b"hello"[..], b.local_addr()?));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        let socket = &*self.socket;
        let receive = || into_read_buf(buf, RecvFrom(socket));
        socket.readiness().poll_io(Direction::Read, cx, receive).map_ok(|(_, sender)| sender)
    }

    /// Receives a datagram that is there now, and returns its length and its sender.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// let mut buf = [0; 1500];
    /// assert_eq!(a.try_recv_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// a.readable().await?;
    /// assert_eq!(a.try_recv_from(&mut buf)?, (5, b.local_addr()?));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.readiness().try_io(Interest::READABLE, || into_slice(buf, RecvFrom(&*self.socket)))
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// let mut buf = Vec::with_capacity(1500);
    /// let (len, sender) = a.recv_buf_from(&mut buf).await?;
    /// assert_eq!((len, sender), (5, b.local_addr()?));
    /// assert_eq!(buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        let socket = &*self.socket;
        socket.readiness().async_io(Interest::READABLE, || into_buf_mut(buf, RecvFrom(socket)))
    }

    /// As [`try_recv_from`](UdpSocket::try_recv_from), appending to a buffer.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// a.readable().await?;
    /// let mut buf = Vec::with_capacity(1500);
    /// assert_eq!(a.try_recv_buf_from(&mut buf)?, (5, b.local_addr()?));
    /// assert_eq!(buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let socket = &*self.socket;
        socket.readiness().try_io(Interest::READABLE, || into_buf_mut(buf, RecvFrom(socket)))
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// let mut buf = [0; 1500];
    /// assert_eq!(a.peek_from(&mut buf).await?, (5, b.local_addr()?));
    /// assert_eq!(a.recv_from(&mut buf).await?, (5, b.local_addr()?)); // it is still there
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn peek_from(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_slice(buf, PeekFrom(&*self.socket)))
    }

    /// As [`peek_from`](UdpSocket::peek_from), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last
    /// one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::io::ReadBuf;
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// let mut storage = [0; 1500];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// let sender = poll_fn(|cx| a.poll_peek_from(cx, &mut buf)).await?;
    /// assert_eq!((buf.filled(), sender), (&b"hello"[..], b.local_addr()?));
    /// assert_eq!(a.recv(&mut [0; 1500]).await?, 5); // it is still there
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_peek_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        let socket = &*self.socket;
        let peek = || into_read_buf(buf, PeekFrom(socket));
        socket.readiness().poll_io(Direction::Read, cx, peek).map_ok(|(_, sender)| sender)
    }

    /// Copies a datagram that is there now into `buf`, leaving it to be received again. Returns how many bytes were copied, and
    /// the sender.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// a.readable().await?;
    /// let mut buf = [0; 1500];
    /// assert_eq!(a.try_peek_from(&mut buf)?, (5, b.local_addr()?));
    /// assert_eq!(a.try_recv_from(&mut buf)?, (5, b.local_addr()?)); // it is still there
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.readiness().try_io(Interest::READABLE, || into_slice(buf, PeekFrom(&*self.socket)))
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// assert_eq!(a.peek_sender().await?, b.local_addr()?);
    /// assert_eq!(a.recv(&mut [0; 1500]).await?, 5); // it is still there
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn peek_sender(&self) -> impl Future<Output = io::Result<SocketAddr>> {
        self.socket.readiness().async_io(Interest::READABLE, || self.peek_sender_now())
    }

    /// As [`peek_sender`](UdpSocket::peek_sender). Of several tasks that poll for receiving, the last one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// let sender = poll_fn(|cx| a.poll_peek_sender(cx)).await?;
    /// assert_eq!(sender, b.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.socket.readiness().poll_io(Direction::Read, cx, || self.peek_sender_now())
    }

    /// The sender of a datagram that is there now, which is left to be received.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::net::UdpSocket;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let a = UdpSocket::bind("127.0.0.1:0").await?;
    /// let b = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert_eq!(a.try_peek_sender().unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// b.send_to(b"hello", a.local_addr()?).await?;
    /// a.readable().await?;
    /// assert_eq!(a.try_peek_sender()?, b.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.socket.readiness().try_io(Interest::READABLE, || self.peek_sender_now())
    }

    fn peek_sender_now(&self) -> io::Result<SocketAddr> {
        self.socket.peek_from(&mut []).map(|(_, sender)| sender)
    }
}
