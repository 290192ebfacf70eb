//! A runtime has what its builder enabled; the rest panics where it is asked for, and names the cure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};

use unstuck::net::{TcpListener, TcpStream, UdpSocket};
use unstuck::process::Command;
use unstuck::runtime::{Builder, Runtime};
use unstuck::signal::unix::{SignalKind, signal};
use unstuck::time::{Duration, Instant, interval, sleep, sleep_until, timeout, timeout_at};

/// One runtime of each flavor.
fn built(set: impl Fn(&mut Builder) -> &mut Builder) -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()]
        .map(|mut builder| set(builder.worker_threads(1)).build().unwrap())
}

static PANICS: Mutex<Vec<(std::thread::ThreadId, String, String)>> = Mutex::new(Vec::new());

/// What `f` panics with, and in which file.
fn panic_of(f: impl FnOnce()) -> (String, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let file = info.location().unwrap().file().to_owned();
            let message = info.payload_as_str().unwrap_or_default().to_owned();
            PANICS.lock().unwrap().push((std::thread::current().id(), message, file));
        }));
    });
    catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    let ours = |panic: &(std::thread::ThreadId, String, String)| panic.0 == std::thread::current().id();
    let mut panics = PANICS.lock().unwrap();
    let at = panics.iter().rposition(ours).unwrap();
    let (_, message, file) = panics.remove(at);
    (message, file)
}

#[test]
fn what_waits_for_the_outside_world_needs_io() {
    type Ask = fn();
    let asks: [(&str, Ask); 6] = [
        ("listener", || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            drop(TcpListener::from_std(listener));
        }),
        ("stream", || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            stream.set_nonblocking(true).unwrap();
            drop(TcpStream::from_std(stream));
        }),
        ("datagrams", || {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            drop(UdpSocket::from_std(socket));
        }),
        ("signal", || drop(signal(SignalKind::user_defined1()))),
        ("child", || drop(Command::new("true").spawn())),
        ("output", || drop(Command::new("true").output())),
    ];
    for runtime in built(Builder::enable_time) {
        let _context = runtime.enter();
        for (what, ask) in asks {
            let (message, file) = panic_of(ask);
            assert!(message.contains("IO is disabled. Call `enable_io` on the runtime builder"), "{what}: {message}");
            assert_eq!(file, file!(), "{what}");
        }
        let (message, _) = panic_of(|| drop(runtime.block_on(TcpListener::bind("127.0.0.1:0"))));
        assert!(message.contains("`enable_io`"), "{message}");
        let (message, _) = panic_of(|| drop(runtime.block_on(unstuck::signal::ctrl_c())));
        assert!(message.contains("`enable_io`"), "{message}");
        runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    }
}

#[test]
fn what_waits_for_a_deadline_needs_time() {
    type Ask = fn();
    let asks: [(&str, Ask); 5] = [
        ("sleep", || drop(sleep(Duration::from_millis(1)))),
        ("sleep_until", || drop(sleep_until(Instant::now()))),
        ("timeout", || drop(timeout(Duration::from_millis(1), std::future::pending::<()>()))),
        ("timeout_at", || drop(timeout_at(Instant::now(), std::future::pending::<()>()))),
        ("interval", || drop(interval(Duration::from_millis(1)))),
    ];
    for runtime in built(Builder::enable_io) {
        let _context = runtime.enter();
        for (what, ask) in asks {
            let (message, file) = panic_of(ask);
            assert!(message.contains("timers are disabled. Call `enable_time` on the runtime"), "{what}: {message}");
            assert_eq!(file, file!(), "{what}");
        }
        let (sender, _receiver) = unstuck::sync::mpsc::channel(1);
        sender.try_send(1).unwrap();
        let (message, _) = panic_of(|| _ = runtime.block_on(sender.send_timeout(2, Duration::from_millis(1))));
        assert!(message.contains("`enable_time`"), "{message}");
        runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    }
}

#[test]
fn tasks_channels_and_blocking_work_need_nothing() {
    for runtime in built(|builder| builder) {
        runtime.block_on(async {
            let (sender, receiver) = unstuck::sync::oneshot::channel();
            unstuck::spawn(async move { sender.send(1) });
            assert_eq!(receiver.await.unwrap(), 1);
            assert_eq!(unstuck::task::spawn_blocking(|| 2).await.unwrap(), 2);
            assert!(Instant::now().elapsed() < Duration::from_secs(1000));
            assert!(unstuck::net::lookup_host("127.0.0.1:1").await.is_ok());
        });
    }
}

#[test]
fn each_is_enabled_by_itself_or_with_all() {
    for runtime in built(|builder| builder.enable_io().enable_time()).into_iter().chain(built(Builder::enable_all)) {
        runtime.block_on(async {
            TcpListener::bind("127.0.0.1:0").await.unwrap();
            sleep(Duration::from_millis(1)).await;
        });
    }
}

#[test]
fn outside_a_runtime_a_start_tells_what_to_do() {
    let (message, file) = panic_of(|| drop(Command::new("true").spawn()));
    assert!(message.contains("there is no reactor running"), "{message}");
    assert_eq!(file, file!());
}
