//! Sending datagrams.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::address::{ToSocketAddrs, no_address};
use super::UdpSocket;
use crate::called_at::called_from;

impl UdpSocket {
    /// Sends a datagram to the connected peer, and returns its length. That it was sent says nothing about whether it arrives.
    ///
    /// # Errors
    ///
    /// What the system says. On a connected socket it may be about an earlier datagram.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram was sent only if the future has completed.
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
    /// assert_eq!(a.send(b"hello").await?, 5);
    /// let mut buf = [0; 1500];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn send(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::WRITABLE, || self.socket.send(buf))
    }

    /// As [`send`](UdpSocket::send). Of several tasks that poll for sending, the last one is woken.
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
    /// b.connect(a.local_addr()?).await?;
    /// a.connect(b.local_addr()?).await?;
    /// assert_eq!(poll_fn(|cx| a.poll_send(cx, b"hello")).await?, 5);
    /// let mut buf = [0; 1500];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.readiness().poll_io(Direction::Write, cx, || self.socket.send(buf))
    }

    /// Sends a datagram to the connected peer if there is room now.
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
    /// a.writable().await?;
    /// assert_eq!(a.try_send(b"hello")?, 5);
    /// let mut buf = [0; 1500];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::WRITABLE, || self.socket.send(buf))
    }

    /// Sends a datagram to `addr` (the first one, if there are several), and returns its length. That it was sent says nothing
    /// about whether it arrives.
    ///
    /// # Errors
    ///
    /// What the system says. When `addr` has no address.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram was sent only if the future has completed.
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
    /// assert_eq!(a.send_to(b"hello", b.local_addr()?).await?, 5);
    /// let mut buf = [0; 1500];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> impl Future<Output = io::Result<usize>> {
        called_from(|at| async move {
            let target = addr.resolve().addresses(at).await?.into_iter().next().ok_or_else(no_address)?;
            self.socket.readiness().async_io(Interest::WRITABLE, || self.socket.send_to(buf, target)).await
        })
    }

    /// As [`send_to`](UdpSocket::send_to). Of several tasks that poll for sending, the last one is woken.
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
    /// let target = b.local_addr()?;
    /// assert_eq!(poll_fn(|cx| a.poll_send_to(cx, b"hello", target)).await?, 5);
    /// let mut buf = [0; 1500];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_send_to(&self, cx: &mut Context<'_>, buf: &[u8], target: SocketAddr) -> Poll<io::Result<usize>> {
        self.socket.readiness().poll_io(Direction::Write, cx, || self.socket.send_to(buf, target))
    }

    /// Sends a datagram to `target` if there is room now.
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
    /// a.writable().await?;
    /// assert_eq!(a.try_send_to(b"hello", b.local_addr()?)?, 5);
    /// let mut buf = [0; 1500];
    /// let len = b.recv(&mut buf).await?;
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::WRITABLE, || self.socket.send_to(buf, target))
    }
}
