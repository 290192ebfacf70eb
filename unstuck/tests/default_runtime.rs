//! A default runtime for code outside every runtime. It is one for the whole process, so each test has it to itself.

mod common;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use common::{current_thread, ends, multi_thread};
use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream};
use unstuck::process::Command;
use unstuck::runtime::{Builder, Handle, Runtime, is_rt_shutdown_err, worker_index};
use unstuck::signal::unix::{SignalKind, signal};
use unstuck::sync::mpsc;
use unstuck::task::{LocalSet, block_in_place, spawn_blocking};
use unstuck::time::{Instant, interval, sleep, timeout};

/// The process has one default runtime.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Another executor: it knows nothing of runtimes.
fn another_executor<F: Future>(future: F) -> F::Output {
    struct Unparks(Thread);
    impl Wake for Unparks {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn on_another_thread<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(f).join().unwrap()
}

/// What a panic says.
fn message_of<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it was to panic"),
        Err(panic) => match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
        },
    }
}

fn is_default(runtime: &Runtime) -> bool {
    Handle::try_current().is_ok_and(|current| current.id() == runtime.handle().id())
}

#[test]
fn another_executor_uses_everything() {
    let _alone = alone();
    ends(|| {
        let runtime = multi_thread(1);
        let _default = runtime.handle().make_default();
        another_executor(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = unstuck::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut said = [0; 5];
                stream.read_exact(&mut said).await.unwrap();
                stream.write_all(&said).await.unwrap();
            });
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            server.await.unwrap();
            assert_eq!(heard, "hello");

            sleep(Duration::from_millis(1)).await;
            assert!(timeout(Duration::from_millis(1), pending::<()>()).await.is_err());
            interval(Duration::from_millis(1)).tick().await;
            assert_eq!(spawn_blocking(|| 7).await.unwrap(), 7);

            let name = format!("unstuck-default-runtime-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            unstuck::fs::write(&path, "text").await.unwrap();
            assert_eq!(unstuck::fs::read_to_string(&path).await.unwrap(), "text");
            unstuck::fs::remove_file(&path).await.unwrap();

            let mut heard = signal(SignalKind::user_defined2()).unwrap();
            // SAFETY: the call takes a number; a handler is installed.
            unsafe { libc::raise(libc::SIGUSR2) };
            assert_eq!(heard.recv().await, Some(()));
            assert!(Command::new("true").status().await.unwrap().success());

            let (send, mut receive) = mpsc::channel(1);
            send.send_timeout(1, Duration::from_millis(1)).await.unwrap();
            assert!(send.send_timeout(2, Duration::from_millis(1)).await.is_err());
            assert_eq!(receive.recv().await, Some(1));

            let set = LocalSet::new();
            set.run_until(async {
                unstuck::task::spawn_local(sleep(Duration::from_millis(1))).await.unwrap();
            })
            .await;
            assert_eq!(worker_index(), None);
        });
        // A thread that polls nothing.
        on_another_thread(|| unstuck::spawn(async {}));
    });
}

#[test]
fn the_last_that_was_made_so_counts_in_whatever_order_they_go() {
    let _alone = alone();
    assert!(Handle::try_current().is_err());
    let [first, second, third] = [(); 3].map(|()| multi_thread(1));
    let guards = [&first, &second, &third].map(|runtime| runtime.handle().make_default());
    let [of_first, of_second, of_third] = guards;
    assert!(is_default(&third));
    drop(of_second);
    assert!(is_default(&third));
    drop(of_third);
    assert!(is_default(&first));
    let again = first.handle().make_default();
    drop(of_first);
    assert!(is_default(&first));
    // On another thread, and by a panic.
    let gone = thread::spawn(move || {
        let _guard = again;
        panic!("unwinds")
    });
    gone.join().unwrap_err();
    assert!(Handle::try_current().is_err());
}

#[test]
fn without_one_panics_name_it_and_the_line() {
    let _alone = alone();
    drop(current_thread().handle().make_default());
    let told = Handle::try_current().unwrap_err();
    assert!(told.is_missing_context());
    assert!(
        told.to_string().starts_with("there is no reactor running, must be called from the context of a Tokio 1.x")
    );
    let told = message_of(|| drop(unstuck::spawn(async {})));
    assert!(told.contains("make_default"), "{told}");
    let told = message_of(|| another_executor(async { TcpListener::bind("127.0.0.1:0").await }));
    assert!(told.contains(&format!("{}:{}", file!(), line!() - 1)), "{told}");
    let (send, _receive) = mpsc::channel(1);
    let told = message_of(|| another_executor(send.send_timeout(1, Duration::from_millis(1))));
    assert!(told.contains("no reactor running"), "{told}");
}

#[test]
fn a_current_runtime_goes_before_it() {
    let _alone = alone();
    let (default, other) = (multi_thread(1), multi_thread(1));
    let _default = default.handle().make_default();
    {
        let _entered = other.enter();
        assert!(is_default(&other));
    }
    assert!(is_default(&default));
    let id = other.handle().id();
    other.block_on(async {
        assert_eq!(Handle::current().id(), id);
        assert_eq!(unstuck::spawn(async { Handle::current().id() }).await.unwrap(), id);
        assert_eq!(spawn_blocking(|| Handle::current().id()).await.unwrap(), id);
    });
}

