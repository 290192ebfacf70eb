//! TCP, UDP and Unix sockets.
//!
//! | to do | use |
//! |---|---|
//! | serve connections | [`TcpListener`] |
//! | connect to a server | [`TcpStream::connect`] |
//! | choose options before connecting or listening | [`TcpSocket`] |
//! | read and write a stream | the methods of [`AsyncReadExt`](crate::io::AsyncReadExt) and [`AsyncWriteExt`](crate::io::AsyncWriteExt) |
//! | read in one task and write in another | [`TcpStream::into_split`] |
//! | send and receive datagrams | [`UdpSocket`], which several tasks may use at the same time through an [`Arc`](std::sync::Arc) |
//! | talk to processes of the same machine | [`UnixListener`], [`UnixStream`], [`UnixDatagram`]; pipes are in [`unix::pipe`] |
//! | find the addresses of a name | [`lookup_host`] |
//!
//! Where an address is asked for, so is anything that has one: see [`ToSocketAddrs`].
//!
//! # Examples
//!
//! ```
//! use unstuck::io::{AsyncReadExt, AsyncWriteExt};
//! use unstuck::net::{TcpListener, TcpStream};
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! unstuck::spawn(async move {
//!     let (mut connection, _) = listener.accept().await?;
//!     connection.write_all(b"hello").await
//! });
//!
//! let mut stream = TcpStream::connect(address).await?;
//! let mut greeting = String::new();
//! stream.read_to_string(&mut greeting).await?;
//! assert_eq!(greeting, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! Rules of this folder: a resource holds its socket ([`unstuck_driver::Socket`]) and nothing else; only making one asks
//! for the current runtime; every wait goes through the socket's readiness.

mod address;
mod buffer;
mod options;
pub mod tcp;
mod udp;
pub mod unix;

pub use address::{ToSocketAddrs, lookup_host};
pub use tcp::listener::TcpListener;
pub use tcp::socket::TcpSocket;
pub use tcp::stream::TcpStream;
pub use udp::UdpSocket;
pub use unix::datagrams::UnixDatagram;
pub use unix::listener::UnixListener;
pub use unix::socket::UnixSocket;
pub use unix::stream::UnixStream;
