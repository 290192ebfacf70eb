//! The readiness of a Unix datagram socket, and operations of the user's.

use std::future::Future;
use std::io;
use std::task::{Context, Poll};

use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::readiness::Direction;

use super::UnixDatagram;
use crate::ready::{poll_ready, ready};

impl UnixDatagram {
    /// Waits until the socket is ready for anything of `interest`, and tells for what. Readiness is a hint: an attempt may
    /// still say that it would have to wait.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::Interest;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, _b) = UnixDatagram::pair()?;
    /// assert!(a.ready(Interest::READABLE | Interest::WRITABLE).await?.is_writable());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Ready>> {
        ready(self.socket.readiness(), interest)
    }

    /// Waits until there is a datagram to receive.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
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
    /// a.send(b"hello").await?;
    /// let mut buf = [0; 16];
    /// let len = loop {
    ///     b.readable().await?;
    ///     match b.try_recv(&mut buf) {
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => {}
    ///         result => break result?,
    ///     }
    /// };
    /// assert_eq!(&buf[..len], b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        ready(self.socket.readiness(), Interest::READABLE).without_details()
    }

    /// Waits until there is room to send.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: readiness stays until an attempt uses it up.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.writable().await?;
    /// assert_eq!(a.try_send(b"hello")?, 5);
    /// # assert_eq!(b.recv(&mut [0; 16]).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        ready(self.socket.readiness(), Interest::WRITABLE).without_details()
    }

    /// As [`readable`](UnixDatagram::readable). Of several tasks that poll for receiving, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
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
    /// a.send(b"hello").await?;
    /// poll_fn(|cx| b.poll_recv_ready(cx)).await?;
    /// assert_eq!(b.try_recv(&mut [0; 16])?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(self.socket.readiness(), Direction::Read, cx)
    }

    /// As [`writable`](UnixDatagram::writable). Of several tasks that poll for sending, the last one is woken.
    ///
    /// # Errors
    ///
    /// When the runtime has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, _b) = UnixDatagram::pair()?;
    /// poll_fn(|cx| a.poll_send_ready(cx)).await?;
    /// assert_eq!(a.try_send(b"hello")?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_ready(self.socket.readiness(), Direction::Write, cx)
    }

    /// Calls `f`, which does something of its own with the socket, if it is ready for `interest`. If `f` says that it would
    /// have to wait, the readiness is used up.
    ///
    /// `f` must use this socket, must not wait, and must say `WouldBlock` only when the socket did.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the socket is not ready; what `f` says.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// use std::os::unix::net;
    /// use unstuck::io::Interest;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"hello").await?;
    /// b.readable().await?;
    ///
    /// // Any call to the system that does not wait will do.
    /// let same = net::UnixDatagram::from(b.as_fd().try_clone_to_owned()?);
    /// assert_eq!(b.try_io(Interest::READABLE, || same.recv(&mut [0; 16]))?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.socket.readiness().try_io(interest, f)
    }

    /// As [`try_io`](UnixDatagram::try_io), again and again until `f` does not have to wait.
    ///
    /// # Errors
    ///
    /// What `f` says but `WouldBlock`; that the runtime has shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: `f` is called only in a poll that then returns what it did, or uses up the readiness.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// use std::os::unix::net;
    /// use unstuck::io::Interest;
    /// use unstuck::net::UnixDatagram;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixDatagram::pair()?;
    /// let same = net::UnixDatagram::from(b.as_fd().try_clone_to_owned()?);
    /// let receive = b.async_io(Interest::READABLE, || same.recv(&mut [0; 16]));
    /// let (received, sent) = unstuck::join!(receive, a.send(b"hello"));
    /// assert_eq!((received?, sent?), (5, 5));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn async_io<R>(
        &self,
        interest: Interest,
        f: impl FnMut() -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        self.socket.readiness().async_io(interest, f)
    }
}
