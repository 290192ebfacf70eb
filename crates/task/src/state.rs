//! The word that decides who may touch what in a task.
//!
//! The stage of a task is two bits, SCHEDULED and RUNNING, or the bit COMPLETE; ABORT, JOIN and WAKER are set beside
//! them, and the rest of the word counts references.
//!
//! | stage \ event | wake               | run     | pend               | complete | abort              | shut down |
//! |---------------|--------------------|---------|--------------------|----------|--------------------|-----------|
//! | IDLE          | SCHEDULED, submit  | -       | -                  | -        | SCHEDULED, submit  | RUNNING, cancel |
//! | SCHEDULED     | SCHEDULED          | RUNNING | -                  | -        | SCHEDULED          | SCHEDULED |
//! | RUNNING       | WOKEN              | -       | IDLE               | COMPLETE | RUNNING            | RUNNING   |
//! | WOKEN         | WOKEN              | -       | SCHEDULED, resubmit| COMPLETE | WOKEN              | WOKEN     |
//! | COMPLETE      | COMPLETE           | -       | -                  | -        | COMPLETE           | COMPLETE  |
//!
//! WOKEN is RUNNING and SCHEDULED together. `abort` and `shut down` set ABORT in every stage but COMPLETE; `run` and
//! `pend` tell the runner when ABORT is set, and then it cancels instead (it keeps RUNNING). `-` can't happen and is
//! asserted.
//!
//! The join side decides whose the output is, and whose the slot of the join waker is:
//!
//! | join side \ event | poll, first | poll, another waker    | complete               | drop the handle                |
//! |-------------------|-------------|------------------------|------------------------|--------------------------------|
//! | JOIN              | JOIN+WAKER  | -                      | output is the handle's | (none), reference given back   |
//! | JOIN+WAKER        | -           | JOIN, store, JOIN+WAKER| and wake it            | (none), slot is the handle's   |
//! | (none)            | -           | -                      | after the output is dropped | -                         |
//!
//! | COMPLETE and \ event | the runner has woken           | drop the handle                 |
//! |----------------------|--------------------------------|---------------------------------|
//! | JOIN                 | -                              | slot is the handle's            |
//! | JOIN+WAKER           | JOIN, reference given back     | WAKER, reference given back     |
//! | WAKER                | slot is the runner's           | -                               |
//!
//! Every transition is one read-modify-write, or none where one load shows that nobody else is left. All are AcqRel: what
//! a thread wrote before a wake is seen by the poll that it causes, also when the task was scheduled already.

use std::fmt;

use unstuck_base::sync::atomic::{AtomicUsize, Ordering};

const SCHEDULED: usize = 1 << 0;
const RUNNING: usize = 1 << 1;
const COMPLETE: usize = 1 << 2;
const ABORT: usize = 1 << 3;
const JOIN: usize = 1 << 4;
const WAKER: usize = 1 << 5;
const REF: usize = 1 << 6;

const STAGE: usize = SCHEDULED | RUNNING | COMPLETE;
const IDLE: usize = 0;

/// The word; see the tables.
pub(crate) struct State(AtomicUsize);

/// A copy of the word at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(usize);

/// What a waker has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnWake {
    /// Hand the runnable, which now exists and has its own reference, to the scheduler.
    Submit,
    /// Nothing: the task will be polled anyway, or never again.
    Nothing,
    /// The task is over, and the waker's reference, given back already, was the last: free the task.
    Free,
}

/// What the holder of a runnable has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnRun {
    /// Poll the future.
    Poll,
    /// Drop the future: the task was aborted.
    Cancel,
}

/// What the runner has to do after a poll that returned Pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnPend {
    /// Nothing: the task waits, and the runnable's reference is given back already.
    Waits,
    /// Hand the runnable to the scheduler again: the task was woken meanwhile.
    Resubmit,
    /// Drop the future: the task was aborted meanwhile. RUNNING is still ours.
    Cancel,
}

/// What who shuts the runtime down has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnShutdown {
    /// Drop the future: RUNNING is ours.
    Cancel,
    /// Nothing: whoever holds the runnable or runs the task drops the future, or it is gone.
    Nothing,
}

/// What the runner has to do to end the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnComplete {
    /// Nobody will join: drop the output, then [`State::complete_detached`]. RUNNING is still ours.
    DropOutput,
    /// Nothing: the task is COMPLETE, and the runner's references are given back already.
    Given,
    /// The task is COMPLETE: wake the join waker, then [`State::end_wake`], which gives the references back.
    Wake,
}

