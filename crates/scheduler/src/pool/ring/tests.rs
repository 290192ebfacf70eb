//! A model, and the situations that it does not reach.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::numbered::Numbered;

/// What can happen to two rings, of which each takes from the other.
#[derive(Clone, Debug)]
enum Event {
    Push(usize),
    Pop(usize),
    TakeInto(usize),
    TakeHalf(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..2usize).prop_map(Event::Push),
        2 => (0..2usize).prop_map(Event::Pop),
        1 => (0..2usize).prop_map(Event::TakeInto),
        1 => (0..2usize).prop_map(Event::TakeHalf),
    ]
}

/// So many pushes at a time that the rings overflow now and then.
const PUSHES: usize = SIZE / 8;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_two_deques(events in prop::collection::vec(event(), 0..100)) {
        let tasks = Numbered::new();
        let rings = [Ring::new(), Ring::new()];
        let mut models = [VecDeque::new(), VecDeque::new()];
        let mut expected = Vec::new();
        let mut next = 0;
        for event in events {
            match event {
                Event::Push(at) => {
                    for _ in 0..PUSHES {
                        let pushed = rings[at].push(tasks.task(next));
                        prop_assert_eq!(pushed.is_ok(), models[at].len() < SIZE);
                        match pushed {
                            Ok(()) => models[at].push_back(next),
                            Err(refused) => {
                                refused.run();
                                expected.push(next);
                            }
                        }
                        next += 1;
                    }
                }
                Event::Pop(at) => {
                    let popped = rings[at].pop();
                    prop_assert_eq!(popped.is_some(), !models[at].is_empty());
                    popped.into_iter().for_each(Runnable::run);
                    expected.extend(models[at].pop_front());
                }
                Event::TakeInto(to) => {
                    let from = 1 - to;
                    let older_half = models[from].len().div_ceil(2).min(SIZE - models[to].len() + 1);
                    let mut taken: VecDeque<usize> = models[from].drain(..older_half).collect();
                    let first = rings[from].take_into(&rings[to]);
                    prop_assert_eq!(first.is_some(), !taken.is_empty());
                    first.into_iter().for_each(Runnable::run);
                    expected.extend(taken.pop_front());
                    models[to].extend(taken);
                }
                Event::TakeHalf(at) => {
                    let count = models[at].len().min(SIZE / 2);
                    rings[at].take_half().into_iter().for_each(Runnable::run);
                    expected.extend(models[at].drain(..count));
                }
            }
            for (ring, model) in rings.iter().zip(&models) {
                prop_assert_eq!(ring.len(), model.len());
            }
            prop_assert_eq!(&tasks.ends().ran, &expected);
        }
        // A ring that is dropped cancels what it has, in order.
        drop(rings);
        prop_assert_eq!(tasks.ends().cancelled, models.into_iter().flatten().collect::<Vec<_>>());
    }
}
