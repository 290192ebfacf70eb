//! The budget: nobody keeps the others waiting.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use unstuck::sync::mpsc;
use unstuck::task::coop::{consume_budget, cooperative, has_budget_remaining, poll_proceed, unconstrained};
use unstuck::task::yield_now;

/// How many operations complete in one poll of a task.
async fn in_one_poll<F: Future>(mut operation: impl FnMut() -> F) -> usize {
    let mut done = 0;
    poll_fn(|cx| {
        for _ in 0..10_000 {
            if pin!(operation()).poll(cx).is_pending() {
                break;
            }
            done += 1;
        }
        Poll::Ready(())
    })
    .await;
    done
}

#[unstuck::test]
async fn a_poll_has_a_budget_and_the_next_one_a_new_one() {
    unstuck::spawn(async {
        let first = in_one_poll(consume_budget).await;
        assert!((1..1000).contains(&first), "{first}");
        assert!(!has_budget_remaining());
        yield_now().await;
        assert!(has_budget_remaining());
        assert_eq!(in_one_poll(consume_budget).await, first);
    })
    .await
    .unwrap();
}

#[test]
fn outside_a_task_there_is_no_limit() {
    assert!(has_budget_remaining());
    assert_eq!(unstuck_base::parker::block_on(unconstrained(in_one_poll(consume_budget))), 10_000);
}

#[unstuck::test]
async fn foreign_futures_take_part_when_they_are_made_cooperative() {
    unstuck::spawn(async {
        assert_eq!(in_one_poll(|| std::future::ready(())).await, 10_000);
        let operations = in_one_poll(|| cooperative(std::future::ready(()))).await;
        assert!((1..1000).contains(&operations));
    })
    .await
    .unwrap();
}

#[unstuck::test]
async fn an_exempt_future_is_never_made_to_wait() {
    unstuck::spawn(async {
        assert_eq!(unconstrained(in_one_poll(consume_budget)).await, 10_000);
        assert!(has_budget_remaining(), "what it did is not charged");
    })
    .await
    .unwrap();
}

#[unstuck::test]
async fn an_operation_that_made_no_progress_costs_nothing() {
    unstuck::spawn(poll_fn(|cx| {
        for _ in 0..10_000 {
            assert!(poll_proceed(cx).is_ready());
        }
        let mut done = 0;
        while let Poll::Ready(charge) = poll_proceed(cx) {
            charge.made_progress();
            charge.made_progress();
            done += 1;
        }
        assert!((1..1000).contains(&done), "saying it twice charges once: {done}");
        Poll::Ready(())
    }))
    .await
    .unwrap();
}

#[unstuck::test]
async fn a_channel_that_is_never_empty_does_not_starve_others() {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = mpsc::unbounded_channel();
    sender.send(()).unwrap();
    let busy = unstuck::spawn({
        let stop = stop.clone();
        async move {
            while !stop.load(Ordering::Relaxed) {
                receiver.recv().await.unwrap();
                sender.send(()).unwrap();
            }
        }
    });
    unstuck::spawn(async move { stop.store(true, Ordering::Relaxed) }).await.unwrap();
    busy.await.unwrap();
}
