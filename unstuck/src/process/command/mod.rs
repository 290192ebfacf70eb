//! What is to be started, and how: std's command with the waiting replaced.
//!
//! 1. Everything but what happens at the drop of the child is kept in std's command.

mod start;

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Stdio};

/// A program that is to be started, with its arguments, environment and streams.
///
/// It is configured as [`std::process::Command`], and one can be made of that one. It can be started several times.
///
/// # Examples
///
/// ```
/// use unstuck::process::Command;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let status = Command::new("test").args(["-d", "/"]).status().await?;
/// assert!(status.success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Command {
    std: process::Command,
    kill_on_drop: bool,
}

impl Command {
    /// A command for `program`: a path, or a name that is looked for where the variable `PATH` says (that of the child, if
    /// it is set for the child).
    ///
    /// It has no arguments, and the environment, working directory and streams of this process;
    /// [`output`](Command::output) makes pipes of the output streams.
    ///
    /// # Examples
    ///
    /// ```
    /// let command = unstuck::process::Command::new("ls");
    /// assert_eq!(command.as_std().get_program(), "ls");
    /// ```
    pub fn new<S: AsRef<OsStr>>(program: S) -> Command {
        Command::from(process::Command::new(program))
    }

    /// The command of std inside, for what only std tells: [`get_args`](process::Command::get_args) and the like.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut command = unstuck::process::Command::new("ls");
    /// command.arg("-l");
    /// assert!(command.as_std().get_args().eq(["-l"]));
    /// ```
    pub fn as_std(&self) -> &process::Command {
        &self.std
    }

    /// The command of std inside, for methods that only std's has.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut command = unstuck::process::Command::new("ls");
    /// command.as_std_mut().arg("-l");
    /// ```
    pub fn as_std_mut(&mut self) -> &mut process::Command {
        &mut self.std
    }

    /// The command of std. Whether children are killed is forgotten.
    ///
    /// # Examples
    ///
    /// ```
    /// let command = unstuck::process::Command::new("true").into_std();
    /// assert_eq!(command.get_program(), "true");
    /// ```
    pub fn into_std(self) -> process::Command {
        self.std
    }

