//! Sets.

use super::lists::positive;
use super::{Call, CommandError, Effect, Outcome};
use crate::resp::{Args, Replies};
use crate::store::Db;
use crate::store::value::Members;

pub(super) fn sadd(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let added = db.edit_or_create(args.at(1), |members: &mut Members| {
        args.from(2).filter(|member| members.insert((*member).into())).count()
    })?;
    reply.count(added);
    Ok(if added > 0 { Effect::Changed } else { Effect::Nothing })
}

pub(super) fn srem(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let removed = db
        .edit(args.at(1), |members: &mut Members| args.from(2).filter(|member| members.swap_remove(*member)).count())?;
    reply.count(removed.unwrap_or(0));
    Ok(if removed.unwrap_or(0) > 0 { Effect::Changed } else { Effect::Nothing })
}

pub(super) fn smembers(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    match db.get::<Members>(args.at(1))? {
        Some(members) => reply.bulks(members.iter().map(|member| &**member)),
        None => reply.array(0),
    }
    Ok(Effect::Nothing)
}

pub(super) fn spop(call: Call<'_>) -> Outcome {
    let Call { world, client, args, now, reply, .. } = call;
    if args.len() > 3 {
        return Err(CommandError::Syntax);
    }
    let count = args.get(2).map(positive).transpose()?;
    let dice = &mut world.dice;
    let popped = world.store.db(client.db, now).edit(args.at(1), |members: &mut Members| {
        let popped = count.unwrap_or(1).min(members.len());
        (0..popped).map_while(|_| members.swap_remove_index(dice.below(members.len()))).collect::<Vec<_>>()
    })?;
    let popped = popped.unwrap_or_default();
    match count {
        Some(_) => reply.bulks(popped.iter().map(|member| &**member)),
        None => reply.bulk_or_nil(popped.first().map(|member| &**member)),
    }
    if popped.is_empty() {
        return Ok(Effect::Nothing);
    }
    // The file repeats what chance decided.
    let words = [b"SREM".to_vec(), args.at(1).to_vec()];
    Ok(Effect::ChangedAs(words.into_iter().chain(popped.into_iter().map(Vec::from)).collect()))
}
