//! Spares that come and go while threads stop and go on: enough run in the end.

use unstuck_base::sync::{Arc, thread};

use super::model_with;
use crate::pool::balance::Balance;

/// A spare: runs until it is not needed.
fn spare(balance: &Balance) {
    balance.comes();
    while !balance.retire() {
        thread::yield_now();
    }
}

#[test]
fn loom_balance_as_many_spares_end_as_came() {
    model_with(3, || {
        let balance = Arc::new(Balance::new());
        let threads = [(); 2].map(|()| {
            let balance = balance.clone();
            thread::spawn(move || {
                let comes = balance.one_less();
                let too_many = balance.one_more();
                if comes {
                    spare(&balance);
                }
                (comes, too_many)
            })
        });
        let told = threads.map(|thread| thread.join().unwrap());
        assert!(told.iter().any(|(comes, _)| *comes), "the first one has nobody in its place");
        assert!(!balance.has_surplus());
        // Nobody is missing, and nobody is coming: the next one needs a new spare.
        assert!(balance.one_less());
    });
}
