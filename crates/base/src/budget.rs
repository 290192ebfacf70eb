//! The budget of one poll: how many operations it may still complete.
//!
//! | event \ left | unlimited   | some                 | none                                           |
//! |--------------|-------------|----------------------|------------------------------------------------|
//! | take         | taken       | taken, one less      | refused, in vain + 1; a share if 1 or 2 say so |
//! | give back    | in vain + 1 | one more, in vain + 1 | -                                             |
//!
//! 1. A task may have several parts, and the first always leave nothing for the last. So one in [`EACH`] polls is shared:
//!    who is refused stops, and who asks next has a share. It begins with one operation less than others do: a part that
//!    takes exactly all and then stops is refused for once.
//! 2. A poll that asks in vain goes back to its runtime soon, and the next poll has a full budget. One that does not,
//!    since something inside it polls again whatever was woken, would be refused for ever. Once it has asked so often, it
//!    is shared as well: it does not become faster by that, it only ends. Shares are of 1 to 8 operations, so that nobody
//!    who takes the same number each time always leaves nothing.
//! 3. That the budget was spent is news once a poll.
//!
//! `local` keeps one for the poll in progress.

use std::cell::Cell;

/// Operations that a task may complete in one poll before leaf futures make it yield.
pub(crate) const FULL: u8 = 128;

/// A budget that is never used up.
const UNLIMITED: u8 = u8::MAX;

/// How often one poll may ask in vain until it counts as spinning (rule 2).
const PATIENCE: u32 = 1000;

/// One poll of so many is shared (rule 1).
const EACH: u32 = 16;

/// See the module's table. What every operation changes is a byte of its own; the rest is for who is refused.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u8>,
    asked: Cell<Asked>,
}

/// A budget while a poll inside its own has another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    left: u8,
    asked: Asked,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    /// In vain: for an operation that did not complete.
    in_vain: u32,
    spent: bool,
    shared: bool,
}

/// How much was left before an operation; see [`Budget::give_back`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left(u8);

/// What became of a question for one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Taken {
    Yes(Left),
    No,
    /// For the first time in this poll.
    NoMore,
}

impl Kept {
    /// That of a task's poll of this number.
    #[inline]
    pub(crate) const fn of_poll(number: u32) -> Self {
        let shared = number % EACH == EACH - 1;
        Kept { left: FULL - shared as u8, asked: Asked { in_vain: 0, spent: false, shared } }
    }

    pub(crate) const fn unlimited() -> Self {
        Kept { left: UNLIMITED, asked: Asked { in_vain: 0, spent: false, shared: false } }
    }

    pub(crate) const fn left(self) -> Left {
        Left(self.left)
    }

    /// Whether somebody was refused.
    #[inline]
    pub(crate) const fn is_spent(self) -> bool {
        self.asked.spent
    }
}

impl Budget {
    pub(crate) const fn new(kept: Kept) -> Self {
        Budget { left: Cell::new(kept.left), asked: Cell::new(kept.asked) }
    }

    #[inline]
    pub(crate) fn replace(&self, kept: Kept) -> Kept {
        Kept { left: self.left.replace(kept.left), asked: self.asked.replace(kept.asked) }
    }

