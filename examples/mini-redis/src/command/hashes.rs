//! Hashes: fields with values. They keep the order in which they were set until one is removed.

use super::{CommandError, Effect, Outcome};
use crate::resp::{Args, Replies};
use crate::store::Db;
use crate::store::value::Hash;

pub(super) fn hset(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::Arity("hset"));
    }
    let added = db.edit_or_create(args.at(1), |hash: &mut Hash| {
        args.pairs(2).filter(|(field, value)| hash.insert((*field).into(), (*value).into()).is_none()).count()
    })?;
    reply.count(added);
    Ok(Effect::Changed)
}

pub(super) fn hget(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let value = db.get::<Hash>(args.at(1))?.and_then(|hash| hash.get(args.at(2)));
    reply.bulk_or_nil(value.map(|value| &**value));
    Ok(Effect::Nothing)
}

pub(super) fn hdel(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let removed =
        db.edit(args.at(1), |hash: &mut Hash| args.from(2).filter(|field| hash.swap_remove(*field).is_some()).count())?;
    reply.count(removed.unwrap_or(0));
    Ok(if removed.unwrap_or(0) > 0 { Effect::Changed } else { Effect::Nothing })
}

pub(super) fn hgetall(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let Some(hash) = db.get::<Hash>(args.at(1))? else {
        reply.array(0);
        return Ok(Effect::Nothing);
    };
    reply.array(hash.len() * 2);
    for (field, value) in hash {
        reply.bulk(field);
        reply.bulk(value);
    }
    Ok(Effect::Nothing)
}
