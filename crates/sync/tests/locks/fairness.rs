//! Random schedules of asking, giving up and giving back, against a model: no permit is lost, nobody overtakes.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use proptest::prelude::*;
use unstuck_sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::support::Task;

type Acquire = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>>>>;

/// What should be: whole numbers and a line.
struct Model {
    available: usize,
    /// Who waits, how many they want, how many are set aside for them.
    line: VecDeque<(usize, usize, usize)>,
    /// Who was told and has not looked, and how many are set aside for them.
    granted: Vec<(usize, usize)>,
}

impl Model {
    fn hand_out(&mut self) {
        while let Some((who, wanted, has)) = self.line.front_mut() {
            let given = self.available.min(*wanted - *has);
            *has += given;
            self.available -= given;
            if has < wanted {
                return;
            }
            self.granted.push((*who, *wanted));
            self.line.pop_front();
        }
    }

    fn give_up(&mut self, who: usize) {
        if let Some(at) = self.line.iter().position(|waiter| waiter.0 == who) {
            self.available += self.line.remove(at).unwrap().2;
        }
        if let Some(at) = self.granted.iter().position(|waiter| waiter.0 == who) {
            self.available += self.granted.remove(at).1;
        }
        self.hand_out();
    }
}

#[derive(Clone, Debug)]
enum Event {
    /// Begins to wait for so many.
    Ask(usize),
    /// Polls one who waits.
    Poll(usize),
    GiveUp(usize),
    GiveBack(usize),
    TryAcquire(usize),
    Add(usize),
    Forget(usize),
    Close,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0..4usize).prop_map(Event::Ask),
        4 => any::<usize>().prop_map(Event::Poll),
        3 => any::<usize>().prop_map(Event::GiveUp),
        5 => any::<usize>().prop_map(Event::GiveBack),
        2 => (0..4usize).prop_map(Event::TryAcquire),
        2 => (0..3usize).prop_map(Event::Add),
        1 => (0..2usize).prop_map(Event::Forget),
    ];
    (prop::collection::vec(event, 0..120), prop::option::of(0..120usize)).prop_map(|(mut events, close)| {
        if let Some(at) = close.filter(|at| *at < events.len()) {
            events.insert(at, Event::Close);
        }
        events
    })
}

proptest! {
    #[test]
    fn no_permit_is_lost_and_nobody_overtakes(permits in 0..5usize, events in events()) {
        let semaphore = Arc::new(Semaphore::new(permits));
        let mut model = Model { available: permits, line: VecDeque::new(), granted: Vec::new() };
        let mut waiting: Vec<(usize, Task<Acquire>)> = Vec::new();
        let mut out: Vec<OwnedSemaphorePermit> = Vec::new();
        let mut closed = false;
        for (who, event) in events.into_iter().enumerate() {
            match event {
                Event::Ask(wanted) => {
                    let future: Acquire = Box::pin(semaphore.clone().acquire_many_owned(wanted as u32));
                    let mut task = Task::new(future);
                    let at_once = !closed && (wanted == 0 || model.line.is_empty() && model.available >= wanted);
                    match task.poll() {
                        std::task::Poll::Ready(Ok(permit)) => {
                            prop_assert!(at_once);
                            model.available -= wanted;
                            out.push(permit);
                        }
                        std::task::Poll::Ready(Err(_)) => prop_assert!(closed),
                        std::task::Poll::Pending => {
                            prop_assert!(!closed && !at_once);
                            model.line.push_back((who, wanted, 0));
                            model.hand_out();
                            waiting.push((who, task));
                        }
                    }
                }
                Event::Poll(at) if !waiting.is_empty() => {
                    let at = at % waiting.len();
                    let who = waiting[at].0;
                    let granted = model.granted.iter().position(|waiter| waiter.0 == who);
                    prop_assert_eq!(waiting[at].1.is_woken(), granted.is_some() || closed);
                    match waiting[at].1.poll() {
                        std::task::Poll::Ready(Ok(permit)) => {
                            prop_assert!(!closed);
                            let (_, wanted) = model.granted.remove(granted.expect("it was granted"));
                            prop_assert_eq!(permit.num_permits(), wanted);
                            waiting.swap_remove(at);
                            out.push(permit);
                        }
                        std::task::Poll::Ready(Err(_)) => {
                            prop_assert!(closed);
                            model.give_up(who);
                            waiting.swap_remove(at);
                        }
                        std::task::Poll::Pending => prop_assert!(granted.is_none() && !closed),
                    }
                }
                Event::GiveUp(at) if !waiting.is_empty() => {
                    let (who, task) = waiting.swap_remove(at % waiting.len());
                    drop(task);
                    model.give_up(who);
                }
                Event::GiveBack(at) if !out.is_empty() => {
                    let permit = out.swap_remove(at % out.len());
                    model.available += permit.num_permits();
                    drop(permit);
                    model.hand_out();
                }
                Event::TryAcquire(wanted) => {
                    let at_once = !closed && (wanted == 0 || model.line.is_empty() && model.available >= wanted);
                    let permit = semaphore.clone().try_acquire_many_owned(wanted as u32);
                    prop_assert_eq!(permit.is_ok(), at_once);
                    if let Ok(permit) = permit {
                        model.available -= wanted;
                        out.push(permit);
                    }
                }
                Event::Add(n) => {
                    semaphore.add_permits(n);
                    model.available += n;
                    model.hand_out();
                }
                Event::Forget(n) => {
                    let forgotten = semaphore.forget_permits(n);
                    prop_assert_eq!(forgotten, n.min(model.available));
                    model.available -= forgotten;
                }
                Event::Close => {
                    semaphore.close();
                    closed = true;
                    // What was set aside for somebody stays so until that one ends.
                    model.granted.extend(model.line.drain(..).map(|(who, _, has)| (who, has)));
                }
                _ => {}
            }
            prop_assert_eq!(semaphore.available_permits(), model.available);
            for (who, task) in &waiting {
                let granted = model.granted.iter().any(|waiter| waiter.0 == *who);
                prop_assert_eq!(task.is_woken(), granted || closed, "{} of {:?}", who, model.granted);
            }
        }
        let total = model.available
            + out.iter().map(OwnedSemaphorePermit::num_permits).sum::<usize>()
            + model.line.iter().map(|waiter| waiter.2).sum::<usize>()
            + model.granted.iter().map(|waiter| waiter.1).sum::<usize>();
        waiting.clear();
        out.clear();
        prop_assert_eq!(semaphore.available_permits(), total);
    }
}
