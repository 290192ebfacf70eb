//! An object that reads and writes by a script, and a task that is polled by hand.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker, ready};

use unstuck_io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use unstuck_base::parker::block_on;

/// What the next read does. After the last one: the end.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    Wait,
    Fail(ErrorKind),
}

pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> Read {
    Read::Bytes(bytes.as_ref().to_vec())
}

/// What the next write does. After the last one: takes all.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Take(usize),
    Wait,
    Fail(ErrorKind),
}

/// Reads and writes by its scripts. A wait wakes the task at once.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) reads: VecDeque<Read>,
    pub(crate) writes: VecDeque<Write>,
    pub(crate) written: Vec<u8>,
    pub(crate) flushed: usize,
    pub(crate) shut_down: usize,
    pub(crate) vectored: bool,
}

pub(crate) fn reads(reads: impl IntoIterator<Item = Read>) -> Script {
    Script { reads: reads.into_iter().collect(), ..Script::default() }
}

pub(crate) fn writes(writes: impl IntoIterator<Item = Write>) -> Script {
    Script { writes: writes.into_iter().collect(), ..Script::default() }
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.reads.pop_front() {
            None => Poll::Ready(Ok(())),
            Some(Read::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Read::Fail(kind)) => Poll::Ready(Err(kind.into())),
            Some(Read::Bytes(mut bytes)) => {
                let rest = bytes.split_off(bytes.len().min(buf.remaining()));
                buf.put_slice(&bytes);
                if !rest.is_empty() {
                    self.reads.push_front(Read::Bytes(rest));
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl Script {
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self.writes.pop_front() {
            None => Poll::Ready(Ok(usize::MAX)),
            Some(Write::Take(n)) => Poll::Ready(Ok(n)),
            Some(Write::Fail(kind)) => Poll::Ready(Err(kind.into())),
            Some(Write::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let n = ready!(self.poll_take(cx))?.min(buf.len());
        self.written.extend_from_slice(&buf[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.vectored {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, first.map_or(&[], |buf| buf));
        }
        let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        let n = ready!(self.poll_take(cx))?.min(all.len());
        self.written.extend_from_slice(&all[..n]);
        Poll::Ready(Ok(n))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut_down += 1;
        Poll::Ready(Ok(()))
    }
}

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future that is polled by hand, with a count of its wake-ups.
pub(crate) struct Task<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

pub(crate) fn task<F: Future>(future: F) -> Task<F> {
    Task { future: Box::pin(future), wakes: Arc::default() }
}

impl<F: Future> Task<F> {
    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(self.wakes.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.count()
    }

    /// From now on it is polled with another waker; returns the count of the one before.
    pub(crate) fn moves_to_another_task(&mut self) -> Arc<Wakes> {
        std::mem::take(&mut self.wakes)
    }
}

/// What a future that needs no waiting returns.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match task(future).poll() {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

/// Polls once, and drops it: the future must be waiting.
#[track_caller]
pub(crate) fn cancel<F: Future>(future: F) {
    assert!(task(future).poll().is_pending(), "the future did not wait");
}

/// The kind of the error that it must be.
#[track_caller]
pub(crate) fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}
