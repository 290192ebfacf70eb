//! One direction of an in-memory stream: bytes, a bound, and who waits at which end. Pure: it wakes nobody.
//!
//! | state \ event       | read                    | write                       | close                     |
//! |---------------------|-------------------------|-----------------------------|---------------------------|
//! | open, empty         | reader waits            | takes, wake the reader      | closed, wake both         |
//! | open, part full     | gives, wake the writer  | takes, wake the reader      | closed, wake both         |
//! | open, full          | gives, wake the writer  | writer waits                | closed, wake both         |
//! | closed, not empty   | gives                   | BrokenPipe                  | -                         |
//! | closed, empty       | the end                 | BrokenPipe                  | -                         |
//!
//! 1. Never more than `capacity` bytes, and never memory for more.
//! 2. Wakers to be woken, and wakers that were replaced, leave in a [`News`]: whoever holds a lock around the pipe lets
//!    go of it before delivering that.
//! 3. Nothing to read into, or nothing to write, never waits; but on a closed pipe no write succeeds.
//! 4. Whoever is told to wait has its waker stored here, and the event that ends the waiting takes it out.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Poll, Waker};

use unstuck_base::WakeBatch;

use crate::ReadBuf;

#[derive(Debug)]
pub(crate) struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Wakers that left the pipe (rule 2).
#[derive(Debug, Default)]
#[must_use = "deliver it when no lock is held"]
pub(crate) struct News {
    wake: Option<Waker>,
    replaced: Option<Waker>,
}

impl News {
    /// Wakes and drops: runs user code.
    #[inline]
    pub(crate) fn deliver(self) {
        let News { wake, replaced } = self;
        if let Some(waker) = wake {
            waker.wake();
        }
        drop(replaced);
    }
}

impl Pipe {
    #[track_caller]
    pub(crate) fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a pipe for 0 bytes would never let any through: `max_buf_size` must be greater than 0");
        Pipe { bytes: VecDeque::new(), capacity, closed: false, reader: None, writer: None }
    }

    /// Gives as many bytes as there are and `buf` has room for. At the end, none.
    pub(crate) fn read(&mut self, waker: &Waker, buf: &mut ReadBuf<'_>) -> (Poll<()>, News) {
        if buf.remaining() == 0 {
            return (Poll::Ready(()), News::default());
        }
        if self.bytes.is_empty() {
            return match self.closed {
                true => (Poll::Ready(()), News::default()),
                false => (Poll::Pending, wait_in(&mut self.reader, waker)),
            };
        }
        let (front, back) = self.bytes.as_slices();
        let from_front = front.len().min(buf.remaining());
        buf.put_slice(&front[..from_front]);
        let from_back = back.len().min(buf.remaining());
        buf.put_slice(&back[..from_back]);
        let given = from_front + from_back;
        if given == self.bytes.len() {
            // Also brings the ring back to its beginning, so that the next bytes are in one piece.
            self.bytes.clear();
        } else {
            self.bytes.drain(..given);
        }
        (Poll::Ready(()), News { wake: self.writer.take(), replaced: None })
    }

    /// Takes as many bytes as there is room for.
    pub(crate) fn write(&mut self, waker: &Waker, bufs: &[IoSlice<'_>]) -> (Poll<io::Result<usize>>, News) {
        if self.closed {
            return (Poll::Ready(Err(ErrorKind::BrokenPipe.into())), News::default());
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return (Poll::Ready(Ok(0)), News::default());
        }
        let before = self.bytes.len();
        if before == self.capacity {
            return (Poll::Pending, wait_in(&mut self.writer, waker));
        }
        for buf in bufs {
            let taken = buf.len().min(self.capacity - self.bytes.len());
            self.reserve(taken);
            self.bytes.extend(&buf[..taken]);
        }
        (Poll::Ready(Ok(self.bytes.len() - before)), News { wake: self.reader.take(), replaced: None })
    }

    /// Makes memory for `more` bytes: doubles it, but never to more than the bound (rule 1).
    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let doubled = needed.max(self.bytes.capacity().saturating_mul(2)).min(self.capacity);
            self.bytes.reserve_exact(doubled - self.bytes.len());
        }
    }

    /// Nothing more will be written. What is in the pipe can still be read.
    pub(crate) fn close(&mut self, wake: &mut WakeBatch) {
        self.closed = true;
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            wake.push(waker);
        }
    }

    /// Nothing more will be read, so what is in the pipe is of no use.
    pub(crate) fn abandon(&mut self, wake: &mut WakeBatch) {
        self.bytes = VecDeque::new();
        self.close(wake);
    }
}

/// Leaves `waker` in `slot`. The clone comes first: should it panic, nothing has changed.
#[inline]
fn wait_in(slot: &mut Option<Waker>, waker: &Waker) -> News {
    let replaced = match slot {
        Some(old) if old.will_wake(waker) => None,
        _ => slot.replace(waker.clone()),
    };
    News { wake: None, replaced }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_need_and_never_beyond_the_bound() {
        let mut pipe = Pipe::new(1000);
        let mut high = 0;
        for _ in 0..100 {
            let _ = pipe.write(Waker::noop(), &[IoSlice::new(&[1; 30])]).1;
            assert!(pipe.bytes.capacity() <= 1000);
            high = high.max(pipe.bytes.capacity());
            let mut memory = [0; 10];
            let _ = pipe.read(Waker::noop(), &mut ReadBuf::new(&mut memory)).1;
        }
        assert_eq!(high, 1000);
        assert!(Pipe::new(usize::MAX).bytes.capacity() == 0);
    }

    #[test]
    fn an_abandoned_pipe_keeps_no_memory() {
        let mut pipe = Pipe::new(1000);
        let _ = pipe.write(Waker::noop(), &[IoSlice::new(&[1; 30])]).1;
        pipe.abandon(&mut WakeBatch::new());
        assert_eq!(pipe.bytes.capacity(), 0);
    }
}
