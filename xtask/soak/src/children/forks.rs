//! Forks while a runtime is busy: the child goes on with runtimes of its own, the parent as if nothing had happened.

use std::process::ExitCode;
use std::time::Duration;

use unstuck::fs;
use unstuck::net::UnixStream;
use unstuck::runtime::Runtime;
use unstuck::sync::mpsc;
use unstuck::task::{spawn_blocking, yield_now};
use unstuck::time::sleep;

use crate::findings;
use crate::rng::Rng;
use crate::shape::Shape;
use crate::watchdog;

/// Generous: it is waited for only where something is wrong.
const LIMIT: u32 = 30;

pub(super) fn run(seed: u64) -> ExitCode {
    findings::watch_panics();
    watchdog::note(format!("forks, seed {seed}"));
    watchdog::start();
    let mut rng = Rng::new(seed);
    let Ok(runtime) = Shape::random(&mut rng).build() else { return ExitCode::FAILURE };
    for _ in 0..20 {
        let mut rng = rng.fork();
        runtime.spawn(async move {
            loop {
                match rng.pick(0..=2) {
                    0 => sleep(rng.micros(500)).await,
                    1 => yield_now().await,
                    _ => drop(spawn_blocking(|| {}).await),
                }
            }
        });
    }
    let mut good = true;
    for _ in 0..rng.pick(1..=4) {
        let nap = rng.micros(2000);
        runtime.block_on(async { sleep(nap).await });
        good &= fork(&mut rng) && works(&runtime);
    }
    runtime.shutdown_timeout(Duration::from_millis(rng.pick(0..=100)));
    if good && findings::count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the child did all that it should.
fn fork(rng: &mut Rng) -> bool {
    let mut inner = rng.fork();
    // SAFETY: the child uses nothing that another thread may have locked but the allocator, which the C library unlocks,
    // and unstuck, which promises that this works.
    match unsafe { libc::fork() } {
        -1 => false,
        0 => {
            // SAFETY: it takes numbers. A child that hangs is killed by it.
            unsafe { libc::alarm(LIMIT) };
            let good = Shape::random(&mut inner).build().is_ok_and(|runtime| works(&runtime));
            // SAFETY: it takes a number. Nothing of the parent's is dropped here.
            unsafe { libc::_exit(if good { 0 } else { 1 }) }
        }
        child => {
            let mut status = 0;
            // SAFETY: it writes to `status`.
            let waited = unsafe { libc::waitpid(child, &mut status, 0) };
            if waited != child || status != 0 {
                eprintln!("soak: FOUND: a forked child ended with {status:#x}");
            }
            waited == child && status == 0
        }
    }
}

/// A task, a message between threads, a timer, a socket, a file.
fn works(runtime: &Runtime) -> bool {
    runtime.block_on(async {
        let (sender, mut receiver) = mpsc::channel(1);
        let task = unstuck::spawn(async move {
            sleep(Duration::from_micros(200)).await;
            sender.send(7).await
        });
        let received = receiver.recv().await == Some(7) && matches!(task.await, Ok(Ok(())));
        let paired = UnixStream::pair().is_ok();
        received && paired && fs::metadata("/").await.is_ok()
    })
}
