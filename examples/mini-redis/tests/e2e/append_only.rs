//! Crashes, damage, and what a restart finds.

use std::fs;
use std::io::Write;
use std::thread;

use crate::common::{Client, Folder, Redis, Server, encode, has_redis_tools, start_refused, wait_for};

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    for fsync in ["always", "everysec", "no"] {
        let folder = Folder::new();
        let args = ["--appendonly", &folder.file("aof"), "--appendfsync", fsync];
        let mut acknowledged = 0;
        for round in 1..=3 {
            let server = Server::start(&args);
            let mut client = server.connect();
            let found = number(&client.ask("INCRBY counter 0"));
            assert!(found >= acknowledged, "{fsync}: {acknowledged} acknowledged, {found} found");
            let mut stream = client.stream().try_clone().unwrap();
            let batch = encode(&[b"INCR", b"counter"]).repeat(50);
            let sending = thread::spawn(move || while stream.write_all(&batch).is_ok() {});
            while acknowledged < found + 2_000 * round {
                acknowledged = number(&client.reply());
            }
            server.kill();
            while let Ok(reply) = client.try_reply() {
                acknowledged = number(&String::from_utf8(reply).unwrap());
            }
            sending.join().unwrap();
        }
        let found = number(&Server::start(&args).connect().ask("INCRBY counter 0"));
        assert!(found >= acknowledged, "{fsync}: {acknowledged} acknowledged, {found} found");
    }
}

fn number(reply: &str) -> u64 {
    reply.trim().trim_start_matches(':').parse().unwrap_or_else(|_| panic!("a number: {reply}"))
}

