//! Loom: the cell that is filled once.

use loom::future::block_on;
use unstuck_base::sync::{Arc, thread};

use crate::OnceCell;

#[test]
fn loom_once_cell_one_fills_and_both_find_it() {
    loom::model(|| {
        let cell = Arc::new(OnceCell::new());
        let other = thread::spawn({
            let cell = cell.clone();
            move || *block_on(cell.get_or_init(|| async { 1 }))
        });
        let mine = *block_on(cell.get_or_init(|| async { 2 }));
        assert_eq!(mine, other.join().unwrap());
    });
}

#[test]
fn loom_once_cell_a_failure_hands_the_right_on() {
    loom::model(|| {
        let cell = Arc::new(OnceCell::new());
        let other = thread::spawn({
            let cell = cell.clone();
            move || block_on(cell.get_or_try_init(|| async { Err::<u32, ()>(()) })).copied()
        });
        assert_eq!(*block_on(cell.get_or_init(|| async { 2 })), 2);
        assert_ne!(other.join().unwrap(), Ok(1));
    });
}
