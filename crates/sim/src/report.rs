//! What everybody waits for, in words: the report of a run that can't go on.
//!
//! 1. It reads what polls left behind, and polls nothing.

use std::fmt::Write;

use unstuck_base::local::{Wait, WaitKind};
use unstuck_task::{Probe, TaskList};

use crate::main_future::Main;

/// The main future and every live task: how often each was polled, and what it waits for.
pub(crate) fn report(main: &Main, tasks: &TaskList) -> String {
    let (polls, waits) = main.state();
    let mut text = format!("\n  the main future, {}", doing(main.is_ready(), polls, waits.first, waits.len));
    for Probe { spawned_at, name, scheduled, polls, waiting, .. } in tasks.probes() {
        let doing = doing(scheduled, polls, waiting.first, waiting.count);
        let task = name.map_or_else(|| "the task".to_owned(), |name| format!("the task {name:?},"));
        write!(text, "\n  {task} spawned at {spawned_at}, {doing}").expect("a String takes everything");
    }
    text
}

fn doing(ready: bool, polls: u32, first: Option<Wait>, count: u8) -> String {
    let times = if polls == 1 { "once" } else { &format!("{polls} times") };
    let what = match first {
        _ if ready => "is ready".to_owned(),
        None if polls == 0 => "was never woken".to_owned(),
        None => "waits for something that is not of this runtime".to_owned(),
        Some(Wait { kind, at, .. }) if count <= 1 => format!("waits for {} at {at}", name(kind)),
        Some(Wait { kind, at, .. }) => format!("waits for {} at {at}, or {} more", name(kind), count - 1),
    };
    format!("polled {times}, {what}")
}

fn name(kind: WaitKind) -> &'static str {
    match kind {
        WaitKind::Timer => "a deadline",
        WaitKind::Io => "a socket or signal",
        WaitKind::Mutex => "a mutex",
        WaitKind::Read => "a lock, to read",
        WaitKind::Write => "a lock, to write",
        WaitKind::Semaphore => "permits of a semaphore",
        WaitKind::Notify => "a notification",
        WaitKind::Oneshot => "the value of a oneshot channel",
        WaitKind::Receive => "a message",
        WaitKind::Send => "room in a channel",
        WaitKind::Watch => "a change of a watched value",
        WaitKind::Cancellation => "a cancellation",
        WaitKind::Join => "another task, spawned",
        WaitKind::Barrier => "a barrier",
        WaitKind::Once => "a cell that is filled",
        WaitKind::Blocking => "blocking work",
        _ => "something",
    }
}