/// One of everything, and what must be found again.
fn fill(client: &mut Client) -> Vec<(&'static str, String)> {
    for line in [
        "SET text value",
        "SET gone value",
        "DEL gone",
        "APPEND text s",
        "INCR number",
        "INCRBY number 41",
        "RPUSH list a b c d",
        "LPOP list",
        "RPOP list 2",
        "HSET hash f v g w",
        "HDEL hash g",
        "SADD set only other",
        "SREM set other",
        "SADD popped a b c d e f",
        "SPOP popped 3",
        "SPOP popped",
        "MSET m1 1 m2 2",
        "SETNX nx v",
        "SET lasting v EX 100000",
        "SET persistent v EX 10",
        "PERSIST persistent",
        "SELECT 5",
        "SET elsewhere v",
        "SELECT 0",
    ] {
        let reply = client.ask(line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
    }
    let questions = [
        "GET text",
        "EXISTS gone",
        "GET number",
        "LRANGE list 0 -1",
        "HGETALL hash",
        "SMEMBERS set",
        "MGET m1 m2 nx",
        "TTL persistent",
        "GET lasting",
        "DBSIZE",
        "EXISTS elsewhere",
    ];
    questions.into_iter().map(|question| (question, client.ask(question))).collect()
}

fn sorted(reply: &str) -> Vec<&str> {
    let mut lines: Vec<_> = reply.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn everything_is_there_after_a_restart() {
    let folder = Folder::new();
    let args = ["--appendonly", &folder.file("aof")];
    let server = Server::start(&args);
    let mut client = server.connect();
    let answers = fill(&mut client);
    let popped = client.ask("SMEMBERS popped");
    server.kill();
    let server = Server::start(&args);
    let mut client = server.connect();
    for (question, answer) in answers {
        assert_eq!(client.ask(question), answer, "{question}");
    }
    assert_eq!(sorted(&client.ask("SMEMBERS popped")), sorted(&popped), "chance decided once");
    let left = number(&client.ask("PTTL lasting"));
    assert!((1..=100_000_000).contains(&left), "{left}");
    client.ask("SELECT 5");
    assert_eq!(client.ask("GET elsewhere"), "$1\r\nv\r\n");
}

#[test]
fn redis_can_read_the_file() {
    if !has_redis_tools() {
        return;
    }
    let folder = Folder::new();
    let server = Server::start(&["--appendonly", &folder.file("mini.aof")]);
    let mut client = server.connect();
    let answers = fill(&mut client);
    let popped = client.ask("SMEMBERS popped");
    server.kill();
    let redis = Redis::start_in(folder, &["--appendonly", "yes", "--appendfilename", "mini.aof"]);
    let mut client = redis.connect();
    for (question, answer) in answers {
        assert_eq!(client.ask(question), answer, "{question}");
    }
    assert_eq!(sorted(&client.ask("SMEMBERS popped")), sorted(&popped));
}

#[test]
fn a_key_lapses_by_timer_and_the_file_says_so() {
    let folder = Folder::new();
    let file = folder.file("aof");
    let server = Server::start(&["--appendonly", &file]);
    server.connect().ask("SET brief v PX 20");
    // Nobody asks for anything any more; only a timer can notice.
    wait_for("the key to lapse", || {
        let text = String::from_utf8(fs::read(&file).unwrap()).unwrap();
        text.contains("DEL\r\n$5\r\nbrief\r\n").then_some(())
    });
    server.kill();
    assert_eq!(Server::start(&["--appendonly", &file]).connect().ask("DBSIZE"), ":0\r\n");
}

#[test]
fn a_key_that_lapsed_while_the_server_was_down_is_gone() {
    let folder = Folder::new();
    let args = ["--appendonly", &folder.file("aof")];
    let server = Server::start(&args);
    let mut client = server.connect();
    assert_eq!(client.ask("SET brief v PX 300"), "+OK\r\n");
    server.kill();
    thread::sleep(std::time::Duration::from_millis(300));
    let server = Server::start(&args);
    assert_eq!(server.connect().ask("GET brief"), "$-1\r\n");
}

#[test]
fn a_torn_last_record_is_cut_off_with_a_warning() {
    let folder = Folder::new();
    let file = folder.file("aof");
    let server = Server::start(&["--appendonly", &file]);
    let mut client = server.connect();
    client.ask("SET kept v");
    let end = fs::metadata(&file).unwrap().len();
    client.ask("SET torn v");
    server.kill();
    let whole = fs::read(&file).unwrap();
    assert!(whole.len() as u64 > end);
    fs::write(&file, &whole[..whole.len() - 3]).unwrap();
    let server = Server::start(&["--appendonly", &file]);
    let mut client = server.connect();
    assert_eq!(client.ask("MGET kept torn"), "*2\r\n$1\r\nv\r\n$-1\r\n");
    client.ask("SET more v");
    server.signal("TERM");
    drop(client);
    let (status, stderr) = server.wait();
    assert!(status.success());
    assert!(stderr.contains(&format!("{file}: the last record, at offset {end}, was torn: cut off its")), "{stderr}");
    let server = Server::start(&["--appendonly", &file]);
    assert_eq!(server.connect().ask("MGET kept torn more"), "*3\r\n$1\r\nv\r\n$-1\r\n$1\r\nv\r\n");
}

#[test]
fn damage_before_the_end_stops_the_start_with_file_and_offset() {
    let folder = Folder::new();
    let file = folder.file("aof");
    let server = Server::start(&["--appendonly", &file]);
    let mut client = server.connect();
    client.ask("SET a v");
    let offset = fs::metadata(&file).unwrap().len();
    client.ask("SET b v");
    client.ask("SET c v");
    server.kill();
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(3).position(|window| window == b"b\r\n").unwrap();
    bytes[at] = b'B';
    fs::write(&file, &bytes).unwrap();
    let stderr = start_refused(&["--appendonly", &file]);
    assert!(stderr.contains(&format!("{file}: damaged at offset {offset}: ")), "{stderr}");
    assert_eq!(fs::read(&file).unwrap(), bytes, "a damaged file is left as it is");
}

#[test]
fn two_servers_do_not_share_a_file() {
    let folder = Folder::new();
    let file = folder.file("aof");
    let _server = Server::start(&["--appendonly", &file]);
    let stderr = start_refused(&["--appendonly", &file]);
    assert!(stderr.contains("another process is using it"), "{stderr}");
}

#[test]
fn a_full_disk_stops_the_server_and_loses_nothing_acknowledged() {
    let folder = Folder::new();
    let file = folder.file("aof");
    // Files may grow to a few thousand bytes; then writing fails, first halfway.
    let server = Server::start_after("trap '' XFSZ && ulimit -f 8", &["--appendonly", &file]);
    let mut client = server.connect();
    let mut acknowledged = 0;
    loop {
        client.send(&[b"SET", format!("key:{acknowledged}").as_bytes(), &[b'v'; 100]]);
        match client.try_reply() {
            Ok(reply) => assert_eq!(reply, b"+OK\r\n"),
            Err(_) => break,
        }
        acknowledged += 1;
        assert!(acknowledged < 1_000, "the file grows without limit");
    }
    let (status, stderr) = server.wait();
    assert!(!status.success());
    assert!(stderr.contains("File too large"), "{stderr}");
    let server = Server::start(&["--appendonly", &file]);
    assert_eq!(server.connect().ask("DBSIZE"), format!(":{acknowledged}\r\n"));
}
