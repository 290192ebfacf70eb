//! Who gets which slot, and when.

use super::*;
use unstuck_base::interest::Interest;

fn is_readable(slot: NonNull<Slot>) -> bool {
    // SAFETY: the slots live until the end of the test.
    unsafe { slot.as_ref() }.readiness.now(Interest::READABLE).ready().is_readable()
}

#[test]
fn a_key_that_was_given_back_finds_nothing() {
    let slots = Slots::new();
    let (key, slot) = slots.take(Kind::Stream, Ready::EMPTY).unwrap();
    assert_eq!(Key::of(key.token()), key);
    assert!(std::ptr::eq(slots.get(key).unwrap(), slot.as_ptr()));
    let _ = slots.give_back(key);
    assert!(slots.get(key).is_none());
    slots.recycle();
    let (again, same) = slots.take(Kind::Datagram, Ready::WRITABLE).unwrap();
    assert_eq!(same, slot);
    assert_ne!(again, key);
    assert!(slots.get(key).is_none());
    assert_eq!(slots.get(again).unwrap().kind(), Kind::Datagram);
}

#[test]
fn a_slot_is_not_taken_again_during_a_batch_of_events() {
    let slots = Slots::new();
    let (key, slot) = slots.take(Kind::Stream, Ready::EMPTY).unwrap();
    // The driver has found the slot of an event, when its socket goes away.
    let found = slots.get(key).unwrap();
    let _ = slots.give_back(key);
    let (_, other) = slots.take(Kind::Stream, Ready::EMPTY).unwrap();
    found.readiness.set(Ready::READ_CLOSED, &mut WakeBatch::new());
    assert_ne!(other, slot);
    assert!(!is_readable(other));
    // When the batch is over, it is taken again, and remembers nothing.
    slots.recycle();
    let (_, again) = slots.take(Kind::Stream, Ready::EMPTY).unwrap();
    assert_eq!(again, slot);
    assert!(!is_readable(again));
}

#[test]
fn many_slots_are_distinct_and_stay_in_place() {
    let slots = Slots::new();
    let taken: Vec<_> = (0..1_000).map(|_| slots.take(Kind::Stream, Ready::EMPTY).unwrap()).collect();
    for (n, (key, slot)) in taken.iter().enumerate() {
        assert!(std::ptr::eq(slots.get(*key).unwrap(), slot.as_ptr()));
        assert!(taken[..n].iter().all(|(other, place)| other != key && place != slot));
    }
    let asked: usize = taken.iter().map(|(key, _)| usize::from(slots.give_back(*key))).sum();
    assert_eq!(asked, 1_000 / FIRST_CHUNK, "the driver is woken now and then");
    slots.recycle();
    for _ in 0..1_000 {
        slots.take(Kind::Stream, Ready::EMPTY).unwrap();
    }
    assert_eq!(slots.free.lock().taken, 1_000, "no new ones were needed");
}

#[test]
fn places_follow_each_other() {
    let mut before = place(0);
    assert_eq!(before, (0, 0));
    for index in 1..100_000 {
        let next = place(index);
        let (chunk, offset) = before;
        assert!(next == (chunk, offset + 1) || next == (chunk + 1, 0) && offset + 1 == FIRST_CHUNK << chunk);
        before = next;
    }
}

#[test]
fn after_the_shutdown_there_are_no_slots() {
    let slots = Slots::new();
    let (key, _) = slots.take(Kind::Stream, Ready::EMPTY).unwrap();
    slots.shut(&mut WakeBatch::new());
    assert!(slots.get(key).unwrap().readiness.now(Interest::READABLE).is_shutdown());
    assert!(slots.take(Kind::Stream, Ready::EMPTY).is_err());
    let _ = slots.give_back(key);
}
