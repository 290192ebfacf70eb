//! Waiting for file descriptors of the user's.

mod common;

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use common::{both, current_thread};
use unstuck::io::unix::{AsyncFd, AsyncFdReadyGuard, TryIoError};
use unstuck::io::{Interest, Ready};

/// Two connected sockets, of which the first one is waited for.
fn pair() -> (AsyncFd<UnixStream>, UnixStream) {
    let (a, b) = non_blocking_pair();
    // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    (unsafe { AsyncFd::register(a) }.unwrap(), b)
}

fn non_blocking_pair() -> (UnixStream, UnixStream) {
    let (a, b) = UnixStream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    b.set_nonblocking(true).unwrap();
    (a, b)
}

fn waits() -> io::Result<()> {
    Err(ErrorKind::WouldBlock.into())
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn is_pending<T: AsRawFd>(fd: &AsyncFd<T>, interest: Interest) -> bool {
    poll_once(fd.ready(interest)).is_pending()
}

#[test]
fn a_wait_ends_with_the_event() {
    for runtime in both() {
        runtime.block_on(async {
            let (a, mut b) = pair();
            let waiting = unstuck::spawn(async move {
                let mut buf = [0; 16];
                loop {
                    let mut guard = a.readable().await.unwrap();
                    if let Ok(result) = guard.try_io(|a| a.get_ref().read(&mut buf)) {
                        return buf[..result.unwrap()].to_vec();
                    }
                }
            });
            unstuck::task::yield_now().await;
            b.write_all(b"hello").unwrap();
            assert_eq!(waiting.await.unwrap(), b"hello");
        });
    }
}

#[test]
fn readiness_stays_until_it_is_cleared() {
    current_thread().block_on(async {
        let (a, mut b) = pair();
        b.write_all(b"x").unwrap();
        let mut guard = a.readable().await.unwrap();
        assert_eq!(guard.get_inner().as_raw_fd(), guard.get_ref().as_raw_fd());
        guard.try_io(|a| a.get_ref().read(&mut [0; 1])).unwrap().unwrap();
        guard.retain_ready();
        a.readable().await.unwrap().retain_ready();
        drop(guard);
        let mut guard = a.readable().await.unwrap();
        guard.clear_ready();
        assert!(guard.ready().is_empty() && is_pending(&a, Interest::READABLE));
        assert!(!is_pending(&a, Interest::WRITABLE), "the other direction is as it was, once it was told");
        b.write_all(b"x").unwrap();
        a.readable().await.unwrap().retain_ready();
    });
}

#[test]
fn an_operation_that_waits_clears_and_any_other_does_not() {
    current_thread().block_on(async {
        let (mut a, mut b) = pair();
        b.write_all(b"x").unwrap();
        let mut guard = a.readable().await.unwrap();
        guard.try_io(|_| Ok(())).unwrap().unwrap();
        assert!(guard.try_io(|_| io::Result::<()>::Err(ErrorKind::NotFound.into())).unwrap().is_err());
        assert!(guard.ready().is_readable());
        let error: TryIoError = guard.try_io(|_| waits()).unwrap_err();
        assert!(!format!("{error:?}").is_empty());
        assert!(guard.ready().is_empty());
        assert!(is_pending(&a, Interest::READABLE));

        b.write_all(b"x").unwrap();
        let mut guard = a.readable_mut().await.unwrap();
        guard.try_io(|a| a.get_mut().read(&mut [0; 8])).unwrap().unwrap();
        assert!(guard.ready().is_readable());
        guard.try_io(|a| a.get_mut().read(&mut [0; 8])).unwrap_err();
        assert!(guard.ready().is_empty());
        drop(guard);
        assert!(is_pending(&a, Interest::READABLE));
    });
}

#[test]
fn an_event_during_the_operation_is_kept() {
    let runtime = current_thread();
    runtime.block_on(async {
        let (a, mut b) = pair();
        b.write_all(b"x").unwrap();
        let mut early = a.readable().await.unwrap();
        // Another event comes after what `early` has seen.
        b.write_all(b"y").unwrap();
        let mut later = a.readable().await.unwrap();
        later.clear_ready();
        while is_pending(&a, Interest::READABLE) {
            b.write_all(b"z").unwrap();
            unstuck::task::yield_now().await;
        }
        early.clear_ready();
        assert!(!is_pending(&a, Interest::READABLE));
    });
}

#[test]
fn kinds_are_cleared_one_by_one() {
    current_thread().block_on(async {
        let (mut a, mut b) = pair();
        b.write_all(b"x").unwrap();
        let both = Interest::READABLE | Interest::WRITABLE;
        a.readable().await.unwrap().retain_ready();
        a.writable().await.unwrap().retain_ready();
        let mut guard = a.ready(both).await.unwrap();
        assert_eq!(guard.ready(), Ready::READABLE | Ready::WRITABLE);
        guard.clear_ready_matching(Ready::READABLE);
        assert_eq!(guard.ready(), Ready::WRITABLE);
        assert!(is_pending(&a, Interest::READABLE) && !is_pending(&a, Interest::WRITABLE));

        let mut guard = a.ready_mut(both).await.unwrap();
        assert_eq!(guard.ready(), Ready::WRITABLE);
        guard.clear_ready_matching(Ready::WRITABLE);
        assert_eq!(guard.ready(), Ready::EMPTY);
        assert_eq!(guard.get_inner_mut().as_raw_fd(), guard.get_ref().as_raw_fd());
        assert_eq!(guard.get_inner().as_raw_fd(), guard.get_mut().as_raw_fd());
        guard.clear_ready();
        guard.retain_ready();
        drop(guard);
        assert!(is_pending(&a, both));
    });
}

#[test]
fn a_closed_side_stays_ready_unless_an_operation_waits() {
    current_thread().block_on(async {
        let (a, b) = pair();
        drop(b);
        loop {
            let mut guard = a.readable().await.unwrap();
            if guard.ready().is_read_closed() {
                guard.clear_ready();
                break;
            }
            unstuck::task::yield_now().await;
        }
        assert!(!is_pending(&a, Interest::READABLE), "it does not open again");
        assert_eq!(a.try_io(Interest::READABLE, |mut a| a.read(&mut [0; 1])).unwrap(), 0);
        a.readable().await.unwrap().try_io(|_| waits()).unwrap_err();
        assert!(is_pending(&a, Interest::READABLE), "but who says so is believed");
    });
}

#[test]
fn operations_wait_try_and_wait_again() {
    current_thread().block_on(async {
        let (mut a, mut b) = pair();
        b.write_all(b"x").unwrap();
        a.readable().await.unwrap().retain_ready();
        a.get_ref().read_exact(&mut [0; 1]).unwrap();
        let mut tries = 0;
        let read = a.async_io(Interest::READABLE, |mut a| {
            tries += 1;
            if tries == 2 {
                return Ok(0);
            }
            a.read(&mut [0; 1])
        });
        let mut read = Box::pin(read);
        assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "tried in vain");
        b.write_all(b"y").unwrap();
        assert_eq!(read.await.unwrap(), 0);
        assert_eq!(tries, 2);

        let mut byte = [0; 1];
        assert_eq!(a.async_io_mut(Interest::READABLE, |a| a.read(&mut byte)).await.unwrap(), 1);
        assert_eq!(&byte, b"y");
        a.try_io_mut(Interest::READABLE, |_| waits()).unwrap_err();
        let error = a.try_io(Interest::READABLE, |_| -> io::Result<()> { panic!("not ready") }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn of_the_polls_the_last_one_is_woken() {
    current_thread().block_on(async {
        let (mut a, mut b) = pair();
        let counts = [0, 1].map(|_| Arc::new(Count(AtomicUsize::new(0))));
        for count in &counts {
            let waker = Waker::from(count.clone());
            assert!(a.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
        }
        b.write_all(b"x").unwrap();
        a.readable().await.unwrap().retain_ready();
        assert_eq!(counts.map(|count| count.0.load(Ordering::SeqCst)), [0, 1]);
        poll_fn(|cx| a.poll_read_ready_mut(cx).map(|guard| guard.unwrap().clear_ready())).await;
        poll_fn(|cx| a.poll_write_ready_mut(cx).map(|guard| guard.unwrap().clear_ready())).await;
        let mut cx = Context::from_waker(Waker::noop());
        assert!(a.poll_read_ready(&mut cx).is_pending() && a.poll_write_ready(&mut cx).is_pending());
    });
}

#[test]
fn any_number_of_tasks_wait() {
    for runtime in both() {
        runtime.block_on(async {
            let (a, mut b) = pair();
            let a = Arc::new(a);
            let mut waiting = unstuck::task::JoinSet::new();
            for _ in 0..10 {
                let a = a.clone();
                waiting.spawn(async move { a.readable().await.unwrap().retain_ready() });
            }
            unstuck::task::yield_now().await;
            b.write_all(b"x").unwrap();
            waiting.join_all().await;
        });
    }
}

#[test]
fn the_object_comes_back_open_and_can_be_registered_again() {
    current_thread().block_on(async {
        let (a, mut b) = pair();
        let a = a.into_inner();
        assert_eq!(b.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock, "it is open");
        // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
        let a = unsafe { AsyncFd::register_with_interest(a, Interest::WRITABLE) }.unwrap();
        a.writable().await.unwrap().retain_ready();
        assert_eq!(a.as_fd().as_raw_fd(), a.as_raw_fd());
        drop(a);
        assert_eq!(b.read(&mut [0; 1]).unwrap(), 0, "dropping it drops the object");
    });
}

/// Looks when it is dropped whether its descriptor may be registered: then it is not any more.
struct Looks(UnixStream, Arc<AtomicUsize>);

impl AsRawFd for Looks {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Drop for Looks {
    fn drop(&mut self) {
        // SAFETY: the descriptor is open until the end of this.
        let again = unsafe { AsyncFd::register(self.0.as_raw_fd()) };
        self.1.fetch_add(usize::from(again.is_ok()), Ordering::SeqCst);
    }
}

#[test]
fn the_registration_ends_before_the_object_is_dropped() {
    current_thread().block_on(async {
        let ended = Arc::new(AtomicUsize::new(0));
        let looks = Looks(non_blocking_pair().0, ended.clone());
        // SAFETY: the stream in it keeps its descriptor, open, for as long as it lives.
        let fd = unsafe { AsyncFd::register(looks) }.ok().unwrap();
        // SAFETY: as above.
        let twice = unsafe { AsyncFd::register(fd.as_raw_fd()) };
        assert_eq!(twice.unwrap_err().into_parts().1.kind(), ErrorKind::AlreadyExists);
        drop(fd);
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    });
}

#[test]
#[expect(deprecated, reason = "they must work all the same")]
fn what_cannot_be_registered_is_given_back() {
    current_thread().block_on(async {
        let file = || Arc::new(std::fs::File::open(std::env::current_exe().unwrap()).unwrap());
        let (original, interest) = (file(), Interest::READABLE);
        // SAFETY: a file keeps its descriptor, open, for as long as it lives.
        let errors = unsafe {
            [
                AsyncFd::register(original.clone()).unwrap_err(),
                AsyncFd::register_with_interest(original.clone(), interest).unwrap_err(),
                AsyncFd::try_new(original.clone()).unwrap_err(),
                AsyncFd::try_with_interest(original.clone(), interest).unwrap_err(),
            ]
        };
        for error in errors {
            assert!(!format!("{error} {error:?}").is_empty() && std::error::Error::source(&error).is_some());
            let (returned, cause) = error.into_parts();
            assert!(Arc::ptr_eq(&original, &returned));
            assert_eq!(cause.kind(), ErrorKind::PermissionDenied);
        }
        assert_eq!(AsyncFd::new(file()).unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(AsyncFd::with_interest(file(), interest).unwrap_err().kind(), ErrorKind::PermissionDenied);
        AsyncFd::new(non_blocking_pair().0).unwrap().writable().await.unwrap().retain_ready();
    });
}

#[test]
fn out_of_band_data_is_a_readiness_of_its_own() {
    current_thread().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        client.set_nonblocking(true).unwrap();
        // SAFETY: a `TcpStream` keeps its descriptor, open, for as long as it lives.
        let client = unsafe { AsyncFd::register_with_interest(client, Interest::PRIORITY) }.unwrap();
        socket2::SockRef::from(&server).send_out_of_band(b"!").unwrap();
        let guard = client.ready(Interest::PRIORITY).await.unwrap();
        assert!(guard.ready().is_priority());
    });
}

#[test]
fn an_error_is_a_readiness_of_its_own() {
    current_thread().block_on(async {
        let (reader, writer) = io::pipe().unwrap();
        // SAFETY: a `PipeWriter` keeps its descriptor, open, for as long as it lives.
        let writer = unsafe { AsyncFd::register_with_interest(writer, Interest::WRITABLE) }.unwrap();
        assert!(is_pending(&writer, Interest::ERROR));
        drop(reader);
        assert_eq!(writer.ready(Interest::ERROR).await.unwrap().ready(), Ready::ERROR);
    });
}

#[test]
fn waits_end_with_the_runtime() {
    let runtime = current_thread();
    let (mut a, _b) = {
        let _inside = runtime.enter();
        pair()
    };
    let mut guard: AsyncFdReadyGuard<'_, _> = runtime.block_on(a.writable()).unwrap();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(count.clone());
    let mut waiting = Box::pin(a.readable());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(runtime);
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(matches!(waiting.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Err(_))));
    drop(waiting);
    guard.clear_ready();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(a.poll_read_ready(&mut cx), Poll::Ready(Err(_))));
    assert!(matches!(a.poll_write_ready(&mut cx), Poll::Ready(Err(_))));
    assert!(matches!(poll_once(a.ready(Interest::ERROR)), Poll::Ready(Err(_))));
    assert!(matches!(poll_once(a.readable_mut()), Poll::Ready(Err(_))));
    assert!(matches!(poll_once(a.async_io(Interest::READABLE, |_| Ok(()))), Poll::Ready(Err(_))));
    assert!(a.try_io(Interest::WRITABLE, |_| Ok(())).is_err());
    let _again = a.into_inner();
}

#[test]
fn after_the_runtime_nothing_is_registered() {
    let runtime = current_thread();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _inside = handle.enter();
    // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    assert!(unsafe { AsyncFd::register(non_blocking_pair().0) }.is_err());
}

#[test]
fn a_simulation_registers_nothing() {
    let run = unstuck::sim::run(1, || async {
        // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
        unsafe { AsyncFd::register(non_blocking_pair().0) }.unwrap_err().into_parts().1.kind()
    });
    assert_eq!(run.output, ErrorKind::Unsupported);
}

#[test]
fn a_panic_for_want_of_a_runtime_names_the_call() {
    use std::sync::Mutex;
    static AT: Mutex<Vec<(String, u32)>> = Mutex::new(Vec::new());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().unwrap();
        AT.lock().unwrap().push((at.file().to_owned(), at.line()));
    }));
    // SAFETY: a `UnixStream` keeps its descriptor, open, for as long as it lives.
    let panicked = std::panic::catch_unwind(|| drop(unsafe { AsyncFd::register(non_blocking_pair().0) })).is_err();
    let line = line!() - 1;
    std::panic::set_hook(before);
    assert!(panicked);
    assert!(AT.lock().unwrap().contains(&(file!().to_owned(), line)));
}
