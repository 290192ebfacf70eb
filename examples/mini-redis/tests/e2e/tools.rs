//! Redis's own tools against this server.

use std::process::Command;

use crate::common::{Folder, Server, encode, has_redis_tools, redis_cli};

fn benchmark(server: &Server, args: &[&str]) -> String {
    let output = Command::new("redis-benchmark").args(["-p", &server.port(), "-q"]).args(args).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(!stdout.contains("rror") && !stderr.contains("rror"), "{stdout}{stderr}");
    stdout
}

#[test]
fn redis_benchmark_runs_through() {
    if !has_redis_tools() {
        return;
    }
    let server = Server::start(&[]);
    let tests = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,lrange_100,mset";
    for shape in [["-n", "2000", "-c", "50", "-P", "16"], ["-n", "500", "-c", "5", "-P", "1"]] {
        let output = benchmark(&server, &[&shape[..], &["-r", "100", "-t", tests]].concat());
        for name in
            ["PING_INLINE", "PING_MBULK", "SET", "INCR", "SPOP", "LRANGE_100 (first 100 elements)", "MSET (10 keys)"]
        {
            assert!(output.contains(&format!("{name}: ")), "{name} is missing in {output}");
        }
    }
}

#[test]
fn redis_benchmark_runs_through_with_a_file() {
    if !has_redis_tools() {
        return;
    }
    for fsync in ["always", "everysec", "no"] {
        let folder = Folder::new();
        let server = Server::start(&["--appendonly", &folder.file("aof"), "--appendfsync", fsync]);
        benchmark(&server, &["-n", "2000", "-c", "50", "-P", "16", "-r", "100", "-t", "set,incr,lpush,sadd,spop"]);
    }
}

#[test]
fn redis_cli_scans_pipes_and_asks_what_it_asks() {
    if !has_redis_tools() {
        return;
    }
    let server = Server::start(&[]);
    let mut input = Vec::new();
    for key in 0..1_000 {
        input.extend_from_slice(&encode(&[b"SET", format!("key:{key}").as_bytes(), b"v"]));
    }
    let piped = redis_cli(server.address, &["--pipe"], &String::from_utf8(input).unwrap());
    let text = String::from_utf8_lossy(&piped.stdout).into_owned();
    assert!(text.contains("errors: 0, replies: 1000"), "{text}");
    let scanned = redis_cli(server.address, &["--scan", "--pattern", "key:*"], "");
    assert_eq!(String::from_utf8(scanned.stdout).unwrap().lines().count(), 1_000);
    for (line, expected) in [
        ("INFO", "# Keyspace"),
        ("COMMAND", "subscribe"),
        ("COMMAND COUNT", "(integer) "),
        ("CONFIG GET maxclients", "10000"),
        ("CLIENT LIST", "cmd=client"),
        ("HELLO 2", "standalone"),
    ] {
        let output = redis_cli(server.address, &["--no-raw"], line);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(expected), "{line}: {text}");
    }
}
