//! The kernel's face of a simulated world.
//!
//! 1. What can't be simulated fails with an error that says why, and what to do instead. Nothing ever reaches the real
//!    system: that would not be decided by the seed.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use unstuck_driver::signal::SignalSource;
use unstuck_driver::socket::{Endpoint, Family, Foreign, SocketOption, Unconnected};
use unstuck_driver::{Disk, Kernel, Lookup, Socket, Stdio};

use crate::net::socket::{SimSocket, Sort};
use crate::trace::Kind;
use crate::world::{State, World};

/// Real systems choose ports from about here on. Which one is not decided by the seed.
const CHOSEN_BY_THE_SYSTEM: u16 = 32_768;

/// Signals that no process can catch, or that stand for a fault of its own.
const NOT_CAUGHT: [i32; 5] = [4, 8, 9, 11, 19];

/// The kernel of a world; see the module's rule.
#[derive(Debug)]
pub(crate) struct SimKernel(pub(crate) Arc<World>);

impl Kernel for SimKernel {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn real_now(&self) -> Instant {
        self.0.now()
    }

    fn time_jumps(&self) -> bool {
        true
    }

    fn unpark(&self) {
        self.0.unpark();
    }

    fn entropy(&self) -> u64 {
        self.0.lock().fabric.choices.choose(Kind::Entropy, u64::MAX)
    }

    fn tcp_listen(&self, address: SocketAddr, backlog: u32) -> io::Result<Arc<dyn Socket>> {
        let made = {
            let State { tcp, fabric, .. } = &mut *self.0.lock_running()?;
            tcp.listen(address, backlog, fabric)?
        };
        Ok(SimSocket::open(&self.0, made, Sort::Listener))
    }

    fn tcp_connect(&self, peer: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        self.tcp_socket(Family::of(peer))?.connect(self, peer)
    }

    fn tcp_socket(&self, family: Family) -> io::Result<Box<dyn Unconnected>> {
        Ok(Box::new(self.fresh_stream(family)?))
    }

    fn udp_bind(&self, address: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        let made = {
            let State { udp, fabric, .. } = &mut *self.0.lock_running()?;
            udp.bind(address, fabric)?
        };
        Ok(SimSocket::open(&self.0, made, Sort::Datagram))
    }

    fn adopt(&self, socket: Foreign) -> io::Result<Arc<dyn Socket>> {
        // The real socket is closed when this returns: all that is taken over is what was asked of it.
        match socket {
            Foreign::Stream(stream) => self.adopt_stream(&stream),
            Foreign::Listener(listener) => self.tcp_listen(chosen_by_the_program(listener.local_addr()?)?, 1024),
            Foreign::Datagram(socket) => {
                let adopted = self.udp_bind(chosen_by_the_program(socket.local_addr()?)?)?;
                if let Ok(peer) = socket.peer_addr() {
                    adopted.connect(peer)?;
                }
                Ok(adopted)
            }
        }
    }

    fn may_watch(&self) -> io::Result<()> {
        Err(cannot("wait for a file descriptor of the real system: its events are not decided by the seed"))
    }

    fn disk(&self) -> io::Result<&dyn Disk> {
        Err(cannot(
            "use files of the real system: their content is not decided by the seed. Keep what the test needs in memory",
        ))
    }

    fn stdio(&self) -> io::Result<&dyn Stdio> {
        Err(cannot("use the standard streams: what comes from them is not decided by the seed. Print with `println!`"))
    }

    fn may_start_programs(&self) -> io::Result<()> {
        Err(cannot("start a program of the real system: what it does is not decided by the seed"))
    }

    fn lookup_host(&self, host: &str, port: u16) -> Lookup {
        let addresses = resolve(&self.0.settings.hosts, host).ok_or_else(|| {
            let message = format!("the simulated world has no host {host:?}: name it with `sim::Builder::host`");
            io::Error::new(io::ErrorKind::NotFound, message)
        });
        Lookup::answered(addresses.map(|ips| ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()))
    }

