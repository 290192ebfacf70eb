//! `GET`, `SET` and their kin.

use super::{CommandError, Effect, Outcome, integer, is};
use crate::clock::UnixMillis;
use crate::resp::parse::MAX_ARGUMENT;
use crate::resp::{Args, Replies};
use crate::store::value::{Text, Value};
use crate::store::{Db, Lifetime};

pub(super) fn get(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let text = db.get::<Text>(args.at(1))?;
    reply.bulk_or_nil(text.map(Vec::as_slice));
    Ok(Effect::Nothing)
}

pub(super) fn set(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let (key, value) = (args.at(1), args.at(2));
    let options = SetOptions::parse(db.now(), args)?;
    let allowed = match options.condition {
        None => true,
        Some(Condition::Absent) => !db.contains(key),
        Some(Condition::Present) => db.contains(key),
    };
    if options.get {
        // Before the change, and before anything is encoded: another kind of value refuses the command as a whole.
        reply.bulk_or_nil(db.get::<Text>(key)?.map(Vec::as_slice));
    } else if allowed {
        reply.ok();
    } else {
        reply.nil();
    }
    if !allowed {
        return Ok(Effect::Nothing);
    }
    db.set(key, Value::Text(value.to_vec()), options.lifetime);
    Ok(if args.len() == 3 { Effect::Changed } else { options.effect(key, value) })
}

pub(super) fn setnx(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let absent = !db.contains(args.at(1));
    reply.int(i64::from(absent));
    if !absent {
        return Ok(Effect::Nothing);
    }
    db.set(args.at(1), Value::Text(args.at(2).to_vec()), Lifetime::Endless);
    Ok(Effect::Changed)
}

pub(super) fn mget(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let keys = args.from(1);
    reply.array(keys.len());
    for key in keys {
        // Another kind of value reads as nil here: one key must not spoil the others.
        reply.bulk_or_nil(db.get::<Text>(key).ok().flatten().map(Vec::as_slice));
    }
    Ok(Effect::Nothing)
}

pub(super) fn mset(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::Arity("mset"));
    }
    for (key, value) in args.pairs(1) {
        db.set(key, Value::Text(value.to_vec()), Lifetime::Endless);
    }
    reply.ok();
    Ok(Effect::Changed)
}

pub(super) fn append(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let (key, tail) = (args.at(1), args.at(2));
    let length = db.get::<Text>(key)?.map_or(0, Vec::len);
    if length + tail.len() > MAX_ARGUMENT {
        return Err(CommandError::TextTooLong);
    }
    db.edit_or_create(key, |text: &mut Text| text.extend_from_slice(tail))?;
    reply.count(length + tail.len());
    Ok(Effect::Changed)
}

pub(super) fn strlen(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    reply.count(db.get::<Text>(args.at(1))?.map_or(0, Vec::len));
    Ok(Effect::Nothing)
}

/// What follows the value in `SET key value ...`.
struct SetOptions {
    condition: Option<Condition>,
    lifetime: Lifetime,
    get: bool,
}

#[derive(Clone, Copy)]
enum Condition {
    Absent,
    Present,
}

impl SetOptions {
    fn parse(now: UnixMillis, args: Args<'_>) -> Result<SetOptions, CommandError> {
        let mut condition = None;
        let mut expiry: Option<(Unit, &[u8])> = None;
        let mut keep = false;
        let mut get = false;
        let mut words = args.from(3);
        while let Some(word) = words.next() {
            if let (Some(unit), None, false) = (Unit::named(word), &expiry, keep) {
                expiry = Some((unit, words.next().ok_or(CommandError::Syntax)?));
            } else if is(word, "KEEPTTL") && expiry.is_none() {
                keep = true;
            } else if is(word, "GET") {
                get = true;
            } else if is(word, "NX") && !matches!(condition, Some(Condition::Present)) {
                condition = Some(Condition::Absent);
            } else if is(word, "XX") && !matches!(condition, Some(Condition::Absent)) {
                condition = Some(Condition::Present);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        let lifetime = match expiry {
            Some((unit, amount)) => Lifetime::Until(unit.deadline(now, amount)?),
            None if keep => Lifetime::Kept,
            None => Lifetime::Endless,
        };
        Ok(SetOptions { condition, lifetime, get })
    }

    /// The condition was true, so the file needs none; and a duration would start anew when the file is read.
    fn effect(&self, key: &[u8], value: &[u8]) -> Effect {
        let mut words = vec![b"SET".to_vec(), key.to_vec(), value.to_vec()];
        match self.lifetime {
            Lifetime::Endless => {}
            Lifetime::Kept => words.push(b"KEEPTTL".to_vec()),
            Lifetime::Until(deadline) => words.extend([b"PXAT".to_vec(), deadline.0.to_string().into_bytes()]),
        }
        Effect::ChangedAs(words)
    }
}

/// How `SET` says when the key lapses.
enum Unit {
    Seconds,
    Millis,
    UnixSeconds,
    UnixMillis,
}

impl Unit {
    fn named(word: &[u8]) -> Option<Unit> {
        let units =
            [("EX", Unit::Seconds), ("PX", Unit::Millis), ("EXAT", Unit::UnixSeconds), ("PXAT", Unit::UnixMillis)];
        units.into_iter().find(|(name, _)| is(word, name)).map(|(_, unit)| unit)
    }

    fn deadline(self, now: UnixMillis, amount: &[u8]) -> Result<UnixMillis, CommandError> {
        let amount = integer(amount)?;
        let millis = match self {
            _ if amount <= 0 => None,
            Unit::Seconds => amount.checked_mul(1000).and_then(|millis| millis.checked_add(now.0)),
            Unit::Millis => amount.checked_add(now.0),
            Unit::UnixSeconds => amount.checked_mul(1000),
            Unit::UnixMillis => Some(amount),
        };
        millis.map(UnixMillis).ok_or(CommandError::InvalidExpireTime("set"))
    }
}
