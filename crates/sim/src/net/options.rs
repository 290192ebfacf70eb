//! What was set on a socket.
//!
//! 1. Every option keeps its value. Those that a simulated network can feel do something: `Linger`, `SendBuffer` and
//!    `ReceiveBuffer`; their readers say what.

use std::io;
use std::time::Duration;

use unstuck_driver::socket::{OptionName, SocketOption};

/// The room of a buffer when nobody says otherwise, in bytes.
const BUFFER: u32 = 64 * 1024;

/// The options of one socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options([SocketOption; 15]);

impl Options {
    pub(crate) fn new() -> Self {
        Options([
            SocketOption::NoDelay(false),
            SocketOption::QuickAck(true),
            SocketOption::Linger(None),
            SocketOption::KeepAlive(false),
            SocketOption::Ttl(64),
            SocketOption::ReuseAddress(false),
            SocketOption::ReusePort(false),
            SocketOption::ReceiveBuffer(BUFFER),
            SocketOption::SendBuffer(BUFFER),
            SocketOption::Broadcast(false),
            SocketOption::TypeOfService(0),
            SocketOption::TrafficClass(0),
            SocketOption::MulticastLoopV4(true),
            SocketOption::MulticastTtlV4(1),
            SocketOption::MulticastLoopV6(true),
        ])
    }

    /// Sets an option.
    ///
    /// # Errors
    /// `Unsupported` for one that is not known here.
    pub(crate) fn set(&mut self, option: SocketOption) -> io::Result<()> {
        let name = match option {
            SocketOption::NoDelay(_) => OptionName::NoDelay,
            SocketOption::QuickAck(_) => OptionName::QuickAck,
            SocketOption::Linger(_) => OptionName::Linger,
            SocketOption::KeepAlive(_) => OptionName::KeepAlive,
            SocketOption::Ttl(_) => OptionName::Ttl,
            SocketOption::ReuseAddress(_) => OptionName::ReuseAddress,
            SocketOption::ReusePort(_) => OptionName::ReusePort,
            SocketOption::ReceiveBuffer(_) => OptionName::ReceiveBuffer,
            SocketOption::SendBuffer(_) => OptionName::SendBuffer,
            SocketOption::Broadcast(_) => OptionName::Broadcast,
            SocketOption::TypeOfService(_) => OptionName::TypeOfService,
            SocketOption::TrafficClass(_) => OptionName::TrafficClass,
            SocketOption::MulticastLoopV4(_) => OptionName::MulticastLoopV4,
            SocketOption::MulticastTtlV4(_) => OptionName::MulticastTtlV4,
            SocketOption::MulticastLoopV6(_) => OptionName::MulticastLoopV6,
            _ => return Err(unknown()),
        };
        self.0[place(name)?] = option;
        Ok(())
    }

    /// Reads an option.
    ///
    /// # Errors
    /// `Unsupported` for one that is not known here.
    pub(crate) fn get(&self, name: OptionName) -> io::Result<SocketOption> {
        Ok(self.0[place(name)?])
    }

    /// Whether the address may be shared with a socket that does not listen.
    pub(crate) fn reuses_address(&self) -> bool {
        self.0.contains(&SocketOption::ReuseAddress(true))
    }

    /// Whether closing throws away what is under way.
    pub(crate) fn closes_hard(&self) -> bool {
        self.0.contains(&SocketOption::Linger(Some(Duration::ZERO)))
    }

    /// How many bytes may be sent that the peer has not read.
    pub(crate) fn send_buffer(&self) -> usize {
        self.bytes(OptionName::SendBuffer)
    }

    /// How many bytes of datagrams wait to be received at most.
    pub(crate) fn receive_buffer(&self) -> usize {
        self.bytes(OptionName::ReceiveBuffer)
    }

    fn bytes(&self, name: OptionName) -> usize {
        match self.get(name) {
            Ok(SocketOption::ReceiveBuffer(bytes) | SocketOption::SendBuffer(bytes)) => bytes.max(1) as usize,
            _ => unreachable!("an option is kept in its own place"),
        }
    }
}

fn place(name: OptionName) -> io::Result<usize> {
    Ok(match name {
        OptionName::NoDelay => 0,
        OptionName::QuickAck => 1,
        OptionName::Linger => 2,
        OptionName::KeepAlive => 3,
        OptionName::Ttl => 4,
        OptionName::ReuseAddress => 5,
        OptionName::ReusePort => 6,
        OptionName::ReceiveBuffer => 7,
        OptionName::SendBuffer => 8,
        OptionName::Broadcast => 9,
        OptionName::TypeOfService => 10,
        OptionName::TrafficClass => 11,
        OptionName::MulticastLoopV4 => 12,
        OptionName::MulticastTtlV4 => 13,
        OptionName::MulticastLoopV6 => 14,
        _ => return Err(unknown()),
    })
}

fn unknown() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the simulator does not know this socket option")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_its_own_place() {
        let mut options = Options::new();
        let changed = [
            (OptionName::NoDelay, SocketOption::NoDelay(true)),
            (OptionName::QuickAck, SocketOption::QuickAck(false)),
            (OptionName::Linger, SocketOption::Linger(Some(Duration::ZERO))),
            (OptionName::KeepAlive, SocketOption::KeepAlive(true)),
            (OptionName::Ttl, SocketOption::Ttl(3)),
            (OptionName::ReuseAddress, SocketOption::ReuseAddress(true)),
            (OptionName::ReusePort, SocketOption::ReusePort(true)),
            (OptionName::ReceiveBuffer, SocketOption::ReceiveBuffer(7)),
            (OptionName::SendBuffer, SocketOption::SendBuffer(9)),
            (OptionName::Broadcast, SocketOption::Broadcast(true)),
            (OptionName::TypeOfService, SocketOption::TypeOfService(8)),
            (OptionName::TrafficClass, SocketOption::TrafficClass(8)),
            (OptionName::MulticastLoopV4, SocketOption::MulticastLoopV4(false)),
            (OptionName::MulticastTtlV4, SocketOption::MulticastTtlV4(5)),
            (OptionName::MulticastLoopV6, SocketOption::MulticastLoopV6(false)),
        ];
        assert!(!options.closes_hard());
        for (name, value) in changed {
            assert_ne!(options.get(name).unwrap(), value);
            options.set(value).unwrap();
        }
        for (name, value) in changed {
            assert_eq!(options.get(name).unwrap(), value);
        }
        assert!(options.closes_hard());
        assert_eq!((options.send_buffer(), options.receive_buffer()), (9, 7));
    }
}
