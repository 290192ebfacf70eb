//! Replies, byte for byte those of a real Redis.

use crate::common::{Client, Redis, Server, has_redis_tools, redis_cli};

/// Commands whose replies are compared as they are. A `|` between words stands for a space within a word.
const SAME: &str = r#"
PING
PING hello
PING a b
ECHO hello
ECHO
ECHO a b
NONSENSE
NONSENSE a b c
nonsense 'quoted' "both"
SELECT 0
SELECT 15
SET here fifteen
SELECT 0
GET here
SELECT 16
SELECT -1
SELECT abc
SELECT 99999999999
SELECT
GET missing
SET k v
GET k
get k
GeT k
GET
GET a b
SET k
SET k v EX 100
TTL k
SET k v PX 100000
TTL k
SET k v KEEPTTL
TTL k
SET k v
TTL k
SET k w NX
GET k
SET new w NX
GET new
SET missing w XX
GET missing
SET k x XX
GET k
SET k y GET
GET k
SET none y GET
SET none z XX GET
SET none a NX GET
GET none
SET k v NX XX
SET k v XX NX
SET k v EX 10 PX 10
SET k v EX 10 KEEPTTL
SET k v KEEPTTL EX 10
SET k v EX
SET k v EX 0
SET k v EX -1
SET k v EX abc
SET k v EX 9223372036854775807
SET k v PX 9223372036854775807
SET k v PX 1.5
SET k v EXAT 99999999999
TTL missing
SET k v PXAT 99999999999999
SET k v EXAT 0
SET k v WHATEVER
SET k v NX NX
SET k v EX 100 NX
SET k2 v EX 100 NX GET
GET k2
SETNX k v
SETNX nx v
SETNX nx w
GET nx
SETNX nx
MSET a 1 b 2 c 3
MGET a b c missing
MSET a
MSET a 1 b
MGET
APPEND a 23
GET a
APPEND fresh start
APPEND a
STRLEN a
STRLEN missing
STRLEN
INCR a
INCR counter
INCR counter
INCRBY counter 40
DECR counter
DECRBY counter 50
INCRBY counter abc
INCRBY counter 1.5
INCRBY counter 9223372036854775808
INCR k
SET max 9223372036854775807
INCR max
INCRBY max 1
DECRBY max -1
DECRBY max -9223372036854775808
SET min -9223372036854775808
DECR min
DECRBY min 1
INCRBY min -1
SET padded 007
INCR padded
SET spaced |1
INCR spaced
SET plus +1
INCR plus
SET minuszero -0
INCR minuszero
SET float 1.0
INCR float
INCR
INCRBY counter
DECRBY counter
DEL a b missing
DEL a
DEL
EXISTS k k missing
EXISTS missing
EXISTS
TYPE k
TYPE missing
TYPE
EXPIRE k 100
TTL k
EXPIRE missing 100
EXPIRE k abc
EXPIRE k
EXPIRE k 100 NX
EXPIRE k 200 XX
EXPIRE k 100 GT
TTL k
EXPIRE k 300 GT
TTL k
EXPIRE k 400 LT
TTL k
EXPIRE k 50 LT
TTL k
EXPIRE k 50 NX XX
EXPIRE k 50 NX GT
EXPIRE k 50 GT LT
EXPIRE k 50 WHAT
EXPIRE k 5 XX GT
PERSIST k
PERSIST k
TTL k
EXPIRE k 100 GT
EXPIRE k 100 XX
EXPIRE k 100 LT
PERSIST missing
EXPIRE k 9223372036854775807
EXPIRE k 9223372036854775
PEXPIRE k 9223372036854775807
EXPIRE k -9223372036854775808
EXPIREAT k 99999999999
TTL missing
EXPIREAT k abc
PEXPIREAT k 99999999999999
PEXPIRE k 100000
TTL k
PEXPIRE k 0
EXISTS k
SET k v
EXPIRE k -5
EXISTS k
TTL k
PTTL k
PTTL missing
TTL
PTTL
RPUSH list a b c
LPUSH list z y
LRANGE list 0 -1
LRANGE list 1 2
LRANGE list -2 -1
LRANGE list 3 1
LRANGE list 0 100
LRANGE list -100 1
LRANGE list 100 200
LRANGE list 0 abc
LRANGE list 0
LRANGE missing 0 -1
LRANGE list -9223372036854775808 9223372036854775807
LLEN list
LLEN missing
LLEN
LPOP list
RPOP list
LPOP list 2
LPOP list 0
LPOP list -1
LPOP list abc
LPOP list 1 2
RPOP list 1 2
LPOP list 100
EXISTS list
LPOP list
RPOP list
LPOP list 2
LPOP list 0
LPOP
LPUSH list
RPUSH list one
RPOP list 5
HSET hash f1 v1 f2 v2
HSET hash f1 new f3 v3
HGET hash f1
HGET hash missing
HGET missing f1
HGETALL hash
HGETALL missing
HSET hash f
HSET hash f1 v1 f2
HGET hash
HGETALL
HDEL hash f1 missing
HDEL hash f2 f3
EXISTS hash
HDEL hash f1
HDEL hash
SADD set a b c
SADD set a d
SREM set a missing
SREM set a
SREM missing a
SMEMBERS missing
SADD set
SREM set
SMEMBERS
SPOP missing
SPOP missing 2
SPOP set 0
SPOP set -1
SPOP set abc
SPOP set 1 2
SPOP
SADD one only
SPOP one
SPOP one
SADD one only
SPOP one 5
EXISTS one
SET text v
LPUSH text a
RPUSH text a
LPOP text
LPOP text 2
RPOP text
LLEN text
LRANGE text 0 -1
HSET text f v
HGET text f
HDEL text f
HGETALL text
SADD text m
SREM text m
SMEMBERS text
SPOP text
SPOP text 2
RPUSH list a
GET list
SET list v GET
SET list v NX GET
APPEND list x
STRLEN list
INCR list
INCRBY list 5
MGET list text
TYPE list
HSET hash f v
TYPE hash
TYPE set
SETNX list v
SET list v
TYPE list
SCAN 0 COUNT 0
SCAN 0 COUNT abc
SCAN 0 COUNT
SCAN 0 MATCH
SCAN 0 WHAT 1
SCAN abc
SCAN
SCAN -1 COUNT
KEYS
KEYS a b
DBSIZE
DBSIZE x
FLUSHALL NOW
FLUSHALL SYNC ASYNC
FLUSHALL ASYNC
FLUSHALL SYNC
FLUSHALL
DBSIZE
KEYS *
SCAN 0
SELECT 15
DBSIZE
SELECT 0
PUBLISH channel message
PUBLISH channel
SUBSCRIBE
PSUBSCRIBE
UNSUBSCRIBE
PUNSUBSCRIBE
UNSUBSCRIBE a
PUNSUBSCRIBE a
CONFIG GET save
CONFIG GET databases
CONFIG GET
CONFIG
CLIENT GETNAME
CLIENT SETNAME me
CLIENT GETNAME
CLIENT SETNAME a|b
CLIENT SETNAME
CLIENT GETNAME x
CLIENT ID x
CLIENT
COMMAND INFO nonsense
COMMAND COUNT x
HELLO 3x
HELLO 4
"#;

