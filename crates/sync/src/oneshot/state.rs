//! The one word of a oneshot channel: who may touch the value, the two waker slots and the allocation.
//!
//! | event \ state       | open                               | CLOSED                        | DONE                    |
//! |---------------------|------------------------------------|-------------------------------|-------------------------|
//! | send                | RX_WAITS: +VALUE +DONE, wake it    | refused                       | - (consumes the sender) |
//! |                     | else: +VALUE +DONE +TX_LEFT        |                               |                         |
//! | sender gives up     | RX_WAITS: +DONE, wake it           | as open                       | -                       |
//! |                     | else: +DONE +TX_LEFT               |                               |                         |
//! | sender waits        | +TX_WAITS                          | closed                        | -                       |
//! | sender reclaims     | -TX_WAITS                          | closed                        | -                       |
//! | receiver waits      | +RX_WAITS                          | -  (a closed channel is over) | done                    |
//! | receiver reclaims   | -RX_WAITS                          | -RX_WAITS                     | done                    |
//! | close               | +CLOSED; TX_WAITS: wake the sender | no change                     | no change               |
//!
//! Each side ends with `sender_leaves` / `receiver_leaves` (+TX_LEFT, +RX_LEFT); whoever finds the other gone is the
//! last and frees the allocation.
//!
//! 1. VALUE: the value is there and is the receiver's. Before, the place of the value is the sender's.
//! 2. The receiver's waker slot is the receiver's until an event moves to DONE *while* RX_WAITS is set: then it is the
//!    sender's, until the sender leaves.
//! 3. The sender's waker slot is the sender's until `close` finds TX_WAITS: then it is the receiver's, until the
//!    receiver leaves.
//! 4. Nobody touches the allocation after leaving, except the last one, who frees it.

use unstuck_base::const_unless_model;
use unstuck_base::sync::atomic::{AtomicU8, Ordering};

/// Rule 1.
const VALUE: u8 = 1;
/// The sender has sent or given up: news for the receiver.
const DONE: u8 = 1 << 1;
/// The sender is gone (rule 4).
const TX_LEFT: u8 = 1 << 2;
/// The receiver takes no value that is not there yet.
const CLOSED: u8 = 1 << 3;
/// The receiver is gone (rule 4).
const RX_LEFT: u8 = 1 << 4;
/// A waker is in the receiver's slot (rule 2).
const RX_WAITS: u8 = 1 << 5;
/// A waker is in the sender's slot (rule 3).
const TX_WAITS: u8 = 1 << 6;

/// The word; see the table.
pub(super) struct State(AtomicU8);

/// What a look at the word shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen(u8);

impl Seen {
    /// The value is there.
    pub(super) fn has_value(self) -> bool {
        self.0 & VALUE != 0
    }

    /// No value will come: the sender gave up, or the receiver closed.
    pub(super) fn is_over(self) -> bool {
        !self.has_value() && self.0 & (DONE | CLOSED) != 0
    }

    /// The receiver has closed.
    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// A waker is in the sender's slot.
    pub(super) fn sender_waits(self) -> bool {
        self.0 & TX_WAITS != 0
    }

    /// A waker is in the receiver's slot.
    pub(super) fn receiver_waits(self) -> bool {
        self.0 & RX_WAITS != 0
    }
}

#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnSend {
    /// The receiver has closed: the value is still the sender's.
    Refused,
    /// The value is the receiver's, and the sender has left.
    Left,
    /// The value is the receiver's; take its waker, leave, wake it.
    WakeReceiver,
}

#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnGiveUp {
    /// The sender has left; the receiver is there still.
    Left,
    /// The receiver had left before: free the allocation.
    LeftLast,
    /// Take the receiver's waker, leave, wake it.
    WakeReceiver,
}

#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnWait {
    /// The news will wake the waker in the slot.
    Waiting,
    /// The news is there already.
    News,
}

#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnReclaim {
    /// The slot is the caller's again.
    Reclaimed,
    /// The news is there, and the slot belongs to whoever brought it.
    News,
}

#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnClose {
    /// Nobody waits for this.
    Quiet,
    /// Take the sender's waker and wake it.
    WakeSender,
}

#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnLeave {
    /// The other side frees the allocation.
    First,
    /// Free the allocation.
    Last,
}

impl State {
    const_unless_model! {
        /// Both sides are there, nothing has happened.
        pub(super) fn new() -> Self {
            State(AtomicU8::new(0))
        }
    }

    /// A look at the word.
    #[inline]
    pub(super) fn look(&self) -> Seen {
        // Acquire: pairs with the Release in `change` of the other side, whose value or news we act upon.
        Seen(self.0.load(Ordering::Acquire))
    }

    /// The value has been written; may the receiver have it?
    #[inline]
    pub(super) fn send(&self) -> OnSend {
        self.change(on_send)
    }

    /// The sender goes without a value.
    pub(super) fn give_up(&self) -> OnGiveUp {
        self.change(on_give_up)
    }

    /// A waker has been put into the sender's slot.
    pub(super) fn sender_waits(&self) -> OnWait {
        self.change(on_sender_waits)
    }

