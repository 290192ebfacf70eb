//! A child as users see it, and its process, which is collected whatever happens to the child.
//!
//! 1. The handle itself has no destructor, so that its pipes can be moved out of it. Its process has.
//! 2. The end of the process is taken from the system once, and remembered.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Output};
use std::task::{Context, Poll, ready};

use unstuck_base::{fork, local};

use super::orphan;
use super::running::Running;
use super::streams::{ChildStderr, ChildStdin, ChildStdout};
use crate::called_at::called_from;
use crate::io::{AsyncRead, AsyncReadExt};

/// A child process. Made by [`Command::spawn`](super::Command::spawn).
///
/// Dropping it leaves the program running, unless [`kill_on_drop`](super::Command::kill_on_drop) was set. No zombie is left
/// in either case: see the [module](crate::process).
///
/// # Examples
///
/// ```
/// use unstuck::process::Command;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut child = Command::new("sh").args(["-c", "exit 3"]).spawn()?;
/// assert_eq!(child.wait().await?.code(), Some(3));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Child {
    /// Writes to its standard input, if that is a [pipe](std::process::Stdio::piped). Take it to use it beside the child:
    /// `child.stdin.take()`.
    pub stdin: Option<ChildStdin>,
    /// Reads its standard output, if that is a [pipe](std::process::Stdio::piped).
    pub stdout: Option<ChildStdout>,
    /// Reads its standard error stream, if that is a [pipe](std::process::Stdio::piped).
    pub stderr: Option<ChildStderr>,
    process: Process,
}

impl Child {
    /// Takes over what std has started. If that fails, the program is killed.
    ///
    /// # Errors
    /// What the system says.
    #[track_caller]
    pub(super) fn adopt(mut child: std::process::Child, kill_on_drop: bool) -> io::Result<Child> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // Killed by its drop until all is well.
        let mut process = Process::new(child)?;
        let stdin = stdin.map(ChildStdin::from_std).transpose()?;
        let stdout = stdout.map(ChildStdout::from_std).transpose()?;
        let stderr = stderr.map(ChildStderr::from_std).transpose()?;
        process.kill_on_drop = kill_on_drop;
        Ok(Child { stdin, stdout, stderr, process })
    }

    /// The id that the system gave the process. `None` when its end has been taken note of, by [`wait`](Child::wait) or its
    /// like: then the id may be another process's.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("true").spawn()?;
    /// assert!(child.id().is_some());
    /// child.wait().await?;
    /// assert_eq!(child.id(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn id(&self) -> Option<u32> {
        match &self.process.state {
            State::Running(running) => Some(running.id()),
            State::Over(_) => None,
        }
    }

    /// Asks the system to kill the process (`SIGKILL`), and does not wait for that: [`kill`](Child::kill) does both. Nothing
    /// happens if its end has been taken note of.
    ///
    /// # Errors
    ///
    /// What the system says: no permission, as when the program has changed its user.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::process::ExitStatusExt;
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("sleep").arg("1000").spawn()?;
    /// child.start_kill()?;
    /// assert_eq!(child.wait().await?.signal(), Some(9));
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_kill(&mut self) -> io::Result<()> {
        match &mut self.process.state {
            State::Running(running) => running.kill(),
            State::Over(_) => Ok(()),
        }
    }

    /// Kills the process (`SIGKILL`) and waits until it has ended. Its own children are not killed.
    ///
    /// # Errors
    ///
    /// As [`start_kill`](Child::start_kill) and [`wait`](Child::wait).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: once it was polled the process is killed, and it can be waited for again.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("sleep").arg("1000").spawn()?;
    /// child.kill().await?;
    /// assert_eq!(child.id(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn kill(&mut self) -> impl Future<Output = io::Result<()>> {
        called_from(|_at| async move {
            self.start_kill()?;
            self.wait().await?;
            Ok(())
        })
    }

    /// Waits until the process has ended, and tells how. Asked again, it tells the same.
    ///
    /// It closes [`stdin`](Child::stdin) first if that is still here: else the two might wait for each other. It does not
    /// read the other pipes: a child that writes more than fits into a pipe waits for a reader, see
    /// [`wait_with_output`](Child::wait_with_output).
    ///
    /// The child may have been started in another runtime, also one that has ended.
    ///
    /// # Errors
    ///
    /// When the system can't say: other code has waited for the child, or ignores `SIGCHLD`. When the runtime that started
    /// the child has ended and this is not called inside another one.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the end is remembered, so the next call tells it. `stdin` stays closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("false").spawn()?;
    /// let status = child.wait().await?;
    /// assert_eq!(status.code(), Some(1));
    /// assert_eq!(child.wait().await?, status);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn wait(&mut self) -> impl Future<Output = io::Result<ExitStatus>> {
        called_from(|_at| async move {
            drop(self.stdin.take());
            self.process.end().await
        })
    }

    /// Whether the process has ended, and how; `None`: it runs. It does not wait, and does not close
    /// [`stdin`](Child::stdin).
    ///
    /// # Errors
    ///
    /// As [`wait`](Child::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Stdio;
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("cat").stdin(Stdio::piped()).spawn()?;
    /// assert_eq!(child.try_wait()?, None);
    /// let status = child.wait().await?;
    /// assert_eq!(child.try_wait()?, Some(status));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match &mut self.process.state {
            State::Running(running) => {
                let end = running.try_wait()?;
                if let Some(status) = end {
                    self.process.state = State::Over(status);
                }
                Ok(end)
            }
            State::Over(status) => Ok(Some(*status)),
        }
    }

    /// Waits until the process has ended, and reads what it writes to [`stdout`](Child::stdout) and
    /// [`stderr`](Child::stderr) until their ends, all at the same time. What is not a pipe, or was taken, is empty in the
    /// result.
    ///
    /// It closes [`stdin`](Child::stdin) first, if that is still here.
    ///
    /// # Errors
    ///
    /// As [`wait`](Child::wait), and what the system says about reading. The child is dropped then.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what was read is lost, and the child is dropped, which kills it only if
    /// [`kill_on_drop`](super::Command::kill_on_drop) was set.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Stdio;
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let child = Command::new("sh")
    ///     .args(["-c", "echo out; echo err >&2; exit 4"])
    ///     .stdout(Stdio::piped())
    ///     .stderr(Stdio::piped())
    ///     .spawn()?;
    /// let output = child.wait_with_output().await?;
    /// assert_eq!(output.status.code(), Some(4));
    /// assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn wait_with_output(mut self) -> impl Future<Output = io::Result<Output>> {
        called_from(|_at| async move {
            let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
            let (status, stdout, stderr) = all(self.wait(), read_all(stdout), read_all(stderr)).await?;
            Ok(Output { status, stdout, stderr })
        })
    }
}

