//! Receiving datagrams.
//!
//! 1. A socket that was shut down for reading says on Linux that it would have to wait, for ever. What its events say is the
//!    truth: nothing will come, and receiving returns nothing at once.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll};

use bytes::BufMut;
use socket2::SockRef;
use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::super::buffer::{Receive, into_buf_mut, into_read_buf, into_slice};
use super::super::SocketAddr;
use super::super::address::{from_system, nobody};
use super::UnixDatagram;
use crate::io::ReadBuf;

/// From whomever, mostly the peer of [`connect`](UnixDatagram::connect).
impl UnixDatagram {
    /// Waits for a datagram, and returns its length. What does not fit into `buf` is lost.
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
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"too long").await?;
    /// a.send(b"ok").await?;
    ///
    /// let mut buf = [0; 3];
    /// assert_eq!(b.recv(&mut buf).await?, 3);
    /// assert_eq!(&buf, b"too"); // the rest of it is lost
    /// assert_eq!(b.recv(&mut buf).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_slice(buf, Datagram(self)))
    }

    /// As [`recv`](UnixDatagram::recv), into the unfilled part of `buf`. Of several tasks that poll for receiving, the last
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
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// let mut room = [0; 16];
    /// let mut buf = ReadBuf::new(&mut room);
    /// poll_fn(|cx| b.poll_recv(cx, &mut buf)).await?;
    /// assert_eq!(buf.filled(), b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let receive = || into_read_buf(buf, Datagram(self));
        self.socket.readiness().poll_io(Direction::Read, cx, receive).map_ok(drop)
    }

    /// Receives a datagram that is there now, and returns its length.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// assert_eq!(b.try_recv(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// a.send(b"hello").await?;
    /// b.readable().await?;
    /// assert_eq!(b.try_recv(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::READABLE, || into_slice(buf, Datagram(self)))
    }

    /// As [`recv`](UnixDatagram::recv), appending to a buffer that has spare room: a datagram longer than that loses its end.
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
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// let mut buf = Vec::with_capacity(16);
    /// b.recv_buf(&mut buf).await?;
    /// assert_eq!(buf, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv_buf<B: BufMut>(&self, buf: &mut B) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_buf_mut(buf, Datagram(self)))
    }

    /// As [`try_recv`](UnixDatagram::try_recv), appending to a buffer.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](UnixDatagram::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"one,").await?;
    /// a.send(b"two").await?;
    /// b.readable().await?;
    /// let mut both = Vec::with_capacity(16);
    /// b.try_recv_buf(&mut both)?;
    /// b.try_recv_buf(&mut both)?;
    /// assert_eq!(both, b"one,two");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.socket.readiness().try_io(Interest::READABLE, || into_buf_mut(buf, Datagram(self)))
    }

    /// Whether an attempt had to wait for what never comes (rule 1).
    fn was_shut_down(&self, error: &io::Error) -> bool {
        let now = self.socket.readiness().now(Interest::READABLE);
        error.kind() == io::ErrorKind::WouldBlock && now.ready().is_read_closed()
    }
}

/// From whomever, telling from whom.
impl UnixDatagram {
    /// Waits for a datagram; returns its length and the address of the sender. What does not fit into `buf` is lost.
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
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-recv-from-{}.sock", std::process::id()));
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// let (len, sender) = b.recv_from(&mut [0; 16]).await?;
    /// assert_eq!(len, 5);
    /// assert!(sender.is_unnamed());
    ///
    /// let named = UnixDatagram::bind(&path)?;
    /// named.send_to(b"to myself", &path).await?;
    /// let (_len, sender) = named.recv_from(&mut [0; 16]).await?;
    /// assert_eq!(sender.as_pathname(), Some(&*path));
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv_from(&self, buf: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_slice(buf, DatagramFrom(self)))
    }

    /// As [`recv_from`](UnixDatagram::recv_from), into the unfilled part of `buf`. Of several tasks that poll for receiving, the
    /// last one is woken.
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
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// let mut room = [0; 16];
    /// let mut buf = ReadBuf::new(&mut room);
    /// let sender = poll_fn(|cx| b.poll_recv_from(cx, &mut buf)).await?;
    /// assert_eq!(buf.filled(), b"hello");
    /// assert!(sender.is_unnamed());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        let receive = || into_read_buf(buf, DatagramFrom(self));
        self.socket.readiness().poll_io(Direction::Read, cx, receive).map_ok(|(_len, sender)| sender)
    }

    /// Receives a datagram that is there now; returns its length and the address of the sender.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it would have to wait; what the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// assert_eq!(b.try_recv_from(&mut [0; 16]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// a.send(b"hello").await?;
    /// b.readable().await?;
    /// let (len, _sender) = b.try_recv_from(&mut [0; 16])?;
    /// assert_eq!(len, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.readiness().try_io(Interest::READABLE, || into_slice(buf, DatagramFrom(self)))
    }

    /// As [`recv_from`](UnixDatagram::recv_from), appending to a buffer that has spare room: a datagram longer than that loses
    /// its end.
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
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// let mut buf = Vec::with_capacity(16);
    /// let (len, _sender) = b.recv_buf_from(&mut buf).await?;
    /// assert_eq!((len, &buf[..]), (5, &b"hello"[..]));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> impl Future<Output = io::Result<(usize, SocketAddr)>> {
        self.socket.readiness().async_io(Interest::READABLE, || into_buf_mut(buf, DatagramFrom(self)))
    }

    /// As [`try_recv_from`](UnixDatagram::try_recv_from), appending to a buffer.
    ///
    /// # Errors
    ///
    /// As [`try_recv_from`](UnixDatagram::try_recv_from).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// b.readable().await?;
    /// let mut buf = b"said: ".to_vec();
    /// buf.reserve(16);
    /// b.try_recv_buf_from(&mut buf)?;
    /// assert_eq!(buf, b"said: hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        self.socket.readiness().try_io(Interest::READABLE, || into_buf_mut(buf, DatagramFrom(self)))
    }
}

/// Receives a datagram.
struct Datagram<'a>(&'a UnixDatagram);

/// Receives a datagram, and tells who sent it.
struct DatagramFrom<'a>(&'a UnixDatagram);

// SAFETY: socket2 promises it of `recv`. Of a socket that was shut down nothing is said to be written.
unsafe impl Receive for Datagram<'_> {
    type Received = usize;

    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        match SockRef::from(self.0.socket.get()).recv(memory) {
            Err(error) if self.0.was_shut_down(&error) => Ok(0),
            result => result,
        }
    }
}

// SAFETY: as above, of `recv_from`.
unsafe impl Receive for DatagramFrom<'_> {
    type Received = (usize, SocketAddr);

    fn receive(self, memory: &mut [MaybeUninit<u8>]) -> io::Result<(usize, SocketAddr)> {
        match SockRef::from(self.0.socket.get()).recv_from(memory) {
            Ok((len, sender)) => Ok((len, from_system(&sender)?)),
            Err(error) if self.0.was_shut_down(&error) => Ok((0, nobody()?)),
            Err(error) => Err(error),
        }
    }
}
