//! Forks this test program. A child never returns into the test harness, and an alarm ends one that hangs.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All was well.
    Well,
    /// It panicked, and said this.
    Panicked(String),
    /// By a signal; by `SIGALRM` if it hung.
    Killed(i32),
}

/// Which of the two this process is.
pub(crate) enum Fork {
    Child(Talk),
    Parent(Child),
}

/// A child process, to be waited for.
pub(crate) struct Child {
    pub(crate) pid: libc::pid_t,
    said: PipeReader,
}

/// What a child says to its parent.
pub(crate) struct Talk(PipeWriter);

/// Forks, and comes back twice.
pub(crate) fn fork() -> Fork {
    let (said, talk) = pipe().unwrap();
    // SAFETY: the child does what unstuck and glibc promise to work there: that is what is tested. It ends by `_exit`.
    match unsafe { libc::fork() } {
        -1 => panic!("{}", std::io::Error::last_os_error()),
        0 => {
            // SAFETY: nothing in these tests catches the alarm's signal.
            unsafe { libc::alarm(20) };
            Fork::Child(Talk(talk))
        }
        pid => Fork::Parent(Child { pid, said }),
    }
}

/// Runs `body` in a child, and waits for its end.
pub(crate) fn in_child(body: impl FnOnce()) -> End {
    start_child(body).end()
}

/// Runs `body` in a child.
pub(crate) fn start_child(body: impl FnOnce()) -> Child {
    match fork() {
        Fork::Child(talk) => talk.end_with(body),
        Fork::Parent(child) => child,
    }
}

impl Talk {
    /// Runs `body`, and ends this process.
    pub(crate) fn end_with(mut self, body: impl FnOnce()) -> ! {
        let code = match catch_unwind(AssertUnwindSafe(body)) {
            Ok(()) => 0,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let said = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("something else than words");
                self.0.write_all(said.as_bytes()).unwrap();
                1
            }
        };
        // SAFETY: it ends the process, without the exit handlers of the parent.
        unsafe { libc::_exit(code) }
    }
}

impl Child {
    pub(crate) fn end(mut self) -> End {
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        let mut status = 0;
        // SAFETY: the pointer is good for the call; the child is ours, and nobody else waits for it.
        assert_eq!(unsafe { libc::waitpid(self.pid, &raw mut status, 0) }, self.pid);
        if libc::WIFSIGNALED(status) {
            return End::Killed(libc::WTERMSIG(status));
        }
        match libc::WEXITSTATUS(status) {
            0 => End::Well,
            _ => End::Panicked(said),
        }
    }
}

/// That a child which did something with a runtime of its parent was told what is wrong, and what to do.
#[track_caller]
pub(crate) fn assert_was_told(end: End) {
    let End::Panicked(said) = &end else { panic!("{end:?}") };
    assert!(
        said.contains("belongs to the parent process") && said.contains("Build a new runtime in the child"),
        "{said}"
    );
}
