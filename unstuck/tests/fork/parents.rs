//! A child and what belongs to its parent's runtimes.

use std::io::{Read, Write};
use std::net::TcpStream as StdStream;
use std::pin::pin;
use std::process::Stdio;
use std::ptr;
use std::task::{Context, Poll, Waker};

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream};
use unstuck::process::Command;
use unstuck::runtime::{Handle, LocalRuntime, Runtime, is_rt_shutdown_err};
use unstuck::signal::unix::{SignalKind, signal};
use unstuck::task::{JoinSet, LocalSet, spawn_local};
use unstuck::time::{Duration, sleep, timeout};

use crate::child::{End, assert_was_told, in_child};
use crate::common::{both, current_thread, multi_thread};

/// Drops the child's copy of a value that the parent keeps.
fn drop_copy<T>(value: &T) {
    // SAFETY: in a child nobody else drops it: the child ends without running what the parent's stack holds.
    drop(unsafe { ptr::read(value) });
}

#[test]
fn using_the_parents_runtime_tells_what_to_do() {
    for runtime in both() {
        let handle = runtime.handle().clone();
        assert_was_told(in_child(|| runtime.block_on(async {})));
        assert_was_told(in_child(|| handle.block_on(async {})));
        assert_was_told(in_child(|| drop(runtime.spawn(async {}))));
        assert_was_told(in_child(|| drop(handle.spawn_blocking(|| ()))));
        assert_was_told(in_child(|| drop(runtime.enter())));
        assert_was_told(in_child(|| {
            let _guard = handle.enter();
            drop(unstuck::spawn(async {}));
        }));
        assert_eq!(runtime.block_on(async { unstuck::spawn(async { 1 }).await.unwrap() }), 1);
    }
}

#[test]
fn a_thread_that_was_inside_is_outside_in_the_child() {
    for runtime in both() {
        let _guard = runtime.enter();
        assert_was_told(in_child(|| drop(unstuck::spawn(async {}))));
        assert_was_told(in_child(|| drop(sleep(Duration::ZERO))));
        assert_was_told(in_child(|| drop(Handle::current())));
        let end = in_child(|| {
            let error = Handle::try_current().unwrap_err();
            assert!(error.is_missing_context());
            panic!("{error}");
        });
        assert_was_told(end);
        assert!(Handle::try_current().is_ok());
    }
}

#[test]
fn the_parents_runtime_is_dropped_at_once() {
    for runtime in both() {
        runtime.spawn(async { std::future::pending::<()>().await });
        let (release, released) = std::sync::mpsc::channel::<()>();
        let blocks = runtime.spawn_blocking(move || released.recv());
        // SAFETY: as in `drop_copy`.
        let copy = || unsafe { ptr::read(&raw const runtime) };
        assert_eq!(in_child(|| drop(copy())), End::Well);
        assert_eq!(in_child(|| copy().shutdown_timeout(Duration::from_secs(1000))), End::Well);
        assert_eq!(in_child(|| copy().shutdown_background()), End::Well);
        // Also where waiting is not allowed: nobody waits.
        assert_eq!(in_child(|| current_thread().block_on(async { drop(copy()) })), End::Well);
        release.send(()).unwrap();
        runtime.block_on(blocks).unwrap().unwrap();
    }
}

#[test]
fn the_parents_local_runtime_and_set_tell_what_to_do() {
    let runtime = LocalRuntime::new().unwrap();
    assert_was_told(in_child(|| drop(runtime.spawn_local(async {}))));
    assert_eq!(in_child(|| drop_copy(&runtime)), End::Well);
    runtime.block_on(async { spawn_local(async {}).await.unwrap() });

    let set = LocalSet::new();
    set.spawn_local(std::future::pending::<()>());
    assert_was_told(in_child(|| set.block_on(&current_thread(), std::future::pending::<()>())));
    assert_was_told(in_child(|| set.block_on(&current_thread(), async { spawn_local(async {}).await.unwrap() })));
    assert_eq!(in_child(|| drop_copy(&set)), End::Well);
    set.block_on(&current_thread(), async { spawn_local(async {}).await.unwrap() });
}

#[test]
fn the_parents_join_set_is_left_alone_and_an_empty_one_can_be_used() {
    for runtime in both() {
        let (mut set, mut empty) = (JoinSet::new(), JoinSet::new());
        set.spawn_on(std::future::pending::<()>(), runtime.handle());
        assert_was_told(in_child(|| drop(current_thread().block_on(set.join_next()))));
        assert_was_told(in_child(|| drop(set.try_join_next())));
        assert_was_told(in_child(|| drop(set.spawn_on(async {}, current_thread().handle()))));
        assert_eq!(in_child(|| set.abort_all()), End::Well);
        assert_eq!(in_child(|| drop_copy(&set)), End::Well);
        let end = in_child(|| {
            let own = current_thread();
            empty.spawn_on(async {}, own.handle());
            own.block_on(empty.join_next()).unwrap().unwrap();
            assert!(empty.is_empty());
        });
        assert_eq!(end, End::Well);
        set.abort_all();
        assert!(runtime.block_on(set.join_next()).unwrap().unwrap_err().is_cancelled());
    }
}

