//! Runs out of file descriptors: every call says so, nothing breaks, and all works again when there are some.
//!
//! 1. Whatever fails for want of descriptors fails with an error, never by a panic, and never waits for ever.
//! 2. When they are given back, everything works, on the runtime that saw it all.

use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use unstuck::process::Command;
use unstuck::time::{sleep, timeout};

use crate::findings;
use crate::rng::Rng;
use crate::shape::Shape;
use crate::watchdog;

/// Enough for a runtime and its first signal handler, few enough to run out of soon.
const DESCRIPTORS: libc::rlim_t = 64;
/// Generous: it is waited for only where something is wrong.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn run(seed: u64) -> ExitCode {
    findings::watch_panics();
    watchdog::note(format!("out of descriptors, seed {seed}"));
    watchdog::start();
    let limit = libc::rlimit { rlim_cur: DESCRIPTORS, rlim_max: DESCRIPTORS };
    // SAFETY: it reads what it is given.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0 {
        return ExitCode::FAILURE;
    }
    let mut rng = Rng::new(seed);
    for _ in 0..3 {
        let result = round(&mut rng);
        if let Err(error) = result {
            findings::report(format!("out of descriptors, seed {seed}: {error}"));
        }
    }
    if findings::count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn round(rng: &mut Rng) -> io::Result<()> {
    let shape = Shape::random(rng);
    let runtime = shape.build()?;
    // One that exists before, and must survive.
    let (server, address) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        io::Result::Ok((unstuck::spawn(serve(listener)), address))
    })?;
    runtime.block_on(works(address))?;
    let mut hog = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hog.push(file);
    }
    for _ in 0..rng.pick(1..=10) {
        if rng.one_in(3) {
            hog.truncate(hog.len() - rng.count(0..=2));
        }
        let inner = rng.fork();
        runtime
            .block_on(async { timeout(LIMIT, tries(inner, address)).await })
            .map_err(|_| io::Error::other("it hangs"))?;
        // So does building another one, if it has what it needs.
        drop(shape.build());
    }
    drop(hog);
    // Connections that failed are gone when the other side has seen it.
    let mut last = Ok(());
    for _ in 0..200 {
        last = runtime
            .block_on(async { timeout(LIMIT, works(address)).await })
            .map_err(|_| io::Error::other("it hangs after"))?;
        if last.is_ok() {
            break;
        }
        runtime.block_on(async { sleep(Duration::from_millis(10)).await });
    }
    last?;
    server.abort();
    drop(runtime);
    Ok(())
}

/// Whatever needs a descriptor, without success or with.
async fn tries(mut rng: Rng, address: std::net::SocketAddr) {
    let mut kept = Vec::new();
    for _ in 0..rng.pick(1..=10) {
        match rng.pick(0..=6) {
            0 => drop(TcpListener::bind("127.0.0.1:0").await),
            1 => kept.extend(timeout(Duration::from_millis(20), TcpStream::connect(address)).await.ok()),
            2 => drop(UdpSocket::bind("127.0.0.1:0").await),
            3 => drop(UnixStream::pair()),
            4 => drop(unstuck::fs::read("/proc/self/stat").await),
            5 => {
                let mut command = Command::from(super::command(&["exit", "0"]));
                drop(command.status().await);
            }
            _ => drop(unstuck::signal::unix::signal(unstuck::signal::unix::SignalKind::hangup())),
        }
    }
}

async fn serve(listener: TcpListener) {
    loop {
        // Without descriptors it fails, as often as it is asked.
        let Ok((mut stream, _peer)) = listener.accept().await else {
            sleep(Duration::from_millis(1)).await;
            continue;
        };
        unstuck::spawn(async move {
            let mut byte = [0];
            while let Ok(1) = stream.read(&mut byte).await {
                drop(stream.write_all(&byte).await);
            }
        });
    }
}

async fn works(address: std::net::SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"x").await?;
    let mut byte = [0];
    stream.read_exact(&mut byte).await?;
    let status = Command::from(super::command(&["exit", "0"])).status().await?;
    if byte == *b"x" && status.success() { Ok(()) } else { Err(io::Error::other("a wrong answer")) }
}
