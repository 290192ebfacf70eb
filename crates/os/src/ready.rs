//! What an event of mio says about a socket of some kind.
//!
//! 1. A datagram socket is never closed by an error: its error (an ICMP answer) is one operation's, and both directions
//!    may report it.
//! 2. Everything else is as mio says.
//! 3. What is likely true before any event came is assumed: see [`LIKELY`].

use mio::event::Event;
use unstuck_base::interest::{Interest, Ready};

use crate::system;

/// What is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Stream = 0,
    Listener = 1,
    Datagram = 2,
    /// A descriptor of other code.
    Watched = 3,
}

/// For what a connection is likely ready that others made: its first bytes are there already, or soon, and there is room to
/// send. So the first operation is tried at once instead of waiting for the driver.
pub(crate) const LIKELY: Ready = Ready::READABLE.union(Ready::WRITABLE);

impl Kind {
    pub(crate) fn from_word(word: u32) -> Kind {
        match word {
            0 => Kind::Stream,
            1 => Kind::Listener,
            2 => Kind::Datagram,
            _ => Kind::Watched,
        }
    }

    /// What a socket of this kind is registered for, for its whole life.
    pub(crate) fn interest(self) -> mio::Interest {
        match self {
            Kind::Listener => mio::Interest::READABLE,
            Kind::Datagram => mio::Interest::READABLE | mio::Interest::WRITABLE,
            Kind::Stream | Kind::Watched => mio_interest(Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY),
        }
    }
}

/// The interest as mio's. Errors are always told; mio has no interest in nothing else, so that becomes readable.
pub(crate) fn mio_interest(interest: Interest) -> mio::Interest {
    let wanted = [
        interest.is_readable().then_some(mio::Interest::READABLE),
        interest.is_writable().then_some(mio::Interest::WRITABLE),
        if interest.is_priority() { system::PRIORITY } else { None },
    ];
    wanted.into_iter().flatten().reduce(mio::Interest::add).unwrap_or(mio::Interest::READABLE)
}

/// See the module's rules.
pub(crate) fn ready_of(event: &Event, kind: Kind) -> Ready {
    let bits = [
        (event.is_readable(), Ready::READABLE),
        (event.is_writable(), Ready::WRITABLE),
        (event.is_read_closed(), Ready::READ_CLOSED),
        (event.is_write_closed() && !(kind == Kind::Datagram && event.is_error()), Ready::WRITE_CLOSED),
        (event.is_priority(), Ready::PRIORITY),
        (event.is_error(), Ready::ERROR),
        (event.is_error() && kind == Kind::Datagram, Ready::READABLE | Ready::WRITABLE),
    ];
    bits.into_iter().filter(|(said, _)| *said).fold(Ready::EMPTY, |all, (_, bit)| all | bit)
}