    /// The sender wants its slot back.
    pub(super) fn sender_reclaims(&self) -> OnReclaim {
        self.change(on_sender_reclaims)
    }

    /// A waker has been put into the receiver's slot.
    pub(super) fn receiver_waits(&self) -> OnWait {
        self.change(on_receiver_waits)
    }

    /// The receiver wants its slot back.
    pub(super) fn receiver_reclaims(&self) -> OnReclaim {
        self.change(on_receiver_reclaims)
    }

    /// The receiver takes no value that is not there yet.
    pub(super) fn close(&self) -> OnClose {
        self.change(on_close)
    }

    /// The sender goes, having done all that it had to.
    pub(super) fn sender_leaves(&self) -> OnLeave {
        self.change(on_sender_leaves)
    }

    /// The receiver goes, having taken the value if there was one.
    #[inline]
    pub(super) fn receiver_leaves(&self) -> OnLeave {
        self.change(on_receiver_leaves)
    }

    /// Applies one event. An event that changes nothing costs one load.
    #[inline]
    fn change<R>(&self, event: impl Fn(u8) -> (u8, R)) -> R {
        // Acquire: as in `look`.
        let mut before = self.0.load(Ordering::Acquire);
        loop {
            let (after, outcome) = event(before);
            if after == before {
                return outcome;
            }
            // AcqRel: Release passes on what we own no longer (the value, a slot, the allocation), Acquire takes over
            // what the other side passed on.
            match self.0.compare_exchange_weak(before, after, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return outcome,
                Err(now) => before = now,
            }
        }
    }
}

fn on_send(state: u8) -> (u8, OnSend) {
    if state & CLOSED != 0 {
        (state, OnSend::Refused)
    } else if state & RX_WAITS != 0 {
        (state | VALUE | DONE, OnSend::WakeReceiver)
    } else {
        (state | VALUE | DONE | TX_LEFT, OnSend::Left)
    }
}

fn on_give_up(state: u8) -> (u8, OnGiveUp) {
    if state & RX_LEFT != 0 {
        (state, OnGiveUp::LeftLast)
    } else if state & RX_WAITS != 0 {
        (state | DONE, OnGiveUp::WakeReceiver)
    } else {
        (state | DONE | TX_LEFT, OnGiveUp::Left)
    }
}

fn on_sender_waits(state: u8) -> (u8, OnWait) {
    if state & CLOSED != 0 { (state, OnWait::News) } else { (state | TX_WAITS, OnWait::Waiting) }
}

fn on_sender_reclaims(state: u8) -> (u8, OnReclaim) {
    if state & CLOSED != 0 { (state, OnReclaim::News) } else { (state & !TX_WAITS, OnReclaim::Reclaimed) }
}

fn on_receiver_waits(state: u8) -> (u8, OnWait) {
    if state & DONE != 0 { (state, OnWait::News) } else { (state | RX_WAITS, OnWait::Waiting) }
}

fn on_receiver_reclaims(state: u8) -> (u8, OnReclaim) {
    if state & DONE != 0 { (state, OnReclaim::News) } else { (state & !RX_WAITS, OnReclaim::Reclaimed) }
}

fn on_close(state: u8) -> (u8, OnClose) {
    if state & (DONE | CLOSED) != 0 {
        (state, OnClose::Quiet)
    } else if state & TX_WAITS != 0 {
        (state | CLOSED, OnClose::WakeSender)
    } else {
        (state | CLOSED, OnClose::Quiet)
    }
}

fn on_sender_leaves(state: u8) -> (u8, OnLeave) {
    if state & RX_LEFT != 0 { (state, OnLeave::Last) } else { (state | TX_LEFT, OnLeave::First) }
}

