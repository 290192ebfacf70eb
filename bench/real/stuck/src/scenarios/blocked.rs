//! Tasks that keep their workers: what becomes of timers, of I/O, and of those that they woke.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::rt;
use super::{WATCHED, WORKERS, burn, runtime};
use crate::lateness::Lateness;
use rt::io::{AsyncReadExt, AsyncWriteExt};
use rt::net::{TcpListener, TcpStream};

const TICK: Duration = Duration::from_millis(1);
const TICKERS: usize = 4;
const BLOCKED: Duration = Duration::from_millis(500);

pub(super) fn nobody() -> String {
    watch(0, |_| {})
}

pub(super) fn one_sleeps() -> String {
    watch(1, std::thread::sleep)
}

pub(super) fn one_burns() -> String {
    watch(1, burn)
}

pub(super) fn all_sleep() -> String {
    watch(WORKERS, std::thread::sleep)
}

pub(super) fn all_burn() -> String {
    watch(WORKERS, burn)
}

fn watch(blockers: usize, block: fn(Duration)) -> String {
    let runtime = runtime();
    for _ in 0..blockers {
        runtime.spawn(async move {
            loop {
                rt::time::sleep(Duration::from_secs(1) - BLOCKED).await;
                block(BLOCKED);
            }
        });
    }
    let others = Others::start(&runtime);
    std::thread::sleep(WATCHED);
    let report = others.report();
    runtime.shutdown_background();
    report
}

/// The tasks that must not suffer.
pub(super) struct Others {
    tickers: Arc<Lateness>,
    echo: Arc<Lateness>,
}

impl Others {
    pub(super) fn start(runtime: &rt::runtime::Runtime) -> Others {
        let (tickers, echo) = (Arc::new(Lateness::default()), Arc::new(Lateness::default()));
        for _ in 0..TICKERS {
            runtime.spawn(tick(tickers.clone()));
        }
        runtime.spawn(ask(echo.clone()));
        Others { tickers, echo }
    }

    pub(super) fn report(&self) -> String {
        format!("{} | {}", self.tickers, self.echo)
    }
}

async fn tick(late: Arc<Lateness>) {
    loop {
        let due = Instant::now() + TICK;
        rt::time::sleep_until(due.into()).await;
        late.due(due);
    }
}

/// Asks an echo server, each millisecond, how long the answer takes.
async fn ask(took: Arc<Lateness>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let mut client = TcpStream::connect(listener.local_addr().expect("it is bound")).await.expect("it listens");
    let (mut server, _) = listener.accept().await.expect("a client just connected");
    client.set_nodelay(true).expect("it is a TCP socket");
    server.set_nodelay(true).expect("it is a TCP socket");
    rt::spawn(async move {
        let mut byte = [0];
        while server.read_exact(&mut byte).await.is_ok() {
            server.write_all(&byte).await.expect("the client waits for this");
        }
    });
    loop {
        let begin = Instant::now();
        client.write_all(&[0]).await.expect("the server reads");
        client.read_exact(&mut [0]).await.expect("the server answers");
        took.due(begin);
        rt::time::sleep(TICK).await;
    }
}

pub(super) fn woken_before() -> String {
    let runtime = runtime();
    let late = Arc::new(Lateness::default());
    let end = Instant::now() + WATCHED;
    let waker = runtime.spawn({
        let late = late.clone();
        async move {
            while Instant::now() < end {
                let (give, take) = rt::sync::oneshot::channel();
                let late = late.clone();
                let woken = rt::spawn(async move {
                    let woken_at = take.await.expect("the other one sends");
                    late.due(woken_at);
                });
                rt::task::yield_now().await;
                rt::time::sleep(Duration::from_millis(10)).await;
                give.send(Instant::now()).expect("the other one waits");
                std::thread::sleep(BLOCKED);
                woken.await.expect("it does not panic");
            }
        }
    });
    runtime.block_on(waker).expect("it does not panic");
    late.to_string()
}
