//! One end of a connection: what it has received, what it may send, and how far it is.
//!
//! | stage \ event | connect    | Accepted | Confirmed | Reset               | close                          |
//! |---------------|------------|----------|-----------|---------------------|--------------------------------|
//! | FRESH         | CONNECTING | -        | -         | -                   | gone                           |
//! | CONNECTING    | -          | OPEN     | -         | OVER, refused       | gone; what answers is reset    |
//! | HALF OPEN     | -          | -        | OPEN      | gone                | (no program holds it)          |
//! | OPEN          | -          | -        | -         | OVER, reset         | gone; sends End, or Reset      |
//! | OVER          | -          | -        | -         | -                   | gone                           |
//!
//! 1. What was received before a reset can still be read; the error comes after it, once, and then the end of the stream.
//! 2. `under_way` counts the bytes that were sent and whose room the peer has not given back. It never passes the window,
//!    which is the size of the send buffer.
//! 3. Pure: nothing here sends or wakes.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::Arc;

use unstuck_base::interest::Ready;
use unstuck_driver::Readiness;

use crate::net::Id;
use crate::net::fabric::Path;
use crate::net::options::Options;

/// How far a connection is, seen from one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not connected yet.
    Fresh,
    /// The request is on its way, or its answer.
    Connecting,
    /// The answer is on its way; the end belongs to this listener.
    HalfOpen { listener: Id },
    /// Both directions work, unless they were shut down.
    Open,
    /// Refused, reset or timed out.
    Over,
}

/// One end; see the module's rules.
#[derive(Debug)]
pub(super) struct End {
    pub(super) readiness: Arc<Readiness>,
    pub(super) stage: Stage,
    pub(super) local: SocketAddr,
    pub(super) remote: Option<SocketAddr>,
    pub(super) twin: Option<Id>,
    /// The way to the twin.
    pub(super) path: Path,
    pub(super) options: Options,
    /// For the program to ask for, once.
    pub(super) error: Option<io::ErrorKind>,
    inbox: VecDeque<u8>,
    /// The peer will send no more.
    pub(super) has_ended: bool,
    pub(super) read_shut: bool,
    pub(super) write_shut: bool,
    under_way: usize,
    /// The program found too little room; it is to be told when there is more.
    pub(super) blocked: bool,
    /// Bytes that were read and whose room was not given back yet.
    owed: usize,
}

impl End {
    pub(super) fn new(stage: Stage, local: SocketAddr, remote: Option<SocketAddr>) -> Self {
        // As of the real kernel: who accepts finds room to send, and the first bytes if they are there.
        let likely = Ready::READABLE | Ready::WRITABLE;
        let assumed = if matches!(stage, Stage::HalfOpen { .. }) { likely } else { Ready::EMPTY };
        End {
            readiness: Arc::new(Readiness::assumed(assumed)),
            stage,
            local,
            remote,
            twin: None,
            path: Path::default(),
            options: Options::new(),
            error: None,
            inbox: VecDeque::new(),
            has_ended: false,
            read_shut: false,
            write_shut: false,
            under_way: 0,
            blocked: false,
            owed: 0,
        }
    }

    /// Bytes came.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.inbox.extend(bytes);
    }

    /// Whether the program has not read all that came.
    pub(super) fn has_unread(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Copies what came to `buf`, and leaves it.
    ///
    /// # Errors
    /// `WouldBlock`; the error of the connection; `NotConnected`.
    pub(super) fn peek(&mut self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        if self.stage == Stage::Fresh {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if buf.is_empty() {
            return Ok(0);
        }
        if !self.inbox.is_empty() {
            let (first, second) = self.inbox.as_slices();
            let copied = copy(first, buf);
            return Ok(copied + copy(second, &mut buf[copied..]));
        }
        if let Some(error) = self.error.take() {
            return Err(error.into());
        }
        if self.has_ended || self.read_shut || self.stage == Stage::Over {
            return Ok(0);
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Moves what came to `buf`; owes its room to the peer.
    ///
    /// # Errors
    /// As [`peek`](End::peek).
    pub(super) fn read(&mut self, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let read = self.peek(buf)?;
        // After a reset nothing is left here once it was read.
        self.inbox.drain(..read.min(self.inbox.len()));
        self.owed += read;
        Ok(read)
    }

    /// As [`read`](End::read), into several buffers.
    ///
    /// # Errors
    /// As [`peek`](End::peek).
    pub(super) fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let room = bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add);
        // All that there may be to say is said by one look; what follows only copies.
        let mut first = [MaybeUninit::uninit()];
        if self.peek(&mut first[..room.min(1)])? == 0 {
            return Ok(0);
        }
        let mut read = 0;
        for buf in bufs {
            let len = buf.len().min(self.inbox.len());
            buf.iter_mut().zip(self.inbox.drain(..len)).for_each(|(to, byte)| *to = byte);
            read += len;
        }
        self.owed += read;
        Ok(read)
    }

    /// How many bytes the program may send now.
    ///
    /// # Errors
    /// `WouldBlock` before the connection is made; why nothing can be sent any more.
    pub(super) fn room(&mut self) -> io::Result<usize> {
        match self.stage {
            Stage::Fresh => return Err(io::ErrorKind::BrokenPipe.into()),
            Stage::Connecting | Stage::HalfOpen { .. } => return Err(io::ErrorKind::WouldBlock.into()),
            Stage::Open | Stage::Over => {}
        }
        if let Some(error) = self.error.take() {
            return Err(error.into());
        }
        if self.write_shut || self.stage == Stage::Over {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(self.options.send_buffer().saturating_sub(self.under_way))
    }

    /// Bytes leave.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.under_way += bytes;
    }

    /// The peer gave room back. `true`: the program waits for it.
    pub(super) fn take_room(&mut self, bytes: usize) -> bool {
        assert!(bytes <= self.under_way, "no more room is given back than was used");
        self.under_way -= bytes;
        std::mem::take(&mut self.blocked)
    }

    /// Whether it is worth a packet to give back the room of what was read, to a sender with this window: half of it is
    /// owed, or the sender waits.
    pub(super) fn owes_enough(&self, window: usize, sender_waits: bool) -> bool {
        self.owed > 0 && (sender_waits || self.owed >= window.div_ceil(2))
    }

    /// Gives all the room back that is owed.
    pub(super) fn pay(&mut self) -> usize {
        std::mem::take(&mut self.owed)
    }

    /// The connection broke.
    pub(super) fn fail(&mut self, error: io::ErrorKind) {
        self.stage = Stage::Over;
        self.error = Some(error);
        self.twin = None;
    }

    /// What is ready because directions are closed.
    pub(super) fn closed_readiness(&self) -> Ready {
        let mut ready = Ready::EMPTY;
        let over = self.stage == Stage::Over;
        if self.has_ended || self.read_shut || over {
            ready |= Ready::READABLE | Ready::READ_CLOSED;
        }
        if self.write_shut || over {
            ready |= Ready::WRITABLE;
        }
        if (self.has_ended && self.write_shut) || over {
            ready |= Ready::READ_CLOSED | Ready::WRITE_CLOSED;
        }
        if self.error.is_some() {
            ready |= Ready::ERROR;
        }
        ready
    }
}

/// Copies as much as there is room for.
fn copy(from: &[u8], to: &mut [MaybeUninit<u8>]) -> usize {
    let len = from.len().min(to.len());
    to[..len].write_copy_of_slice(&from[..len]);
    len
}
