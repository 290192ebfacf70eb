//! Runs code of the user's whose panic must not go on: whoever calls it has more to do.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`; its panic ends here, even if what it panics with panics when it is dropped.
pub fn quietly(f: impl FnOnce()) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { return };
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // There is no end to this, so it is leaked.
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[test]
    fn a_panic_ends_there_and_so_does_that_of_what_it_carries() {
        let mut ran = false;
        quietly(|| ran = true);
        assert!(ran);
        quietly(|| panic!("run"));
        quietly(|| std::panic::panic_any(Bomb));
    }
}
