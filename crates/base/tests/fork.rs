//! What changes in a forked child. This process is told that it is one, so there is one test.

#![cfg(not(unstuck_loom))]

use std::sync::atomic::{AtomicUsize, Ordering};

use unstuck_base::entered;
use unstuck_base::fork::{PerProcess, Process, became_child, is_child};
use unstuck_base::parker::Parker;

static MADE: AtomicUsize = AtomicUsize::new(0);
static VALUE: PerProcess<usize> = PerProcess::new(|| MADE.fetch_add(1, Ordering::Relaxed));

#[test]
fn what_was_made_before_belongs_to_the_parent() {
    let (parent, value, parker) = (Process::this(), VALUE.get(), Parker::new());
    assert!(parent.is_this() && !is_child());
    parent.assert_is_this();
    let of_threads = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(|| std::ptr::from_ref(VALUE.get()) as usize));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!((*value, of_threads), (0, [std::ptr::from_ref(value) as usize; 4]));
    let inside = entered::enter().unwrap();
    assert!(entered::enter().is_none());

    became_child();
    assert!(!parent.is_this() && is_child() && Process::this().is_this());
    assert_ne!(parent.to_number(), Process::this().to_number());
    let panic = std::panic::catch_unwind(|| parent.assert_is_this()).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("belongs to the parent process"));
    // Another value, and the parent's is still there for whoever refers to it.
    assert_eq!((*VALUE.get(), *VALUE.get(), *value), (1, 1, 0));
    // Not inside any more; and leaving puts back that it was inside in the parent, which says nothing here.
    assert!(!entered::is_entered());
    let again = entered::enter().unwrap();
    assert!(entered::is_entered());
    drop(again);
    assert!(!entered::is_entered());
    drop(inside);
    assert!(!entered::is_entered());
    // Nobody slept, so this one works as before.
    parker.unpark();
    parker.park();

    let child = Process::this();
    became_child();
    assert!(!child.is_this() && !parent.is_this());
    assert_eq!(*VALUE.get(), 2);
}
