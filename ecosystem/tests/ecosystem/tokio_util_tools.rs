//! tokio-util and tokio-stream: codecs, trackers, delay queues, and streams over channels and timers.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::duplex;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_stream::wrappers::{IntervalStream, ReceiverStream};
use tokio_util::codec::{Framed, LinesCodec};
use tokio_util::sync::{CancellationToken, PollSemaphore, PollSender};
use tokio_util::task::TaskTracker;
use tokio_util::time::DelayQueue;

#[tokio::test]
async fn lines_are_framed_over_any_stream() {
    let _limit = crate::limit();
    let (here, there) = duplex(16);
    let echo = tokio::spawn(async move {
        let (mut sink, stream) = Framed::new(there, LinesCodec::new()).split();
        sink.send_all(&mut stream.map(|line| line.map(|line| line.to_uppercase()))).await.unwrap();
    });
    let mut framed = Framed::new(here, LinesCodec::new());
    for line in ["first", "a line that is longer than the pipe"] {
        framed.send(line).await.unwrap();
        assert_eq!(framed.next().await.unwrap().unwrap(), line.to_uppercase());
    }
    drop(framed);
    echo.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tracker_waits_for_tasks_that_a_token_ends() {
    let _limit = crate::limit();
    let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
    for _ in 0..100 {
        let token = token.child_token();
        tracker.spawn(async move { token.cancelled().await });
    }
    tracker.close();
    assert_eq!(tracker.len(), 100);
    drop(token.drop_guard());
    tracker.wait().await;
    assert!(tracker.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delay_queue_gives_back_in_order_of_time() {
    let _limit = crate::limit();
    let mut queue = DelayQueue::new();
    for seconds in [3, 1, 2] {
        queue.insert(seconds, Duration::from_secs(seconds));
    }
    let start = Instant::now();
    for seconds in 1..=3 {
        assert_eq!(queue.next().await.unwrap().into_inner(), seconds);
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
    assert!(queue.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_interval_is_a_stream() {
    let _limit = crate::limit();
    let start = Instant::now();
    let ticks = IntervalStream::new(tokio::time::interval(Duration::from_secs(1))).take(4);
    let seconds: Vec<u64> = ticks.map(|tick| (tick - start).as_secs()).collect().await;
    assert_eq!(seconds, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_channel_and_a_semaphore_can_be_polled() {
    let _limit = crate::limit();
    let (sender, receiver) = mpsc::channel(1);
    let mut sink = PollSender::new(sender);
    let received = tokio::spawn(ReceiverStream::new(receiver).collect::<Vec<_>>());
    for number in 0..5 {
        sink.send(number).await.unwrap();
    }
    drop(sink);
    assert_eq!(received.await.unwrap(), [0, 1, 2, 3, 4]);

    let mut semaphore = PollSemaphore::new(std::sync::Arc::new(Semaphore::new(1)));
    let permit = std::future::poll_fn(|cx| semaphore.poll_acquire(cx)).await.unwrap();
    assert!(futures_util::poll!(std::future::poll_fn(|cx| semaphore.poll_acquire(cx))).is_pending());
    drop(permit);
    assert!(std::future::poll_fn(|cx| semaphore.poll_acquire(cx)).await.is_some());
}
