//! How many threads run tasks, beside how many are to: one word, so that a decision sees both of its counts.
//!
//! | event \ word  | running       | coming                        | and says                                  |
//! |---------------|---------------|-------------------------------|-------------------------------------------|
//! | one less      | -1            | +1 if the sum is below 0 then | whether a spare is to come                |
//! | comes         | +1            | -1                            |                                           |
//! | does not come |               | -1                            |                                           |
//! | one more      | +1            |                               | whether there is one too many             |
//! | retire        | -1 if above 0 |                               | whether it is this one that ends          |
//!
//! 1. `running` says by how many more threads run tasks than there are workers. `coming` are the spares that have not got
//!    a thread yet.
//! 2. A spare ends only if enough others run: those that are coming are no reason. Their threads may not have got to run
//!    yet.

use unstuck_base::sync::atomic::{AtomicU64, Ordering};

/// The word; see the table.
pub(crate) struct Balance(AtomicU64);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    running: i32,
    coming: u32,
}

impl Balance {
    /// The workers run, and nobody else.
    pub(crate) fn new() -> Self {
        Balance(AtomicU64::new(Counts::default().pack()))
    }

    /// A thread does not run tasks from now on. `true`: start a spare, which [comes](Balance::comes) or
    /// [does not](Balance::does_not_come).
    #[must_use]
    pub(crate) fn one_less(&self) -> bool {
        let before = self.change(|counts| Some(counts.one_less().0));
        before.is_some_and(|before| before.one_less().1)
    }

    /// A spare has a thread, and runs tasks.
    pub(crate) fn comes(&self) {
        self.change(|Counts { running, coming }| Some(Counts { running: running + 1, coming: coming - 1 }));
    }

    /// A spare gets no thread.
    pub(crate) fn does_not_come(&self) {
        self.change(|counts| Some(Counts { coming: counts.coming - 1, ..counts }));
    }

    /// A thread runs tasks again. `true`: that is one too many, a spare is to end.
    #[must_use]
    pub(crate) fn one_more(&self) -> bool {
        let before = self.change(|counts| Some(Counts { running: counts.running + 1, ..counts }));
        before.is_some_and(|before| before.running >= 0)
    }

    /// A spare would end. `true`: it does.
    pub(crate) fn retire(&self) -> bool {
        let one_less = |counts: Counts| (counts.running > 0).then(|| Counts { running: counts.running - 1, ..counts });
        self.has_surplus() && self.change(one_less).is_some()
    }

    /// Whether a spare is to end.
    pub(crate) fn has_surplus(&self) -> bool {
        // Relaxed: who makes a surplus wakes a spare after that, and `retire` decides.
        Counts::unpack(self.0.load(Ordering::Relaxed)).running > 0
    }

    /// Applies a transition and returns what was there; `None` leaves the word as it is.
    fn change(&self, transition: impl Fn(Counts) -> Option<Counts>) -> Option<Counts> {
        let transition = |word| transition(Counts::unpack(word)).map(Counts::pack);
        // AcqRel: what a thread did before it was counted comes before what follows from that.
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, transition).ok().map(Counts::unpack)
    }
}

impl Counts {
    /// Also whether a spare is to come.
    fn one_less(self) -> (Self, bool) {
        let running = self.running - 1;
        let wanted = i64::from(running) + i64::from(self.coming) < 0;
        (Counts { running, coming: self.coming + u32::from(wanted) }, wanted)
    }

    fn pack(self) -> u64 {
        u64::from(self.running.cast_unsigned()) | u64::from(self.coming) << 32
    }

    fn unpack(word: u64) -> Self {
        Counts { running: (word as u32).cast_signed(), coming: (word >> 32) as u32 }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    fn balance(running: i32, coming: u32) -> Balance {
        Balance(AtomicU64::new(Counts { running, coming }.pack()))
    }

    fn counts(balance: &Balance) -> (i32, u32) {
        let Counts { running, coming } = Counts::unpack(balance.0.load(Ordering::Relaxed));
        (running, coming)
    }

    #[test]
    fn every_pair_of_the_table() {
        for running in -2..=2 {
            for coming in 1..=3 {
                let less = balance(running, coming);
                let wanted = running - 1 + (coming as i32) < 0;
                assert_eq!(less.one_less(), wanted, "{running} {coming}");
                assert_eq!(counts(&less), (running - 1, coming + u32::from(wanted)));

                let comes = balance(running, coming);
                comes.comes();
                assert_eq!(counts(&comes), (running + 1, coming - 1));

                let never = balance(running, coming);
                never.does_not_come();
                assert_eq!(counts(&never), (running, coming - 1));

                let more = balance(running, coming);
                assert_eq!(more.one_more(), running + 1 > 0);
                assert_eq!(counts(&more), (running + 1, coming));

                let retire = balance(running, coming);
                assert_eq!(retire.retire(), running > 0);
                assert_eq!(counts(&retire), (running - i32::from(running > 0), coming));
            }
        }
    }

    #[test]
    fn a_spare_that_is_coming_stands_in_for_the_next() {
        let balance = Balance::new();
        assert!(balance.one_less());
        assert!(!balance.one_more());
        assert!(!balance.one_less(), "one is coming");
        balance.comes();
        assert!(!balance.retire());
        assert!(balance.one_more());
        assert!(balance.retire());
        assert_eq!(counts(&balance), (0, 0));
    }
}
