//! Ordinary code, as programs written for Tokio have it: only the name is another one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use unstuck as tokio;

use tokio::sync::{CancellationToken, Mutex, Notify, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{self, Duration, Instant, sleep, timeout};

/// The same on one thread and on several.
macro_rules! on_both {
    ($(async fn $name:ident() $body:block)*) => {$(
        mod $name {
            use super::*;

            #[unstuck::test]
            async fn on_one_thread() $body

            #[unstuck::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_two_threads() $body
        }
    )*};
}

on_both! {
    async fn spawn_and_join() {
        let task = tokio::spawn(async { 6 * 7 });
        assert_eq!(task.await.unwrap(), 42);
    }

    async fn a_batch_is_joined_in_order() {
        let tasks: Vec<_> = (0..100).map(|n| tokio::spawn(async move { n * n })).collect();
        let mut squares = Vec::new();
        for task in tasks {
            squares.push(task.await.unwrap());
        }
        assert!(squares.iter().enumerate().all(|(n, square)| n * n == *square));
    }

    async fn blocking_work_runs_beside() {
        let here = std::thread::current().id();
        let there = tokio::task::spawn_blocking(|| std::thread::current().id()).await.unwrap();
        assert_ne!(here, there);
    }

    async fn producers_share_a_channel() {
        let (sender, mut receiver) = mpsc::channel(4);
        for producer in 0..8 {
            let sender = sender.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    sender.send((producer, n)).await.unwrap();
                }
            });
        }
        drop(sender);
        let mut next = [0; 8];
        while let Some((producer, n)) = receiver.recv().await {
            assert_eq!(n, next[producer], "the messages of one sender come in order");
            next[producer] += 1;
        }
        assert_eq!(next, [50; 8]);
    }

    async fn a_manager_task_answers_requests() {
        enum Command {
            Set { key: String, value: u32, done: oneshot::Sender<Option<u32>> },
            Get { key: String, answer: oneshot::Sender<Option<u32>> },
        }

        let (commands, mut inbox) = mpsc::channel(8);
        let manager = tokio::spawn(async move {
            let mut map = HashMap::new();
            while let Some(command) = inbox.recv().await {
                match command {
                    Command::Set { key, value, done } => done.send(map.insert(key, value)).unwrap(),
                    Command::Get { key, answer } => answer.send(map.get(&key).copied()).unwrap(),
                }
            }
            map.len()
        });

        let clients: Vec<_> = (0..10)
            .map(|n| {
                let commands = commands.clone();
                tokio::spawn(async move {
                    let (done, is_done) = oneshot::channel();
                    let set = Command::Set { key: format!("key {n}"), value: n, done };
                    commands.send(set).await.ok().unwrap();
                    assert_eq!(is_done.await.unwrap(), None);
                    let (answer, answered) = oneshot::channel();
                    commands.send(Command::Get { key: format!("key {n}"), answer }).await.ok().unwrap();
                    assert_eq!(answered.await.unwrap(), Some(n));
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        drop(commands);
        assert_eq!(manager.await.unwrap(), 10);
    }

    async fn a_heartbeat_beside_the_work() {
        let (sender, mut receiver) = mpsc::channel::<u32>(1);
        tokio::spawn(async move {
            for n in 0..3 {
                sleep(Duration::from_millis(3)).await;
                sender.send(n).await.unwrap();
            }
        });
        let mut heartbeat = time::interval(Duration::from_millis(1));
        let (mut beats, mut received) = (0, Vec::new());
        loop {
            tokio::select! {
                _ = heartbeat.tick() => beats += 1,
                message = receiver.recv() => match message {
                    Some(n) => received.push(n),
                    None => break,
                },
            }
        }
        assert_eq!(received, [0, 1, 2]);
        assert!(beats >= 3, "three messages, three milliseconds apart: {beats} beats");
    }

    async fn fan_out_with_a_join_set() {
        let mut tasks = JoinSet::new();
        for n in 0..20 {
            tasks.spawn(async move {
                tokio::task::yield_now().await;
                assert_ne!(n, 13, "an unlucky one");
                n
            });
        }
        let (mut outputs, mut panics) = (Vec::new(), 0);
        while let Some(result) = tasks.join_next().await {
            match result {
                Ok(n) => outputs.push(n),
                Err(error) if error.is_panic() => panics += 1,
                Err(error) => panic!("{error}"),
            }
        }
        outputs.sort();
        assert_eq!((outputs.len(), panics), (19, 1));
    }

    async fn concurrency_bounded_by_a_semaphore() {
        let permits = Arc::new(Semaphore::new(3));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let permit = permits.clone().acquire_owned().await.unwrap();
            let (now, most) = (now.clone(), most.clone());
            tasks.spawn(async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            });
        }
        tasks.join_all().await;
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    }

    async fn timeouts_of_slow_and_quick_work() {
        assert!(timeout(Duration::from_millis(1), std::future::pending::<()>()).await.is_err());
        assert_eq!(timeout(Duration::from_secs(3600), async { 1 }).await, Ok(1));
        let (_sender, receiver) = oneshot::channel::<()>();
        assert!(timeout(Duration::from_millis(1), receiver).await.is_err());
    }

    async fn graceful_shutdown_by_a_token() {
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        for n in 0..5 {
            let stop = stop.child_token();
            workers.spawn(async move {
                let mut rounds = 0_u32;
                loop {
                    tokio::select! {
                        () = stop.cancelled() => return n,
                        () = sleep(Duration::from_millis(1)) => rounds += 1,
                    }
                    assert!(rounds < 1_000_000);
                }
            });
        }
        sleep(Duration::from_millis(3)).await;
        assert_eq!(workers.len(), 5);
        stop.cancel();
        let mut stopped = workers.join_all().await;
        stopped.sort();
        assert_eq!(stopped, [0, 1, 2, 3, 4]);
    }

    async fn joining_futures_inside_one_task() {
        let (a, b, c) = tokio::join!(async { 1 }, tokio::spawn(async { 2 }), async {
            tokio::task::yield_now().await;
            3
        });
        assert_eq!((a, b.unwrap(), c), (1, 2, 3));

        let all = tokio::try_join!(async { Ok::<_, &str>(1) }, async { Err::<u32, _>("no") });
        assert_eq!(all, Err("no"));
    }

    async fn a_lock_held_across_an_await() {
        let counter = Arc::new(Mutex::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..10 {
            let counter = counter.clone();
            tasks.spawn(async move {
                let mut counter = counter.lock().await;
                let before = *counter;
                tokio::task::yield_now().await;
                *counter = before + 1;
            });
        }
        tasks.join_all().await;
        assert_eq!(*counter.lock().await, 10);
    }

    async fn one_task_tells_another() {
        let notify = Arc::new(Notify::new());
        let waiting = {
            let notify = notify.clone();
            tokio::spawn(async move { notify.notified().await })
        };
        notify.notify_one();
        waiting.await.unwrap();
    }

    async fn a_task_is_aborted() {
        let task = tokio::spawn(std::future::pending::<()>());
        let abort = task.abort_handle();
        assert!(!abort.is_finished());
        abort.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    async fn a_pinned_future_survives_the_rounds_of_a_loop() {
        let work = async {
            sleep(Duration::from_millis(5)).await;
            "done"
        };
        tokio::pin!(work);
        let mut rounds = 0;
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                () = sleep(Duration::from_millis(1)) => rounds += 1,
            }
        };
        assert_eq!(result, "done");
        assert!(rounds > 0);
    }
}

#[tokio::test(crate = "unstuck", start_paused = true)]
async fn retries_with_backoff_take_exactly_their_time() {
    let start = Instant::now();
    let mut attempts = 0;
    let result = loop {
        attempts += 1;
        let attempt: Result<&str, ()> = if attempts < 4 { Err(()) } else { Ok("at last") };
        match attempt {
            Ok(result) => break result,
            Err(()) => sleep(Duration::from_secs(1 << attempts)).await,
        }
    };
    assert_eq!(result, "at last");
    assert_eq!(start.elapsed(), Duration::from_secs(2 + 4 + 8));
}
