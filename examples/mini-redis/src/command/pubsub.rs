//! Publishing and listening.

use super::{Call, Effect, Outcome};
use crate::client::Client;
use crate::pubsub::{Channels, Topic};
use crate::resp::Replies;

pub(super) fn publish(call: Call<'_>) -> Outcome {
    let receivers = call.world.channels.publish(call.args.at(1), call.args.at(2));
    call.reply.count(receivers);
    Ok(Effect::Nothing)
}

pub(super) fn subscribe(call: Call<'_>) -> Outcome {
    listen(call, Topic::Channel)
}

pub(super) fn psubscribe(call: Call<'_>) -> Outcome {
    listen(call, Topic::Pattern)
}

pub(super) fn unsubscribe(call: Call<'_>) -> Outcome {
    stop_listening(call, Topic::Channel)
}

pub(super) fn punsubscribe(call: Call<'_>) -> Outcome {
    stop_listening(call, Topic::Pattern)
}

/// Ends every subscription of a client that is leaving.
pub(crate) fn leave(channels: &mut Channels, client: &mut Client) {
    for topic in [Topic::Channel, Topic::Pattern] {
        for name in std::mem::take(client.topics(topic)) {
            channels.unsubscribe(topic, &name, client.id);
        }
    }
}

fn listen(call: Call<'_>, topic: Topic) -> Outcome {
    let Call { command, world, client, args, reply, .. } = call;
    for name in args.from(1) {
        if client.topics(topic).insert(name.into()) {
            world.channels.subscribe(topic, name, client.id, client.outbox.clone());
        }
        confirm(reply, command.name, Some(name), client);
    }
    Ok(Effect::Nothing)
}

/// Without names: everything. One reply for each name, and one in any case.
fn stop_listening(call: Call<'_>, topic: Topic) -> Outcome {
    let Call { command, world, client, args, reply, .. } = call;
    let names: Vec<Box<[u8]>> = match args.len() {
        1 => client.topics(topic).iter().cloned().collect(),
        _ => args.from(1).map(Box::from).collect(),
    };
    if names.is_empty() {
        confirm(reply, command.name, None, client);
    }
    for name in names {
        if client.topics(topic).swap_remove(&name) {
            world.channels.unsubscribe(topic, &name, client.id);
        }
        confirm(reply, command.name, Some(&name), client);
    }
    Ok(Effect::Nothing)
}

fn confirm(reply: &mut Replies, command: &str, name: Option<&[u8]>, client: &Client) {
    reply.array(3);
    reply.bulk(command.as_bytes());
    reply.bulk_or_nil(name);
    reply.count(client.subscriptions());
}
