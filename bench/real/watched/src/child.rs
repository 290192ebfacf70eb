//! One measurement, in a process of its own: so its CPU time is that of one runtime, from its start to its end, and
//! valgrind can be put around it.
//!
//! 1. The parent says what to do in the arguments, and the child answers with one line.
//! 2. All sides of a table have the same [`Setting`].
//!
//! `seconds` and `instructions` ask for measurements; `main` runs those of this process.

use std::process::Command;
use std::time::Duration;

use crate::{system, tokio_side, unstuck_side};

/// Which runtime, and is it watched?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Tokio,
    /// unstuck without its monitor.
    Off,
    /// unstuck with its monitor.
    On,
}

/// How the runtime is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Two workers, and for the rest as users get it.
    Plain,
    /// One worker, so that who runs what is the same each time. Under valgrind everything takes some fifty times as long, so
    /// the monitor gives a poll fifty times as long before it takes it for stuck and starts another thread.
    Slowed,
}

/// One measurement.
pub(crate) struct Task {
    pub(crate) side: Side,
    pub(crate) setting: Setting,
    /// An index into the operations.
    pub(crate) operation: usize,
    /// How many.
    pub(crate) count: u32,
}

/// What a child answers.
pub(crate) struct Answer {
    /// The CPU time of the process while the runtime lived.
    pub(crate) cpu: Duration,
    /// What the monitor had of it.
    pub(crate) monitor: Duration,
    /// Which of the threads of the process is the monitor, counted from 1.
    pub(crate) monitor_thread: Option<usize>,
}

const SIDES: [(&str, Side); 3] = [("tokio", Side::Tokio), ("off", Side::Off), ("on", Side::On)];
const SETTINGS: [(&str, Setting); 2] = [("plain", Setting::Plain), ("slowed", Setting::Slowed)];

impl Task {
    /// The arguments that let this program do it; [`Task::parse`] takes all but the first.
    pub(crate) fn arguments(&self) -> [String; 5] {
        let (side, setting) = (name_of(&SIDES, self.side), name_of(&SETTINGS, self.setting));
        ["run".to_owned(), side, setting, self.operation.to_string(), self.count.to_string()]
    }

    /// What the parent wants.
    pub(crate) fn parse(words: &[String]) -> Option<Task> {
        let [side, setting, operation, count] = words else { return None };
        Some(Task {
            side: called(&SIDES, side)?,
            setting: called(&SETTINGS, setting)?,
            operation: operation.parse().ok()?,
            count: count.parse().ok()?,
        })
    }

    /// What the child does.
    pub(crate) fn run(&self) -> Answer {
        let before = system::cpu();
        let monitor = match self.side {
            Side::Tokio => self.on_tokio(),
            Side::Off => self.on_unstuck(Duration::MAX),
            Side::On if self.setting == Setting::Slowed => self.on_unstuck(Duration::from_millis(500)),
            // What it is without being asked for.
            Side::On => self.on_unstuck(Duration::from_millis(10)),
        };
        let cpu = system::cpu() - before;
        let (monitor_thread, monitor) = monitor.unzip();
        Answer { cpu, monitor: monitor.unwrap_or_default(), monitor_thread }
    }

    fn workers(&self) -> usize {
        match self.setting {
            Setting::Plain => 2,
            Setting::Slowed => 1,
        }
    }

    fn on_tokio(&self) -> Option<(usize, Duration)> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(self.workers()).enable_all().build();
        let runtime = runtime.expect("the machine lets a runtime start");
        (tokio_side::operations::ALL[self.operation].run)(&runtime, self.count);
        None
    }

    /// Returns which thread the monitor is, and what it had used when the operations were done.
    fn on_unstuck(&self, threshold: Duration) -> Option<(usize, Duration)> {
        let mut builder = unstuck::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(self.workers()).enable_all().stuck_threshold(threshold).build();
        let runtime = runtime.expect("the machine lets a runtime start");
        (unstuck_side::operations::ALL[self.operation].run)(&runtime, self.count);
        (threshold != Duration::MAX).then(monitor)
    }
}

/// Which of the threads is the monitor, counted from 1, and what it has used.
fn monitor() -> (usize, Duration) {
    // A thread gives itself its name when it first runs. Under valgrind that may be after the operations.
    for _ in 0..1000 {
        let found = (1..).zip(system::threads()).find(|(_, thread)| thread.name == "unstuck-monitor");
        if let Some((number, thread)) = found {
            return (number, thread.used);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no thread is called `unstuck-monitor`");
}

impl Answer {
    /// Says it to the parent.
    pub(crate) fn print(&self) {
        println!("{} {} {}", self.cpu.as_nanos(), self.monitor.as_nanos(), self.monitor_thread.unwrap_or(0));
    }

    /// Runs `child` and hears what it says.
    ///
    /// # Panics
    /// If it fails.
    pub(crate) fn of(mut child: Command) -> Answer {
        let output = child.output().expect("a process can be started");
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{child:?} ended by {}: {errors}", output.status);
        let numbers: Vec<u64> = text.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        let [cpu, monitor, thread] = numbers[..] else {
            panic!("{child:?} said `{text}`, which are not three numbers")
        };
        Answer {
            cpu: Duration::from_nanos(cpu),
            monitor: Duration::from_nanos(monitor),
            monitor_thread: usize::try_from(thread).ok().filter(|&thread| thread > 0),
        }
    }
}

fn name_of<T: Copy + PartialEq>(table: &[(&str, T)], value: T) -> String {
    let (name, _) = table.iter().find(|(_, other)| *other == value).expect("the table has all of them");
    (*name).to_owned()
}

fn called<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}
