//! Sockets, timers and tasks as futures, straight over the seams: what the user-facing crate does, in short.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use unstuck_base::interest::Interest;
use unstuck_context::current;
use unstuck_driver::timer::Timer;
use unstuck_driver::{Kernel, Socket};
use unstuck_task::JoinHandle;

pub(crate) fn kernel() -> Arc<dyn Kernel> {
    current().parts().kernel.clone()
}

pub(crate) fn now() -> Instant {
    kernel().now()
}

#[track_caller]
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    current().spawn(future)
}

pub(crate) async fn sleep(duration: Duration) {
    let mut timer = pin!(Timer::new(&current().parts().timers, now() + duration));
    poll_fn(|cx| timer.as_mut().poll(cx)).await.unwrap();
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) struct Listener(pub(crate) Arc<dyn Socket>);

impl Listener {
    pub(crate) fn bind(text: &str) -> Listener {
        Listener::with_backlog(text, 128)
    }

    pub(crate) fn with_backlog(text: &str, backlog: u32) -> Listener {
        Listener(kernel().tcp_listen(address(text), backlog).unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub(crate) async fn accept(&self) -> Stream {
        let accept = self.0.readiness().async_io(Interest::READABLE, || self.0.accept());
        Stream(accept.await.unwrap().0)
    }
}

#[derive(Clone)]
pub(crate) struct Stream(pub(crate) Arc<dyn Socket>);

impl Stream {
    pub(crate) async fn connect(peer: SocketAddr) -> io::Result<Stream> {
        let socket = kernel().tcp_connect(peer)?;
        socket.readiness().ready(Interest::WRITABLE).await;
        match socket.take_error()? {
            None => Ok(Stream(socket)),
            Some(error) => Err(error),
        }
    }

    pub(crate) async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.readiness().async_io(Interest::WRITABLE, || self.0.send(bytes)).await
    }

    pub(crate) async fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            bytes = &bytes[self.send(bytes).await?..];
        }
        Ok(())
    }

    /// Receives once, at most `len` bytes.
    pub(crate) async fn recv(&self, len: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![MaybeUninit::uninit(); len];
        let recv = self.0.readiness().async_io(Interest::READABLE, || self.0.recv(&mut buffer));
        let n = recv.await?;
        Ok(filled(&buffer[..n]))
    }

    /// Receives exactly `len` bytes.
    pub(crate) async fn recv_all(&self, len: usize) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while all.len() < len {
            let some = self.recv(len - all.len()).await?;
            if some.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            all.extend(some);
        }
        Ok(all)
    }

    pub(crate) fn end(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}

/// A connection: the end that connected, and the one that was accepted.
pub(crate) async fn pair() -> (Stream, Stream) {
    let listener = Listener::bind("127.0.0.1:0");
    let connecting = Stream::connect(listener.address()).await.unwrap();
    (connecting, listener.accept().await)
}

pub(crate) struct Datagrams(pub(crate) Arc<dyn Socket>);

impl Datagrams {
    pub(crate) fn bind(text: &str) -> Datagrams {
        Datagrams(kernel().udp_bind(address(text)).unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub(crate) fn send_to(&self, bytes: &[u8], target: SocketAddr) {
        assert_eq!(self.0.send_to(bytes, target).unwrap(), bytes.len());
    }

    pub(crate) async fn recv_from(&self, len: usize) -> io::Result<(Vec<u8>, SocketAddr)> {
        let mut buffer = vec![MaybeUninit::uninit(); len];
        let recv = self.0.readiness().async_io(Interest::READABLE, || self.0.recv_from(&mut buffer));
        let (n, from) = recv.await?;
        Ok((filled(&buffer[..n]), from))
    }
}

fn filled(bytes: &[MaybeUninit<u8>]) -> Vec<u8> {
    // SAFETY: the trait `Socket` promises that as many bytes are initialised as it says; callers pass only those.
    bytes.iter().map(|byte| unsafe { byte.assume_init() }).collect()
}
