//! What is mixed: each file is one scenario, or a few about one thing, with its own oracle.
//!
//! 1. A scenario ends by itself, soon. It waits for nobody but its own tasks.
//! 2. What it asks of a call holds until the round is closing ([`Stage::must`](crate::stage::Stage::must)); what it counts
//!    holds always.
//! 3. It decides by its own numbers alone, so that a seed repeats them.

mod blocking;
mod cancelling;
mod channels;
mod clocks;
mod files;
mod futurelock;
mod limited_sets;
mod local_sets;
mod locks;
mod memory;
mod names;
mod others;
mod panics;
mod pipes;
mod processes;
mod runtimes;
mod signals;
mod sockets;
mod takeover;
mod tasks;
mod timers;

use crate::stage::Scenario;

/// Boxes a scenario's future.
macro_rules! scenario {
    ($name:literal, $run:path) => {
        Scenario { name: $name, run: |stage, rng| Box::pin($run(stage, rng)) }
    };
}

/// All of them.
pub(crate) const ALL: &[Scenario] = &[
    scenario!("tasks", tasks::run),
    scenario!("join-sets", tasks::join_sets),
    scenario!("limited-sets", limited_sets::run),
    scenario!("mpsc", channels::mpsc),
    scenario!("broadcast", channels::broadcast),
    scenario!("watch-and-oneshot", channels::watch_and_oneshot),
    scenario!("mutex", locks::mutex),
    scenario!("rwlock", locks::rwlock),
    scenario!("semaphore", locks::semaphore),
    scenario!("notify-and-barrier", locks::notify_and_barrier),
    scenario!("futurelock", futurelock::run),
    scenario!("takeover", takeover::run),
    scenario!("timers", timers::run),
    scenario!("tcp", sockets::tcp),
    scenario!("unix", sockets::unix),
    scenario!("udp", sockets::udp),
    scenario!("names", names::run),
    scenario!("files", files::run),
    scenario!("pipes", pipes::run),
    scenario!("processes", processes::run),
    scenario!("signals", signals::run),
    scenario!("blocking", blocking::run),
    scenario!("waits-without-await", blocking::waits_without_await),
    scenario!("burns", blocking::burns),
    scenario!("panics", panics::run),
    scenario!("panicking-wakers", panics::wakers),
    scenario!("runtimes", runtimes::run),
    scenario!("local-sets", local_sets::run),
    scenario!("paused-clocks", clocks::run),
    scenario!("memory", memory::run),
    scenario!("cancelling", cancelling::run),
    scenario!("descriptors", others::descriptors),
    scenario!("threads", others::threads),
    scenario!("frozen", others::frozen),
    scenario!("forks", others::forks),
];

/// Whether all of these exist.
pub(crate) fn check_names(names: &[String]) -> Result<(), String> {
    let known: Vec<_> = ALL.iter().map(|scenario| scenario.name).collect();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!("no scenario is called `{name}`; there are: {}", known.join(", "))),
    }
}