    /// The poll goes on with so much; what it had is returned.
    #[must_use]
    pub(crate) fn replace_left(&self, left: Left) -> Left {
        Left(self.left.replace(left.0))
    }

    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        self.left.get() != 0
    }

    /// Whether this poll asked in vain so often that it does not look as if it came back to its runtime by itself.
    #[inline]
    pub(crate) fn is_spinning(&self) -> bool {
        self.asked.get().in_vain >= PATIENCE
    }

    /// Takes one operation.
    #[inline]
    pub(crate) fn take(&self) -> Taken {
        let left = self.left.get();
        if left == 0 {
            return self.refuse();
        }
        if left != UNLIMITED {
            self.left.set(left - 1);
        }
        Taken::Yes(Left(left))
    }

    /// The operation that was taken when so much was left did not complete.
    #[inline]
    pub(crate) fn give_back(&self, before: Left) {
        self.left.set(before.0);
        self.count_in_vain();
    }

    #[cold]
    fn refuse(&self) -> Taken {
        let Asked { in_vain, spent, shared } = self.count_in_vain();
        if shared || in_vain >= PATIENCE {
            // The high bits of the product are as good as random.
            self.left.set(1 + (in_vain.wrapping_mul(0x9E37_79B9) >> 29) as u8);
        }
        self.asked.set(Asked { in_vain, spent: true, shared });
        if spent { Taken::No } else { Taken::NoMore }
    }

    #[inline]
    fn count_in_vain(&self) -> Asked {
        let asked = self.asked.get();
        // Where it ends it begins again at the limit, so that what is spinning stays so.
        let asked = Asked { in_vain: asked.in_vain.checked_add(1).unwrap_or(PATIENCE), ..asked };
        self.asked.set(asked);
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(budget: &Budget) -> bool {
        matches!(budget.take(), Taken::Yes(_))
    }

    fn of_poll(number: u32) -> Budget {
        Budget::new(Kept::of_poll(number))
    }

    fn spent() -> Budget {
        let budget = of_poll(1);
        while budget.is_some() {
            assert!(took(&budget));
        }
        budget
    }

    #[test]
    fn it_is_news_once_that_it_is_spent() {
        let budget = spent();
        assert_eq!(budget.take(), Taken::NoMore);
        assert_eq!(budget.take(), Taken::No);
    }

    #[test]
    fn in_a_poll_that_spins_each_part_gets_its_turn() {
        // Each in a round takes so many operations if it gets them, and stops when it is refused.
        for greed in (1..=20).chain([FULL - 1, FULL, FULL + 1, UNLIMITED]) {
            for (parts, modest) in (2..6).flat_map(|parts| (0..parts).map(move |modest| (parts, modest))) {
                let budget = spent();
                let got = (0..10 * PATIENCE).map(|turn| turn % parts).any(|part| {
                    let wanted = if part == modest { 1 } else { greed };
                    let got = (0..wanted).take_while(|_| took(&budget)).count();
                    part == modest && got > 0
                });
                assert!(got, "number {modest} of {parts}, the others take {greed}");
            }
        }
    }

    #[test]
    fn a_poll_that_asks_in_vain_too_often_counts_as_spinning_for_good() {
        let budget = Budget::new(Kept::unlimited());
        let ask = || {
            let Taken::Yes(before) = budget.take() else { panic!("it is unlimited") };
            budget.give_back(before);
        };
        for _ in 0..PATIENCE {
            assert!(!budget.is_spinning());
            ask();
        }
        assert!(budget.is_spinning());
        budget.asked.set(Asked { in_vain: u32::MAX, ..budget.asked.get() });
        ask();
        assert!(budget.is_spinning());
    }

    #[test]
    fn what_another_budget_has_left_does_not_change_the_count() {
        let budget = spent();
        budget.asked.set(Asked { in_vain: PATIENCE, ..budget.asked.get() });
        let nothing = budget.replace_left(Kept::unlimited().left());
        assert!(budget.is_some() && budget.is_spinning());
        let _unlimited = budget.replace_left(nothing);
        assert!(!budget.is_some());
    }

    #[test]
    fn in_a_shared_poll_who_asks_after_one_that_was_refused_has_a_share() {
        let parts_of_each = |number| {
            let budget = of_poll(number);
            let operations = |_part: u8| std::iter::from_fn(|| took(&budget).then_some(())).count();
            (0..3).map(operations).collect::<Vec<_>>()
        };
        for number in 0..EACH - 1 {
            assert_eq!(parts_of_each(number), [FULL.into(), 0, 0]);
        }
        let shared = parts_of_each(EACH - 1);
        assert_eq!(shared[0], usize::from(FULL) - 1);
        assert!(shared[1..].iter().all(|part| (1..=8).contains(part)), "{shared:?}");
    }
}
