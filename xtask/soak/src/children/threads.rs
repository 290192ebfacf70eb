//! Runs out of threads: their stacks are so big that the address space, which is limited, has room for a few only.
//!
//! 1. Where a thread is needed and there is none, the call says so, by an error or by the panic that is documented. Nothing
//!    waits for ever, and whoever needs no thread goes on.
//! 2. When there is room again, everything works, on the runtime that saw it all.
//! 3. A failed allocation would end the process, so what is small must always find room: nothing but the stacks is big, and
//!    the room that is left over is too small for a stack.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use unstuck::runtime::Runtime;
use unstuck::sync::oneshot;
use unstuck::task::{block_in_place, spawn_blocking, yield_now};
use unstuck::time::{sleep, timeout};

use crate::findings;
use crate::oracle::Lives;
use crate::rng::Rng;
use crate::shape::{Farewell, Shape};
use crate::watchdog;

/// How the panic begins that says that there is no thread.
const NO_THREAD: &str = "OS can't spawn worker thread";
/// Of each thread, in bytes.
const STACK: usize = 64 << 20;
/// For all but these stacks.
const REST: usize = 48 << 20;
/// Generous: it is waited for only where something is wrong.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) fn run(seed: u64) -> ExitCode {
    findings::watch_panics_but(&[NO_THREAD], || drop(limit_to(None)));
    watchdog::note(format!("out of threads, seed {seed}"));
    watchdog::start();
    let mut rng = Rng::new(seed);
    for _ in 0..3 {
        if let Err(error) = round(&mut rng) {
            findings::report(format!("out of threads, seed {seed}: {error}"));
        }
    }
    if findings::count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn round(rng: &mut Rng) -> io::Result<()> {
    limit_to(Some(size()? + rng.count(0..=6) * STACK + REST))?;
    let shape = Shape::random(rng);
    let lives: Arc<Lives> = Lives::new("out of threads");
    let (runtime, has_workers) = match shape.builder().thread_stack_size(STACK).build() {
        Ok(runtime) => (runtime, shape.workers.is_some()),
        // This one needs no thread.
        Err(_no_thread) => {
            let mut builder = unstuck::runtime::Builder::new_current_thread();
            (builder.enable_all().thread_stack_size(STACK).build()?, false)
        }
    };
    let tasks: Vec<_> = (0..rng.pick(1..=30))
        .map(|_| {
            let (life, rng, shape) = (lives.begin(), rng.fork(), shape.clone());
            runtime.spawn(async move {
                let _life = life;
                one(rng, &shape, has_workers).await
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            match timeout(LIMIT, task).await {
                Err(_elapsed) => return Err(io::Error::other("it hangs")),
                Ok(Ok(done)) => done?,
                // The panic was seen, whatever it said.
                Ok(Err(error)) if error.is_panic() => {}
                Ok(Err(error)) => return Err(error.into()),
            }
        }
        Ok(())
    })?;
    limit_to(None)?;
    works(&runtime)?;
    let limit = Duration::from_millis(rng.pick(0..=20));
    rng.among(&[Farewell::Drop, Farewell::Timeout(limit), Farewell::Report(limit), Farewell::Background]).say(runtime);
    let begin = Instant::now();
    while !lives.all_ended() {
        if begin.elapsed() > LIMIT {
            return Err(io::Error::other(lives.describe()));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Whatever needs a thread, with success or without.
async fn one(mut rng: Rng, shape: &Shape, has_workers: bool) -> io::Result<()> {
    for _ in 0..rng.pick(1..=6) {
        let nap = rng.micros(3000);
        match rng.pick(0..=6) {
            0 | 1 => {
                let work = catch_unwind(AssertUnwindSafe(|| spawn_blocking(move || thread::sleep(nap))));
                match work {
                    // It was queued behind a call whose thread could not be started.
                    Ok(work) => match work.await {
                        Err(error) if error.is_cancelled() => {}
                        done => done?,
                    },
                    Err(_no_thread) => {}
                }
            }
            2 => thread::sleep(nap * 4),
            3 if has_workers => block_in_place(|| thread::sleep(nap)),
            4 => drop(unstuck::fs::read("/proc/self/stat").await),
            5 => {
                let Ok(inner) = shape.builder().thread_stack_size(STACK).build() else { continue };
                // One without workers would need this thread.
                if shape.workers.is_some() {
                    let (tells, told) = oneshot::channel();
                    drop(inner.spawn(async move { tells.send(7) }));
                    if told.await != Ok(7) {
                        return Err(io::Error::other("a runtime that was built does not run its task"));
                    }
                }
                inner.shutdown_background();
            }
            _ => {
                sleep(nap).await;
                yield_now().await;
            }
        }
    }
    Ok(())
}

/// A timer, a task, and blocking work.
fn works(runtime: &Runtime) -> io::Result<()> {
    let sum = runtime.block_on(async {
        timeout(LIMIT, async {
            sleep(Duration::from_micros(100)).await;
            let (one, two) = (unstuck::spawn(async { 1 }), spawn_blocking(|| 2));
            io::Result::Ok(one.await? + two.await?)
        })
        .await
    });
    match sum {
        Ok(Ok(3)) => Ok(()),
        other => Err(io::Error::other(format!("with room again: {other:?}"))),
    }
}

/// How much address space the process has taken, in bytes.
fn size() -> io::Result<usize> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').next().and_then(|pages| pages.parse::<usize>().ok());
    // SAFETY: it takes and returns a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    pages.map(|pages| pages * page).ok_or_else(|| io::Error::other("no number of pages"))
}

/// How much it may take; `None`: as much as there is.
fn limit_to(bytes: Option<usize>) -> io::Result<()> {
    let most = bytes.map_or(libc::RLIM_INFINITY, |bytes| bytes as libc::rlim_t);
    let limit = libc::rlimit { rlim_cur: most, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: it reads what it is given.
    match unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
