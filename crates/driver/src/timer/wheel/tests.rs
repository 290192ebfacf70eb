//! The wheel against a sorted map.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

/// Says which timer fired.
struct Note {
    name: usize,
    fired: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.fired.lock().unwrap().push(self.name);
    }
}

/// A wheel, and what must be in it.
struct Checked {
    wheel: Wheel,
    now: u64,
    entries: Vec<Pin<Box<Entry>>>,
    /// By deadline.
    armed: BTreeMap<u64, Vec<usize>>,
    fired: Arc<Mutex<Vec<usize>>>,
}

impl Checked {
    fn new(now: u64) -> Self {
        let fired = Arc::new(Mutex::new(Vec::new()));
        Checked { wheel: Wheel::new(now), now, entries: Vec::new(), armed: BTreeMap::new(), fired }
    }

    fn insert(&mut self, deadline: u64) {
        let name = self.entries.len();
        let entry = Box::pin(Entry::new(0));
        entry.set_deadline(deadline);
        let before = self.wheel.next();
        // SAFETY: the entry is new, and is kept in its box until the end.
        let earlier = unsafe {
            entry.swap_waker(Some(Waker::from(Arc::new(Note { name, fired: self.fired.clone() }))));
            entry.set_armed();
            self.wheel.insert(NonNull::from(&*entry))
        };
        assert_eq!(earlier, deadline < before);
        self.entries.push(entry);
        self.armed.entry(deadline).or_default().push(name);
        self.check_next();
    }

    /// Takes out, or moves back in place, the `which`th armed timer.
    fn change(&mut self, which: usize, later: Option<u64>) {
        let all: Vec<_> = self.armed.iter().flat_map(|(at, names)| names.iter().map(|name| (*at, *name))).collect();
        if all.is_empty() {
            return;
        }
        let (deadline, name) = all[which % all.len()];
        let names = self.armed.get_mut(&deadline).unwrap();
        names.retain(|other| *other != name);
        if names.is_empty() {
            self.armed.remove(&deadline);
        }
        match later {
            Some(later) => {
                let moved = deadline.saturating_add(later).min(NEVER - 1);
                self.entries[name].set_deadline(moved);
                self.armed.entry(moved).or_default().push(name);
            }
            // SAFETY: it is armed.
            None => drop(unsafe {
                self.wheel.remove(NonNull::from(&*self.entries[name]));
                self.entries[name].swap_waker(None)
            }),
        }
        self.check_next();
    }

    fn expire(&mut self, now: u64) {
        self.now = now;
        let mut woken = WakeBatch::new();
        while self.wheel.next() <= now {
            self.wheel.expire(now, &mut woken);
        }
        woken.wake_all();
        let later = self.armed.split_off(&(now + 1));
        let due = std::mem::replace(&mut self.armed, later);
        let fired = std::mem::take(&mut *self.fired.lock().unwrap());
        // In the order of deadlines; equal ones in any order.
        let mut rest = &fired[..];
        for (deadline, mut names) in due {
            assert!(rest.len() >= names.len(), "a timer for {deadline} did not fire by {now}");
            let (mut these, others) = (rest[..names.len()].to_vec(), &rest[names.len()..]);
            these.sort();
            names.sort();
            assert_eq!(these, names, "at {deadline}");
            rest = others;
        }
        assert!(rest.is_empty(), "{} timers fired early", rest.len());
        self.check_next();
    }

    fn settle(&mut self) {
        // Deadlines that were moved in place are found only where the wheel looks: make it look.
        self.wheel.unsettle();
        let exact = self.armed.keys().next().copied().unwrap_or(NEVER);
        let settled = self.wheel.settle();
        assert!(settled == exact || settled <= self.now, "{settled} is not {exact}");
    }

    fn check_next(&self) {
        let earliest = self.armed.keys().next().copied().unwrap_or(NEVER);
        assert!(self.wheel.next() <= earliest, "the wheel would be late");
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        self.wheel.shut(&mut WakeBatch::new());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64),
    Remove(usize),
    MoveBack(usize, u64),
    Pass(u64),
    Settle,
}

/// Spans of every size.
fn span() -> impl Strategy<Value = u64> {
    (0u32..64, any::<u64>()).prop_map(|(bits, random)| random >> bits)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => span().prop_map(Step::Insert),
        2 => any::<usize>().prop_map(Step::Remove),
        1 => (any::<usize>(), span()).prop_map(|(which, later)| Step::MoveBack(which, later)),
        3 => span().prop_map(Step::Pass),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fires_what_a_sorted_map_would(start in span(), steps in prop::collection::vec(step(), 1..60)) {
        let mut checked = Checked::new(start);
        for step in steps {
            match step {
                Step::Insert(after) => checked.insert(checked.now.saturating_add(after).min(NEVER - 1)),
                Step::Remove(which) => checked.change(which, None),
                Step::MoveBack(which, later) => checked.change(which, Some(later)),
                Step::Pass(after) => checked.expire(checked.now.saturating_add(after).min(NEVER - 1)),
                Step::Settle => checked.settle(),
            }
        }
        checked.expire(NEVER - 1);
        prop_assert_eq!(checked.wheel.next(), NEVER);
    }

    #[test]
    fn fires_each_of_many_near_each_other(spans in prop::collection::vec(0u64..50_000, 1..2_000), pass in 1u64..5_000) {
        let mut checked = Checked::new(1 << 40);
        for span in spans {
            checked.insert((1 << 40) + span);
        }
        while checked.wheel.next() != NEVER {
            checked.expire(checked.now + pass);
        }
        prop_assert!(checked.armed.is_empty());
    }
}

#[test]
fn one_timer_costs_one_wake_up_however_far_away() {
    for deadline in [1, 63, 64, 4_095, 1 << 20, 1 << 33, (1 << 60) + 12_345, NEVER - 1] {
        let mut checked = Checked::new(0);
        checked.insert(deadline);
        assert_eq!(checked.wheel.next(), deadline, "nothing is to be done before the deadline");
        checked.expire(deadline - 1);
        assert_eq!(checked.wheel.next(), deadline);
        checked.expire(deadline);
        assert_eq!(checked.wheel.next(), NEVER);
    }
}

#[test]
fn one_call_looks_at_a_bounded_number_of_timers() {
    let mut checked = Checked::new(0);
    for _ in 0..3 * CHUNK {
        checked.insert(1_000);
    }
    let mut woken = WakeBatch::new();
    checked.wheel.expire(1_000, &mut woken);
    assert!((1..=CHUNK).contains(&woken.len()));
    assert!(checked.wheel.next() <= 1_000, "the caller comes back");
    // Between two calls, timers that are being drained can be taken out, and new ones come.
    woken.wake_all();
    let fired = checked.fired.lock().unwrap().len();
    checked.armed.get_mut(&1_000).unwrap().drain(..fired);
    checked.fired.lock().unwrap().clear();
    checked.now = 1_000;
    checked.change(0, None);
    checked.insert(1_000);
    checked.insert(1_001);
    checked.expire(1_000);
    assert_eq!(checked.wheel.next(), 1_001);
}

#[test]
fn shutting_tells_every_timer() {
    let mut checked = Checked::new(7);
    (0..100).for_each(|n| checked.insert(7 + (1 << (n % 50))));
    let mut woken = WakeBatch::new();
    checked.wheel.shut(&mut woken);
    assert_eq!(woken.len(), 100);
    assert_eq!(checked.wheel.next(), NEVER);
}
