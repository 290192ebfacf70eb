//! What is done to a whole process: it runs out of file descriptors, it is stopped for a while, it forks.

use std::process::Stdio;

use unstuck::process::Command;
use unstuck::time::{Instant, sleep};

use crate::children;
use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// Another process of this program runs out of file descriptors, again and again.
pub(crate) async fn descriptors(stage: Stage, mut rng: Rng) -> Outcome {
    child(&stage, &["descriptors", &rng.next().to_string()]).await
}

/// Another process of this program forks, and the child goes on with runtimes of its own.
pub(crate) async fn forks(stage: Stage, mut rng: Rng) -> Outcome {
    child(&stage, &["forks", &rng.next().to_string()]).await
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

/// Runs it to its end; what it says on standard error is seen.
async fn child(stage: &Stage, arguments: &[&str]) -> Outcome {
    let mut command = Command::from(children::command(arguments));
    let mut child = stage.must(command.stdin(Stdio::null()).spawn(), "a child")?;
    let status = stage.must(child.wait().await, "its end")?;
    step();
    stage.must(status.success().then_some(()).ok_or(status), &format!("child {arguments:?}"))
}