#[test]
fn code_outside_stays_outside() {
    let _alone = alone();
    for default in [current_thread(), multi_thread(1)] {
        let _default = default.handle().make_default();
        // Nothing of this is nested.
        assert_eq!(Handle::current().block_on(async { 7 }), 7);
        assert_eq!(block_in_place(|| Handle::current().block_on(async { 7 })), 7);
        drop(unstuck::sync::Mutex::new(()).blocking_lock());
        drop(current_thread());
        // And inside is as ever.
        let told = message_of(|| Handle::current().block_on(async { Handle::current().block_on(async {}) }));
        assert!(told.starts_with("Cannot start a runtime from within a runtime"), "{told}");
    }
}

#[test]
fn a_runtime_without_what_is_needed_says_so() {
    let _alone = alone();
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let _default = runtime.handle().make_default();
    let told = message_of(|| sleep(Duration::from_millis(1)));
    assert!(told.starts_with("A Tokio 1.x context was found, but timers are disabled"), "{told}");
    let told = message_of(|| another_executor(TcpListener::bind("127.0.0.1:0")));
    assert!(told.starts_with("A Tokio 1.x context was found, but IO is disabled"), "{told}");
}

#[test]
fn it_keeps_no_runtime_running() {
    let _alone = alone();
    ends(|| {
        let runtime = multi_thread(1);
        let _default = runtime.handle().make_default();
        let (listener, task) = another_executor(async {
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), unstuck::spawn(pending::<()>()))
        });
        drop(runtime);
        another_executor(async {
            assert!(task.await.unwrap_err().is_cancelled());
            assert!(is_rt_shutdown_err(&listener.accept().await.unwrap_err()));
            assert!(unstuck::spawn(async {}).await.unwrap_err().is_cancelled());
            assert!(spawn_blocking(|| ()).await.unwrap_err().is_cancelled());
            let bound = match TcpListener::bind("127.0.0.1:0").await {
                Ok(listener) => listener.accept().await.map(|_| ()),
                Err(error) => Err(error),
            };
            assert!(is_rt_shutdown_err(&bound.unwrap_err()));
        });
        message_of(|| another_executor(async { sleep(Duration::from_millis(1)).await }));
        // Another one takes its place.
        let runtime = multi_thread(1);
        let _default = runtime.handle().make_default();
        another_executor(async { sleep(Duration::from_millis(1)).await });
    });
}

#[test]
fn the_clock_of_a_default_runtime_is_everybodys() {
    let _alone = alone();
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let _default = runtime.handle().make_default();
    let before = Instant::now();
    runtime.block_on(async { sleep(Duration::from_secs(3600)).await });
    assert_eq!(on_another_thread(Instant::now) - before, Duration::from_secs(3600));
}

#[test]
fn a_simulated_world_has_its_own_and_serves_nobody_else() {
    let _alone = alone();
    let runtime = multi_thread(1);
    let real = runtime.handle().id();
    let _default = runtime.handle().make_default();
    unstuck::sim::Builder::new().run_twice(7, || async move {
        let own = Handle::current().id();
        assert_ne!(own, real);
        let _of_the_world = Handle::current().make_default();
        assert_eq!(on_another_thread(|| Handle::current().id()), real);
        assert_eq!(unstuck::spawn(async { Handle::current().id() }).await.unwrap(), own);
        assert_eq!(spawn_blocking(|| Handle::current().id()).await.unwrap(), own);
        // In the world it takes no time.
        sleep(Duration::from_secs(3600)).await;
    });
    assert!(is_default(&runtime));
}

#[test]
fn many_threads_use_it_while_it_changes() {
    let _alone = alone();
    ends(|| {
        let runtimes = Arc::new([(); 2].map(|()| multi_thread(1)));
        let always = runtimes[0].handle().make_default();
        thread::scope(|scope| {
            for n in 0..4 {
                let runtimes = &runtimes;
                scope.spawn(move || {
                    for round in 0..200 {
                        let guard = runtimes[(n + round) % 2].handle().make_default();
                        let task = unstuck::spawn(async { 7 });
                        let timer = (round % 50 == 0).then(|| sleep(Duration::from_micros(50)));
                        drop(guard);
                        assert_eq!(another_executor(task).unwrap(), 7);
                        timer.map(another_executor);
                    }
                });
            }
        });
        assert!(is_default(&runtimes[0]));
        drop(always);
        assert!(Handle::try_current().is_err());
    });
}

/// Dropping a value of a thread when the thread ends is code outside, too.
#[test]
fn the_end_of_a_thread_finds_it() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            drop(unstuck::spawn(async {}));
        }
    }
    thread_local!(static SPAWNS: Spawns = const { Spawns });
    let _alone = alone();
    let runtime = multi_thread(1);
    let _default = runtime.handle().make_default();
    on_another_thread(|| SPAWNS.with(|_| ()));
    assert_eq!(runtime.metrics().spawned_tasks_count(), 1);
}