/// What the join handle has to do when it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnJoinDropped {
    /// Nothing: the reference is given back already.
    Given,
    /// Empty the slot of the join waker, then give the reference back.
    EmptySlot,
    /// Drop the output (if it was not taken), then [`State::end_join`].
    Complete,
}

/// What who is done with the slot of the join waker has to do, when the task is COMPLETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnSlotLeft {
    /// Nothing: the other side still uses the slot and will empty it. Our references are given back already.
    Given,
    /// Empty the slot: the other side has left. Then give the references back.
    EmptySlot,
}

impl State {
    /// A task that has just been spawned: SCHEDULED, with references for its runnable and its join handle, and one for
    /// the list of live tasks if it will be there.
    pub(crate) fn spawned(listed: bool) -> Self {
        State(AtomicUsize::new(SCHEDULED | JOIN | (REF * if listed { 3 } else { 2 })))
    }

    /// A copy of the word.
    pub(crate) fn snapshot(&self) -> Snapshot {
        // Acquire: who sees COMPLETE also sees the output.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// A waker was woken by reference. `Submit` has added the runnable's reference; never `Free`.
    #[inline]
    pub(crate) fn wake_by_ref(&self) -> OnWake {
        self.change(|word| match word & STAGE {
            IDLE => (Some((word | SCHEDULED) + REF), OnWake::Submit),
            COMPLETE => (None, OnWake::Nothing),
            // Also when nothing changes the word is written: the poll to come must see what we wrote before.
            _ => (Some(word | SCHEDULED), OnWake::Nothing),
        })
    }

    /// A waker was woken by value. `Submit` passes its reference on to the runnable, otherwise it is given back.
    #[inline]
    pub(crate) fn wake_by_value(&self) -> OnWake {
        self.change(|word| match word & STAGE {
            IDLE => (Some(word | SCHEDULED), OnWake::Submit),
            COMPLETE => (Some(word - REF), if word < 2 * REF { OnWake::Free } else { OnWake::Nothing }),
            // Never the last reference: whoever holds the runnable or runs the task has one.
            _ => (Some((word | SCHEDULED) - REF), OnWake::Nothing),
        })
    }

    /// The holder of the runnable begins to run it, or to drop it.
    #[inline]
    pub(crate) fn run(&self) -> OnRun {
        // One subtraction turns SCHEDULED into RUNNING without a loop: the stage can't change under the runnable.
        const _: () = assert!(RUNNING - SCHEDULED == SCHEDULED);
        let word = self.0.fetch_add(RUNNING - SCHEDULED, Ordering::AcqRel);
        assert!(word & STAGE == SCHEDULED, "a runnable exists only while SCHEDULED");
        if word & ABORT == 0 { OnRun::Poll } else { OnRun::Cancel }
    }

    /// The poll returned Pending.
    #[inline]
    pub(crate) fn pend(&self) -> OnPend {
        self.change(|word| {
            assert!(word & (RUNNING | COMPLETE) == RUNNING, "only the runner ends a poll");
            if word & ABORT != 0 {
                (None, OnPend::Cancel)
            } else if word & SCHEDULED != 0 {
                (Some(word & !RUNNING), OnPend::Resubmit)
            } else {
                debug_assert!(word >= 2 * REF, "a task that waits is in the list, which has a reference");
                (Some((word & !RUNNING) - REF), OnPend::Waits)
            }
        })
    }

    /// The output is written: the task ends, and the runner gives `references` back.
    #[inline]
    pub(crate) fn complete(&self, references: usize) -> OnComplete {
        self.change(|word| {
            assert!(word & (RUNNING | COMPLETE) == RUNNING, "only the runner completes a task");
            let next = (word & !STAGE) | COMPLETE;
            match word & (JOIN | WAKER) {
                // Never the last references: the join handle has one.
                JOIN => (Some(next - references * REF), OnComplete::Given),
                0 => (None, OnComplete::DropOutput),
                _ => (Some(next), OnComplete::Wake),
            }
        })
    }

    /// As [`complete`](State::complete), when there is neither a join handle nor an output any more. `true`: the
    /// references were the last ones, free the task.
    #[inline]
    pub(crate) fn complete_detached(&self, references: usize) -> bool {
        self.is_last(references)
            || self.change(|word| {
                assert!(word & (RUNNING | COMPLETE | JOIN | WAKER) == RUNNING, "only the runner completes a task");
                let next = ((word & !STAGE) | COMPLETE) - references * REF;
                (Some(next), next < REF)
            })
    }

    /// The runner has woken the join waker; `Given` has given `references` back.
    pub(crate) fn end_wake(&self, references: usize) -> OnSlotLeft {
        self.change(|word| {
            assert!(word & (COMPLETE | WAKER) == COMPLETE | WAKER, "the runner wakes once");
            match word & JOIN {
                0 => (None, OnSlotLeft::EmptySlot),
                _ => (Some((word & !WAKER) - references * REF), OnSlotLeft::Given),
            }
        })
    }

    /// Somebody wants the task to end. `Submit` has added the runnable's reference.
    pub(crate) fn abort(&self) -> OnWake {
        self.change(|word| match word & STAGE {
            IDLE => (Some((word | SCHEDULED | ABORT) + REF), OnWake::Submit),
            COMPLETE => (None, OnWake::Nothing),
            _ => (Some(word | ABORT), OnWake::Nothing),
        })
    }

    /// The runtime ends. `Cancel` has added the reference that a runnable would have.
    pub(crate) fn shut_down(&self) -> OnShutdown {
        self.change(|word| match word & STAGE {
            IDLE => (Some((word | RUNNING | ABORT) + REF), OnShutdown::Cancel),
            COMPLETE => (None, OnShutdown::Nothing),
            _ => (Some(word | ABORT), OnShutdown::Nothing),
        })
    }

    /// The join handle has stored its waker. `false`: the task is complete, and the waker is not looked at.
    pub(crate) fn set_join_waker(&self) -> bool {
        self.change(|word| {
            assert!(word & (JOIN | WAKER) == JOIN, "the slot is the join handle's");
            if word & COMPLETE != 0 { (None, false) } else { (Some(word | WAKER), true) }
        })
    }

    /// The join handle wants its slot back, to store another waker. `false`: the task is complete.
    pub(crate) fn unset_join_waker(&self) -> bool {
        self.change(|word| {
            assert!(word & JOIN != 0 && word & (WAKER | COMPLETE) != 0, "the join handle has stored a waker");
            if word & COMPLETE != 0 { (None, false) } else { (Some(word & !WAKER), true) }
        })
    }

    /// The join handle goes.
    pub(crate) fn drop_join(&self) -> OnJoinDropped {
        self.change(|word| {
            assert!(word & JOIN != 0, "there is one join handle, dropped once");
            match word & (COMPLETE | WAKER) {
                // Never the last reference: a task that is not over is in the list, or has a runnable or a runner.
                0 => (Some((word & !JOIN) - REF), OnJoinDropped::Given),
                WAKER => (Some(word & !(JOIN | WAKER)), OnJoinDropped::EmptySlot),
                _ => (None, OnJoinDropped::Complete),
            }
        })
    }

    /// The join handle of a COMPLETE task goes, and the output is gone; `Given` has given its reference back.
    pub(crate) fn end_join(&self) -> OnSlotLeft {
        self.change(|word| {
            assert!(word & (COMPLETE | JOIN) == COMPLETE | JOIN, "the join handle leaves once");
            match word & WAKER {
                0 => (None, OnSlotLeft::EmptySlot),
                _ => (Some((word & !JOIN) - REF), OnSlotLeft::Given),
            }
        })
    }

    /// One more reference.
    pub(crate) fn add_ref(&self) {
        // Relaxed: a new reference is made from one that exists, so the task can't be freed meanwhile.
        let word = self.0.fetch_add(REF, Ordering::Relaxed);
        // As std's Arc: counting on would wrap around, and the task be freed under its users.
        if word > usize::MAX / 2 {
            std::process::abort();
        }
    }

    /// Gives `count` references back. `true`: they were the last ones, free the task.
    #[must_use]
    #[inline]
    pub(crate) fn drop_refs(&self, count: usize) -> bool {
        if self.is_last(count) {
            return true;
        }
        // AcqRel: Release passes our accesses on to who frees; Acquire, for the last one, takes those of all others.
        let word = self.0.fetch_sub(count * REF, Ordering::AcqRel);
        debug_assert!(word >= count * REF, "more references given back than taken");
        word < (count + 1) * REF
    }

    /// Whether the caller's `count` references are all there are. Then nobody else can reach the task, nor get to,
    /// since a reference is made from another one: no write is needed any more.
    #[inline]
    fn is_last(&self, count: usize) -> bool {
        // Acquire: takes the accesses of all who gave their references back, as in `drop_refs`.
        self.0.load(Ordering::Acquire) / REF == count
    }

    /// Applies a transition; `None` leaves the word as it is. The outcome is that of the transition that succeeded.
    #[inline]
    fn change<R>(&self, mut transition: impl FnMut(usize) -> (Option<usize>, R)) -> R {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            let (next, outcome) = transition(word);
            let Some(next) = next else { return outcome };
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return outcome,
                Err(actual) => word = actual,
            }
        }
    }
}

