//! Commands in invented time, and what they leave for the append-only file.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Parser as _;
use proptest::prelude::*;

use super::*;
use crate::cli::Options;
use crate::client::ClientId;
use crate::outbox::{OutboxReader, outbox};
use crate::resp::Requests;
use crate::store::DATABASES;
use crate::store::value::Value;

/// A client alone in the world.
struct Session {
    world: World,
    client: Client,
    now: i64,
    inbox: OutboxReader,
}

impl Session {
    fn new() -> Session {
        let options = Arc::new(Options::parse_from(["mini-redis"]));
        let (outbox, inbox) = outbox(1_000);
        let now = 1_000_000;
        let client = Client::new(ClientId(1), "127.0.0.1:1".parse().unwrap(), outbox, UnixMillis(now));
        Session { world: World::new(options, UnixMillis(now)), client, now, inbox }
    }

    /// Runs an inline command; its reply or error, and what it changed.
    fn execute(&mut self, line: &str) -> (Result<String, String>, Vec<String>) {
        let mut requests = requests(line);
        let args = requests.next().expect("a command");
        let mut replies = Replies::default();
        let outcome = execute(&mut self.world, &mut self.client, args, UnixMillis(self.now), &mut replies);
        let reply = String::from_utf8_lossy(replies.as_bytes()).replace("\r\n", " ").trim_end().to_owned();
        let mut changes: Vec<String> = (0..DATABASES)
            .flat_map(|db| self.world.store.take_lapsed(db))
            .map(|key| format!("DEL {}", String::from_utf8_lossy(&key)))
            .collect();
        match outcome {
            Err(error) => {
                assert!(replies.len() == 0, "{line}: encoded a reply and failed");
                (Err(error.to_string()), changes)
            }
            Ok(effect) => {
                match effect {
                    Effect::Nothing => {}
                    Effect::Changed => changes.push(line.to_owned()),
                    Effect::ChangedAs(words) => {
                        let words: Vec<_> = words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect();
                        changes.push(words.join(" "));
                    }
                }
                (Ok(reply), changes)
            }
        }
    }

