//! Sending datagrams.

use std::future::Future;
use std::io;
use std::path::Path;
use std::task::{Context, Poll};

use unstuck_base::interest::Interest;
use unstuck_driver::readiness::Direction;

use super::super::address::named;
use super::UnixDatagram;
use crate::called_at::called_from;

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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// assert_eq!(a.send(b"one").await?, 3);
    /// assert_eq!(a.send(b"").await?, 0); // an empty datagram is one as well
    /// assert_eq!(b.recv(&mut [0; 16]).await?, 3);
    /// assert_eq!(b.recv(&mut [0; 16]).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn send(&self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.socket.readiness().async_io(Interest::WRITABLE, || self.socket.get().send(buf))
    }

    /// As [`send`](UnixDatagram::send). Of several tasks that poll for sending, the last one is woken.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// assert_eq!(poll_fn(|cx| a.poll_send(cx, b"hello")).await?, 5);
    /// assert_eq!(b.recv(&mut [0; 16]).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.readiness().poll_io(Direction::Write, cx, || self.socket.get().send(buf))
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
    /// use std::io::ErrorKind;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// let mut sent = 0;
    /// let error = loop {
    ///     match a.try_send(&[0; 100]) {
    ///         Ok(_) => sent += 1,
    ///         Err(error) => break error,
    ///     }
    /// };
    /// assert_eq!(error.kind(), ErrorKind::WouldBlock);
    /// assert!(sent > 0);
    /// assert_eq!(b.recv(&mut [0; 100]).await?, 100); // now there is room again
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-send-to-{}.sock", std::process::id()));
    /// let server = UnixDatagram::bind(&path)?;
    /// let client = UnixDatagram::unbound()?;
    /// assert_eq!(client.send_to(b"hello", &path).await?, 5);
    /// assert_eq!(server.recv(&mut [0; 16]).await?, 5);
    ///
    /// drop(server);
    /// std::fs::remove_file(&path)?;
    /// assert!(client.send_to(b"anybody?", &path).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> impl Future<Output = io::Result<usize>> {
        called_from(|_at| async move {
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
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-poll-send-to-{}.sock", std::process::id()));
    /// let server = UnixDatagram::bind(&path)?;
    /// let client = UnixDatagram::unbound()?;
    /// assert_eq!(poll_fn(|cx| client.poll_send_to(cx, b"hello", &path)).await?, 5);
    /// # assert_eq!(server.recv(&mut [0; 16]).await?, 5);
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-try-send-to-{}.sock", std::process::id()));
    /// let server = UnixDatagram::bind(&path)?;
    /// let client = UnixDatagram::unbound()?;
    /// client.writable().await?;
    /// assert_eq!(client.try_send_to(b"hello", &path)?, 5);
    /// # assert_eq!(server.recv(&mut [0; 16]).await?, 5);
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        let target = named(target.as_ref())?;
        self.socket.readiness().try_io(Interest::WRITABLE, || self.socket.get().send_to_addr(buf, &target))
    }
}