impl Snapshot {
    /// Whether the task has ended.
    pub(crate) fn is_complete(self) -> bool {
        self.0 & COMPLETE != 0
    }

    /// Whether some thread polls the task.
    pub(crate) fn is_running(self) -> bool {
        self.0 & RUNNING != 0
    }

    /// Whether the task waits in a queue (or will be queued when its poll ends).
    pub(crate) fn is_scheduled(self) -> bool {
        self.0 & SCHEDULED != 0
    }

    /// Whether the join handle has stored a waker.
    pub(crate) fn has_waker(self) -> bool {
        self.0 & WAKER != 0
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (SCHEDULED, "SCHEDULED"),
            (RUNNING, "RUNNING"),
            (COMPLETE, "COMPLETE"),
            (ABORT, "ABORT"),
            (JOIN, "JOIN"),
            (WAKER, "WAKER"),
        ];
        for (bit, name) in names {
            if self.0 & bit != 0 {
                write!(f, "{name} ")?;
            }
        }
        write!(f, "refs={}", self.0 / REF)
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const WOKEN: usize = RUNNING | SCHEDULED;
    const STAGES: [usize; 5] = [IDLE, SCHEDULED, RUNNING, WOKEN, COMPLETE];
    const BASE: usize = JOIN | (5 * REF);

