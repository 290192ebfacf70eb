//! Random schedules on one thread against the simplest model: a queue, and who waits.

use std::collections::VecDeque;

use proptest::prelude::*;
use unstuck_sync::mpsc::{self, error::TryRecvError, error::TrySendError};

use crate::support::{Census, Counted, Task};

type Sending<'a> = Task<std::pin::Pin<Box<dyn Future<Output = bool> + 'a>>>;

/// What the model knows.
#[derive(Default)]
struct Model {
    capacity: usize,
    /// Messages in the channel.
    queue: VecDeque<usize>,
    /// Sends that wait, oldest first: the message, and whether it has been given room.
    waiting: VecDeque<(usize, bool)>,
    closed: bool,
}

impl Model {
    fn used(&self) -> usize {
        self.queue.len() + self.waiting.iter().filter(|(_, granted)| *granted).count()
    }

    /// Room goes to those who wait, oldest first.
    fn hand_out(&mut self) {
        while !self.closed && self.used() < self.capacity {
            let Some(first) = self.waiting.iter_mut().find(|(_, granted)| !granted) else { return };
            first.1 = true;
        }
    }

    fn has_room(&self) -> bool {
        self.used() < self.capacity
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bounded_channel_behaves_like_a_queue(
        capacity in 1..20usize,
        events in prop::collection::vec((0..8u8, 0..8usize), 0..300),
    ) {
        let census = Census::default();
        let (sender, mut receiver) = mpsc::channel::<Counted>(capacity);
        let mut model = Model { capacity, ..Model::default() };
        let mut sends: VecDeque<Sending> = VecDeque::new();
        for (number, (event, which)) in events.into_iter().enumerate() {
            match event {
                // A send, polled once.
                0 | 1 => {
                    let value = census.value(number);
                    let mut send: Sending = Task::new(Box::pin(async { sender.send(value).await.is_ok() }));
                    let polled = send.poll();
                    if model.closed {
                        prop_assert_eq!(polled, std::task::Poll::Ready(false));
                    } else if model.has_room() {
                        prop_assert_eq!(polled, std::task::Poll::Ready(true));
                        model.queue.push_back(number);
                    } else {
                        prop_assert!(polled.is_pending());
                        model.waiting.push_back((number, false));
                        sends.push_back(send);
                    }
                }
                2 => match sender.try_send(census.value(number)) {
                    Ok(()) => {
                        prop_assert!(!model.closed && model.has_room());
                        model.queue.push_back(number);
                    }
                    Err(TrySendError::Full(_)) => prop_assert!(!model.closed && !model.has_room()),
                    Err(TrySendError::Closed(_)) => prop_assert!(model.closed),
                },
                3 | 4 => match receiver.try_recv() {
                    Ok(value) => prop_assert_eq!(Some(value.number), model.queue.pop_front()),
                    Err(TryRecvError::Empty) => {
                        let room_is_given = model.waiting.iter().any(|(_, granted)| *granted);
                        prop_assert!(model.queue.is_empty() && (!model.closed || room_is_given));
                    }
                    Err(TryRecvError::Disconnected) => prop_assert!(model.queue.is_empty() && model.closed),
                },
                // One that waits is polled again.
                5 | 6 if !sends.is_empty() => {
                    let at = which % sends.len();
                    let (message, granted) = model.waiting[at];
                    prop_assert_eq!(sends[at].is_woken(), granted || model.closed);
                    match sends[at].poll() {
                        std::task::Poll::Pending => prop_assert!(!granted && !model.closed),
                        std::task::Poll::Ready(sent) => {
                            prop_assert!(granted || model.closed);
                            prop_assert_eq!(sent, !model.closed);
                            if sent {
                                model.queue.push_back(message);
                            }
                            drop(sends.remove(at));
                            model.waiting.remove(at);
                        }
                    }
                }
                // One that waits is given up.
                7 if !sends.is_empty() && which > 0 => {
                    let at = which % sends.len();
                    drop(sends.remove(at));
                    model.waiting.remove(at);
                }
                7 if which == 0 && number > 100 => {
                    receiver.close();
                    model.closed = true;
                }
                _ => {}
            }
            model.hand_out();
            prop_assert_eq!(receiver.len(), model.queue.len());
            prop_assert_eq!(sender.capacity(), model.capacity - model.used());
            prop_assert_eq!(census.living(), model.queue.len() + sends.len());
        }
        drop(receiver);
        prop_assert_eq!(census.living(), sends.len());
        drop(sends);
        prop_assert_eq!(census.living(), 0);
    }

    #[test]
    fn an_unbounded_channel_behaves_like_a_queue(events in prop::collection::vec((0..4u8, 1..40usize), 0..100)) {
        let census = Census::default();
        let (sender, mut receiver) = mpsc::unbounded_channel::<Counted>();
        let mut model = VecDeque::new();
        let mut receiving_is_woken = None;
        for (number, (event, times)) in events.into_iter().enumerate() {
            match event {
                0 => for n in 0..times {
                    sender.send(census.value(number * 100 + n)).unwrap();
                    model.push_back(number * 100 + n);
                },
                1 => for _ in 0..times {
                    prop_assert_eq!(receiver.try_recv().ok().map(|value| value.number), model.pop_front());
                },
                2 => {
                    let mut buffer = Vec::new();
                    let mut receiving = Task::new(receiver.recv_many(&mut buffer, times));
                    match receiving.poll() {
                        std::task::Poll::Ready(received) => prop_assert_eq!(received, times.min(model.len())),
                        std::task::Poll::Pending => {
                            prop_assert!(model.is_empty());
                            receiving_is_woken = Some(receiving.wakes.clone());
                        }
                    }
                    drop(receiving);
                    for value in buffer {
                        prop_assert_eq!(Some(value.number), model.pop_front());
                    }
                }
                _ => {
                    if let Some(wakes) = &receiving_is_woken {
                        prop_assert!(wakes.count() <= 1);
                        prop_assert!(model.is_empty() || wakes.count() == 1, "a message came and nobody was woken");
                    }
                }
            }
            prop_assert_eq!(receiver.len(), model.len());
            prop_assert_eq!(census.living(), model.len());
        }
    }
}
