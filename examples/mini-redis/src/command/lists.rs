//! Lists: pushed and popped at both ends.

use super::{CommandError, Effect, Outcome, integer, range};
use crate::resp::{Args, Replies};
use crate::store::Db;
use crate::store::value::List;

pub(super) fn lpush(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    push(db, args, reply, List::push_front)
}

pub(super) fn rpush(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    push(db, args, reply, List::push_back)
}

pub(super) fn lpop(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    pop(db, "lpop", args, reply, List::pop_front)
}

pub(super) fn rpop(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    pop(db, "rpop", args, reply, List::pop_back)
}

pub(super) fn llen(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    reply.count(db.get::<List>(args.at(1))?.map_or(0, List::len));
    Ok(Effect::Nothing)
}

pub(super) fn lrange(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies) -> Outcome {
    let (start, stop) = (integer(args.at(2))?, integer(args.at(3))?);
    match db.get::<List>(args.at(1))? {
        Some(list) => reply.bulks(list.range(range(list.len(), start, stop)).map(|item| &**item)),
        None => reply.array(0),
    }
    Ok(Effect::Nothing)
}

fn push(db: &mut Db<'_>, args: Args<'_>, reply: &mut Replies, one: fn(&mut List, Box<[u8]>)) -> Outcome {
    let len = db.edit_or_create(args.at(1), |list: &mut List| {
        args.from(2).for_each(|item| one(list, item.into()));
        list.len()
    })?;
    reply.count(len);
    Ok(Effect::Changed)
}

fn pop(
    db: &mut Db<'_>,
    command: &'static str,
    args: Args<'_>,
    reply: &mut Replies,
    one: fn(&mut List) -> Option<Box<[u8]>>,
) -> Outcome {
    if args.len() > 3 {
        return Err(CommandError::Arity(command));
    }
    let Some(count) = args.get(2).map(positive).transpose()? else {
        let item = db.edit(args.at(1), one)?.flatten();
        reply.bulk_or_nil(item.as_deref());
        return Ok(if item.is_some() { Effect::Changed } else { Effect::Nothing });
    };
    let items = db.edit(args.at(1), |list: &mut List| {
        let count = count.min(list.len());
        (0..count).map_while(|_| one(list)).collect::<Vec<_>>()
    })?;
    match items {
        None => {
            reply.nil_array();
            Ok(Effect::Nothing)
        }
        Some(items) => {
            reply.bulks(items.iter().map(|item| &**item));
            Ok(if items.is_empty() { Effect::Nothing } else { Effect::Changed })
        }
    }
}

/// A count of elements, which may be zero.
pub(super) fn positive(arg: &[u8]) -> Result<usize, CommandError> {
    let count = crate::resp::int::parse_i64(arg).and_then(|count| usize::try_from(count).ok());
    count.ok_or(CommandError::NotPositive)
}
