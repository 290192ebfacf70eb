//! What can be turned into addresses.
//!
//! 1. Whatever is an address already needs no lookup, no thread and no runtime.
//! 2. A name is looked up by the kernel, on a thread for which neither a runtime nor the program waits.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::called_at::{Line, called_from, current_at};

/// Anything that has addresses: an address, an IP with a port, or text like `"localhost:80"`.
///
/// Text that is not an address is a name, which [is looked up](lookup_host). There is nothing to call here: the
/// trait is for arguments.
///
/// # Examples
///
/// ```
/// use unstuck::net::UdpSocket;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// UdpSocket::bind("127.0.0.1:0").await?;
/// UdpSocket::bind(("127.0.0.1", 0)).await?;
/// UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
/// # Ok(())
/// # }
/// ```
pub trait ToSocketAddrs: sealed::Resolve {}

mod sealed {
    use std::net::SocketAddr;

    /// What other crates can't implement or call.
    ///
    /// # Examples
    ///
    /// They use it through [`ToSocketAddrs`](super::ToSocketAddrs):
    ///
    /// ```
    /// use unstuck::net::{ToSocketAddrs, UdpSocket};
    ///
    /// async fn any_port(host: impl ToSocketAddrs) -> std::io::Result<u16> {
    ///     Ok(UdpSocket::bind(host).await?.local_addr()?.port())
    /// }
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// assert_ne!(any_port("127.0.0.1:0").await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub trait Resolve {
        /// How to come to the addresses of `self`. Nothing is looked up yet.
        ///
        /// # Examples
        ///
        /// [`lookup_host`](super::lookup_host) calls it, and does what it says:
        ///
        /// ```
        /// use std::io::ErrorKind;
        ///
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// let Err(error) = unstuck::net::lookup_host("no-port").await else { panic!("it has no port") };
        /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
        /// # Ok(())
        /// # }
        /// ```
        fn resolve(&self) -> Resolution;
    }

    /// How to come to the addresses.
    ///
    /// # Examples
    ///
    /// Addresses are known, so they need no runtime; names do:
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::task::{Context, Waker};
    ///
    /// let lookup = pin!(unstuck::net::lookup_host(("127.0.0.1", 80)));
    /// assert!(lookup.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    /// ```
    #[derive(Debug)]
    pub enum Resolution {
        /// They are known.
        Known(Vec<SocketAddr>),
        /// By looking up a name.
        Lookup {
            /// The name.
            host: String,
            /// The port of every address that is found.
            port: u16,
        },
        /// Not at all: this is what is wrong.
        Malformed(&'static str),
    }
}

pub(super) use sealed::Resolution;

impl Resolution {
    /// The addresses, for a future that was asked for at `at`.
    pub(super) async fn addresses(self, at: Line) -> io::Result<Vec<SocketAddr>> {
        match self {
            Resolution::Known(addresses) => Ok(addresses),
            Resolution::Malformed(what) => Err(io::Error::new(io::ErrorKind::InvalidInput, what)),
            Resolution::Lookup { host, port } => {
                let (lookup, _clock_stands) = {
                    let runtime = current_at(at);
                    (runtime.parts().kernel.lookup_host(&host, port), runtime.clock_stands())
                };
                lookup.await
            }
        }
    }

    /// What `attempt` makes of the first address with which it succeeds.
    pub(super) async fn first<T>(
        self,
        at: Line,
        mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut failure = None;
        for address in self.addresses(at).await? {
            match attempt(address) {
                Ok(made) => return Ok(made),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(no_address))
    }
}

/// There is no address to try.
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address: the name has none")
}

