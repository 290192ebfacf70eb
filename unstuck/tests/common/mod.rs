//! What several test files share: both flavors of runtime, and values that tell when they are dropped.
#![allow(unused, reason = "each test file uses its part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use unstuck::runtime::{Builder, Runtime};

/// One runtime of each flavor.
pub(crate) fn both() -> [Runtime; 2] {
    [current_thread(), multi_thread(2)]
}

pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

/// Runs a program on a thread of its own, and fails if it does not end. The limit is for a program that hangs, and never
/// reached by one that does not.
pub(crate) fn ends(program: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let thread = thread::spawn(move || {
        program();
        let _nobody_waits = done.send(());
    });
    match ended.recv_timeout(std::time::Duration::from_secs(60)) {
        Err(RecvTimeoutError::Timeout) => panic!("the program hangs"),
        // Its panic goes on here.
        Ok(()) | Err(RecvTimeoutError::Disconnected) => thread.join().unwrap(),
    }
}

/// Counts how many of its [`Token`]s were dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

/// Counts its drop.
pub(crate) struct Token(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn token(&self) -> Token {
        Token(self.0.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Its drop returns when the other end is dropped.
pub(crate) struct BlocksInDrop(pub(crate) std::sync::mpsc::Receiver<()>);

impl Drop for BlocksInDrop {
    fn drop(&mut self) {
        let _released = self.0.recv();
    }
}
