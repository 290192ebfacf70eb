//! What happens to sockets that go away, and when the runtime does.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use unstuck_base::WakeBatch;
use unstuck_base::interest::Interest;

use super::{Count, LOOPBACK, Test, World};
use crate::readiness::Direction;

pub(super) const TESTS: &[(&str, Test)] = &[
    ("a socket that was dropped wakes nobody", dropped),
    ("a socket that takes over the place of another starts afresh", reused),
    ("many sockets come and go", many),
    ("a socket with one handle can be detached", detach),
    ("the shutdown ends every wait", shutdown),
    ("sockets may outlive the driver", outlives),
];

fn dropped(world: &mut World) {
    let target = world.kernel.udp_bind(LOOPBACK).unwrap();
    let address = target.local_addr().unwrap();
    let sender = world.kernel.udp_bind(LOOPBACK).unwrap();
    let (count, waker) = Count::new();
    assert!(!world.poll_ready(&target, Direction::Read, &waker));
    drop(target);
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 1, "the waker is dropped with the socket");
    // Whether this fails is the kernel's matter.
    let _ = sender.send_to(b"x", address);
    world.settle();
    assert_eq!(count.get(), 0);
}

fn reused(world: &mut World) {
    for _ in 0..20 {
        let (a, b) = world.pair();
        world.send(&a, b"x");
        drop(a);
        assert_eq!(world.recv_all(&b, 1), b"x");
        assert!(world.recv(&b, 1).unwrap().is_empty());
        drop(b);
        // Nothing is assumed of a listener.
        let (fresh, _) = world.listen();
        let (_, waker) = Count::new();
        world.driver.poll(&mut WakeBatch::new()).unwrap();
        assert!(!world.poll_ready(&fresh, Direction::Read, &waker), "readiness of a socket that is gone");
    }
}

fn many(world: &mut World) {
    for _ in 0..10 {
        let sockets: Vec<_> = (0..20).map(|_| world.kernel.udp_bind(LOOPBACK).unwrap()).collect();
        for (n, socket) in sockets.iter().enumerate() {
            let next = sockets[(n + 1) % sockets.len()].local_addr().unwrap();
            socket.send_to(&[n as u8], next).unwrap();
        }
        for (n, socket) in sockets.iter().enumerate() {
            let from = (n + sockets.len() - 1) % sockets.len();
            assert_eq!(world.recv(socket, 8).unwrap(), [from as u8]);
        }
    }
}

fn detach(world: &mut World) {
    let socket = world.kernel.udp_bind(LOOPBACK).unwrap();
    if socket.fd().is_none() {
        assert_eq!(socket.detach().unwrap_err().kind(), io::ErrorKind::Unsupported);
        return;
    }
    let second = socket.clone();
    assert_eq!(second.detach().unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    let address = socket.local_addr().unwrap();
    let std: std::net::UdpSocket = socket.detach().unwrap().into();
    assert_eq!(std.local_addr().unwrap(), address);
}

fn shutdown(world: &mut World) {
    let (a, b) = world.pair();
    world.drain(&b);
    let (count, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    assert!(!world.poll_ready(&b, Direction::Read, &waker));
    let mut waiting = Box::pin(b.readiness().ready(Interest::READABLE));
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    let mut woken = WakeBatch::new();
    world.driver.shut_down(&mut woken);
    assert_eq!(count.get(), 0, "wakers are gathered, not woken");
    woken.wake_all();
    assert_eq!(count.get(), 2);
    let Poll::Ready(event) = waiting.as_mut().poll(&mut cx) else { panic!("the wait goes on") };
    assert!(event.is_shutdown());
    for socket in [&a, &b] {
        let read = socket.readiness().poll_io(Direction::Read, &mut cx, || Ok(()));
        assert!(matches!(read, Poll::Ready(Err(_))), "the wait goes on");
    }
    assert!(world.kernel.udp_bind(LOOPBACK).is_err());
    assert!(world.kernel.tcp_listen(LOOPBACK, 1).is_err());
}

fn outlives(world: &mut World) {
    struct Gone;
    impl crate::Driver for Gone {
        fn park(&mut self, _: Option<std::time::Instant>, _: &mut WakeBatch) -> io::Result<()> {
            unreachable!("the test is over")
        }
        fn poll(&mut self, _: &mut WakeBatch) -> io::Result<()> {
            unreachable!("the test is over")
        }
        fn shut_down(&mut self, _: &mut WakeBatch) {}
    }
    let (a, b) = world.pair();
    let (listener, _) = world.listen();
    let mut driver = std::mem::replace(&mut world.driver, Box::new(Gone));
    driver.shut_down(&mut WakeBatch::new());
    drop(driver);
    world.kernel.unpark();
    assert!(a.local_addr().is_ok());
    drop((a, b, listener));
}
