//! Loom: the driver's batches of events against those who take slots and give them back.

use super::*;
use unstuck_base::interest::Interest;
use unstuck_base::sync::{Arc, thread};

fn take(slots: &Slots) -> (Key, NonNull<Slot>) {
    slots.take(Kind::Stream, Ready::EMPTY).unwrap()
}

fn readiness(slot: &NonNull<Slot>) -> &Readiness {
    // SAFETY: every test keeps the slots alive while it uses their pointers.
    unsafe { &slot.as_ref().readiness }
}

fn is_closed(slot: NonNull<Slot>) -> bool {
    readiness(&slot).now(Interest::READABLE).ready().is_read_closed()
}

/// Handles an event that says that a stream has ended; `false`: it was for somebody who is gone.
fn end_of_stream(slots: &Slots, key: Key) -> bool {
    let slot = slots.get(key);
    slot.map(|slot| slot.readiness.set(Ready::READ_CLOSED, &mut WakeBatch::new())).is_some()
}

#[test]
fn loom_slots_an_event_of_the_last_owner_never_reaches_the_next_one() {
    loom::model(|| {
        let slots = Arc::new(Slots::new());
        let (old, place) = take(&slots);
        let owner = thread::spawn({
            let slots = slots.clone();
            move || {
                let _ = slots.give_back(old);
                let (key, slot) = take(&slots);
                assert_ne!(key, old);
                assert!(!is_closed(slot), "a new socket is told the end of an old one");
                (key, slot.as_ptr().addr())
            }
        });
        // The event was read before the slot was given back, and is handled at any moment. Then the next batch begins.
        end_of_stream(&slots, old);
        slots.recycle();
        // A registration that nobody could remove goes on sending events.
        end_of_stream(&slots, old);
        let (key, slot) = owner.join().unwrap();
        assert!(slots.get(old).is_none());
        assert!(!slots.get(key).unwrap().readiness.now(Interest::READABLE).ready().is_read_closed());
        // The first place again, or one in a chunk that was made meanwhile.
        let same = slot == place.as_ptr().addr();
        assert_eq!(slots.free.lock().taken, if same { 1 } else { 2 });
    });
}

#[test]
fn loom_slots_an_event_reaches_the_owner_that_it_is_for() {
    loom::model(|| {
        let slots = Arc::new(Slots::new());
        let (old, _) = take(&slots);
        let _ = slots.give_back(old);
        let driver = thread::spawn({
            let slots = slots.clone();
            move || slots.recycle()
        });
        let (key, slot) = take(&slots);
        driver.join().unwrap();
        // It is registered by now, and the driver, in whatever thread, has read an event for it.
        let told = thread::spawn({
            let slots = slots.clone();
            move || end_of_stream(&slots, key)
        });
        assert!(told.join().unwrap());
        assert!(is_closed(slot));
    });
}

#[test]
fn loom_slots_two_who_take_get_different_ones() {
    loom::model(|| {
        let slots = Arc::new(Slots::new());
        let other = thread::spawn({
            let slots = slots.clone();
            move || {
                let (key, slot) = take(&slots);
                (key, slot.as_ptr().addr())
            }
        });
        let (key, slot) = take(&slots);
        let (other_key, other_slot) = other.join().unwrap();
        assert_ne!(key.index, other_key.index);
        assert_ne!(slot.as_ptr().addr(), other_slot);
        for (key, place) in [(key, slot.as_ptr().addr()), (other_key, other_slot)] {
            assert_eq!(std::ptr::from_ref(slots.get(key).unwrap()).addr(), place);
        }
    });
}

#[test]
fn loom_slots_two_who_take_do_not_share_the_one_that_was_recycled() {
    loom::model(|| {
        let slots = Arc::new(Slots::new());
        let (old, _) = take(&slots);
        let _ = slots.give_back(old);
        let driver = thread::spawn({
            let slots = slots.clone();
            move || slots.recycle()
        });
        let other = thread::spawn({
            let slots = slots.clone();
            move || take(&slots).0
        });
        let key = take(&slots).0;
        assert_ne!(key.index, other.join().unwrap().index);
        driver.join().unwrap();
        // At most one of them got the old place: none is lost, and none was made in vain.
        slots.recycle();
        let free = slots.free.lock();
        assert_eq!(free.taken as usize, 2 + free.ready.len());
    });
}

#[test]
fn loom_slots_a_chunk_that_is_made_meanwhile_is_found_whole_or_not_at_all() {
    loom::model(|| {
        let slots = Arc::new(Slots::new());
        let driver = thread::spawn({
            let slots = slots.clone();
            // An old registration's key, of a place that exists in this or the next moment.
            move || slots.get(Key { index: 0, generation: 7 }).is_none()
        });
        let (key, _) = take(&slots);
        assert!(driver.join().unwrap());
        assert!(slots.get(key).is_some());
    });
}

#[test]
fn loom_slots_the_shutdown_refuses_a_slot_or_tells_its_owner() {
    loom::model(|| {
        let slots = Arc::new(Slots::new());
        let shutting = thread::spawn({
            let slots = slots.clone();
            move || slots.shut(&mut WakeBatch::new())
        });
        let taken = slots.take(Kind::Stream, Ready::EMPTY);
        shutting.join().unwrap();
        if let Ok((_, slot)) = taken {
            assert!(readiness(&slot).now(Interest::READABLE).is_shutdown());
        }
        assert!(slots.take(Kind::Stream, Ready::EMPTY).is_err());
    });
}
