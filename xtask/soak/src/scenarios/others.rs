//! What is done to a whole process: it runs out of file descriptors, or of threads, it is stopped for a while, it forks.

use std::process::Stdio;
use std::time::Duration;

use unstuck::process::Command;
use unstuck::time::{Instant, sleep, timeout};

use crate::children;
use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// How long a child may take, in [`LOOK`]s: longer than its own watchdog is patient, so that one that stands still has said
/// where.
const LOOKS: u32 = 8;
const LOOK: Duration = Duration::from_secs(5);

/// Another process of this program runs out of file descriptors, again and again.
pub(crate) async fn descriptors(stage: Stage, mut rng: Rng) -> Outcome {
    child(&stage, &["descriptors", &rng.next().to_string()]).await
}

/// Another process of this program forks, and the child goes on with runtimes of its own.
pub(crate) async fn forks(stage: Stage, mut rng: Rng) -> Outcome {
    child(&stage, &["forks", &rng.next().to_string()]).await
}

/// Another process of this program runs out of address space for the stacks of threads.
pub(crate) async fn threads(stage: Stage, mut rng: Rng) -> Outcome {
    let seed = rng.next().to_string();
    // A sanitizer takes more address space than there is memory.
    if stage.has_sanitizer() {
        return Ok(());
    }
    child(&stage, &["threads", &seed]).await
}

/// This process is stopped for a while: time jumps for all in it.
pub(crate) async fn frozen(stage: Stage, mut rng: Rng) -> Outcome {
    let (begin, span) = (Instant::now(), rng.micros(60_000));
    let sleeps = stage.spawn(async move { sleep(span).await });
    let pid = std::process::id().to_string();
    child(&stage, &["freeze", &pid, &rng.pick(1..=150).to_string()]).await?;
    stage.must(sleeps.await, "who sleeps")?;
    stage.check(begin.elapsed() >= span, "a sleep is not early")
}

/// Runs it to its end; what it says on standard error is seen. One that stands still is killed.
async fn child(stage: &Stage, arguments: &[&str]) -> Outcome {
    let mut command = children::command(arguments);
    // Each of the C library's heaps takes a piece of the address space that is as big as the stack of a thread.
    command.env("MALLOC_ARENA_MAX", "1");
    let mut child = stage.must(Command::from(command).stdin(Stdio::null()).spawn(), "a child")?;
    for _ in 0..LOOKS {
        let Ok(status) = timeout(LOOK, child.wait()).await else {
            step();
            continue;
        };
        let status = stage.must(status, "its end")?;
        step();
        // Whatever became of this runtime: the child has runtimes of its own.
        stage.always(status.success(), &format!("child {arguments:?}, which ended with {status}, succeeds"));
        return Ok(());
    }
    stage.must(child.kill().await, "kill")?;
    stage.check(false, &format!("child {arguments:?} ends"))
}
