//! `INCR` and its kin: integers, kept as their decimal text.

use super::{CommandError, Effect, Outcome, integer};
use crate::resp::int::{parse_i64, push_i64};
use crate::resp::{Args, Replies};
use crate::store::Db;
use crate::store::value::Text;

pub(super) fn incr(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    add(db, args.at(1), 1, reply)
}

pub(super) fn decr(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    add(db, args.at(1), -1, reply)
}

pub(super) fn incrby(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    add(db, args.at(1), integer(args.at(2))?, reply)
}

pub(super) fn decrby(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let amount = integer(args.at(2))?.checked_neg().ok_or(CommandError::DecrementOverflow)?;
    add(db, args.at(1), amount, reply)
}

/// A missing key counts from zero; the deadline stays.
fn add(db: &mut Db<'_>, key: &[u8], amount: i64, reply: &mut Replies) -> Outcome {
    let before = match db.get::<Text>(key)? {
        Some(text) => parse_i64(text).ok_or(CommandError::NotAnInteger)?,
        None => 0,
    };
    let after = before.checked_add(amount).ok_or(CommandError::IncrementOverflow)?;
    db.edit_or_create(key, |text: &mut Text| {
        text.clear();
        push_i64(text, after);
    })?;
    reply.int(after);
    Ok(Effect::Changed)
}
