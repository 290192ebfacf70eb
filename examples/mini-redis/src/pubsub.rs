//! Who listens to which channel and pattern.
//!
//! 1. A channel or pattern without listeners is not kept.
//! 2. A message is encoded once per channel and once per matching pattern, and shared by all who listen there.
//!
//! Part of the keeper's world: `SUBSCRIBE` and its kin change it, `PUBLISH` reads it.

use bytes::Bytes;

use crate::client::ClientId;
use crate::glob;
use crate::outbox::Outbox;
use crate::random::Map;
use crate::resp::Replies;

#[derive(Debug, Default)]
pub(crate) struct Channels {
    by_name: Map<Box<[u8]>, Listeners>,
    by_pattern: Map<Box<[u8]>, Listeners>,
}

type Listeners = Map<ClientId, Outbox>;

/// How a client names what it listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Channel,
    Pattern,
}

impl Channels {
    pub(crate) fn subscribe(&mut self, topic: Topic, name: &[u8], client: ClientId, outbox: Outbox) {
        self.topics(topic).entry(name.into()).or_default().insert(client, outbox);
    }

    pub(crate) fn unsubscribe(&mut self, topic: Topic, name: &[u8], client: ClientId) {
        let topics = self.topics(topic);
        let Some(listeners) = topics.get_mut(name) else { return };
        listeners.swap_remove(&client);
        if listeners.is_empty() {
            topics.swap_remove(name);
        }
    }

    /// Sends `message` to everyone who listens to `channel`; how many that are. A client that listens by name and by
    /// pattern gets it, and counts, more than once.
    pub(crate) fn publish(&self, channel: &[u8], message: &[u8]) -> usize {
        let by_name =
            self.by_name.get(channel).map_or(0, |listeners| deliver(listeners, &[b"message", channel, message]));
        let matching = self.by_pattern.iter().filter(|(pattern, _)| glob::matches(pattern, channel));
        let by_pattern: usize =
            matching.map(|(pattern, listeners)| deliver(listeners, &[b"pmessage", pattern, channel, message])).sum();
        by_name + by_pattern
    }

    pub(crate) fn channels(&self) -> usize {
        self.by_name.len()
    }

    pub(crate) fn patterns(&self) -> usize {
        self.by_pattern.len()
    }

    fn topics(&mut self, topic: Topic) -> &mut Map<Box<[u8]>, Listeners> {
        match topic {
            Topic::Channel => &mut self.by_name,
            Topic::Pattern => &mut self.by_pattern,
        }
    }
}

fn deliver(listeners: &Listeners, parts: &[&[u8]]) -> usize {
    let mut message = Replies::default();
    message.bulks(parts.iter().copied());
    let message = Bytes::from(message.take());
    listeners.values().filter(|outbox| outbox.push(message.clone())).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::{OutboxReader, outbox};

    fn received(reader: &mut OutboxReader) -> Vec<String> {
        std::iter::from_fn(|| reader.try_next()).map(|message| String::from_utf8(message.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_message_reaches_names_and_patterns() {
        let mut channels = Channels::default();
        let (first, mut first_reader) = outbox(10_000);
        let (second, mut second_reader) = outbox(10_000);
        channels.subscribe(Topic::Channel, b"news", ClientId(1), first.clone());
        channels.subscribe(Topic::Pattern, b"n*", ClientId(1), first);
        channels.subscribe(Topic::Pattern, b"x*", ClientId(2), second);
        assert_eq!(channels.publish(b"news", b"hi"), 2);
        assert_eq!(
            received(&mut first_reader),
            [
                "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n",
                "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
            ]
        );
        assert!(received(&mut second_reader).is_empty());
        assert_eq!(channels.publish(b"other", b"hi"), 0);
    }

    #[test]
    fn a_channel_goes_with_its_last_listener() {
        let mut channels = Channels::default();
        let (outbox, _reader) = outbox(10_000);
        for client in [ClientId(1), ClientId(2)] {
            channels.subscribe(Topic::Channel, b"c", client, outbox.clone());
            channels.subscribe(Topic::Channel, b"c", client, outbox.clone());
        }
        channels.unsubscribe(Topic::Channel, b"c", ClientId(1));
        channels.unsubscribe(Topic::Channel, b"unknown", ClientId(1));
        assert_eq!(channels.channels(), 1);
        channels.unsubscribe(Topic::Channel, b"c", ClientId(2));
        assert_eq!(channels.channels(), 0);
    }

    #[test]
    fn a_slow_subscriber_does_not_count_once_it_is_cut_off() {
        let mut channels = Channels::default();
        let (slow, slow_reader) = outbox(150);
        let (fast, mut fast_reader) = outbox(150);
        channels.subscribe(Topic::Channel, b"c", ClientId(1), slow);
        channels.subscribe(Topic::Channel, b"c", ClientId(2), fast);
        assert_eq!(channels.publish(b"c", b"one"), 2);
        assert_eq!(received(&mut fast_reader).len(), 1);
        assert_eq!(channels.publish(b"c", b"two"), 1);
        assert!(slow_reader.overrun().is_cancelled());
        assert!(!fast_reader.overrun().is_cancelled());
    }
}
