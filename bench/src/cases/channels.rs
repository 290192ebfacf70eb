//! Messages between two tasks.

use std::time::Duration;

use super::super::rt;
use super::in_task;
use crate::measure::timed;
use rt::runtime::Runtime;
use rt::sync::{mpsc, oneshot};

/// One sender, one receiver, a buffer of 100.
pub(super) fn bounded(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let (sender, mut receiver) = mpsc::channel(100);
        timed(async move {
            let sending = rt::spawn(async move {
                for number in 0..operations {
                    sender.send(number).await.expect("the receiver lives");
                }
            });
            for number in 0..operations {
                assert_eq!(receiver.recv().await, Some(number));
            }
            sending.await.expect("it does not panic");
        })
        .await
    })
}

/// One sender that never waits, one receiver.
pub(super) fn unbounded(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        timed(async move {
            let sending = rt::spawn(async move {
                for number in 0..operations {
                    sender.send(number).expect("the receiver lives");
                }
            });
            for number in 0..operations {
                assert_eq!(receiver.recv().await, Some(number));
            }
            sending.await.expect("it does not panic");
        })
        .await
    })
}

/// A message there and back, over two channels with room for one.
pub(super) fn ping_pong(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let (ping, mut pinged) = mpsc::channel(1);
        let (pong, mut ponged) = mpsc::channel(1);
        timed(async move {
            let answering = rt::spawn(async move {
                while let Some(number) = pinged.recv().await {
                    pong.send(number).await.expect("the asker lives");
                }
            });
            for number in 0..operations {
                ping.send(number).await.expect("the answerer lives");
                assert_eq!(ponged.recv().await, Some(number));
            }
            drop(ping);
            answering.await.expect("it does not panic");
        })
        .await
    })
}

/// A request over a channel that carries the oneshot for its reply: how actors are asked.
pub(super) fn request_reply(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        let (ask, mut asked) = mpsc::channel::<(u32, oneshot::Sender<u32>)>(100);
        timed(async move {
            let answering = rt::spawn(async move {
                while let Some((number, reply)) = asked.recv().await {
                    reply.send(number + 1).expect("the asker waits");
                }
            });
            for number in 0..operations {
                let (reply, replied) = oneshot::channel();
                ask.send((number, reply)).await.expect("the answerer lives");
                assert_eq!(replied.await, Ok(number + 1));
            }
            drop(ask);
            answering.await.expect("it does not panic");
        })
        .await
    })
}

/// Made, sent and received by one task: no one ever waits.
pub(super) fn oneshot(runtime: &Runtime, operations: u32) -> Duration {
    in_task(runtime, async move {
        timed(async {
            for number in 0..operations {
                let (sender, receiver) = oneshot::channel();
                sender.send(number).expect("the receiver lives");
                assert_eq!(receiver.await, Ok(number));
            }
        })
        .await
    })
}
