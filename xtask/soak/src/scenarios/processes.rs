//! Child processes: each is waited for, answers what it is to answer, and none stays.

use std::process::Stdio;

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::process::Command;
use unstuck::time::timeout;

use crate::children;
use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.pick(1..=4) {
        match rng.pick(0..=3) {
            0 => {
                let code = rng.pick(0..=200).to_string();
                let mut command = Command::from(children::command(&["exit", &code]));
                let status = stage.must(command.status().await, "a child")?;
                stage.check(status.code().is_some_and(|ended| ended.to_string() == code), "its exit code")?;
            }
            1 => echo(&stage, &mut rng).await?,
            2 => {
                // It waits for ever, and is killed.
                let mut command = Command::from(children::command(&["wait"]));
                let mut child = stage.must(command.stdin(Stdio::piped()).kill_on_drop(true).spawn(), "a child")?;
                drop(timeout(rng.micros(5000), child.wait()).await);
                if rng.one_in(2) {
                    stage.must(child.kill().await, "kill")?;
                }
            }
            _ => {
                // Nobody waits for it: it is collected all the same.
                let mut command = Command::from(children::command(&["exit", "0"]));
                drop(stage.must(command.spawn(), "a child")?);
            }
        }
        step();
    }
    Ok(())
}

async fn echo(stage: &Stage, rng: &mut Rng) -> Outcome {
    let mut command = Command::from(children::command(&["echo"]));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = stage.must(command.spawn(), "a child")?;
    let sent = vec![rng.next() as u8; rng.count(0..=150_000)];
    let (mut stdin, mut stdout) =
        (stage.must(child.stdin.take().ok_or(()), "stdin")?, stage.must(child.stdout.take().ok_or(()), "stdout")?);
    let writes = stage.spawn({
        let sent = sent.clone();
        async move { stdin.write_all(&sent).await }
    });
    let mut received = Vec::new();
    stage.must(stdout.read_to_end(&mut received).await, "what it answers")?;
    let written = stage.must(writes.await, "who writes")?;
    stage.must(written, "what it is told")?;
    stage.check(received == sent, "every byte came back")?;
    let status = stage.must(child.wait().await, "its end")?;
    stage.check(status.success(), "it ended well")
}
