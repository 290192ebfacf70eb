//! The store in invented time.

use std::collections::BTreeSet;

use super::value::{List, Text};
use super::*;
use crate::random::Dice;

fn at(millis: i64) -> UnixMillis {
    UnixMillis(millis)
}

fn set(store: &mut Store, now: i64, key: &str, lifetime: Lifetime) {
    store.db(0, at(now)).set(key.as_bytes(), Value::Text(b"value".to_vec()), lifetime);
}

fn lapsed(store: &mut Store) -> Vec<(usize, String)> {
    let databases = 0..DATABASES;
    let keys = databases.flat_map(|db| store.take_lapsed(db).into_iter().map(move |key| (db, key)));
    keys.map(|(db, key)| (db, String::from_utf8_lossy(&key).into_owned())).collect()
}

#[test]
fn a_key_is_gone_at_its_deadline_before_any_timer() {
    let mut store = Store::default();
    set(&mut store, 0, "k", Lifetime::Until(at(100)));
    assert!(store.db(0, at(99)).contains(b"k"));
    assert!(!store.db(0, at(100)).contains(b"k"));
    assert_eq!(lapsed(&mut store), [(0, "k".to_owned())]);
    assert_eq!(store.first_deadline(), None);
}

#[test]
fn a_lapsed_key_that_is_written_again_starts_empty() {
    let mut store = Store::default();
    set(&mut store, 0, "k", Lifetime::Until(at(100)));
    let mut db = store.db(0, at(150));
    let length = db.edit_or_create(b"k", |text: &mut Text| {
        text.extend_from_slice(b"x");
        text.len()
    });
    assert_eq!(length, Ok(1));
    assert_eq!(db.deadline(b"k"), Some(None));
}

#[test]
fn the_timer_is_told_the_first_deadline_of_all_databases() {
    let mut store = Store::default();
    assert_eq!(store.first_deadline(), None);
    store.db(3, at(0)).set(b"late", Value::Text(Vec::new()), Lifetime::Until(at(300)));
    store.db(9, at(0)).set(b"soon", Value::Text(Vec::new()), Lifetime::Until(at(200)));
    assert_eq!(store.first_deadline(), Some(at(200)));
    assert_eq!(store.expire_due(at(199), 10), 0);
    assert_eq!(store.expire_due(at(200), 10), 1);
    assert_eq!(lapsed(&mut store), [(9, "soon".to_owned())]);
    assert_eq!(store.first_deadline(), Some(at(300)));
}

#[test]
fn mass_expiry_goes_in_bounded_steps() {
    let mut store = Store::default();
    for key in 0..25 {
        set(&mut store, 0, &key.to_string(), Lifetime::Until(at(50)));
    }
    assert_eq!(store.expire_due(at(50), 10), 10);
    assert_eq!(store.first_deadline(), Some(at(50)), "the timer must fire again at once");
    assert_eq!(store.expire_due(at(50), 10), 10);
    assert_eq!(store.expire_due(at(50), 10), 5);
    assert_eq!(store.db(0, at(50)).len(), 0);
}

#[test]
fn every_write_leaves_the_deadlines_in_step() {
    let mut store = Store::default();
    set(&mut store, 0, "k", Lifetime::Until(at(100)));
    set(&mut store, 0, "k", Lifetime::Kept);
    assert_eq!(store.first_deadline(), Some(at(100)));
    set(&mut store, 0, "k", Lifetime::Until(at(200)));
    assert_eq!(store.first_deadline(), Some(at(200)));
    set(&mut store, 0, "k", Lifetime::Endless);
    assert_eq!(store.first_deadline(), None);
    assert!(store.db(0, at(0)).set_lifetime(b"k", Lifetime::Until(at(300))));
    assert!(store.db(0, at(0)).remove(b"k"));
    assert_eq!(store.first_deadline(), None);
    assert!(!store.db(0, at(0)).set_lifetime(b"k", Lifetime::Until(at(300))));
    set(&mut store, 0, "k", Lifetime::Until(at(400)));
    store.clear();
    assert_eq!(store.first_deadline(), None);
}

#[test]
fn the_last_element_takes_the_key_along() {
    let mut store = Store::default();
    let mut db = store.db(0, at(0));
    db.edit_or_create(b"l", |list: &mut List| list.push_back(b"one"[..].into())).unwrap();
    db.set_lifetime(b"l", Lifetime::Until(at(100)));
    assert_eq!(db.edit(b"l", |list: &mut List| list.pop_front()).unwrap().flatten().as_deref(), Some(&b"one"[..]));
    assert!(!db.contains(b"l"));
    assert_eq!(store.first_deadline(), None);
    assert_eq!(lapsed(&mut store), [], "removed, not lapsed");
}

#[test]
fn another_kind_of_value_is_refused_and_left_alone() {
    let mut store = Store::default();
    set(&mut store, 0, "k", Lifetime::Endless);
    let mut db = store.db(0, at(0));
    assert_eq!(db.get::<List>(b"k"), Err(WrongType));
    assert_eq!(db.edit(b"k", |_: &mut List| ()), Err(WrongType));
    assert_eq!(db.edit_or_create(b"k", |_: &mut List| ()), Err(WrongType));
    assert_eq!(db.get::<Text>(b"k").unwrap().unwrap(), b"value");
}

#[test]
fn scan_sees_every_key_that_stays_while_others_come_and_go() {
    for seed in 0..50 {
        let mut dice = Dice::seeded(seed);
        let mut store = Store::default();
        for key in 0..100 {
            set(&mut store, 0, &format!("stays:{key}"), Lifetime::Endless);
            set(&mut store, 0, &format!("goes:{key}"), Lifetime::Endless);
        }
        let (mut cursor, mut seen, mut steps) = (0, BTreeSet::new(), 0);
        loop {
            cursor = store.db(0, at(0)).scan(cursor, 1 + dice.below(12), |key, _| {
                if key.starts_with(b"stays") {
                    seen.insert(key.to_vec());
                }
            });
            if cursor == 0 {
                break;
            }
            for _ in 0..dice.below(10) {
                store.db(0, at(0)).remove(format!("goes:{}", dice.below(100)).as_bytes());
                set(&mut store, 0, &format!("comes:{steps}"), Lifetime::Endless);
            }
            steps += 1;
            assert!(steps < 1_000, "seed {seed}: the scan does not end");
        }
        assert_eq!(seen.len(), 100, "seed {seed}");
    }
}

#[test]
fn a_scan_with_a_stale_cursor_starts_over() {
    let mut store = Store::default();
    set(&mut store, 0, "k", Lifetime::Endless);
    let mut seen = 0;
    assert_eq!(store.db(0, at(0)).scan(1_000_000, 10, |_, _| seen += 1), 0);
    assert_eq!(seen, 1);
}
