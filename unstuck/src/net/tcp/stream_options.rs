//! The options of a TCP connection.

use std::io;
use std::time::Duration;

use unstuck_driver::socket::{OptionName, SocketOption};

use super::super::options::{flag, linger, number};
use super::TcpStream;

impl TcpStream {
    /// Whether small writes are sent at once, instead of being collected (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::NoDelay)
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`). For protocols that exchange short messages.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Examples
    ///
    /// ```
    /// # use unstuck::net::{TcpListener, TcpStream};
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_nodelay(true)?;
    /// assert!(stream.nodelay()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::NoDelay(nodelay))
    }

    /// Whether what is received is acknowledged at once (`TCP_QUICKACK`).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn quickack(&self) -> io::Result<bool> {
        flag(&*self.socket, OptionName::QuickAck)
    }

    /// Sets whether what is received is acknowledged at once (`TCP_QUICKACK`). The system may change it again by itself.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::QuickAck(quickack))
    }

    /// How long closing waits for data that is not sent yet (`SO_LINGER`); `None`: closing does not wait.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        linger(&*self.socket)
    }

    /// Sets how long closing waits for data that is not sent yet (`SO_LINGER`), in whole seconds.
    ///
    /// Where it waits, dropping the stream *blocks the thread*. Only zero does not: see
    /// [`set_zero_linger`](TcpStream::set_zero_linger).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_linger(&self, dur: Option<Duration>) -> io::Result<()> {
        self.socket.set_option(SocketOption::Linger(dur))
    }

    /// Makes dropping the stream throw away what is not sent yet, and reset the connection.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.socket.set_option(SocketOption::Linger(Some(Duration::ZERO)))
    }

    /// The time to live of the packets that it sends.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        number(&*self.socket, OptionName::Ttl)
    }

    /// Sets the time to live of the packets that it sends: how many routers they may pass.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_option(SocketOption::Ttl(ttl))
    }
}
