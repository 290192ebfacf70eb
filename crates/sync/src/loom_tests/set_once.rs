//! Loom: the cell that others wait for.

use loom::future::block_on;
use unstuck_base::sync::{Arc, thread};

use crate::SetOnce;

#[test]
fn loom_set_once_wakes_who_begins_to_wait() {
    loom::model(|| {
        let cell = Arc::new(SetOnce::new());
        let setting = thread::spawn({
            let cell = cell.clone();
            move || cell.set(7).is_ok()
        });
        assert_eq!(*block_on(cell.wait()), 7);
        assert!(setting.join().unwrap());
    });
}

#[test]
fn loom_set_once_the_loser_finds_the_value() {
    loom::model(|| {
        let cell = Arc::new(SetOnce::new());
        let other = thread::spawn({
            let cell = cell.clone();
            move || cell.set(1).is_ok()
        });
        let mine = cell.set(2).is_ok();
        assert_eq!(cell.get(), Some(&if mine { 2 } else { 1 }));
        assert_ne!(mine, other.join().unwrap());
    });
}
