//! Starting what a command says, and waiting for it.

use std::future::Future;
use std::io;
use std::process::{self, ExitStatus, Output, Stdio};

use super::super::child::Child;
use super::super::orphan;
use super::Command;
use crate::called_at::called_from;
use crate::kernel::kernel;

impl Command {
    /// Starts the program. Streams are inherited unless set otherwise.
    ///
    /// It is started by this call, on this thread, which waits until the system has found and begun it.
    ///
    /// # Errors
    ///
    /// What the system says: no such program, no permission, too many processes or files. Then no program runs. A simulation
    /// refuses: `Unsupported`.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("true").spawn()?;
    /// assert!(child.wait().await?.success());
    ///
    /// let missing = Command::new("/no/such/program").spawn();
    /// assert_eq!(missing.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.spawn_with(process::Command::spawn)
    }

    /// As [`spawn`](Command::spawn), by a function that starts std's command. For what must happen around the start, as
    /// changing a right of the calling thread for it.
    ///
    /// # Errors
    ///
    /// Those of `with`, and as [`spawn`](Command::spawn).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Command::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::process::Command;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("true").spawn_with(|command| {
    ///     println!("starting {:?}", command.get_program());
    ///     command.spawn()
    /// })?;
    /// assert!(child.wait().await?.success());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_with(
        &mut self,
        with: impl FnOnce(&mut process::Command) -> io::Result<process::Child>,
    ) -> io::Result<Child> {
        kernel().may_start_programs()?;
        orphan::collect_kept();
        Child::adopt(with(&mut self.std)?, self.kill_on_drop)
    }

    /// Starts the program, and waits until it has ended.
    ///
    /// It is started by this call, before the future is polled. Streams are inherited unless set otherwise; our ends of pipes
    /// are closed at once.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Command::spawn) and [`Child::wait`]. That the program failed is no error: see
    /// [`success`](ExitStatus::success).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Command::spawn).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is dropping the child: it goes on running, or is killed if
    /// [`kill_on_drop`](Command::kill_on_drop) was set.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let status = unstuck::process::Command::new("false").status().await?;
    /// assert_eq!(status.code(), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + use<> {
        let child = self.spawn();
        called_from(|_at| async move {
            let mut child = child?;
            // Else the child may wait for us to read or write them.
            drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
            child.wait().await
        })
    }

    /// Starts the program, waits until it has ended, and collects what it writes to its standard output and error streams.
    ///
    /// It is started by this call, before the future is polled. Both streams become pipes, whatever they were set to; the
    /// standard input is inherited unless set otherwise, and our end of a pipe is closed at once.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Command::spawn) and [`Child::wait_with_output`]. That the program failed is no error.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Command::spawn).
    ///
    /// # Cancel safety
    ///
    /// As [`status`](Command::status); what was collected is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("sh").args(["-c", "echo one; echo two >&2"]).output().await?;
    /// assert!(output.status.success());
    /// assert_eq!(output.stdout, b"one\n");
    /// assert_eq!(output.stderr, b"two\n");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> + use<> {
        self.std.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.spawn();
        called_from(|_at| async move { child?.wait_with_output().await })
    }
}