/// Finds the addresses of a host, as the system does: by its own tables, and by asking a name server.
///
/// It gives text the form `"host:port"`; where only the host is of interest, the port may be 0. An address is returned
/// as it is. To look up with a cache or with other record types, use a library for DNS.
///
/// The system's resolver can't be interrupted. It runs on threads of the process, 64 at most, which all runtimes share and
/// which are not those of [`spawn_blocking`](crate::task::spawn_blocking); further names wait for one of them. A paused
/// clock does not advance by itself meanwhile.
///
/// # Errors
///
/// When the text is malformed, or the name has no address, or the system can't find out.
///
/// # Panics
///
/// When polled outside a runtime, with a name.
///
/// # Cancel safety
///
/// Cancel safe: dropping the future leaves the lookup alone, which ends on its own thread. Neither the end of the runtime
/// nor that of the program waits for it.
///
/// # Examples
///
/// ```
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// for address in unstuck::net::lookup_host("localhost:80").await? {
///     assert!(address.ip().is_loopback());
/// }
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn lookup_host<T>(host: T) -> impl Future<Output = io::Result<impl Iterator<Item = SocketAddr>>>
where
    T: ToSocketAddrs,
{
    called_from(|at| async move { Ok(host.resolve().addresses(at).await?.into_iter()) })
}

fn known(address: impl Into<SocketAddr>) -> Resolution {
    Resolution::Known(vec![address.into()])
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {}

impl<T: sealed::Resolve + ?Sized> sealed::Resolve for &T {
    fn resolve(&self) -> Resolution {
        (**self).resolve()
    }
}

/// Types that are known addresses already, by a conversion into `SocketAddr`.
macro_rules! addresses {
    ($($type:ty),*) => {$(
        impl ToSocketAddrs for $type {}

        impl sealed::Resolve for $type {
            fn resolve(&self) -> Resolution {
                known(*self)
            }
        }
    )*};
}

addresses!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for &[SocketAddr] {}

impl sealed::Resolve for &[SocketAddr] {
    fn resolve(&self) -> Resolution {
        Resolution::Known(self.to_vec())
    }
}

impl ToSocketAddrs for str {}

impl sealed::Resolve for str {
    fn resolve(&self) -> Resolution {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return known(address);
        }
        let Some((host, port)) = self.rsplit_once(':') else {
            return Resolution::Malformed("invalid socket address: expected `host:port`");
        };
        match port.parse() {
            Ok(port) => Resolution::Lookup { host: host.to_owned(), port },
            Err(_) => Resolution::Malformed("invalid port value: expected a number up to 65535"),
        }
    }
}

impl ToSocketAddrs for String {}

impl sealed::Resolve for String {
    fn resolve(&self) -> Resolution {
        self.as_str().resolve()
    }
}

impl ToSocketAddrs for (&str, u16) {}

impl sealed::Resolve for (&str, u16) {
    fn resolve(&self) -> Resolution {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => known((ip, port)),
            Err(_) => Resolution::Lookup { host: host.to_owned(), port },
        }
    }
}

impl ToSocketAddrs for (String, u16) {}

impl sealed::Resolve for (String, u16) {
    fn resolve(&self) -> Resolution {
        (self.0.as_str(), self.1).resolve()
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Resolve;
    use super::*;

    #[test]
    fn addresses_need_no_lookup() {
        let expected: SocketAddr = ([127, 0, 0, 1], 80).into();
        let is_known = |resolution| matches!(resolution, Resolution::Known(all) if all == [expected]);
        assert!(is_known("127.0.0.1:80".resolve()));
        assert!(is_known("127.0.0.1:80".to_owned().resolve()));
        assert!(is_known(("127.0.0.1", 80).resolve()));
        assert!(is_known((Ipv4Addr::LOCALHOST, 80).resolve()));
        assert!(is_known((&[expected][..]).resolve()));
        assert!(matches!("[::1]:80".resolve(), Resolution::Known(all) if all[0].is_ipv6()));
    }

    #[test]
    fn names_are_looked_up_and_nonsense_is_refused() {
        assert!(matches!("a.example:7".resolve(), Resolution::Lookup { host, port: 7 } if host == "a.example"));
        assert!(matches!(("a.example", 7).resolve(), Resolution::Lookup { .. }));
        for nonsense in ["a.example", "a.example:", "a.example:x", "a.example:65536", ""] {
            assert!(matches!(nonsense.resolve(), Resolution::Malformed(_)), "{nonsense}");
        }
    }
}