async fn read_all(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut all).await?;
    }
    Ok(all)
}

/// Runs three futures at the same time, until all have a result or one has an error.
async fn all<A, B, C>(
    a: impl Future<Output = io::Result<A>>,
    b: impl Future<Output = io::Result<B>>,
    c: impl Future<Output = io::Result<C>>,
) -> io::Result<(A, B, C)> {
    let (mut a, mut b, mut c) = (pin!(a), pin!(b), pin!(c));
    let mut done = (None, None, None);
    std::future::poll_fn(move |cx| {
        go_on(a.as_mut(), &mut done.0, cx)?;
        go_on(b.as_mut(), &mut done.1, cx)?;
        go_on(c.as_mut(), &mut done.2, cx)?;
        match mem::take(&mut done) {
            (Some(a), Some(b), Some(c)) => Poll::Ready(Ok((a, b, c))),
            not_all => {
                done = not_all;
                Poll::Pending
            }
        }
    })
    .await
}

fn go_on<T>(
    future: Pin<&mut impl Future<Output = io::Result<T>>>,
    done: &mut Option<T>,
    cx: &mut Context<'_>,
) -> io::Result<()> {
    if done.is_none()
        && let Poll::Ready(result) = future.poll(cx)
    {
        *done = Some(result?);
    }
    Ok(())
}

/// A process that we started; see the rules of the file.
struct Process {
    state: State,
    kill_on_drop: bool,
    /// Whose child it is: a fork of ours neither kills it nor collects it.
    parent: fork::Process,
}

enum State {
    Running(Running),
    Over(ExitStatus),
}

impl Process {
    /// A process that is killed when this is dropped, for a start.
    ///
    /// # Errors
    /// What the system says. The process is killed then.
    #[track_caller]
    fn new(child: std::process::Child) -> io::Result<Process> {
        match Running::new(child) {
            Ok(running) => {
                Ok(Process { state: State::Running(running), kill_on_drop: true, parent: fork::Process::this() })
            }
            Err((mut child, error)) => {
                let _ = child.kill();
                orphan::strand(child);
                Err(error)
            }
        }
    }

    #[track_caller]
    fn end(&mut self) -> impl Future<Output = io::Result<ExitStatus>> {
        std::future::poll_fn(|cx| self.poll_end(cx))
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let charge = ready!(local::poll_budget(cx));
        let status = loop {
            match &mut self.state {
                State::Over(status) => break *status,
                State::Running(running) => match ready!(running.poll_end(cx))? {
                    Some(status) => self.state = State::Over(status),
                    None => running.listen_here()?,
                },
            }
        };
        charge.made_progress();
        Poll::Ready(Ok(status))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.parent.is_this() {
            return;
        }
        // Nobody looks at the status any more.
        if let State::Running(mut running) = mem::replace(&mut self.state, State::Over(ExitStatus::default())) {
            if self.kill_on_drop {
                // An error says that it can't be killed; it is collected when it ends by itself.
                let _ = running.kill();
            }
            orphan::leave(running);
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Running(running) => running.fmt(f),
            State::Over(status) => status.fmt(f),
        }
    }
}
