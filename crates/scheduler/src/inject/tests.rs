//! A model, and the situations that it does not reach.

use proptest::prelude::*;

use super::*;
use crate::numbered::Numbered;

/// What can happen to the queue.
#[derive(Clone, Debug)]
enum Event {
    Push(usize),
    PushAll(usize),
    Take(usize),
    TakeAll,
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (1..20usize).prop_map(Event::Push),
        5 => (0..20usize).prop_map(Event::PushAll),
        6 => (0..30usize).prop_map(Event::Take),
        2 => Just(Event::TakeAll),
        1 => Just(Event::Close),
    ]
}

proptest! {
    #[test]
    fn behaves_like_a_deque(events in prop::collection::vec(event(), 0..60), count_it: bool) {
        let tasks = Numbered::new();
        let inject = Inject::new();
        let mut model = VecDeque::new();
        let mut open = true;
        let mut ran = Vec::new();
        let mut cancelled = Vec::new();
        let mut next = 0;
        for event in events {
            match event {
                Event::Push(count) => for _ in 0..count {
                    let pushed = inject.push(tasks.task(next));
                    prop_assert_eq!(pushed.is_ok(), open);
                    if open { model.push_back(next) } else { cancelled.push(next) }
                    next += 1;
                },
                Event::PushAll(count) => {
                    let numbers = next..next + count;
                    let pushed = inject.push_all(numbers.clone().map(|number| tasks.task(number)));
                    prop_assert_eq!(pushed.is_ok(), open || count == 0);
                    drop(pushed);
                    if open { model.extend(numbers) } else { cancelled.extend(numbers) }
                    next += count;
                }
                Event::Take(limit) => {
                    inject.take(|_| limit, Runnable::run);
                    ran.extend(model.drain(..limit.min(model.len())));
                }
                Event::TakeAll => {
                    // They join a queue that has some already.
                    let mut queue = VecDeque::from([tasks.task(next)]);
                    inject.take_all(&mut queue);
                    queue.into_iter().for_each(Runnable::run);
                    ran.push(next);
                    ran.extend(model.drain(..));
                    next += 1;
                }
                Event::Close => {
                    drop(inject.close());
                    open = false;
                    cancelled.extend(model.drain(..));
                }
            }
            prop_assert_eq!(inject.is_empty(), model.is_empty());
            if count_it {
                prop_assert_eq!(inject.len(), model.len());
            }
            let ends = tasks.ends();
            prop_assert_eq!((&ends.ran, &ends.cancelled), (&ran, &cancelled));
        }
        // What is left is cancelled with the queue.
        drop(inject);
        cancelled.extend(model);
        prop_assert_eq!(tasks.ends().cancelled, cancelled);
    }
}