    fn reply(&mut self, line: &str) -> String {
        self.execute(line).0.unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn error(&mut self, line: &str) -> String {
        self.execute(line).0.expect_err(line)
    }

    fn changes(&mut self, line: &str) -> Vec<String> {
        self.execute(line).1
    }

    /// Everything in database 0, in a form that can be compared.
    fn contents(&mut self, now: UnixMillis) -> BTreeMap<String, (String, Option<UnixMillis>)> {
        let mut db = self.world.store.db(0, now);
        let keys: Vec<Vec<u8>> = db.keys().map(<[u8]>::to_vec).collect();
        let describe = |key: Vec<u8>| {
            let deadline = db.deadline(&key).unwrap();
            let value = match db.value(&key).unwrap() {
                Value::Text(text) => format!("{text:?}"),
                Value::List(list) => format!("{list:?}"),
                Value::Hash(hash) => format!("{:?}", hash.iter().collect::<BTreeMap<_, _>>()),
                Value::Members(members) => {
                    let mut members: Vec<_> = members.iter().collect();
                    members.sort();
                    format!("{members:?}")
                }
            };
            (String::from_utf8(key).unwrap(), (value, deadline))
        };
        keys.into_iter().map(describe).collect()
    }
}

fn requests(line: &str) -> Requests {
    let mut requests = Requests::default();
    requests.buffer().extend_from_slice(format!("{line}\r\n").as_bytes());
    requests.parse().unwrap();
    requests
}

#[test]
fn time_left_counts_down_to_nothing() {
    let mut session = Session::new();
    session.reply("SET k v EX 10");
    assert_eq!(session.reply("PTTL k"), ":10000");
    session.now += 8_499;
    assert_eq!(session.reply("TTL k"), ":2");
    session.now += 1;
    assert_eq!(session.reply("TTL k"), ":2");
    session.now += 1;
    assert_eq!(session.reply("TTL k"), ":1");
    session.now += 1_498;
    assert_eq!(session.reply("PTTL k"), ":1");
    session.now += 1;
    assert_eq!(session.reply("PTTL k"), ":-2");
    assert_eq!(session.reply("GET k"), "$-1");
}

#[test]
fn durations_are_kept_as_points_in_time() {
    let mut session = Session::new();
    assert_eq!(session.changes("SET k v EX 10"), ["SET k v PXAT 1010000"]);
    assert_eq!(session.changes("SET k v PX 10"), ["SET k v PXAT 1000010"]);
    assert_eq!(session.changes("SET k v KEEPTTL"), ["SET k v KEEPTTL"]);
    assert_eq!(session.changes("SET k v XX GET"), ["SET k v"]);
    assert_eq!(session.changes("SET k v"), ["SET k v"]);
    assert_eq!(session.changes("EXPIRE k 10"), ["PEXPIREAT k 1010000"]);
    assert_eq!(session.changes("PEXPIRE k 10"), ["PEXPIREAT k 1000010"]);
    assert_eq!(session.changes("EXPIREAT k 1001"), ["PEXPIREAT k 1001000"]);
    assert_eq!(session.changes("EXPIRE k -1"), ["DEL k"]);
}

#[test]
fn what_changes_nothing_is_not_kept() {
    let mut session = Session::new();
    for line in ["GET k", "DEL k", "EXPIRE k 10", "PERSIST k", "LPOP k", "SPOP k", "HDEL k f", "SREM k m", "SET k v XX"]
    {
        assert!(session.changes(line).is_empty(), "{line}");
    }
    session.reply("SET k v");
    for line in ["SETNX k w", "SET k w NX", "PERSIST k", "EXPIRE k 10 XX", "PING", "PUBLISH c m"] {
        assert!(session.changes(line).is_empty(), "{line}");
    }
}

#[test]
fn chance_is_kept_as_what_it_decided() {
    let mut session = Session::new();
    session.reply("SADD s only");
    assert_eq!(session.changes("SPOP s"), ["SREM s only"]);
    session.reply("SADD s a b c d");
    let changes = session.changes("SPOP s 3");
    assert!(changes[0].starts_with("SREM s ") && changes[0].split(' ').count() == 5, "{changes:?}");
}

#[test]
fn a_key_that_lapsed_is_kept_as_deleted_before_what_follows() {
    let mut session = Session::new();
    session.reply("SET k v PX 5");
    session.now += 5;
    assert_eq!(session.changes("APPEND k x"), ["DEL k", "APPEND k x"]);
    assert_eq!(session.reply("GET k"), "$1 x");
}

#[test]
fn a_refused_command_changes_nothing() {
    let mut session = Session::new();
    session.reply("SET text abc EX 10");
    session.reply("RPUSH list a b");
    session.reply("SET max 9223372036854775807");
    let before = session.contents(UnixMillis(session.now));
    for line in [
        "INCR text",
        "INCR list",
        "INCR max",
        "LPUSH text a",
        "HSET text f v",
        "SADD list m",
        "APPEND list x",
        "MSET a 1 b",
        "HSET h f",
        "SET text new EX 0",
        "SET text new EX abc",
        "SET text new NX XX",
        "SET list x GET",
        "EXPIRE text abc",
        "EXPIRE text 10 NX XX",
        "LPOP list -1",
        "SPOP list",
        "DECRBY max -9223372036854775808",
        "EXPIRE text 9223372036854775807",
        "FLUSHALL NOW",
        "GET",
        "SELECT 16",
        "NONSENSE",
    ] {
        let (outcome, changes) = session.execute(line);
        assert!(outcome.is_err(), "{line}: {outcome:?}");
        assert!(changes.is_empty(), "{line}");
    }
    assert_eq!(session.contents(UnixMillis(session.now)), before);
}

#[test]
fn a_subscribed_client_can_only_subscribe() {
    let mut session = Session::new();
    assert_eq!(session.reply("SUBSCRIBE a b"), "*3 $9 subscribe $1 a :1 *3 $9 subscribe $1 b :2");
    assert!(session.error("GET k").starts_with("ERR Can't execute 'get': only (P|S)SUBSCRIBE"));
    assert_eq!(session.reply("PING"), "*2 $4 pong $0");
    assert_eq!(session.world.channels.publish(b"a", b"hi"), 1);
    assert!(session.inbox.try_next().is_some());
    assert_eq!(session.reply("UNSUBSCRIBE a"), "*3 $11 unsubscribe $1 a :1");
    assert_eq!(session.world.channels.publish(b"a", b"hi"), 0);
    session.reply("UNSUBSCRIBE");
    assert_eq!(session.reply("PUNSUBSCRIBE"), "*3 $12 punsubscribe $-1 :0");
    assert_eq!(session.reply("GET k"), "$-1");
}

#[test]
fn a_client_that_leaves_listens_to_nothing() {
    let mut session = Session::new();
    session.reply("SUBSCRIBE a");
    session.reply("PSUBSCRIBE b*");
    leave(&mut session.world.channels, &mut session.client);
    assert_eq!((session.world.channels.channels(), session.world.channels.patterns()), (0, 0));
}

/// A command on few keys, so that commands meet; or a jump in time.
fn step() -> impl Strategy<Value = Result<String, i64>> {
    let key = || prop::sample::select(vec!["a", "b", "c"]);
    let word = || prop::sample::select(vec!["1", "-3", "x", "y", "z"]);
    let millis = || 1..40_i64;
    prop_oneof![
        2 => (1..30_i64).prop_map(Err),
        2 => (key(), word()).prop_map(|(k, w)| Ok(format!("SET {k} {w}"))),
        2 => (key(), word(), millis()).prop_map(|(k, w, m)| Ok(format!("SET {k} {w} PX {m}"))),
        1 => (key(), word()).prop_map(|(k, w)| Ok(format!("SET {k} {w} KEEPTTL"))),
        1 => (key(), word()).prop_map(|(k, w)| Ok(format!("SET {k} {w} NX"))),
        1 => (key(), word()).prop_map(|(k, w)| Ok(format!("APPEND {k} {w}"))),
        1 => key().prop_map(|k| Ok(format!("INCR {k}"))),
        2 => (key(), millis()).prop_map(|(k, m)| Ok(format!("PEXPIRE {k} {m}"))),
        1 => key().prop_map(|k| Ok(format!("PERSIST {k}"))),
        1 => key().prop_map(|k| Ok(format!("DEL {k}"))),
        1 => (key(), word(), word()).prop_map(|(k, v, w)| Ok(format!("RPUSH {k} {v} {w}"))),
        1 => key().prop_map(|k| Ok(format!("LPOP {k}"))),
        1 => (key(), word(), word()).prop_map(|(k, f, v)| Ok(format!("HSET {k} {f} {v}"))),
        1 => (key(), word()).prop_map(|(k, f)| Ok(format!("HDEL {k} {f}"))),
        1 => (key(), word(), word()).prop_map(|(k, v, w)| Ok(format!("SADD {k} {v} {w}"))),
        2 => key().prop_map(|k| Ok(format!("SPOP {k}"))),
        1 => Just(Ok("FLUSHALL".to_owned())),
    ]
}

proptest! {
    #[test]
    fn running_the_changes_again_gives_the_same_contents(steps in prop::collection::vec(step(), 0..60)) {
        let mut first = Session::new();
        let mut second = Session::new();
        second.now = i64::MIN;
        for step in steps {
            match step {
                Err(millis) => first.now += millis,
                Ok(line) => {
                    for change in first.changes(&line) {
                        let again = second.execute(&change).0;
                        prop_assert!(again.is_ok(), "{}: {:?}", change, again);
                    }
                }
            }
        }
        let now = UnixMillis(first.now);
        prop_assert_eq!(first.contents(now), second.contents(now));
    }
}