    fn signal(&self, number: i32) -> io::Result<Arc<SignalSource>> {
        if !(1..=64).contains(&number) || NOT_CAUGHT.contains(&number) {
            let message = format!("signal {number} can't be caught: listen for another one");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(self.0.lock_running()?.signals.entry(number).or_default().clone())
    }
}

impl SimKernel {
    /// A stream that is not connected.
    fn fresh_stream(&self, family: Family) -> io::Result<SimSocket> {
        let made = {
            let State { tcp, fabric, .. } = &mut *self.0.lock_running()?;
            tcp.fresh(family, fabric)
        };
        Ok(SimSocket::new(&self.0, made, Sort::Stream))
    }

    fn adopt_stream(&self, stream: &TcpStream) -> io::Result<Arc<dyn Socket>> {
        if stream.peer_addr().is_ok() {
            return Err(cannot(
                "take over a stream that is connected to the real world: connect it inside the simulation",
            ));
        }
        let address = stream.local_addr()?;
        let adopted = self.fresh_stream(Family::of(address))?;
        if address.port() != 0 {
            adopted.bind(chosen_by_the_program(address)?)?;
        }
        if let Ok(no_delay) = stream.nodelay() {
            adopted.set_option(SocketOption::NoDelay(no_delay))?;
        }
        if let Ok(hops) = stream.ttl() {
            adopted.set_option(SocketOption::Ttl(hops))?;
        }
        Ok(Arc::new(adopted))
    }
}

/// An address that a real socket is bound to, if the program chose it and not the system.
fn chosen_by_the_program(address: SocketAddr) -> io::Result<SocketAddr> {
    if address.port() < CHOSEN_BY_THE_SYSTEM {
        return Ok(address);
    }
    Err(cannot(&format!(
        "take over a socket that is bound to port {}: the real system may have chosen it, which the seed does not decide. \
         Bind a port below {CHOSEN_BY_THE_SYSTEM}, or bind through unstuck",
        address.port()
    )))
}

fn cannot(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("the simulator can't {what}"))
}

/// The addresses of a name; those of `localhost` are as everywhere.
fn resolve(hosts: &BTreeMap<String, Vec<IpAddr>>, host: &str) -> Option<Vec<IpAddr>> {
    if let Some(addresses) = hosts.get(&host.to_ascii_lowercase()) {
        return Some(addresses.clone());
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    host.trim_start_matches('[').trim_end_matches(']').parse().ok().map(|ip| vec![ip])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use crate::settings::Settings;

    fn kernel() -> SimKernel {
        SimKernel(World::new(0, Settings::default()).0)
    }

    #[test]
    fn what_the_real_system_decided_is_refused_and_says_why() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        for (foreign, says) in [
            (Foreign::Stream(connected), "connected to the real world"),
            (Foreign::Listener(listener), "may have chosen it"),
            (Foreign::Datagram(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()), "may have chosen it"),
        ] {
            let Err(error) = kernel().adopt(foreign) else { panic!("adopted, but should say {says:?}") };
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn names_are_literals_localhost_and_those_that_were_given() {
        let mut settings = Settings::default();
        settings.hosts.insert("db.internal".to_owned(), vec![Ipv4Addr::new(10, 0, 0, 7).into()]);
        let kernel = SimKernel(World::new(0, settings).0);
        let lookup = |host| match pin!(kernel.lookup_host(host, 80)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found.map(|addresses| addresses[0].to_string()),
            Poll::Pending => panic!("a simulation answers at once"),
        };
        assert_eq!(lookup("DB.internal").unwrap(), "10.0.0.7:80");
        assert_eq!(lookup("localhost").unwrap(), "127.0.0.1:80");
        assert_eq!(lookup("10.1.2.3").unwrap(), "10.1.2.3:80");
        assert_eq!(lookup("[::1]").unwrap(), "[::1]:80");
        assert_eq!(lookup("example.com").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn files_and_standard_streams_are_refused_and_say_why() {
        let kernel = kernel();
        for refused in [kernel.disk().err().unwrap(), kernel.stdio().err().unwrap()] {
            assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
            assert!(refused.to_string().contains("not decided by the seed"), "{refused}");
        }
    }

    #[test]
    fn signals_that_nobody_catches_are_refused() {
        let kernel = kernel();
        for number in [0, 9, 19, 65] {
            assert_eq!(kernel.signal(number).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        assert!(Arc::ptr_eq(&kernel.signal(15).unwrap(), &kernel.signal(15).unwrap()));
    }
}