#[test]
fn the_parents_tasks_are_neither_awaited_nor_woken() {
    for runtime in both() {
        let mut task = runtime.spawn(async { std::future::pending::<()>().await });
        let end = in_child(|| {
            task.abort();
            current_thread().block_on(&mut task).unwrap();
        });
        assert_was_told(end);
        let ended = runtime.block_on(async { unstuck::spawn(async { 3 }).await });
        let (mut done, abort) = (runtime.spawn(async { 4 }), task.abort_handle());
        runtime.block_on(async {
            while !done.is_finished() {
                unstuck::task::yield_now().await
            }
        });
        // What is over has its output.
        assert_eq!(in_child(|| assert_eq!(current_thread().block_on(&mut done).unwrap(), 4)), End::Well);
        assert_eq!(ended.unwrap(), 3);
        abort.abort();
        assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    }
}

/// Two ends of a connection: ours in the runtime, the other one outside.
async fn connection() -> (TcpListener, TcpStream, StdStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    (listener, stream, other)
}

#[test]
fn sockets_dropped_in_the_child_stay_registered_in_the_parent() {
    for runtime in both() {
        let (listener, mut stream, mut other) = runtime.block_on(connection());
        let pending = |runtime: &Runtime, stream: &mut TcpStream| {
            let _guard = runtime.enter();
            let mut read = pin!(stream.read_u8());
            assert!(read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        };
        pending(&runtime, &mut stream);
        let end = in_child(|| {
            drop_copy(&stream);
            drop_copy(&listener);
            drop_copy(&runtime);
            // A descriptor of the same number, for which nothing may be heard of the parent's either.
            let new = current_thread();
            let (_listener, mut stream, mut other) = new.block_on(connection());
            other.write_all(b"c").unwrap();
            assert_eq!(new.block_on(stream.read_u8()).unwrap(), b'c');
        });
        assert_eq!(end, End::Well);
        runtime.block_on(async {
            let reads = unstuck::spawn(async move {
                let mut bytes = [0; 2];
                stream.read_exact(&mut bytes).await.unwrap();
                stream.write_all(&bytes).await.unwrap();
                bytes
            });
            sleep(Duration::from_millis(2)).await;
            other.write_all(b"ab").unwrap();
            let read = timeout(Duration::from_secs(60), reads).await.expect("its descriptor is registered no more");
            assert_eq!(read.unwrap(), *b"ab");
            let accepts = unstuck::spawn(async move { listener.accept().await.map(|_| listener) });
            sleep(Duration::from_millis(2)).await;
            // The child has closed its descriptor, not the connection.
            let again = TcpStream::connect(other.peer_addr().unwrap()).await;
            accepts.await.unwrap().unwrap();
            again.unwrap();
        });
        let mut back = [0; 2];
        other.read_exact(&mut back).unwrap();
        assert_eq!(back, *b"ab");
    }
}

#[test]
fn waiting_for_the_parents_resources_ends_as_after_a_shutdown() {
    for runtime in both() {
        let (listener, mut stream, _other) = runtime.block_on(connection());
        let (mut sleeps, mut hears) = runtime
            .block_on(async { (Box::pin(sleep(Duration::from_secs(1000))), signal(SignalKind::hangup()).unwrap()) });
        // Registered with the parent's timers.
        runtime.block_on(std::future::poll_fn(|cx| {
            assert!(sleeps.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        }));
        let end = in_child(|| {
            let new = multi_thread(1);
            let error = new.block_on(stream.read_u8()).unwrap_err();
            assert!(is_rt_shutdown_err(&error), "{error}");
            let error = new.block_on(listener.accept()).unwrap_err();
            assert!(is_rt_shutdown_err(&error), "{error}");
            assert_eq!(new.block_on(hears.recv()), None);
            new.block_on(&mut sleeps);
        });
        let End::Panicked(said) = end else { panic!("{end:?}") };
        assert!(said.contains("shut"), "{said}");
        assert_eq!(in_child(|| drop_copy(&sleeps)), End::Well);
        assert!(futures_pending(&runtime, &mut sleeps));
    }
}

fn futures_pending(runtime: &Runtime, sleeps: &mut (impl Future + Unpin)) -> bool {
    runtime.block_on(std::future::poll_fn(|cx| Poll::Ready(pin!(&mut *sleeps).poll(cx).is_pending())))
}

#[test]
fn a_program_that_the_parent_started_is_not_killed_by_the_child() {
    let runtime = multi_thread(1);
    let mut program = runtime.block_on(async {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
    });
    assert_eq!(in_child(|| drop_copy(&program)), End::Well);
    let output = runtime.block_on(async {
        let mut stdin = program.stdin.take().unwrap();
        stdin.write_all(b"alive").await.unwrap();
        drop(stdin);
        program.wait_with_output().await.unwrap()
    });
    assert_eq!(output.stdout, b"alive");
    assert!(output.status.success());
}
