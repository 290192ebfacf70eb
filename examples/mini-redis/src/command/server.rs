//! Commands about the server: what tools ask before they start.

use std::fmt::Write as _;

use super::table::COMMANDS;
use super::{Call, Command, CommandError, Effect, Outcome, SUBSCRIBED, find, is};
use crate::glob;
use crate::resp::Replies;
use crate::store::DATABASES;

pub(super) fn flushall(call: Call<'_>) -> Outcome {
    let how = call.args.get(1).is_none_or(|how| is(how, "ASYNC") || is(how, "SYNC"));
    if !how || call.args.len() > 2 {
        return Err(CommandError::Syntax);
    }
    call.world.store.clear();
    call.reply.ok();
    Ok(Effect::Changed)
}

pub(super) fn config(call: Call<'_>) -> Outcome {
    if !is(call.args.at(1), "GET") {
        return Err(CommandError::unknown_subcommand("CONFIG", call.args));
    }
    if call.args.len() < 3 {
        return Err(CommandError::Arity("config|get"));
    }
    let options = &call.world.options;
    let settings = [
        ("appendfsync", options.appendfsync.to_string()),
        ("appendonly", if options.appendonly.is_some() { "yes" } else { "no" }.to_owned()),
        ("bind", options.bind.to_string()),
        ("client-output-buffer-limit", format!("normal 0 0 0 pubsub {} 0 0", options.pubsub_buffer)),
        ("databases", DATABASES.to_string()),
        ("maxclients", options.max_clients.to_string()),
        ("port", options.port.to_string()),
        ("save", String::new()),
        ("timeout", options.idle_timeout.to_string()),
    ];
    let wanted =
        |name: &str| call.args.from(2).any(|pattern| glob::matches(&pattern.to_ascii_lowercase(), name.as_bytes()));
    let found: Vec<_> = settings.iter().filter(|(name, _)| wanted(name)).collect();
    call.reply.array(found.len() * 2);
    for (name, value) in found {
        call.reply.bulk(name.as_bytes());
        call.reply.bulk(value.as_bytes());
    }
    Ok(Effect::Nothing)
}

pub(super) fn info(call: Call<'_>) -> Outcome {
    let all = call.args.len() == 1
        || call.args.from(1).any(|section| ["all", "default", "everything"].iter().any(|name| is(section, name)));
    let mut text = String::new();
    for (section, lines) in sections(&call) {
        if all || call.args.from(1).any(|wanted| is(wanted, section)) {
            let gap = if text.is_empty() { "" } else { "\r\n" };
            // Writing to a String does not fail.
            let _ = write!(text, "{gap}# {section}\r\n{lines}");
        }
    }
    call.reply.bulk(text.as_bytes());
    Ok(Effect::Nothing)
}

fn sections(call: &Call<'_>) -> [(&'static str, String); 5] {
    let world = &*call.world;
    let uptime = (call.now.0 - world.started_at.0) / 1000;
    let server = format!(
        "redis_version:{}\r\nredis_mode:standalone\r\nprocess_id:{}\r\ntcp_port:{}\r\nuptime_in_seconds:{uptime}\r\n",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        world.options.port,
    );
    let connected = world.clients.len() + 1;
    let subscribed = world.clients.values().filter(|client| client.is_subscribed()).count()
        + usize::from(call.client.is_subscribed());
    let clients = format!(
        "connected_clients:{connected}\r\nmaxclients:{}\r\npubsub_clients:{subscribed}\r\n",
        world.options.max_clients
    );
    let persistence = format!("loading:0\r\naof_enabled:{}\r\n", u8::from(world.options.appendonly.is_some()));
    let stats = format!(
        "total_connections_received:{}\r\ntotal_commands_processed:{}\r\nexpired_keys:{}\r\npubsub_channels:{}\r\n\
         pubsub_patterns:{}\r\n",
        world.counters.connections,
        world.counters.commands,
        world.counters.expired_keys,
        world.channels.channels(),
        world.channels.patterns(),
    );
    let keyspace = world
        .store
        .sizes()
        .map(|(index, keys, expiring)| format!("db{index}:keys={keys},expires={expiring},avg_ttl=0\r\n"))
        .collect();
    [("Server", server), ("Clients", clients), ("Persistence", persistence), ("Stats", stats), ("Keyspace", keyspace)]
}

/// `COMMAND DOCS` is refused on purpose: redis-cli then uses the help texts that it carries itself.
pub(super) fn command(call: Call<'_>) -> Outcome {
    let Call { args, reply, .. } = call;
    let Some(subcommand) = args.get(1) else {
        reply.array(COMMANDS.len());
        COMMANDS.iter().for_each(|command| describe(command, reply));
        return Ok(Effect::Nothing);
    };
    let arity = |name| if args.len() == 2 { Ok(()) } else { Err(CommandError::Arity(name)) };
    if is(subcommand, "COUNT") {
        arity("command|count")?;
        reply.count(COMMANDS.len());
    } else if is(subcommand, "LIST") {
        arity("command|list")?;
        reply.bulks(COMMANDS.iter().map(|command| command.name.as_bytes()));
    } else if is(subcommand, "INFO") {
        let names = args.from(2);
        reply.array(names.len());
        for name in names {
            match find(name) {
                Some(command) => describe(command, reply),
                None => reply.nil(),
            }
        }
    } else {
        return Err(CommandError::unknown_subcommand("COMMAND", args));
    }
    Ok(Effect::Nothing)
}

fn describe(command: &Command, reply: &mut Replies) {
    let flags = || command.flags.iter().filter(|flag| **flag != SUBSCRIBED);
    let (first, last, step) = command.keys;
    reply.array(10);
    reply.bulk(command.name.as_bytes());
    reply.int(command.arity.into());
    reply.array(flags().count());
    flags().for_each(|flag| reply.simple(flag));
    [first, last, step].iter().for_each(|number| reply.int((*number).into()));
    // Categories, tips, key specifications and subcommands: Redis 7 has them, and clients expect their places.
    (0..4).for_each(|_| reply.array(0));
}
