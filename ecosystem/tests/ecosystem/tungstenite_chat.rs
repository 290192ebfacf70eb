//! tokio-tungstenite: a chat room over web sockets.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_in_the_room_hears_everybody() {
    let _limit = crate::limit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/", listener.local_addr().unwrap());
    let (room, _) = broadcast::channel::<String>(100);
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (room, mut news) = (room.clone(), room.subscribe());
            tokio::spawn(async move {
                let mut socket = accept_async(stream).await.unwrap();
                loop {
                    tokio::select! {
                        message = socket.next() => match message {
                            Some(Ok(Message::Text(text))) => drop(room.send(text.to_string()).unwrap()),
                            Some(Ok(_)) => {}
                            Some(Err(_)) | None => return,
                        },
                        text = news.recv() => socket.send(Message::text(text.unwrap())).await.unwrap(),
                    }
                }
            });
        }
    });

    const PEOPLE: usize = 8;
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(connect_async(&address).await.unwrap().0);
    }
    for (number, person) in people.iter_mut().enumerate() {
        person.send(Message::text(format!("hello from {number}"))).await.unwrap();
    }
    let expected: Vec<String> = (0..PEOPLE).map(|number| format!("hello from {number}")).collect();
    for person in &mut people {
        let mut heard = Vec::new();
        while heard.len() < PEOPLE {
            heard.push(person.next().await.unwrap().unwrap().into_text().unwrap().to_string());
        }
        heard.sort();
        assert_eq!(heard, expected);
        person.close(None).await.unwrap();
    }
    server.abort();
}
