//! The commands: one table, and a function for each.
//!
//! 1. A command that fails has changed nothing and encoded nothing.
//! 2. What a command changed is told by its [`Effect`], in a form that gives the same result when it is run again at
//!    any later time.
//! 3. A command on keys is handed its database and nothing else; one that needs more takes a [`Call`].
//!
//! The keeper calls [`execute`], for clients and for the append-only file.

mod connection;
mod error;
mod hashes;
mod keys;
mod lists;
mod numbers;
pub(crate) use self::pubsub::leave;
mod pubsub;
mod server;
mod sets;
mod strings;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use self::error::CommandError;
use self::table::COMMANDS;
use crate::client::Client;
use crate::clock::UnixMillis;
use crate::resp::{Args, Replies, int};
use crate::store::Db;
use crate::world::World;

/// What a command changed, as the append-only file has to repeat it.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// The command as the client wrote it.
    Changed,
    /// Another command that has the same effect: without chance, and with points in time instead of durations.
    ChangedAs(Vec<Vec<u8>>),
}

pub(crate) type Outcome = Result<Effect, CommandError>;

/// One row of the table.
#[derive(Debug)]
struct Command {
    /// In lower case.
    name: &'static str,
    /// How many arguments there must be, the name included; if negative, at least so many.
    arity: i32,
    flags: &'static [&'static str],
    /// The first argument that is a key, the last one (negative: from the end), and the step between; for `COMMAND`.
    keys: (i32, i32, i32),
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    Keys(fn(&mut Db<'_>, Args<'_>, &mut Replies) -> Outcome),
    World(fn(Call<'_>) -> Outcome),
}

/// A command that reaches beyond its database.
struct Call<'a> {
    command: &'static Command,
    world: &'a mut World,
    client: &'a mut Client,
    args: Args<'a>,
    now: UnixMillis,
    reply: &'a mut Replies,
}

/// Runs one command of `client` at `now` and encodes its reply.
///
/// # Errors
///
/// The reason why nothing was done; it is not encoded.
pub(crate) fn execute(
    world: &mut World,
    client: &mut Client,
    args: Args<'_>,
    now: UnixMillis,
    reply: &mut Replies,
) -> Outcome {
    let Some(command) = find(args.at(0)) else { return Err(CommandError::unknown(args)) };
    world.counters.commands += 1;
    client.last_command = command.name;
    if !command.takes(args.len()) {
        return Err(CommandError::Arity(command.name));
    }
    if client.is_subscribed() && !command.flags.contains(&SUBSCRIBED) {
        return Err(CommandError::Subscribed(command.name));
    }
    match command.run {
        Run::Keys(run) => run(&mut world.store.db(client.db, now), args, reply),
        Run::World(run) => run(Call { command, world, client, args, now, reply }),
    }
}

impl Command {
    fn takes(&self, arguments: usize) -> bool {
        match usize::try_from(self.arity) {
            Ok(exactly) => arguments == exactly,
            Err(_) => arguments >= self.arity.unsigned_abs() as usize,
        }
    }
}

/// Looks a command up by its name in any case.
fn find(name: &[u8]) -> Option<&'static Command> {
    let lower = name.iter().map(u8::to_ascii_lowercase);
    let index = COMMANDS.binary_search_by(|command| command.name.bytes().cmp(lower.clone())).ok()?;
    Some(&COMMANDS[index])
}

/// The flag of commands that a subscribed client may use. Not one of Redis's: `COMMAND` leaves it out.
const SUBSCRIBED: &str = "subscribed";

fn integer(arg: &[u8]) -> Result<i64, CommandError> {
    int::parse_i64(arg).ok_or(CommandError::NotAnInteger)
}

/// Compares an option or subcommand in any case.
fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// The elements of a list of `len` that `LRANGE` means by its two indices, where -1 is the last.
fn range(len: usize, start: i64, stop: i64) -> std::ops::Range<usize> {
    let resolve = |index: i64| if index < 0 { index.saturating_add(len as i64) } else { index };
    let start = resolve(start).max(0);
    let end = resolve(stop).saturating_add(1).min(len as i64);
    if start >= end { 0..0 } else { start as usize..end as usize }
}
