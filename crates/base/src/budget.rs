//! The budget of one poll: how many operations it may still complete.
//!
//! | event \ left | unlimited  | some             | none                                       |
//! |--------------|------------|------------------|--------------------------------------------|
//! | take         | taken      | taken, one less  | refused; or a new budget, taken: rule 1    |
//! | give back    | in vain +1 | one more, in vain +1 | -                                      |
//!
//! 1. A poll that asks in vain goes back to its runtime soon, and the next poll has a full budget. One that does not,
//!    since something inside it polls again whatever was woken, would be refused for ever. So it is given another budget
//!    after every [`PATIENCE`] questions in vain: it does not become faster by that, it only ends. Their number is a
//!    prime, so that of several that ask in turn each gets its turn.
//! 2. A task may have several parts, and the first always leave nothing for the last. So in one of [`EACH`] polls every
//!    part has a share: who is refused stops, and who asks next finds [`SHARE`] operations.
//! 3. That the budget was spent is news once a poll.
//!
//! `local` keeps one for the poll in progress.

/// Operations that a task may complete in one poll before leaf futures make it yield.
pub(crate) const FULL: u8 = 128;

/// A budget that is never used up.
const UNLIMITED: u8 = u8::MAX;

/// How often one poll may ask in vain until it counts as spinning (rule 1).
const PATIENCE: u32 = 1021;

/// One poll of so many is shared (rule 2).
const EACH: u32 = 16;

/// What each part has of a shared poll, after the first (rule 2).
const SHARE: u8 = 8;

/// See the module's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    left: u8,
    spent: bool,
    shared: bool,
    /// How often this poll asked for an operation that did not complete.
    in_vain: u32,
}

// It is copied for each operation.
const _: () = assert!(size_of::<Budget>() == 8);

/// What became of a question for one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Taken {
    /// With what [`give_back`](Budget::give_back) brings back.
    Yes(Budget),
    No,
    /// For the first time in this poll.
    NoMore,
}

impl Budget {
    /// That of a task's poll of this number.
    #[inline]
    pub(crate) const fn of_poll(number: u32) -> Self {
        Budget { left: FULL, spent: false, shared: number % EACH == EACH - 1, in_vain: 0 }
    }

    pub(crate) const fn unlimited() -> Self {
        Budget { left: UNLIMITED, spent: false, shared: false, in_vain: 0 }
    }

    /// This poll goes on with what `other` has left.
    #[must_use]
    pub(crate) fn with_left_of(self, other: Budget) -> Self {
        Budget { left: other.left, ..self }
    }

    #[inline]
    pub(crate) fn is_some(self) -> bool {
        self.left != 0
    }

    /// Whether this poll asked in vain so often that it does not look as if it came back to its runtime by itself.
    #[inline]
    pub(crate) fn is_spinning(self) -> bool {
        self.in_vain >= PATIENCE
    }

    /// Takes one operation.
    #[inline]
    pub(crate) fn take(&mut self) -> Taken {
        if self.left == 0 {
            return self.refuse();
        }
        let before = *self;
        if self.left != UNLIMITED {
            self.left -= 1;
        }
        Taken::Yes(before)
    }

    /// The operation that was taken when this was `before` did not complete.
    #[inline]
    pub(crate) fn give_back(&mut self, before: Budget) {
        *self = before;
        self.count_in_vain();
    }

    #[cold]
    fn refuse(&mut self) -> Taken {
        self.count_in_vain();
        if self.in_vain.is_multiple_of(PATIENCE) {
            self.left = FULL;
            return self.take();
        }
        if self.shared {
            self.left = SHARE;
        }
        if std::mem::replace(&mut self.spent, true) { Taken::No } else { Taken::NoMore }
    }

    #[inline]
    fn count_in_vain(&mut self) {
        // Where it ends it begins again at the limit, so that what is spinning stays so.
        self.in_vain = self.in_vain.checked_add(1).unwrap_or(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(budget: &mut Budget) -> bool {
        matches!(budget.take(), Taken::Yes(_))
    }

    fn spent() -> Budget {
        let mut budget = Budget::of_poll(1);
        while budget.is_some() {
            assert!(took(&mut budget));
        }
        budget
    }

    #[test]
    fn it_is_news_once_that_it_is_spent() {
        let mut budget = spent();
        assert_eq!(budget.take(), Taken::NoMore);
        assert_eq!(budget.take(), Taken::No);
    }

    #[test]
    fn what_asks_for_ever_gets_another_budget_each_in_its_turn() {
        for (askers, taking) in (1..20).flat_map(|askers| (0..askers).map(move |taking| (askers, taking))) {
            let mut budget = spent();
            // The others take all they get at once; does this one get any?
            let mut turns = (0..).map(|turn| turn % askers);
            let got = turns.by_ref().take(100_000).any(|asker| {
                let got = took(&mut budget);
                while asker != taking && budget.is_some() {
                    took(&mut budget);
                }
                got && asker == taking
            });
            assert!(got, "number {taking} of {askers}");
        }
    }

    #[test]
    fn a_poll_that_asks_in_vain_too_often_counts_as_spinning_for_good() {
        let mut budget = Budget::unlimited();
        for _ in 0..PATIENCE {
            assert!(!budget.is_spinning());
            budget.give_back(budget);
        }
        assert!(budget.is_spinning());
        budget.give_back(Budget { in_vain: u32::MAX, ..budget });
        assert!(budget.is_spinning());
    }

    #[test]
    fn what_is_given_as_another_budget_can_be_given_back() {
        let mut budget = spent();
        let before = loop {
            if let Taken::Yes(before) = budget.take() {
                break before;
            }
        };
        budget.give_back(before);
        assert_eq!(budget.left, FULL);
    }

    #[test]
    fn what_another_budget_has_left_does_not_change_the_count() {
        let spinning = Budget { in_vain: PATIENCE, ..spent() };
        let exempt = spinning.with_left_of(Budget::unlimited());
        assert!(exempt.is_some() && exempt.is_spinning());
        assert!(!exempt.with_left_of(spinning).is_some());
    }

    #[test]
    fn in_a_shared_poll_who_asks_after_one_that_was_refused_has_a_share() {
        let parts_of_each = |number| {
            let mut budget = Budget::of_poll(number);
            let operations = |_part: u8| std::iter::from_fn(|| took(&mut budget).then_some(())).count();
            (0..3).map(operations).collect::<Vec<_>>()
        };
        for number in 0..EACH - 1 {
            assert_eq!(parts_of_each(number), [FULL.into(), 0, 0]);
        }
        assert_eq!(parts_of_each(EACH - 1), [FULL, SHARE, SHARE].map(usize::from));
    }
}
