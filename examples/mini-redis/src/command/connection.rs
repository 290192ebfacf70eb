//! Commands about the connection itself.

use super::{Call, CommandError, Effect, Outcome, integer, is};
use crate::store::DATABASES;

pub(super) fn ping(call: Call<'_>) -> Outcome {
    if call.args.len() > 2 {
        return Err(CommandError::Arity("ping"));
    }
    match (call.client.is_subscribed(), call.args.get(1)) {
        (true, message) => call.reply.bulks([&b"pong"[..], message.unwrap_or_default()].into_iter()),
        (false, Some(message)) => call.reply.bulk(message),
        (false, None) => call.reply.simple("PONG"),
    }
    Ok(Effect::Nothing)
}

pub(super) fn echo(call: Call<'_>) -> Outcome {
    call.reply.bulk(call.args.at(1));
    Ok(Effect::Nothing)
}

pub(super) fn select(call: Call<'_>) -> Outcome {
    let index = integer(call.args.at(1))?;
    if i32::try_from(index).is_err() {
        let reason = "value is out of range, value must between -2147483648 and 2147483647";
        return Err(CommandError::Other(reason));
    }
    let index = usize::try_from(index).ok().filter(|index| *index < DATABASES);
    call.client.db = index.ok_or(CommandError::DbOutOfRange)?;
    call.reply.ok();
    Ok(Effect::Nothing)
}

pub(super) fn quit(call: Call<'_>) -> Outcome {
    call.client.has_quit = true;
    call.reply.ok();
    Ok(Effect::Nothing)
}

/// Only version 2 of the protocol is spoken; a client that asks for 3 is told so and falls back.
pub(super) fn hello(call: Call<'_>) -> Outcome {
    if let Some(version) = call.args.get(1) {
        let version =
            integer(version).map_err(|_| CommandError::Other("Protocol version is not an integer or out of range"))?;
        if version != 2 {
            return Err(CommandError::UnsupportedProtocol);
        }
    }
    if call.args.len() > 2 {
        return Err(CommandError::Syntax);
    }
    let reply = call.reply;
    reply.array(14);
    for (name, value) in [("server", "redis"), ("version", env!("CARGO_PKG_VERSION"))] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.int(2);
    reply.bulk(b"id");
    reply.int(call.client.id.0 as i64);
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
    Ok(Effect::Nothing)
}

pub(super) fn client(call: Call<'_>) -> Outcome {
    let Call { world, client, args, now, reply, .. } = call;
    let subcommand = args.at(1);
    let arity = |name, len| if args.len() == len { Ok(()) } else { Err(CommandError::Arity(name)) };
    if is(subcommand, "ID") {
        arity("client|id", 2)?;
        reply.int(client.id.0 as i64);
    } else if is(subcommand, "GETNAME") {
        arity("client|getname", 2)?;
        reply.bulk_or_nil(Some(client.name.as_slice()).filter(|name| !name.is_empty()));
    } else if is(subcommand, "SETNAME") {
        arity("client|setname", 3)?;
        if !args.at(2).iter().all(u8::is_ascii_graphic) {
            let reason = "Client names cannot contain spaces, newlines or special characters.";
            return Err(CommandError::Other(reason));
        }
        client.name = args.at(2).to_vec();
        reply.ok();
    } else if is(subcommand, "SETINFO") {
        arity("client|setinfo", 4)?;
        reply.ok();
    } else if is(subcommand, "INFO") {
        arity("client|info", 2)?;
        reply.bulk(client.describe(now).to_string().as_bytes());
    } else if is(subcommand, "LIST") {
        arity("client|list", 2)?;
        let mut all: Vec<_> = world.clients.values().chain([&*client]).collect();
        all.sort_unstable_by_key(|client| client.id);
        let lines: String = all.iter().map(|client| client.describe(now).to_string()).collect();
        reply.bulk(lines.as_bytes());
    } else {
        return Err(CommandError::unknown_subcommand("CLIENT", args));
    }
    Ok(Effect::Nothing)
}
