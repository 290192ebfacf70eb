//! Receiving datagrams, from whomever; `receive_from` tells from whom.

use std::future::Future;
use std::io;
use std::task::{Context, Poll};

use bytes::BufMut;
use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::buffer::{Peek, Recv, into_buf_mut, into_read_buf, into_slice};
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// a.send(b"hello").await?;
    /// let mut buf = [0; 1500];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_slice(buf, Recv(&*self.socket)))
    }

    /// As [`recv`](UdpSocket::recv), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last one is
    /// woken.
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// a.send(b"hello").await?;
    /// let mut storage = [0; 1500];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// poll_fn(|cx| b.poll_recv(cx, &mut buf)).await?;
    /// assert_eq!(buf.filled(), b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = &*self.socket;
        let receive = || into_read_buf(buf, Recv(socket));
        socket.readiness().poll_io(Direction::Read, cx, receive).map_ok(drop)
    }

    /// Receives a datagram of the connected peer that is there now, and returns its length.
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// let mut buf = [0; 1500];
    /// assert_eq!(b.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// a.send(b"hello").await?;
    /// b.readable().await?;
    /// assert_eq!(b.try_recv(&mut buf)?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::READABLE, || into_slice(buf, Recv(&*self.socket)))
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// a.send(b"hello").await?;
    /// let mut buf = Vec::with_capacity(1500);
    /// assert_eq!(b.recv_buf(&mut buf).await?, 5);
    /// assert_eq!(buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv_buf<B: BufMut>(&self, buf: &mut B) -> impl Future<Output = io::Result<usize>> {
        let socket = &*self.socket;
        socket.readiness().async_io(Interest::READABLE, || into_buf_mut(buf, Recv(socket)))
    }

    /// As [`try_recv`](UdpSocket::try_recv), appending to a buffer.
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// a.send(b"hello").await?;
    /// b.readable().await?;
    /// let mut buf = Vec::with_capacity(1500);
    /// assert_eq!(b.try_recv_buf(&mut buf)?, 5);
    /// assert_eq!(buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        let socket = &*self.socket;
        socket.readiness().try_io(Interest::READABLE, || into_buf_mut(buf, Recv(socket)))
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// a.send(b"hello").await?;
    /// let mut kind = [0; 1];
    /// b.peek(&mut kind).await?;
    /// assert_eq!(&kind, b"h");
    /// let mut buf = [0; 1500];
    /// assert_eq!(b.recv(&mut buf).await?, 5); // the whole datagram is still there
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn peek(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_slice(buf, Peek(&*self.socket)))
    }

    /// As [`peek`](UdpSocket::peek), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last one is
    /// woken.
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// a.send(b"hello").await?;
    /// let mut storage = [0; 1500];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// poll_fn(|cx| b.poll_peek(cx, &mut buf)).await?;
    /// assert_eq!(buf.filled(), b"hello");
    /// assert_eq!(b.recv(&mut [0; 1500]).await?, 5); // it is still there
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = &*self.socket;
        let peek = || into_read_buf(buf, Peek(socket));
        socket.readiness().poll_io(Direction::Read, cx, peek).map_ok(drop)
    }

    /// Copies a datagram that is there now into `buf`, leaving it to be received again.
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// let mut buf = [0; 1500];
    /// assert_eq!(b.try_peek(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    ///
    /// a.send(b"hello").await?;
    /// b.readable().await?;
    /// assert_eq!(b.try_peek(&mut buf)?, 5);
    /// assert_eq!(b.try_recv(&mut buf)?, 5); // it is still there
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::READABLE, || into_slice(buf, Peek(&*self.socket)))
    }
}
