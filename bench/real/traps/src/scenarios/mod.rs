//! The programs, in the words of tokio's API. This folder is compiled once for each side, against `super::rt`.

mod blocking;
mod budget;
mod cancelled;
mod forgotten;
mod futurelock;
mod many;
mod shutdown;

use std::time::{Duration, Instant};

use super::rt::runtime::{Builder, Runtime};

/// All of them: a name, and what it says in the end.
pub(crate) const ALL: &[sides::Scenario] = &[
    ("blocking: every worker's task blocks for 500 ms; how late is a timer of another task?", blocking::all_workers),
    ("blocking: a task waits, with std's means, for the task that it has just spawned", blocking::for_what_it_spawned),
    ("blocking: an executor of another kind blocks inside a task", blocking::on_another_executor),
    ("std's Mutex is held across an await", blocking::std_lock_across_await),
    ("an await is forgotten", forgotten::an_await),
    ("futurelock: the program of RFD 609", futurelock::rfd_609),
    ("futurelock: Mutex", futurelock::mutex),
    ("futurelock: RwLock", futurelock::rwlock),
    ("futurelock: Semaphore", futurelock::semaphore),
    ("futurelock: bounded mpsc", futurelock::channel),
    ("futurelock: OnceCell", futurelock::cell),
    ("cancelled: select! drops a read_exact that has read half", cancelled::read_exact),
    ("cancelled: select! drops a recv, whose message stays in the channel", cancelled::recv),
    ("budget: a future that is never done stands first in a join_all", budget::first_in_join_all),
    ("budget: a sleep under a combinator that polls eagerly, on one thread", budget::eager_sleep),
    ("spawning without a bound: 200000 tasks that wait", many::waiting),
    ("spawning without a bound: 200000 finished tasks in a JoinSet that nobody reads", many::finished),
    ("orphans: a task whose handle is dropped", many::orphan),
    ("orphans: it panics, and nobody looks", many::orphan_panics),
    ("shutdown: while a read of standard input waits", shutdown::standard_input),
    ("shutdown: while a blocking closure runs that has no end", shutdown::closure_without_end),
    ("shutdown: the same, with shutdown_timeout of 100 ms", shutdown::closure_with_a_limit),
];

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("the machine lets a runtime start")
}

fn two_workers() -> Runtime {
    let built = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.expect("the machine lets a runtime start")
}

/// How long it takes.
fn timed(program: impl FnOnce()) -> String {
    let start = Instant::now();
    program();
    format!("ends after {:.1} ms", millis(start.elapsed()))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
