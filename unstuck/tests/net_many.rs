//! Many connections at a time, and more than there are descriptors for.

mod common;

use std::fs::File;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::{current_thread, multi_thread};
use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream};
use unstuck::runtime::Runtime;
use unstuck::sync::{Barrier, Semaphore, watch};
use unstuck::task::{JoinSet, yield_now};

/// How many connections there are, if this process may have so many descriptors.
const CONNECTIONS: usize = 10_000;

/// A port's clients have at most as many ports as the system chooses from, some of which are still in use.
const CONNECTIONS_OF_A_PORT: usize = 2_500;

/// So many clients connect at a time: fewer than wait to be accepted, so that none has to ask twice.
const CONNECTING: usize = 256;

/// What is open besides connections.
const OTHER_DESCRIPTORS: usize = 200;

#[test]
fn ten_thousand_connections_echo_and_end_on_one_thread() {
    many_connections("current thread", &current_thread());
}

#[test]
fn ten_thousand_connections_echo_and_end_on_several_threads() {
    many_connections("multi-thread", &multi_thread(4));
}

fn many_connections(name: &str, runtime: &Runtime) {
    // One test at a time: together they may not open so many.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let count = affordable(raise_descriptor_limit());
    let open_before = open_descriptors();
    runtime.block_on(all_at_once(name, count));
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    if let (Some(before), Some(after)) = (open_before, open_descriptors()) {
        assert!(after <= before + OTHER_DESCRIPTORS, "{after} descriptors are open, {before} were before");
    }
}

/// Each connection needs two descriptors, since both of its ends are here.
fn affordable(limit: usize) -> usize {
    let affordable = CONNECTIONS.min(limit.saturating_sub(OTHER_DESCRIPTORS) / 2);
    if affordable < CONNECTIONS {
        println!("{affordable} connections instead of {CONNECTIONS}: this process may have {limit} descriptors");
    }
    assert!(affordable > 0);
    affordable
}

/// All connections are made before the first one says anything, and each ends after its message came back.
async fn all_at_once(name: &str, count: usize) {
    let resident_before = resident_bytes();
    // Both ends of every connection, and we.
    let all_connected = Arc::new(Barrier::new(2 * count + 1));
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let (go, may_go) = watch::channel(false);
    let (mut servers, mut clients) = (JoinSet::new(), JoinSet::new());
    for first in (0..count).step_by(CONNECTIONS_OF_A_PORT) {
        let last = count.min(first + CONNECTIONS_OF_A_PORT);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        servers.spawn(serve(listener, last - first, all_connected.clone()));
        for number in first..last {
            let (connecting, all_connected) = (connecting.clone(), all_connected.clone());
            clients.spawn(client(number, address, connecting, all_connected, may_go.clone()));
        }
    }
    drop(may_go);
    all_connected.wait().await;
    if let (Some(before), Some(now)) = (resident_before, resident_bytes()) {
        let each = now.saturating_sub(before) / count;
        println!("{name}: {count} idle connections, {each} bytes each (two sockets and two tasks)");
    }
    go.send(true).unwrap();
    let mut answered = 0;
    while let Some(client) = clients.join_next().await {
        client.unwrap();
        answered += 1;
    }
    assert_eq!(answered, count);
    let mut served = 0;
    while let Some(server) = servers.join_next().await {
        served += server.unwrap();
    }
    assert_eq!(served, count);
}

/// Accepts so many connections and waits until all of them have ended; returns how many had sent a message.
async fn serve(listener: TcpListener, count: usize, all_connected: Arc<Barrier>) -> usize {
    let mut connections = JoinSet::new();
    for _ in 0..count {
        let (connection, _) = listener.accept().await.unwrap();
        let all_connected = all_connected.clone();
        connections.spawn(async move {
            all_connected.wait().await;
            echo(connection).await
        });
    }
    let mut served = 0;
    while let Some(bytes) = connections.join_next().await {
        assert_eq!(bytes.unwrap(), size_of::<usize>());
        served += 1;
    }
    served
}

/// Sends back what comes until nothing does; returns how many bytes that were.
async fn echo(mut connection: TcpStream) -> usize {
    let mut sent = 0;
    let mut buffer = [0; 64];
    loop {
        match connection.read(&mut buffer).await.unwrap() {
            0 => return sent,
            n => {
                connection.write_all(&buffer[..n]).await.unwrap();
                sent += n;
            }
        }
    }
}

