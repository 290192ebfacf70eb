//! Threads, file descriptors, child processes and memory: all of it returns to where it began.
//!
//! 1. In the first rounds, the warm-up, what belongs to the process is made: its signal handler, say. Then the counts are
//!    taken, and every round must return to them, within [`LIMIT`].
//! 2. Memory may have blocks that a round leaves to the next, so no single round must return to a mark; but there may be
//!    no growth over many: the least of the last rounds is not above the most of the first by more than some bytes a
//!    round.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::heap;

/// Generous: it is waited for only where something is wrong.
const LIMIT: Duration = Duration::from_secs(20);
/// So many rounds are compared at either end.
const WINDOW: usize = 20;
/// So many bytes each round may leave: thread-locals and ids come in blocks.
const LEFT_BY_A_ROUND: isize = 64;
const SLACK: isize = 32 * 1024;

/// What the process has besides memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    threads: usize,
    descriptors: usize,
    children: usize,
}

impl Counts {
    fn now() -> Counts {
        let entries = |folder| fs::read_dir(folder).map_or(0, |entries| entries.flatten().count());
        let children = fs::read_dir("/proc/self/task").into_iter().flatten().flatten().map(|thread| {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            children.split_whitespace().count()
        });
        Counts { threads: entries("/proc/self/task"), descriptors: entries("/proc/self/fd"), children: children.sum() }
    }

    fn is_within(self, limit: Counts) -> bool {
        self.threads <= limit.threads && self.descriptors <= limit.descriptors && self.children <= limit.children
    }
}

/// What was there after the warm-up, and how memory went since.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    began: Option<Counts>,
    memory: Memory,
}

/// What was allocated after the first and the last rounds; see rule 2. It does not grow itself.
#[derive(Debug, Default)]
struct Memory {
    first: Option<isize>,
    rounds: usize,
    most: isize,
    last: [isize; WINDOW],
}

impl Resources {
    /// The warm-up is over.
    pub(crate) fn begin(&mut self) {
        let mut counts = Counts::now();
        let begin = Instant::now();
        // Blocking threads end when they had nothing to do for a while.
        while begin.elapsed() < Duration::from_millis(300) {
            sleep(Duration::from_millis(20));
            let now = Counts::now();
            if now.is_within(counts) {
                counts = now;
            }
        }
        self.began = Some(counts);
    }

    /// A round is over. What is wrong, if anything.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let Some(began) = self.began else { return Ok(()) };
        let begin = Instant::now();
        let mut now = Counts::now();
        while !now.is_within(began) {
            if begin.elapsed() > LIMIT {
                return Err(format!("there were {began:?}, there are {now:?}\n{}", details()));
            }
            sleep(Duration::from_millis(1));
            now = Counts::now();
        }
        self.memory.add(heap::live());
        self.memory.growth()
    }

    pub(crate) fn describe(&self) -> String {
        let live = heap::live();
        let more = live - self.memory.first.unwrap_or(live);
        format!("{} KiB on the heap ({:+} since the warm-up)", live / 1024, more / 1024)
    }
}

impl Memory {
    fn add(&mut self, live: isize) {
        self.first.get_or_insert(live);
        if self.rounds < WINDOW {
            self.most = self.most.max(live);
        }
        self.last[self.rounds % WINDOW] = live;
        self.rounds += 1;
    }

    /// Rule 2.
    fn growth(&self) -> Result<(), String> {
        if self.rounds < 4 * WINDOW {
            return Ok(());
        }
        let least = self.last.iter().min().copied().unwrap_or(0);
        let grown = least - self.most;
        if grown > SLACK + LEFT_BY_A_ROUND * self.rounds as isize {
            let (rounds, most) = (self.rounds, self.most);
            return Err(format!("memory has grown by {grown} bytes in {rounds} rounds: from {most} to {least}"));
        }
        Ok(())
    }
}

/// Which threads and descriptors there are.
fn details() -> String {
    let mut text = String::new();
    for thread in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        text += &format!("  thread {} {}\n", thread.file_name().display(), name.trim());
    }
    for descriptor in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let target = fs::read_link(descriptor.path()).unwrap_or_default();
        text += &format!("  descriptor {} {}\n", descriptor.file_name().display(), target.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_in_every_round_is_found_and_noise_is_not() {
        let (mut noise, mut leak) = (Memory::default(), Memory::default());
        for round in 0..1000 {
            noise.add(100_000 + round % 17 * 1000);
            leak.add(100_000 + round % 17 * 1000 + 300 * round);
        }
        assert_eq!(noise.growth(), Ok(()));
        assert!(leak.growth().is_err());
    }

    #[test]
    fn a_descriptor_too_many_is_one_too_many() {
        let began = Counts { threads: 2, descriptors: 5, children: 0 };
        assert!(began.is_within(began));
        assert!(!Counts { descriptors: 6, ..began }.is_within(began));
        assert!(!Counts { children: 1, ..began }.is_within(began));
        assert!(Counts { threads: 1, ..began }.is_within(began));
    }
}