    fn at(stage: usize) -> State {
        State(AtomicUsize::new(BASE | stage))
    }

    fn stage(state: &State) -> usize {
        state.snapshot().0 & STAGE
    }

    fn refs(state: &State) -> usize {
        state.snapshot().0 / REF
    }

    /// One column of the table: for each stage the stage after the event and the outcome, or `None` where it panics.
    fn walk<R: PartialEq + fmt::Debug>(event: impl Fn(&State) -> R, column: [Option<(usize, R, usize)>; 5]) {
        for (before, expected) in STAGES.into_iter().zip(column) {
            let state = at(before);
            let outcome = catch_unwind(AssertUnwindSafe(|| event(&state)));
            match expected {
                Some((after, wanted, references)) => {
                    let outcome = outcome.unwrap_or_else(|_| panic!("stage {before} refused the event"));
                    assert_eq!((stage(&state), &outcome, refs(&state)), (after, &wanted, references), "from {before}");
                }
                None => assert!(outcome.is_err(), "stage {before} must refuse the event"),
            }
        }
    }

    #[test]
    fn the_table_of_stages_holds() {
        use OnPend::*;
        use OnWake::*;
        walk(
            State::wake_by_ref,
            [
                Some((SCHEDULED, Submit, 6)),
                Some((SCHEDULED, Nothing, 5)),
                Some((WOKEN, Nothing, 5)),
                Some((WOKEN, Nothing, 5)),
                Some((COMPLETE, Nothing, 5)),
            ],
        );
        walk(
            State::wake_by_value,
            [
                Some((SCHEDULED, Submit, 5)),
                Some((SCHEDULED, Nothing, 4)),
                Some((WOKEN, Nothing, 4)),
                Some((WOKEN, Nothing, 4)),
                Some((COMPLETE, Nothing, 4)),
            ],
        );
        walk(State::run, [None, Some((RUNNING, OnRun::Poll, 5)), None, None, None]);
        walk(State::pend, [None, None, Some((IDLE, Waits, 4)), Some((SCHEDULED, Resubmit, 5)), None]);
        walk(
            |s| s.complete(2),
            [None, None, Some((COMPLETE, OnComplete::Given, 3)), Some((COMPLETE, OnComplete::Given, 3)), None],
        );
        walk(
            State::abort,
            [
                Some((SCHEDULED, Submit, 6)),
                Some((SCHEDULED, Nothing, 5)),
                Some((RUNNING, Nothing, 5)),
                Some((WOKEN, Nothing, 5)),
                Some((COMPLETE, Nothing, 5)),
            ],
        );
        walk(
            State::shut_down,
            [
                Some((RUNNING, OnShutdown::Cancel, 6)),
                Some((SCHEDULED, OnShutdown::Nothing, 5)),
                Some((RUNNING, OnShutdown::Nothing, 5)),
                Some((WOKEN, OnShutdown::Nothing, 5)),
                Some((COMPLETE, OnShutdown::Nothing, 5)),
            ],
        );
    }

