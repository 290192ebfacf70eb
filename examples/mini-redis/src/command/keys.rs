//! Commands on keys whatever they hold: deleting, listing, expiring.

use super::{CommandError, Effect, Outcome, integer, is};
use crate::clock::UnixMillis;
use crate::glob;
use crate::resp::{Args, Replies};
use crate::store::{Db, Lifetime};

pub(super) fn del(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let removed = args.from(1).filter(|key| db.remove(key)).count();
    reply.count(removed);
    Ok(if removed > 0 { Effect::Changed } else { Effect::Nothing })
}

pub(super) fn exists(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    reply.count(args.from(1).filter(|key| db.contains(key)).count());
    Ok(Effect::Nothing)
}

pub(super) fn type_of(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    reply.simple(db.value(args.at(1)).map_or("none", |value| value.type_name()));
    Ok(Effect::Nothing)
}

pub(super) fn dbsize(db: &mut Db<'_>, _: Args<'_>, reply: &mut Replies) -> Outcome {
    reply.count(db.len());
    Ok(Effect::Nothing)
}

pub(super) fn keys(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let found: Vec<&[u8]> = db.keys().filter(|key| glob::matches(args.at(1), key)).collect();
    reply.bulks(found.into_iter());
    Ok(Effect::Nothing)
}

pub(super) fn scan(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let cursor = cursor(args.at(1)).ok_or(CommandError::InvalidCursor)?;
    let mut count = 10;
    let mut pattern: Option<&[u8]> = None;
    let mut type_name: Option<&[u8]> = None;
    let mut words = args.from(2);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(CommandError::Syntax)?;
        if is(word, "COUNT") {
            count = usize::try_from(integer(value)?).unwrap_or(0);
            if count == 0 {
                return Err(CommandError::Syntax);
            }
        } else if is(word, "MATCH") {
            pattern = Some(value);
        } else if is(word, "TYPE") {
            type_name = Some(value);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    // The header needs the number of keys, which is known only after they were visited.
    let mut found = Replies::default();
    let mut len = 0;
    let next = db.scan(cursor, count, |key, value| {
        let wanted = pattern.is_none_or(|pattern| glob::matches(pattern, key))
            && type_name.is_none_or(|name| is(name, value.type_name()));
        if wanted {
            found.bulk(key);
            len += 1;
        }
    });
    reply.array(2);
    reply.bulk(next.to_string().as_bytes());
    reply.array(len);
    reply.raw(found.as_bytes());
    Ok(Effect::Nothing)
}

/// Like Redis, which asks `strtoul`, takes a negative number for a very large one; such a cursor starts over.
fn cursor(arg: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(arg).ok()?;
    text.parse().ok().or_else(|| text.parse().ok().map(i64::cast_unsigned))
}

pub(super) fn expire(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let from = db.now();
    set_deadline(db, "expire", args, reply, |seconds| seconds.checked_mul(1000)?.checked_add(from.0))
}

pub(super) fn pexpire(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let from = db.now();
    set_deadline(db, "pexpire", args, reply, |millis| millis.checked_add(from.0))
}

pub(super) fn expireat(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    set_deadline(db, "expireat", args, reply, |seconds| seconds.checked_mul(1000))
}

pub(super) fn pexpireat(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    set_deadline(db, "pexpireat", args, reply, Some)
}

pub(super) fn persist(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let key = args.at(1);
    if !matches!(db.deadline(key), Some(Some(_))) {
        reply.int(0);
        return Ok(Effect::Nothing);
    }
    db.set_lifetime(key, Lifetime::Endless);
    reply.int(1);
    Ok(Effect::Changed)
}

pub(super) fn ttl(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    // To the nearest second, as Redis does.
    time_left(db, args.at(1), reply, |millis| (millis + 500) / 1000)
}

pub(super) fn pttl(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    time_left(db, args.at(1), reply, |millis| millis)
}

fn time_left(db: &mut Db<'_>, key: &[u8], reply: &mut Replies, rounded: fn(i64) -> i64) -> Outcome {
    reply.int(match db.deadline(key) {
        None => -2,
        Some(None) => -1,
        Some(Some(deadline)) => rounded(deadline.0.saturating_sub(db.now().0)),
    });
    Ok(Effect::Nothing)
}

/// The four expire commands; `to_unix` turns the number in the command into milliseconds since 1970.
fn set_deadline(
    db: &mut Db<'_>,
    command: &'static str,
    args: Args<'_>,
    reply: &mut Replies,
    to_unix: impl Fn(i64) -> Option<i64>,
) -> Outcome {
    let key = args.at(1);
    let only_if = ExpireOptions::parse(args)?;
    let invalid = CommandError::InvalidExpireTime(command);
    let deadline = UnixMillis(to_unix(integer(args.at(2))?).ok_or(invalid)?);
    let allowed = db.deadline(key).is_some_and(|current| only_if.allow(current, deadline));
    reply.int(i64::from(allowed));
    if !allowed {
        return Ok(Effect::Nothing);
    }
    if deadline <= db.now() {
        db.remove(key);
        return Ok(Effect::ChangedAs(vec![b"DEL".to_vec(), key.to_vec()]));
    }
    db.set_lifetime(key, Lifetime::Until(deadline));
    Ok(Effect::ChangedAs(vec![b"PEXPIREAT".to_vec(), key.to_vec(), deadline.0.to_string().into_bytes()]))
}

/// What follows the number in `EXPIRE key seconds ...`: when the new deadline applies.
#[derive(Default)]
struct ExpireOptions {
    without_deadline: bool,
    with_deadline: bool,
    later: bool,
    earlier: bool,
}

impl ExpireOptions {
    fn parse(args: Args<'_>) -> Result<ExpireOptions, CommandError> {
        let mut options = ExpireOptions::default();
        for word in args.from(3) {
            if is(word, "NX") {
                options.without_deadline = true;
            } else if is(word, "XX") {
                options.with_deadline = true;
            } else if is(word, "GT") {
                options.later = true;
            } else if is(word, "LT") {
                options.earlier = true;
            } else {
                return Err(CommandError::UnsupportedOption(String::from_utf8_lossy(word).into_owned()));
            }
        }
        if options.without_deadline && (options.with_deadline || options.later || options.earlier) {
            return Err(CommandError::Other("NX and XX, GT or LT options at the same time are not compatible"));
        }
        if options.later && options.earlier {
            return Err(CommandError::Other("GT and LT options at the same time are not compatible"));
        }
        Ok(options)
    }

    /// No deadline counts as one that never comes.
    fn allow(&self, current: Option<UnixMillis>, new: UnixMillis) -> bool {
        !(self.without_deadline && current.is_some()
            || self.with_deadline && current.is_none()
            || self.later && current.is_none_or(|current| new <= current)
            || self.earlier && current.is_some_and(|current| new >= current))
    }
}
