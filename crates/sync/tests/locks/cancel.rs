//! Cancellation tokens.

use std::collections::HashSet;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Context;

use unstuck_base::local::{WaitKind, next_task_id};
use unstuck_base::parker::block_on;
use unstuck_sync::cancel::CancellationToken;

use crate::support::{Task, acting_waker, as_task, panicking_waker};

#[test]
fn cancelling_ends_the_waits_of_all_clones() {
    let token = CancellationToken::default();
    let (mut borrowed, mut owned) = (Task::new(token.cancelled()), Task::new(token.clone().cancelled_owned()));
    borrowed.pending();
    owned.pending();
    borrowed.pending();
    assert!(!token.is_cancelled());
    token.clone().cancel();
    token.cancel();
    assert!(token.is_cancelled() && borrowed.is_woken() && owned.is_woken());
    borrowed.ready();
    owned.ready();
    borrowed.ready();
    Task::new(token.cancelled()).ready();
}

#[test]
fn a_wait_that_is_given_up_is_not_woken() {
    let token = CancellationToken::new();
    let mut waiting = Task::new(token.cancelled());
    waiting.pending();
    let wakes = waiting.wakes.clone();
    drop(waiting);
    Task::new(token.clone().cancelled_owned()).pending();
    token.cancel();
    assert_eq!(wakes.count(), 0);
}

#[test]
fn descendants_are_cancelled_and_nobody_else() {
    let root = CancellationToken::new();
    let (token, sibling) = (root.child_token(), root.child_token());
    let (a, b) = (token.child_token(), token.child_token());
    let deep = a.child_token().child_token().child_token();
    let mut waits: Vec<_> = [&token, &a, &b, &deep].map(|token| Task::new(token.cancelled())).into();
    let mut apart: Vec<_> = [&root, &sibling].map(|token| Task::new(token.cancelled())).into();
    waits.iter_mut().chain(&mut apart).for_each(Task::pending);
    token.cancel();
    assert!([&token, &a, &b, &deep].iter().all(|token| token.is_cancelled()));
    assert!(![&root, &sibling].iter().any(|token| token.is_cancelled()));
    waits.iter_mut().for_each(|wait| {
        assert!(wait.is_woken());
        wait.ready();
    });
    apart.iter_mut().for_each(|wait| {
        assert!(!wait.is_woken());
        wait.pending();
    });
    root.cancel();
    assert!(sibling.is_cancelled());
}

#[test]
fn a_child_of_a_cancelled_token_is_cancelled() {
    let token = CancellationToken::new();
    token.cancel();
    let child = token.child_token();
    assert!(child.is_cancelled());
    drop(token);
    assert!(child.child_token().is_cancelled());
}

#[test]
fn a_cancelled_child_is_left_alone_by_its_parent() {
    let root = CancellationToken::new();
    let child = root.child_token();
    let grandchild = child.child_token();
    child.cancel();
    drop(child);
    assert!(grandchild.is_cancelled() && !root.is_cancelled());
    drop(grandchild);
    root.cancel();
}

#[test]
fn grandchildren_of_a_dropped_token_still_hear_of_the_root() {
    let root = CancellationToken::new();
    let middle = root.child_token();
    let leaves: Vec<_> = (0..3).map(|_| middle.child_token()).collect();
    drop(middle);
    assert!(!leaves[0].is_cancelled());
    leaves[1].cancel();
    root.cancel();
    assert!(leaves.iter().all(CancellationToken::is_cancelled));
}

#[test]
fn children_of_a_dropped_root_live_on() {
    let root = CancellationToken::new();
    let (a, b) = (root.child_token(), root.child_token());
    let below = a.child_token();
    drop(root);
    a.cancel();
    assert!(below.is_cancelled() && !b.is_cancelled());
    b.cancel();
    assert!(b.is_cancelled());
}

#[test]
fn a_deep_tree_needs_no_stack() {
    const DEPTH: usize = 100_000;
    for drop_from_the_root in [true, false] {
        let chain = || {
            let mut tokens = vec![CancellationToken::new()];
            for at in 0..DEPTH {
                tokens.push(tokens[at].child_token());
            }
            tokens
        };
        let tokens = chain();
        tokens[0].cancel();
        assert!(tokens[DEPTH].is_cancelled());
        for mut tokens in [tokens, chain()] {
            if drop_from_the_root {
                tokens.into_iter().for_each(drop);
            } else {
                while tokens.pop().is_some() {}
            }
        }
    }
}

#[test]
fn a_chain_of_dropped_parents_does_not_grow() {
    let root = CancellationToken::new();
    let mut token = root.child_token();
    for _ in 0..10_000 {
        token = token.child_token();
    }
    root.cancel();
    assert!(token.is_cancelled());
}