    /// Adds an argument. It is passed as it is: no shell splits it or looks for `*`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("echo").arg("a  *").output().await?;
    /// assert_eq!(output.stdout, b"a  *\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn arg<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Command {
        self.std.arg(arg);
        self
    }

    /// Adds arguments.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("echo").args(["a", "b"]).output().await?;
    /// assert_eq!(output.stdout, b"a b\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn args<I, S>(&mut self, args: I) -> &mut Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.std.args(args);
        self
    }

    /// What the program is told to be called: its argument 0, instead of the name that it is started by.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("sh").arg0("me").args(["-c", "echo $0"]).output().await?;
    /// assert_eq!(output.stdout, b"me\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn arg0<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Command {
        self.std.arg0(arg);
        self
    }

    /// Sets a variable of the child's environment.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("sh").args(["-c", "echo $COLOUR"]).env("COLOUR", "red").output().await?;
    /// assert_eq!(output.stdout, b"red\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn env<K, V>(&mut self, key: K, val: V) -> &mut Command
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.env(key, val);
        self
    }

    /// Sets variables of the child's environment.
    ///
    /// # Examples
    ///
    /// Only the variables that begin with `APP_`:
    ///
    /// ```
    /// let of_the_app = std::env::vars().filter(|(key, _)| key.starts_with("APP_"));
    /// unstuck::process::Command::new("env").env_clear().envs(of_the_app);
    /// ```
    pub fn envs<I, K, V>(&mut self, vars: I) -> &mut Command
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(vars);
        self
    }

    /// Takes a variable out of the child's environment, also one that it would have from this process.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::process::Command::new("env").env_remove("SECRET");
    /// ```
    pub fn env_remove<K: AsRef<OsStr>>(&mut self, key: K) -> &mut Command {
        self.std.env_remove(key);
        self
    }

    /// Empties the child's environment: it has nothing from this process.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("/usr/bin/env").env_clear().output().await?;
    /// assert_eq!(output.stdout, b"");
    /// # Ok(())
    /// # }
    /// ```
    pub fn env_clear(&mut self) -> &mut Command {
        self.std.env_clear();
        self
    }

    /// The child's working directory. Give the program by an absolute path or by name then: what a relative path means
    /// differs between systems.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("pwd").current_dir("/").output().await?;
    /// assert_eq!(output.stdout, b"/\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn current_dir<P: AsRef<Path>>(&mut self, dir: P) -> &mut Command {
        self.std.current_dir(dir);
        self
    }

    /// The child's standard input; that of this process without it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Stdio;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let output = unstuck::process::Command::new("cat").stdin(Stdio::null()).output().await?;
    /// assert_eq!(output.stdout, b"");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stdin<T: Into<Stdio>>(&mut self, cfg: T) -> &mut Command {
        self.std.stdin(cfg);
        self
    }

    /// The child's standard output; that of this process without it. [`output`](Command::output) makes a pipe of it anyway.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Stdio;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let status = unstuck::process::Command::new("ls").stdout(Stdio::null()).status().await?;
    /// assert!(status.success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stdout<T: Into<Stdio>>(&mut self, cfg: T) -> &mut Command {
        self.std.stdout(cfg);
        self
    }

    /// The child's standard error stream; otherwise as [`stdout`](Command::stdout).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Stdio;
    ///
    /// unstuck::process::Command::new("ls").stderr(Stdio::null());
    /// ```
    pub fn stderr<T: Into<Stdio>>(&mut self, cfg: T) -> &mut Command {
        self.std.stderr(cfg);
        self
    }

    /// Whether the child is killed when its [`Child`](super::Child) is dropped before it has ended, or the future of
    /// [`status`](Command::status) or [`output`](Command::output); `false` without this: it goes on running then.
    ///
    /// The children of the child are not killed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::process::Command;
    /// use unstuck::time::{Duration, timeout};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let slow = timeout(Duration::from_millis(5), Command::new("sleep").arg("1000").kill_on_drop(true).status()).await;
    /// assert!(slow.is_err());
    /// # }
    /// ```
    pub fn kill_on_drop(&mut self, kill_on_drop: bool) -> &mut Command {
        self.kill_on_drop = kill_on_drop;
        self
    }

    /// What [`kill_on_drop`](Command::kill_on_drop) was set to.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut command = unstuck::process::Command::new("ls");
    /// assert!(!command.get_kill_on_drop());
    /// assert!(command.kill_on_drop(true).get_kill_on_drop());
    /// ```
    pub fn get_kill_on_drop(&self) -> bool {
        self.kill_on_drop
    }

    /// The user whose rights the child has, by number. This process must have the right to become that user; if it is root,
    /// the supplementary groups are given up.
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::process::Command::new("id").uid(65534);
    /// ```
    pub fn uid(&mut self, id: u32) -> &mut Command {
        self.std.uid(id);
        self
    }

    /// The group whose rights the child has, by number. Otherwise as [`uid`](Command::uid).
    ///
    /// # Examples
    ///
    /// ```
    /// unstuck::process::Command::new("id").gid(65534);
    /// ```
    pub fn gid(&mut self, id: u32) -> &mut Command {
        self.std.gid(id);
        self
    }

    /// The process group that the child joins; 0: a new one, whose id is the child's. A signal of the terminal, as Ctrl-C,
    /// goes to all processes of a group.
    ///
    /// # Examples
    ///
    /// A child that Ctrl-C does not reach:
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = unstuck::process::Command::new("true").process_group(0).spawn()?;
    /// assert!(child.wait().await?.success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_group(&mut self, pgroup: i32) -> &mut Command {
        self.std.process_group(pgroup);
        self
    }

    /// Calls `f` in the child, between its birth and the program's start. With several, the first comes first; an error is
    /// that of the spawn, and the program is not started.
    ///
    /// # Safety
    ///
    /// `f` runs in a copy of this process that has one thread: what other threads held at that moment stays locked for ever.
    /// It must do only what is allowed in a signal handler; it must not allocate memory, take a lock, or touch anything of
    /// the runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut command = unstuck::process::Command::new("true");
    /// // SAFETY: it calls nothing.
    /// unsafe { command.pre_exec(|| Ok(())) };
    /// assert!(command.status().await?.success());
    /// # Ok(())
    /// # }
    /// ```
    pub unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: the caller's.
        unsafe { self.std.pre_exec(f) };
        self
    }
}

impl From<process::Command> for Command {
    /// A command of std; its children are not killed at their drop.
    fn from(std: process::Command) -> Command {
        Command { std, kill_on_drop: false }
    }
}
