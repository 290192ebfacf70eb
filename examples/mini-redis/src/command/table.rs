//! Every command there is, in alphabetical order: the lookup depends on it.

use super::Run::{Keys, World};
use super::{Command, Run, SUBSCRIBED};
use super::{connection, hashes, keys, lists, numbers, pubsub, server, sets, strings};

const READ: &[&str] = &["readonly"];
const READ_FAST: &[&str] = &["readonly", "fast"];
const WRITE: &[&str] = &["write"];
const WRITE_FAST: &[&str] = &["write", "fast"];
const GROW: &[&str] = &["write", "denyoom"];
const GROW_FAST: &[&str] = &["write", "denyoom", "fast"];
const FAST: &[&str] = &["fast", "loading", "stale"];
const ADMIN: &[&str] = &["loading", "stale"];
const FAST_ANY_TIME: &[&str] = &["fast", "loading", "stale", SUBSCRIBED];
const LISTEN: &[&str] = &["pubsub", "noscript", "loading", "stale", SUBSCRIBED];
const PUBLISH: &[&str] = &["pubsub", "loading", "stale", "fast"];

const NO_KEYS: (i32, i32, i32) = (0, 0, 0);
const ONE_KEY: (i32, i32, i32) = (1, 1, 1);
const ALL_KEYS: (i32, i32, i32) = (1, -1, 1);
const KEYS_AND_VALUES: (i32, i32, i32) = (1, -1, 2);

#[rustfmt::skip]
pub(super) static COMMANDS: &[Command] = &[
    command("append",       3,  GROW_FAST,     ONE_KEY,         Keys(strings::append)),
    command("client",       -2, ADMIN,         NO_KEYS,         World(connection::client)),
    command("command",      -1, ADMIN,         NO_KEYS,         World(server::command)),
    command("config",       -2, ADMIN,         NO_KEYS,         World(server::config)),
    command("dbsize",       1,  READ_FAST,     NO_KEYS,         Keys(keys::dbsize)),
    command("decr",         2,  GROW_FAST,     ONE_KEY,         Keys(numbers::decr)),
    command("decrby",       3,  GROW_FAST,     ONE_KEY,         Keys(numbers::decrby)),
    command("del",          -2, WRITE,         ALL_KEYS,        Keys(keys::del)),
    command("echo",         2,  FAST,          NO_KEYS,         World(connection::echo)),
    command("exists",       -2, READ_FAST,     ALL_KEYS,        Keys(keys::exists)),
    command("expire",       -3, WRITE_FAST,    ONE_KEY,         Keys(keys::expire)),
    command("expireat",     -3, WRITE_FAST,    ONE_KEY,         Keys(keys::expireat)),
    command("flushall",     -1, WRITE,         NO_KEYS,         World(server::flushall)),
    command("get",          2,  READ_FAST,     ONE_KEY,         Keys(strings::get)),
    command("hdel",         -3, WRITE_FAST,    ONE_KEY,         Keys(hashes::hdel)),
    command("hello",        -1, FAST,          NO_KEYS,         World(connection::hello)),
    command("hget",         3,  READ_FAST,     ONE_KEY,         Keys(hashes::hget)),
    command("hgetall",      2,  READ,          ONE_KEY,         Keys(hashes::hgetall)),
    command("hset",         -4, GROW_FAST,     ONE_KEY,         Keys(hashes::hset)),
    command("incr",         2,  GROW_FAST,     ONE_KEY,         Keys(numbers::incr)),
    command("incrby",       3,  GROW_FAST,     ONE_KEY,         Keys(numbers::incrby)),
    command("info",         -1, ADMIN,         NO_KEYS,         World(server::info)),
    command("keys",         2,  READ,          NO_KEYS,         Keys(keys::keys)),
    command("llen",         2,  READ_FAST,     ONE_KEY,         Keys(lists::llen)),
    command("lpop",         -2, WRITE_FAST,    ONE_KEY,         Keys(lists::lpop)),
    command("lpush",        -3, GROW_FAST,     ONE_KEY,         Keys(lists::lpush)),
    command("lrange",       4,  READ,          ONE_KEY,         Keys(lists::lrange)),
    command("mget",         -2, READ_FAST,     ALL_KEYS,        Keys(strings::mget)),
    command("mset",         -3, GROW,          KEYS_AND_VALUES, Keys(strings::mset)),
    command("persist",      2,  WRITE_FAST,    ONE_KEY,         Keys(keys::persist)),
    command("pexpire",      -3, WRITE_FAST,    ONE_KEY,         Keys(keys::pexpire)),
    command("pexpireat",    -3, WRITE_FAST,    ONE_KEY,         Keys(keys::pexpireat)),
    command("ping",         -1, FAST_ANY_TIME, NO_KEYS,         World(connection::ping)),
    command("psubscribe",   -2, LISTEN,        NO_KEYS,         World(pubsub::psubscribe)),
    command("pttl",         2,  READ_FAST,     ONE_KEY,         Keys(keys::pttl)),
    command("publish",      3,  PUBLISH,       NO_KEYS,         World(pubsub::publish)),
    command("punsubscribe", -1, LISTEN,        NO_KEYS,         World(pubsub::punsubscribe)),
    command("quit",         -1, FAST_ANY_TIME, NO_KEYS,         World(connection::quit)),
    command("rpop",         -2, WRITE_FAST,    ONE_KEY,         Keys(lists::rpop)),
    command("rpush",        -3, GROW_FAST,     ONE_KEY,         Keys(lists::rpush)),
    command("sadd",         -3, GROW_FAST,     ONE_KEY,         Keys(sets::sadd)),
    command("scan",         -2, READ,          NO_KEYS,         Keys(keys::scan)),
    command("select",       2,  FAST,          NO_KEYS,         World(connection::select)),
    command("set",          -3, GROW,          ONE_KEY,         Keys(strings::set)),
    command("setnx",        3,  GROW_FAST,     ONE_KEY,         Keys(strings::setnx)),
    command("smembers",     2,  READ,          ONE_KEY,         Keys(sets::smembers)),
    command("spop",         -2, WRITE_FAST,    ONE_KEY,         World(sets::spop)),
    command("srem",         -3, WRITE_FAST,    ONE_KEY,         Keys(sets::srem)),
    command("strlen",       2,  READ_FAST,     ONE_KEY,         Keys(strings::strlen)),
    command("subscribe",    -2, LISTEN,        NO_KEYS,         World(pubsub::subscribe)),
    command("ttl",          2,  READ_FAST,     ONE_KEY,         Keys(keys::ttl)),
    command("type",         2,  READ_FAST,     ONE_KEY,         Keys(keys::type_of)),
    command("unsubscribe",  -1, LISTEN,        NO_KEYS,         World(pubsub::unsubscribe)),
];

const fn command(
    name: &'static str,
    arity: i32,
    flags: &'static [&'static str],
    keys: (i32, i32, i32),
    run: Run,
) -> Command {
    Command { name, arity, flags, keys, run }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::find;

    #[test]
    fn every_command_is_found_in_any_case() {
        for command in COMMANDS {
            assert_eq!(find(command.name.as_bytes()).unwrap().name, command.name);
            assert_eq!(find(command.name.to_uppercase().as_bytes()).unwrap().name, command.name);
        }
        assert!(COMMANDS.is_sorted_by(|left, right| left.name < right.name));
        assert!(find(b"").is_none() && find(b"ge").is_none() && find(b"gets").is_none() && find(b"zzz").is_none());
    }
}