async fn client(
    number: usize,
    address: SocketAddr,
    connecting: Arc<Semaphore>,
    all_connected: Arc<Barrier>,
    mut may_go: watch::Receiver<bool>,
) {
    let mut stream = {
        let _permit = connecting.acquire().await.unwrap();
        TcpStream::connect(address).await.unwrap()
    };
    all_connected.wait().await;
    may_go.wait_for(|go| *go).await.unwrap();
    stream.write_all(&number.to_ne_bytes()).await.unwrap();
    let mut answer = [0; size_of::<usize>()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(usize::from_ne_bytes(answer), number);
}

#[test]
fn out_of_descriptors_accept_says_so_and_goes_on_later_on_one_thread() {
    in_a_child("out_of_descriptors_accept_says_so_and_goes_on_later_on_one_thread", || {
        out_of_descriptors(&current_thread());
    });
}

#[test]
fn out_of_descriptors_accept_says_so_and_goes_on_later_on_several_threads() {
    in_a_child("out_of_descriptors_accept_says_so_and_goes_on_later_on_several_threads", || {
        out_of_descriptors(&multi_thread(2));
    });
}

/// Runs `test` in a process of its own, whose limits it may change: this program again, for the one test of this name.
fn in_a_child(name: &str, test: impl FnOnce()) {
    const CHILD: &str = "UNSTUCK_TEST_IS_THE_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return test();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args([name, "--exact", "--nocapture"]).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{said}", output.status);
    assert!(said.contains("1 passed"), "there is no test of that name:\n{said}");
}

fn out_of_descriptors(runtime: &Runtime) {
    runtime.block_on(async {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let connect = || std::net::TcpStream::connect(address).unwrap();

        // Somebody waits already when the connection comes that there is no descriptor for.
        let waiting = unstuck::spawn({
            let listener = listener.clone();
            async move { listener.accept().await.map(drop) }
        });
        yield_now().await;
        let before = set_descriptor_limit(64);
        let mut files = use_up_descriptors();
        files.pop();
        let mut clients = vec![connect()];
        assert_out_of_descriptors(waiting.await.unwrap());

        // More connections, and everybody who asks is told; nobody waits for what is there.
        for _ in 0..2 {
            files.pop();
            clients.push(connect());
        }
        for _ in 0..3 {
            assert_out_of_descriptors(listener.accept().await.map(drop));
        }

        // A server waits a little before it tries again. The connections that it could not take do not keep the driver
        // busy meanwhile.
        let (cpu_before, begin) = (cpu_time(), std::time::Instant::now());
        unstuck::time::sleep(Duration::from_millis(400)).await;
        let (cpu, waited) = (cpu_time() - cpu_before, begin.elapsed());
        println!("{cpu:?} of processor time while {waited:?} passed");
        assert!(cpu < waited / 2, "{cpu:?} of processor time while {waited:?} passed: the driver spins");

        // When there are descriptors again, the connections are still there, and no new one is needed to find them.
        drop(files);
        set_descriptor_limit(before);
        for client in &clients {
            let (_connection, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }

        // And the listener waits for the next one as ever.
        let waiting = unstuck::spawn(async move { listener.accept().await.map(|(_connection, peer)| peer) });
        yield_now().await;
        assert!(!waiting.is_finished());
        let next = connect();
        assert_eq!(waiting.await.unwrap().unwrap(), next.local_addr().unwrap());
    });
}

fn assert_out_of_descriptors(result: std::io::Result<()>) {
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EMFILE));
}

/// Opens files until there is no descriptor left.
fn use_up_descriptors() -> Vec<File> {
    let mut files = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
                assert!(files.len() > 3);
                return files;
            }
        }
    }
}

/// How many descriptors this process may have: now, and at most.
fn descriptor_limits() -> libc::rlimit {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is good for the call.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limits) }, 0);
    limits
}

/// Allows this process so many descriptors; returns how many it was allowed before.
fn set_descriptor_limit(to: libc::rlim_t) -> libc::rlim_t {
    let mut limits = descriptor_limits();
    let before = std::mem::replace(&mut limits.rlim_cur, to);
    // SAFETY: the pointer is good for the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limits) }, 0);
    before
}

/// Allows this process as many descriptors as the connections need, or as it may have; returns how many it has then.
fn raise_descriptor_limit() -> usize {
    let limits = descriptor_limits();
    let needed = (2 * CONNECTIONS + OTHER_DESCRIPTORS) as libc::rlim_t;
    let limit = needed.min(limits.rlim_max).max(limits.rlim_cur);
    set_descriptor_limit(limit);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// How much processor time this process has used.
fn cpu_time() -> Duration {
    // SAFETY: zeros are a valid value of this struct of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is good for the call.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) }, 0);
    [usage.ru_utime, usage.ru_stime]
        .map(|time| Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64))
        .iter()
        .sum()
}

/// How much memory this process has, where the system tells.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}

/// How many descriptors are open, where the system tells.
fn open_descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}
