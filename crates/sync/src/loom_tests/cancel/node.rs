//! Loom: the tree of tokens.

use unstuck_base::sync::atomic::{AtomicBool, Ordering::Relaxed};
use unstuck_base::sync::{Arc, thread};

use crate::cancel::CancellationToken;

#[test]
fn loom_cancel_who_sees_the_flag_sees_what_came_before() {
    loom::model(|| {
        let shared = Arc::new(AtomicBool::new(false));
        let token = CancellationToken::new();
        let cancelling = thread::spawn({
            let (token, shared) = (token.clone(), shared.clone());
            move || {
                shared.store(true, Relaxed);
                token.cancel();
            }
        });
        if token.is_cancelled() {
            assert!(shared.load(Relaxed));
        }
        cancelling.join().unwrap();
        assert!(token.is_cancelled());
    });
}

#[test]
fn loom_cancel_finds_a_child_that_is_being_made() {
    loom::model(|| {
        let token = CancellationToken::new();
        let making = thread::spawn({
            let token = token.clone();
            move || token.child_token()
        });
        token.cancel();
        assert!(making.join().unwrap().is_cancelled());
    });
}

#[test]
fn loom_cancel_finds_a_grandchild_whose_parent_is_dropped() {
    loom::model(|| {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let leaf = middle.child_token();
        let dropping = thread::spawn(move || drop(middle));
        root.cancel();
        assert!(leaf.is_cancelled());
        dropping.join().unwrap();
    });
}

#[test]
fn loom_cancel_parent_and_child_are_dropped_at_once() {
    loom::model(|| {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let leaf = middle.child_token();
        let dropping = thread::spawn(move || drop(middle));
        drop(leaf);
        dropping.join().unwrap();
        root.cancel();
    });
}

#[test]
fn loom_cancel_root_is_dropped_while_a_child_leaves() {
    loom::model(|| {
        let root = CancellationToken::new();
        let child = root.child_token();
        let leaf = child.child_token();
        let dropping = thread::spawn(move || drop(root));
        drop(child);
        dropping.join().unwrap();
        leaf.cancel();
        assert!(leaf.is_cancelled());
    });
}
