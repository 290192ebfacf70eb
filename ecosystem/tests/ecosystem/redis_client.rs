//! redis: its asynchronous client, against the server of `examples/mini-redis`.

use clap::Parser;
use futures_util::StreamExt;
use mini_redis::{Options, Server};
use redis::AsyncCommands;
use tokio::sync::oneshot;

struct Running {
    client: redis::Client,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start() -> Running {
    let server = Server::start(Options::parse_from(["mini-redis", "--port", "0"])).await.unwrap();
    let client = redis::Client::open(format!("redis://{}/", server.local_addr().unwrap())).unwrap();
    let (stop, stopped) = oneshot::channel();
    Running { client, stop, served: tokio::spawn(server.serve(async { drop(stopped.await) })) }
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_share_a_multiplexed_connection() {
    let _limit = crate::limit();
    let running = start().await;
    let connection = running.client.get_multiplexed_async_connection().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut connection = connection.clone();
        tasks.spawn(async move {
            for _ in 0..50 {
                let _: i64 = connection.incr("counter", 1).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let mut connection = connection;
    assert_eq!(connection.get::<_, i64>("counter").await.unwrap(), 1_000);

    let (list, text): (Vec<String>, String) = redis::pipe()
        .rpush("list", &["a", "b"])
        .ignore()
        .lrange("list", 0, -1)
        .set("text", "value")
        .ignore()
        .get("text")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!((list, text), (vec!["a".to_owned(), "b".to_owned()], "value".to_owned()));
    drop(connection);
    running.stop().await;
}

#[tokio::test]
async fn a_subscriber_hears_what_is_published() {
    let _limit = crate::limit();
    let running = start().await;
    let mut subscriber = running.client.get_async_pubsub().await.unwrap();
    subscriber.subscribe("news").await.unwrap();
    let mut publisher = running.client.get_multiplexed_async_connection().await.unwrap();
    for number in 0..10 {
        let heard_by: i64 = publisher.publish("news", number).await.unwrap();
        assert_eq!(heard_by, 1);
    }
    {
        let mut messages = subscriber.on_message();
        for number in 0..10 {
            assert_eq!(messages.next().await.unwrap().get_payload::<i64>().unwrap(), number);
        }
    }
    drop((subscriber, publisher));
    running.stop().await;
}
