//! What the end-to-end tests share: servers as processes, raw clients, and Redis's own tools.
//!
//! 1. Nothing here depends on how fast the machine is: whatever is expected is waited for, up to [`PATIENCE`].
//! 2. Every process that a test starts ends with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A mini-redis process.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    stderr: Option<thread::JoinHandle<String>>,
}

impl Server {
    /// Starts the program on a free port and waits until it listens.
    pub(crate) fn start(args: &[&str]) -> Server {
        Server::start_as(Command::new(program()), args)
    }

    /// Starts the program from a shell that ran `setup` first, to lower limits.
    pub(crate) fn start_after(setup: &str, args: &[&str]) -> Server {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{setup} && exec \"$0\" \"$@\""), program()]);
        Server::start_as(shell, args)
    }

    fn start_as(mut command: Command, args: &[&str]) -> Server {
        command.args(["--port", "0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut stderr = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("stderr is text");
            text
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("stdout is text");
        let Some(address) = line.strip_prefix("listening on ") else {
            let status = child.wait().unwrap();
            panic!("the server did not start ({status}): {line}{}", stderr.join().unwrap());
        };
        Server { child, address: address.trim().parse().unwrap(), stderr: Some(stderr) }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn port(&self) -> String {
        self.address.port().to_string()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the process to end by itself; how it ended, and what it wrote to stderr.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = wait_for("the server to end", || self.child.try_wait().unwrap());
        (status, self.stderr.take().unwrap().join().unwrap())
    }

    /// Ends the process as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test.
pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_mini-redis")
}

/// Starts the program where it can't start; what it wrote to stderr.
pub(crate) fn start_refused(args: &[&str]) -> String {
    let mut command = Command::new(program());
    let mut child = command.args(["--port", "0"]).args(args).stderr(Stdio::piped()).spawn().unwrap();
    let status = wait_for("the server to refuse", || child.try_wait().unwrap());
    assert!(!status.success());
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

/// A connection that sends and receives bytes as they are.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        Client::try_connect(address).expect("the server accepts")
    }

    pub(crate) fn try_connect(address: SocketAddr) -> std::io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream) })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, words: &[&[u8]]) {
        self.send_bytes(&encode(words));
    }

    /// Sends a command without quotes in it and returns its whole reply, as it came.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
        self.send(&words);
        self.reply()
    }

    /// Reads one whole reply.
    pub(crate) fn reply(&mut self) -> String {
        String::from_utf8_lossy(&self.try_reply().expect("a whole reply")).into_owned()
    }

    /// Reads one whole reply; fails at the end of the stream.
    pub(crate) fn try_reply(&mut self) -> std::io::Result<Vec<u8>> {
        let mut reply = Vec::new();
        self.read_element(&mut reply)?;
        Ok(reply)
    }

    fn read_element(&mut self, reply: &mut Vec<u8>) -> std::io::Result<()> {
        let start = reply.len();
        self.stream.read_until(b'\n', reply)?;
        let line = String::from_utf8_lossy(&reply[start..]).into_owned();
        if !line.ends_with("\r\n") {
            let what = if line.is_empty() { "end of stream".to_owned() } else { format!("a cut reply: {line:?}") };
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, what));
        }
        let number = || line[1..].trim().parse::<i64>().unwrap_or_else(|_| panic!("a number: {line:?}"));
        match line.as_bytes()[0] {
            b'+' | b'-' | b':' => Ok(()),
            b'$' => {
                let Ok(length) = usize::try_from(number()) else { return Ok(()) };
                let start = reply.len();
                reply.resize(start + length + 2, 0);
                self.stream.read_exact(&mut reply[start..])
            }
            b'*' => (0..number()).try_for_each(|_| self.read_element(reply)),
            _ => panic!("not a reply: {line:?}"),
        }
    }

    /// Everything until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("the server closes in order");
        rest
    }
}

/// A command as clients send it.
pub(crate) fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Asks until the answer is there.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A folder of its own, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mini-redis-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// True if Redis's tools are installed. Otherwise the caller's test is skipped, loudly, and fails under `UNSTUCK_CI=1`.
pub(crate) fn has_redis_tools() -> bool {
    let missing: Vec<_> = ["redis-cli", "redis-benchmark", "redis-server"]
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if missing.is_empty() {
        return true;
    }
    let advice = format!("{} not found; install: apt-get install redis-tools redis-server", missing.join(", "));
    assert!(std::env::var_os("UNSTUCK_CI").is_none_or(|value| value != "1"), "{advice}");
    // Past the test harness, which would keep it to itself when the test passes.
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: {advice}");
    false
}

/// A real Redis, in memory, on a free port.
pub(crate) struct Redis {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: Folder,
}

impl Redis {
    pub(crate) fn start() -> Redis {
        Redis::start_in(Folder::new(), &["--appendonly", "no"])
    }

    pub(crate) fn start_in(folder: Folder, args: &[&str]) -> Redis {
        // Redis can't choose a port itself: between asking for a free one and starting, somebody may take it.
        loop {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut command = Command::new("redis-server");
            command.args(["--port", &address.port().to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
            command.arg(folder.path()).args(args).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            let started = wait_for("redis-server to start", || {
                if child.try_wait().unwrap().is_some() {
                    return Some(false);
                }
                let mut client = Client::try_connect(address).ok()?;
                (client.ask("PING") == "+PONG\r\n").then_some(true)
            });
            if started {
                return Redis { child, address, _folder: folder };
            }
        }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs redis-cli against `address`, with `input` as what is typed.
pub(crate) fn redis_cli(address: SocketAddr, args: &[&str], input: &str) -> Output {
    let mut child = Command::new("redis-cli")
        .args(["-p", &address.port().to_string()])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let typing = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    typing.join().unwrap().expect("redis-cli reads everything");
    output
}
