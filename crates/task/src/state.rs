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
//! | join side \ event | poll, first | poll, another waker        | complete               | drop the handle     |
//! |-------------------|-------------|----------------------------|------------------------|---------------------|
//! | JOIN              | JOIN+WAKER  | -                          | output is the handle's | - , output is the runner's |
//! | JOIN+WAKER        | -           | JOIN, store, JOIN+WAKER    | and wake it            | - , as above        |
//! | (none)            | -           | -                          | output is the runner's | -                   |
//!
//! Every transition is one read-modify-write. All are AcqRel: what a thread wrote before a wake is seen by the poll that
//! it causes, also when the task was scheduled already.

use std::fmt;

use unstuck_base::sync::atomic::{AtomicUsize, Ordering};

const SCHEDULED: usize = 1 << 0;
const RUNNING: usize = 1 << 1;
const COMPLETE: usize = 1 << 2;
const ABORT: usize = 1 << 3;
const JOIN: usize = 1 << 4;
const WAKER: usize = 1 << 5;
const REF: usize = 1 << 6;

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
    /// As `Waits`, and that was the last reference: free the task.
    Free,
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

/// What the join handle has to do when it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnJoinDropped {
    /// Drop the output (if it was not taken), then give the reference back.
    Complete,
    /// Nothing: the reference is given back already.
    Given,
    /// As `Given`, and that was the last reference: free the task.
    Free,
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

    /// A waker was woken by reference. `Submit` has added the runnable's reference.
    pub(crate) fn wake_by_ref(&self) -> OnWake {
        self.wake(REF)
    }

    /// A waker was woken by value. `Submit` passes the waker's reference on to the runnable; otherwise the caller still
    /// has it to give back.
    pub(crate) fn wake_by_value(&self) -> OnWake {
        self.wake(0)
    }

    #[inline]
    fn wake(&self, reference: usize) -> OnWake {
        self.change(|word| match word & (SCHEDULED | RUNNING | COMPLETE) {
            0 => (Some((word | SCHEDULED) + reference), OnWake::Submit),
            COMPLETE => (None, OnWake::Nothing),
            // Also when nothing changes the word is written: the poll to come must see what we wrote before.
            _ => (Some(word | SCHEDULED), OnWake::Nothing),
        })
    }

    /// The holder of the runnable begins to run it, or to drop it.
    #[inline]
    pub(crate) fn run(&self) -> OnRun {
        // One subtraction turns SCHEDULED into RUNNING without a loop: the stage can't change under the runnable.
        const _: () = assert!(RUNNING - SCHEDULED == SCHEDULED);
        let word = self.0.fetch_add(RUNNING - SCHEDULED, Ordering::AcqRel);
        assert!(word & (SCHEDULED | RUNNING | COMPLETE) == SCHEDULED, "a runnable exists only while SCHEDULED");
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
                let next = (word & !RUNNING) - REF;
                (Some(next), if next < REF { OnPend::Free } else { OnPend::Waits })
            }
        })
    }

    /// The output is written; returns the word as it was, which says whose the output is and whom to wake.
    #[inline]
    pub(crate) fn complete(&self) -> Snapshot {
        let word = self.change(|word| {
            assert!(word & (RUNNING | COMPLETE) == RUNNING, "only the runner completes a task");
            (Some((word & !(RUNNING | SCHEDULED)) | COMPLETE), word)
        });
        Snapshot(word)
    }

    /// Somebody wants the task to end. `Submit` has added the runnable's reference.
    pub(crate) fn abort(&self) -> OnWake {
        self.change(|word| match word & (SCHEDULED | RUNNING | COMPLETE) {
            0 => (Some((word | SCHEDULED | ABORT) + REF), OnWake::Submit),
            COMPLETE => (None, OnWake::Nothing),
            _ => (Some(word | ABORT), OnWake::Nothing),
        })
    }

    /// The runtime ends. `Cancel` has added the reference that a runnable would have.
    pub(crate) fn shut_down(&self) -> OnShutdown {
        self.change(|word| match word & (SCHEDULED | RUNNING | COMPLETE) {
            0 => (Some((word | RUNNING | ABORT) + REF), OnShutdown::Cancel),
            COMPLETE => (None, OnShutdown::Nothing),
            _ => (Some(word | ABORT), OnShutdown::Nothing),
        })
    }

    /// The join handle has stored its waker. `false`: the task is complete, and the waker is not looked at.
    pub(crate) fn set_join_waker(&self) -> bool {
        self.change(|word| {
            assert!(word & JOIN != 0 && word & WAKER == 0, "the slot is the join handle's");
            if word & COMPLETE != 0 { (None, false) } else { (Some(word | WAKER), true) }
        })
    }

    /// The join handle wants its slot back, to store another waker. `false`: the task is complete.
    pub(crate) fn unset_join_waker(&self) -> bool {
        self.change(|word| {
            assert!(word & JOIN != 0 && word & WAKER != 0, "the join handle has stored a waker");
            if word & COMPLETE != 0 { (None, false) } else { (Some(word & !WAKER), true) }
        })
    }

    /// The join handle goes.
    pub(crate) fn drop_join(&self) -> OnJoinDropped {
        self.change(|word| {
            assert!(word & JOIN != 0, "there is one join handle, dropped once");
            if word & COMPLETE != 0 {
                return (None, OnJoinDropped::Complete);
            }
            let next = (word & !JOIN) - REF;
            (Some(next), if next < REF { OnJoinDropped::Free } else { OnJoinDropped::Given })
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
    pub(crate) fn drop_refs(&self, count: usize) -> bool {
        // AcqRel: Release passes our accesses on to who frees; Acquire, for the last one, takes those of all others.
        let word = self.0.fetch_sub(count * REF, Ordering::AcqRel);
        debug_assert!(word >= count * REF, "more references given back than taken");
        word < (count + 1) * REF
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

    /// Whether there is a join handle that has not lost its interest.
    pub(crate) fn has_join(self) -> bool {
        self.0 & JOIN != 0
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

    const IDLE: usize = 0;
    const WOKEN: usize = RUNNING | SCHEDULED;
    const STAGES: [usize; 5] = [IDLE, SCHEDULED, RUNNING, WOKEN, COMPLETE];
    const BASE: usize = JOIN | 5 * REF;

    fn at(stage: usize) -> State {
        State(AtomicUsize::new(BASE | stage))
    }

    fn stage(state: &State) -> usize {
        state.snapshot().0 & (SCHEDULED | RUNNING | COMPLETE)
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
                Some((SCHEDULED, Nothing, 5)),
                Some((WOKEN, Nothing, 5)),
                Some((WOKEN, Nothing, 5)),
                Some((COMPLETE, Nothing, 5)),
            ],
        );
        walk(State::run, [None, Some((RUNNING, OnRun::Poll, 5)), None, None, None]);
        walk(
            State::pend,
            [None, None, Some((IDLE, Waits, 4)), Some((SCHEDULED, Resubmit, 5)), None],
        );
        walk(
            |s| s.complete().is_running(),
            [None, None, Some((COMPLETE, true, 5)), Some((COMPLETE, true, 5)), None],
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

    #[test]
    fn the_table_of_the_join_side_holds() {
        let state = at(IDLE);
        assert!(state.set_join_waker());
        assert!(state.unset_join_waker());
        assert!(state.set_join_waker());
        assert_eq!(state.drop_join(), OnJoinDropped::Given);
        assert!(!state.snapshot().has_join());
        assert!(catch_unwind(AssertUnwindSafe(|| state.drop_join())).is_err());

        let complete = State(AtomicUsize::new(JOIN | COMPLETE | REF));
        assert!(!complete.set_join_waker());
        assert_eq!(complete.drop_join(), OnJoinDropped::Complete);
        let waking = State(AtomicUsize::new(JOIN | WAKER | RUNNING | REF));
        assert!(waking.complete().has_waker());
        assert!(!waking.unset_join_waker());
    }

    #[test]
    fn the_last_reference_frees_whoever_gives_it_back() {
        assert_eq!(State(AtomicUsize::new(RUNNING | REF)).pend(), OnPend::Free);
        assert_eq!(State(AtomicUsize::new(JOIN | REF)).drop_join(), OnJoinDropped::Free);
        let state = at(COMPLETE);
        assert!(!state.drop_refs(2));
        state.add_ref();
        assert!(!state.drop_refs(3));
        assert!(state.drop_refs(1));
    }
}
