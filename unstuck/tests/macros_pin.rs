//! `pin!`: both of its forms, and that what it pins can be polled by reference.

#![deny(unused)]
#![forbid(unsafe_code)]

use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use unstuck::task::yield_now;

async fn value(value: u8) -> u8 {
    yield_now().await;
    value
}

fn assert_pinned<F: Future>(_: &Pin<&mut F>) {}

#[unstuck::test]
async fn a_variable_becomes_a_pinned_reference_to_its_value() {
    let one = value(1);
    unstuck::pin!(one);
    assert_pinned(&one);
    assert_eq!((&mut one).await, 1);
}

#[unstuck::test]
async fn several_variables_at_once() {
    let (one, two, three) = (value(1), value(2), value(3));
    unstuck::pin!(one, two);
    unstuck::pin!(three,);
    assert_eq!((one.await, two.await, three.await), (1, 2, 3));
}

#[unstuck::test]
async fn statements_that_make_the_values() {
    unstuck::pin! {
        let one = value(1);
        let two = value(one.as_mut().await + 1);
    }
    assert_pinned(&one);
    assert_eq!(two.await, 2);
}

#[test]
fn the_value_is_moved_and_dropped_at_the_end_of_the_block() {
    struct Guard<'a>(&'a std::cell::Cell<bool>, PhantomPinned);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = std::cell::Cell::new(false);
    {
        let guard = Guard(&dropped, PhantomPinned);
        unstuck::pin!(guard);
        assert!(!guard.as_ref().get_ref().0.get());
    }
    assert!(dropped.get());
}