#[test]
fn a_waker_sees_the_whole_tree_cancelled_and_may_use_it() {
    let root = CancellationToken::new();
    let (first, second) = (root.child_token(), root.child_token());
    let seen = Arc::new(AtomicBool::new(false));
    let waker = acting_waker({
        let (root, second, seen) = (root.clone(), second.clone(), seen.clone());
        move || {
            assert!(second.is_cancelled() && root.child_token().is_cancelled());
            root.cancel();
            seen.store(true, SeqCst);
        }
    });
    let mut waiting = pin!(first.cancelled());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    root.cancel();
    assert!(seen.load(SeqCst));
}

#[test]
fn a_panicking_waker_does_not_stop_the_cancellation() {
    let root = CancellationToken::new();
    let children: Vec<_> = (0..50).map(|_| root.child_token()).collect();
    let mut first = pin!(root.cancelled());
    assert!(first.as_mut().poll(&mut Context::from_waker(&panicking_waker())).is_pending());
    let mut waits: Vec<_> = children.iter().map(|child| Task::new(child.cancelled())).collect();
    waits.iter_mut().for_each(Task::pending);
    assert!(catch_unwind(|| root.cancel()).is_err());
    waits.iter_mut().for_each(|wait| {
        assert!(wait.is_woken());
        wait.ready();
    });
    drop(waits);
    drop(children);
}

#[test]
fn guards_cancel_unless_disarmed() {
    let token = CancellationToken::new();
    let kept = token.clone().drop_guard().disarm();
    let _ = token.drop_guard_ref().disarm();
    assert!(!kept.is_cancelled());
    let guard = token.child_token().drop_guard();
    let child = guard.token().clone();
    drop(guard);
    assert!(child.is_cancelled() && !token.is_cancelled());
    let guard = token.drop_guard_ref();
    assert_eq!(guard.token(), &kept);
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _guard = guard;
        panic!("on the way");
    }));
    assert!(panicked.is_err() && token.is_cancelled());
}

#[test]
fn a_run_ends_with_its_future_or_with_the_token() {
    let token = CancellationToken::new();
    assert_eq!(Task::new(token.run_until_cancelled(ready(5))).ready(), Some(5));
    let mut running = Task::new(token.run_until_cancelled(pending::<()>()));
    let mut owned = Task::new(token.clone().run_until_cancelled_owned(pending::<()>()));
    running.pending();
    owned.pending();
    token.cancel();
    assert!(running.is_woken() && owned.is_woken());
    assert_eq!((running.ready(), owned.ready()), (None, None));
}

#[test]
fn a_run_that_is_cancelled_before_it_began_is_never_polled() {
    let token = CancellationToken::new();
    let mut running = Task::new(token.run_until_cancelled(async { panic!("polled") }));
    token.cancel();
    assert_eq!(running.ready(), None::<()>);
}

#[test]
fn a_run_that_ends_as_it_is_cancelled_keeps_its_result() {
    let token = CancellationToken::new();
    let child = token.child_token();
    let mut running = Task::new(token.run_until_cancelled(async {
        child.cancelled().await;
        7
    }));
    running.pending();
    token.cancel();
    assert_eq!(running.ready(), Some(7));
}

#[test]
fn clones_are_equal_and_children_are_not() {
    let token = CancellationToken::new();
    let (clone, child) = (token.clone(), token.child_token());
    assert!(token == clone && token != child && child != CancellationToken::new());
    assert_eq!(HashSet::from([token.clone(), clone, child]).len(), 2);
    assert_eq!(format!("{token:?}"), "CancellationToken { is_cancelled: false }");
}

#[test]
fn a_pending_wait_says_where_it_waits() {
    let token = CancellationToken::new();
    let line = line!() + 1;
    let mut waiting = Task::new(token.cancelled());
    let ((), waits) = as_task(next_task_id(), 1, || waiting.pending());
    assert_eq!((waits[0].kind, waits[0].at.line()), (WaitKind::Cancellation, line));
}

#[test]
fn threads_grow_shrink_and_cancel_one_tree() {
    for round in 0..50 {
        let root = CancellationToken::new();
        let threads: Vec<_> = (0..3)
            .map(|n| {
                let token = root.child_token();
                std::thread::spawn(move || {
                    let mut tokens = vec![token];
                    for step in 0..60 {
                        let parent = &tokens[(step * 7 + n) % tokens.len()];
                        let child = parent.child_token();
                        tokens.push(child);
                        if step % 3 == 0 {
                            tokens.swap_remove((step * 5 + n) % tokens.len());
                        }
                        if step % 17 == 16 && n == 0 {
                            tokens[step % tokens.len()].cancel();
                        }
                    }
                    for token in tokens.drain(..).rev() {
                        block_on(token.cancelled());
                    }
                })
            })
            .collect();
        if round % 2 == 0 {
            std::thread::yield_now();
        }
        root.cancel();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