/// Replies that are sets: compared after sorting.
const SAME_SORTED: &[&str] =
    &["SMEMBERS set", "KEYS *", "KEYS k[1-3]", "KEYS k?", "KEYS nothing*", "SCAN 0 COUNT 1000"];

#[test]
fn replies_are_those_of_redis_byte_for_byte() {
    if !has_redis_tools() {
        return;
    }
    let (ours, redis) = (Server::start(&[]), Redis::start());
    let (mut ours, mut redis) = (ours.connect(), redis.connect());
    let mut differences = Vec::new();
    for line in SAME.lines().filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split(' ').map(|word| word.replace('|', " ")).collect();
        let words: Vec<_> = words.iter().map(String::as_bytes).collect();
        ours.send(&words);
        redis.send(&words);
        let (ours, redis) = (ours.reply(), redis.reply());
        if ours != redis && !(line.starts_with("TTL") && are_close(&ours, &redis)) {
            differences.push(format!("{line}\n  ours  {ours:?}\n  redis {redis:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Both servers count down, and the test may be held up between them.
fn are_close(left: &str, right: &str) -> bool {
    let seconds = |reply: &str| reply.trim().strip_prefix(':')?.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    matches!((seconds(left), seconds(right)), (Some(left), Some(right)) if (left - right).abs() <= 30)
}

#[test]
fn replies_without_an_order_have_the_members_of_redis() {
    if !has_redis_tools() {
        return;
    }
    let (ours, redis) = (Server::start(&[]), Redis::start());
    let (mut ours, mut redis) = (ours.connect(), redis.connect());
    let sorted = |client: &mut Client, line: &str| {
        let reply = client.ask(line);
        let mut lines: Vec<_> = reply.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for client in [&mut ours, &mut redis] {
        assert_eq!(client.ask("MSET k1 a k2 b k3 c k4 d other e"), "+OK\r\n");
        assert_eq!(client.ask("SADD set one two three four"), ":4\r\n");
    }
    for line in SAME_SORTED {
        assert_eq!(sorted(&mut ours, line), sorted(&mut redis, line), "{line}");
    }
}

#[test]
fn redis_cli_shows_what_it_shows_for_redis() {
    if !has_redis_tools() {
        return;
    }
    let (ours, redis) = (Server::start(&[]), Redis::start());
    let script = r#"
        SET greeting "hello world" EX 1000
        GET greeting
        TTL greeting
        SET binary "\x00\xff\r\n"
        GET binary
        INCR greeting
        RPUSH list 1 2 3
        LRANGE list 0 -1
        HSET hash field value
        HGETALL hash
        SADD set member
        SMEMBERS set
        LPOP missing
        NONSENSE with arguments
        SELECT 3
        DBSIZE
    "#;
    for format in ["--no-raw", "--raw", "--csv"] {
        let show = |address| {
            let output = redis_cli(address, &[format], script);
            assert!(output.status.success());
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(show(ours.address), show(redis.address), "{format}");
        redis.connect().ask("FLUSHALL");
        ours.connect().ask("FLUSHALL");
    }
}

#[test]
fn a_key_lapses_while_nobody_looks() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    assert_eq!(client.ask("SET k v PX 1"), "+OK\r\n");
    crate::common::wait_for("the key to lapse", || (client.ask("EXISTS k") == ":0\r\n").then_some(()));
    assert!(client.ask("INFO stats").contains("expired_keys:1\r\n"));
}

#[test]
fn scan_visits_every_key_once_if_nothing_changes() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for key in 0..1_000 {
        client.send(&[b"SET", format!("key:{key}").as_bytes(), b"v"]);
        client.reply();
    }
    let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
    loop {
        let reply = client.ask(&format!("SCAN {cursor} COUNT 7 MATCH key:*5"));
        let words: Vec<_> = reply.lines().filter(|line| !line.starts_with(['*', '$'])).collect();
        cursor = words[0].to_owned();
        seen.extend(words[1..].iter().map(|key| (*key).to_owned()));
        if cursor == "0" {
            break;
        }
    }
    seen.sort();
    let mut expected: Vec<_> = (0..1_000).filter(|key| key % 10 == 5).map(|key| format!("key:{key}")).collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[test]
fn clients_are_listed_with_name_and_number() {
    let server = Server::start(&[]);
    let (mut first, mut second) = (server.connect(), server.connect());
    assert_eq!(first.ask("CLIENT SETNAME one"), "+OK\r\n");
    assert_eq!(second.ask("CLIENT SETNAME two"), "+OK\r\n");
    let id = first.ask("CLIENT ID");
    let list = second.ask("CLIENT LIST");
    assert!(list.contains("name=one") && list.contains("name=two"), "{list}");
    assert!(list.contains(&format!("id={} ", id.trim_start_matches(':').trim())), "{list}");
}