    #[test]
    fn an_aborted_task_is_cancelled_by_whoever_has_it() {
        for before in [SCHEDULED, RUNNING, WOKEN] {
            let state = at(before);
            assert_eq!(state.abort(), OnWake::Nothing);
            if before == SCHEDULED {
                assert_eq!(state.run(), OnRun::Cancel);
            } else {
                assert_eq!(state.pend(), OnPend::Cancel);
            }
            assert!(state.snapshot().is_running());
            assert!(!state.snapshot().is_complete());
        }
    }

    const BOTH: usize = JOIN | WAKER;

    /// One column of a table of the join side, like `walk`, with the stage that stands beside it.
    fn walk_join<R: PartialEq + fmt::Debug, const N: usize>(
        stage: usize,
        event: impl Fn(&State) -> R,
        sides: [usize; N],
        column: [Option<(usize, R, usize)>; N],
    ) {
        for (before, expected) in sides.into_iter().zip(column) {
            let state = State(AtomicUsize::new(before | stage | (5 * REF)));
            let outcome = catch_unwind(AssertUnwindSafe(|| event(&state)));
            match expected {
                Some((after, wanted, references)) => {
                    let outcome = outcome.unwrap_or_else(|_| panic!("side {before} refused the event"));
                    let side = state.snapshot().0 & BOTH;
                    assert_eq!((side, &outcome, refs(&state)), (after, &wanted, references), "from {before}");
                }
                None => assert!(outcome.is_err(), "side {before} must refuse the event"),
            }
        }
    }

    #[test]
    fn the_table_of_the_join_side_holds() {
        use OnComplete::{DropOutput, Given, Wake};
        for stage in [IDLE, SCHEDULED, RUNNING, WOKEN] {
            let sides = [JOIN, BOTH, 0];
            walk_join(stage, State::set_join_waker, sides, [Some((BOTH, true, 5)), None, None]);
            walk_join(stage, State::unset_join_waker, sides, [None, Some((JOIN, true, 5)), None]);
            let (given, slot) = (OnJoinDropped::Given, OnJoinDropped::EmptySlot);
            walk_join(stage, State::drop_join, sides, [Some((0, given, 4)), Some((0, slot, 5)), None]);
            if stage & RUNNING != 0 {
                let column = [Some((JOIN, Given, 3)), Some((BOTH, Wake, 5)), Some((0, DropOutput, 5))];
                walk_join(stage, |state| state.complete(2), sides, column);
                walk_join(stage, |state| state.complete_detached(2), sides, [None, None, Some((0, false, 3))]);
            }
        }
    }

    #[test]
    fn the_table_of_the_join_side_of_a_complete_task_holds() {
        use OnSlotLeft::{EmptySlot, Given};
        let sides = [JOIN, BOTH, WAKER];
        let column = [None, Some((JOIN, Given, 3)), Some((WAKER, EmptySlot, 5))];
        walk_join(COMPLETE, |state| state.end_wake(2), sides, column);
        walk_join(COMPLETE, State::end_join, sides, [Some((JOIN, EmptySlot, 5)), Some((WAKER, Given, 4)), None]);
        let complete = OnJoinDropped::Complete;
        walk_join(COMPLETE, State::drop_join, sides, [Some((JOIN, complete, 5)), Some((BOTH, complete, 5)), None]);
        // The join handle may not know yet that the task is over.
        walk_join(COMPLETE, State::set_join_waker, [JOIN], [Some((JOIN, false, 5))]);
        let column = [Some((JOIN, false, 5)), Some((BOTH, false, 5))];
        walk_join(COMPLETE, State::unset_join_waker, [JOIN, BOTH], column);
    }

    #[test]
    fn the_last_reference_frees_whoever_gives_it_back() {
        let of = |word| State(AtomicUsize::new(word));
        assert_eq!(of(COMPLETE | REF).wake_by_value(), OnWake::Free);
        assert!(of(RUNNING | (2 * REF)).complete_detached(2));
        let state = at(COMPLETE);
        assert!(!state.drop_refs(2));
        state.add_ref();
        assert!(!state.drop_refs(3));
        assert!(state.drop_refs(1));
    }
}