fn on_receiver_leaves(state: u8) -> (u8, OnLeave) {
    if state & TX_LEFT != 0 { (state, OnLeave::Last) } else { (state | RX_LEFT, OnLeave::First) }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Where a side is in its life, as far as the word matters.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    enum Side {
        /// May begin any event.
        Here,
        /// Owns the other's waker slot, and will leave.
        WakesAndLeaves,
        /// The receiver after a `close` that woke the sender: owns the sender's slot, may go on.
        Closed,
        /// Has left.
        Gone,
    }

    /// The word and what the events so far have promised.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct World {
        state: u8,
        sender: Side,
        receiver: Side,
        value: Value,
        sender_slot_full: bool,
        receiver_slot_full: bool,
        freed: bool,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    enum Value {
        Unsent,
        Refused,
        InChannel,
        Received,
    }

    /// Every world that one event of either side leads to. The assertions are the rules.
    fn next(w: World) -> Vec<World> {
        let mut worlds = Vec::new();
        assert!(!w.freed || (w.sender == Side::Gone && w.receiver == Side::Gone));
        match w.sender {
            Side::Here => {
                let (state, on) = on_send(w.state);
                worlds.push(match on {
                    OnSend::Refused => {
                        // The refused sender gives up next, in one step here: its value is its own again.
                        let mut w = World { state, value: Value::Refused, ..w };
                        give_up(&mut w);
                        w
                    }
                    OnSend::Left => {
                        assert_ne!(w.receiver, Side::Gone, "nobody is there to free the allocation");
                        World { state, sender: Side::Gone, value: Value::InChannel, ..w }
                    }
                    OnSend::WakeReceiver => {
                        assert!(w.receiver_slot_full);
                        World { state, sender: Side::WakesAndLeaves, value: Value::InChannel, ..w }
                    }
                });
                let mut gave_up = w;
                give_up(&mut gave_up);
                worlds.push(gave_up);
                if Seen(w.state).sender_waits() {
                    let (state, on) = on_sender_reclaims(w.state);
                    if on == OnReclaim::Reclaimed {
                        assert!(w.receiver != Side::Closed, "rule 3: the slot was the receiver's");
                        worlds.push(World { state, sender_slot_full: false, ..w });
                    }
                } else if !Seen(w.state).is_closed() {
                    let (state, on) = on_sender_waits(w.state);
                    assert_eq!(on, OnWait::Waiting);
                    worlds.push(World { state, sender_slot_full: true, ..w });
                }
            }
            Side::WakesAndLeaves => {
                let (state, on) = on_sender_leaves(w.state);
                worlds.push(World {
                    state,
                    sender: Side::Gone,
                    receiver_slot_full: false,
                    freed: w.freed | (on == OnLeave::Last),
                    ..w
                });
            }
            Side::Closed => unreachable!("only the receiver closes"),
            Side::Gone => {}
        }
        if matches!(w.receiver, Side::Here | Side::Closed) {
            let seen = Seen(w.state);
            assert_eq!(seen.has_value(), w.value == Value::InChannel, "rule 1");
            // Taking what is there, or finding that nothing will come, ends with leaving.
            let (closed, on) = on_close(w.state);
            if on == OnClose::WakeSender {
                assert!(w.sender_slot_full && w.sender == Side::Here);
                worlds.push(World { state: closed, receiver: Side::Closed, ..w });
            } else {
                let value = if w.value == Value::InChannel { Value::Received } else { w.value };
                let (state, on) = on_receiver_leaves(closed);
                worlds.push(World {
                    state,
                    receiver: Side::Gone,
                    value,
                    sender_slot_full: w.sender_slot_full && w.receiver != Side::Closed,
                    freed: w.freed | (on == OnLeave::Last),
                    ..w
                });
                worlds.push(World { state: closed, ..w });
            }
            if !seen.has_value() && !seen.is_over() {
                if seen.receiver_waits() {
                    let (state, on) = on_receiver_reclaims(w.state);
                    assert_eq!(on, OnReclaim::Reclaimed);
                    assert_eq!(w.sender, Side::Here, "rule 2: the slot was the sender's");
                    worlds.push(World { state, receiver_slot_full: false, ..w });
                } else {
                    let (state, on) = on_receiver_waits(w.state);
                    assert_eq!(on, OnWait::Waiting);
                    worlds.push(World { state, receiver_slot_full: true, ..w });
                }
            }
        }
        worlds
    }

    fn give_up(w: &mut World) {
        let (state, on) = on_give_up(w.state);
        w.state = state;
        match on {
            OnGiveUp::Left => {
                assert_ne!(w.receiver, Side::Gone);
                w.sender = Side::Gone;
            }
            OnGiveUp::LeftLast => {
                assert_eq!(w.receiver, Side::Gone);
                w.sender = Side::Gone;
                w.freed = true;
            }
            OnGiveUp::WakeReceiver => {
                assert!(w.receiver_slot_full);
                w.sender = Side::WakesAndLeaves;
            }
        }
    }

    #[test]
    fn every_order_of_events_frees_once_and_never_shares_a_slot() {
        let start = World {
            state: 0,
            sender: Side::Here,
            receiver: Side::Here,
            value: Value::Unsent,
            sender_slot_full: false,
            receiver_slot_full: false,
            freed: false,
        };
        let (mut seen, mut open) = (HashSet::from([start]), vec![start]);
        while let Some(world) = open.pop() {
            if world.sender == Side::Gone && world.receiver == Side::Gone {
                assert!(world.freed, "leaked: {world:?}");
                assert_ne!(world.value, Value::InChannel, "the value leaked: {world:?}");
            }
            for world in next(world) {
                if seen.insert(world) {
                    open.push(world);
                }
            }
        }
        assert!(seen.len() > 40, "the walk reached {} worlds", seen.len());
    }

    #[test]
    fn sending_to_a_receiver_that_does_not_wait_is_one_change() {
        let state = State::new();
        assert_eq!(state.send(), OnSend::Left);
        assert!(state.look().has_value());
        assert_eq!(state.receiver_leaves(), OnLeave::Last);
    }

    #[test]
    fn a_closed_channel_refuses_the_value() {
        let state = State::new();
        assert_eq!(state.close(), OnClose::Quiet);
        assert_eq!(state.send(), OnSend::Refused);
        assert!(state.look().is_over());
        assert_eq!(state.give_up(), OnGiveUp::Left);
        assert_eq!(state.receiver_leaves(), OnLeave::Last);
    }
}
