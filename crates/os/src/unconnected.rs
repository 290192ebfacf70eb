//! A TCP socket of the operating system that neither connects nor listens yet.
//!
//! 1. It belongs to no driver, so it can be made where there is none. What it becomes is adopted by the kernel in whose
//!    runtime it connects or listens; a simulated kernel says itself what it makes of a real socket.
//! 2. Those that are made here are in non-blocking mode. Whoever brings one has seen to that.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use socket2::{Domain, Socket as Raw, Type};
use unstuck_driver::socket::{Endpoint, Family, Foreign, OptionName, SocketOption, Unconnected};
use unstuck_driver::{Kernel, Socket};

use crate::socket::{internet, listen};
use crate::{options, system};

/// See the module's rules.
#[derive(Debug)]
pub(crate) struct OsUnconnected(Raw);

impl OsUnconnected {
    pub(crate) fn new(family: Family) -> io::Result<OsUnconnected> {
        let domain = match family {
            Family::V4 => Domain::IPV4,
            Family::V6 => Domain::IPV6,
        };
        system::socket(domain, Type::STREAM).map(OsUnconnected)
    }

    pub(crate) fn from_fd(fd: OwnedFd) -> OsUnconnected {
        OsUnconnected(fd.into())
    }
}

impl Endpoint for OsUnconnected {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        internet(&self.0.local_addr()?)
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.take_error()
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        options::set(&self.0, option)
    }

    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        options::get(&self.0, name)
    }

    fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        system::bind_device(&self.0, interface)
    }

    fn device(&self) -> io::Result<Option<Vec<u8>>> {
        system::device(&self.0)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl Unconnected for OsUnconnected {
    fn bind(&self, address: SocketAddr) -> io::Result<()> {
        self.0.bind(&address.into())
    }

    fn connect(self: Box<Self>, kernel: &dyn Kernel, peer: SocketAddr) -> io::Result<Arc<dyn Socket>> {
        let socket = kernel.adopt(Foreign::Stream(self.0.into()))?;
        socket.connect(peer)?;
        Ok(socket)
    }

    fn listen(self: Box<Self>, kernel: &dyn Kernel, backlog: u32) -> io::Result<Arc<dyn Socket>> {
        listen(&self.0, backlog)?;
        kernel.adopt(Foreign::Listener(self.0.into()))
    }

    fn into_fd(self: Box<Self>) -> io::Result<OwnedFd> {
        Ok(self.0.into())
    }
}
