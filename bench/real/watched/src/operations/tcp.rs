//! An echo server and its clients in one runtime, over loopback. An operation is 64 bytes there and back; each client waits
//! for its answer before it asks again.

use super::super::rt;
use super::in_task;
use rt::io::{AsyncReadExt, AsyncWriteExt};
use rt::net::{TcpListener, TcpStream};
use rt::runtime::Runtime;

const MESSAGE: usize = 64;

pub(super) fn one_connection(runtime: &Runtime, operations: u32) {
    echo(runtime, 1, operations);
}

pub(super) fn fifty_connections(runtime: &Runtime, operations: u32) {
    echo(runtime, 50, operations);
}

fn echo(runtime: &Runtime, connections: u32, operations: u32) {
    let turns = operations / connections;
    in_task(runtime, async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(TcpStream::connect(address).await.expect("the listener listens"));
            let (server, _) = listener.accept().await.expect("a client just connected");
            rt::spawn(answer(server));
        }
        let asking: Vec<_> = clients.into_iter().map(|client| rt::spawn(ask(client, turns))).collect();
        for handle in asking {
            handle.await.expect("it does not panic");
        }
    });
}

/// Echoes until the client is gone.
async fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("it is a TCP socket");
    let mut message = [0; MESSAGE];
    while stream.read_exact(&mut message).await.is_ok() {
        stream.write_all(&message).await.expect("the client waits for this");
    }
}

/// Sends `turns` messages and reads each back. The number of the turn is in it, so that a stale answer is noticed.
async fn ask(mut stream: TcpStream, turns: u32) {
    stream.set_nodelay(true).expect("it is a TCP socket");
    for turn in 0..turns {
        let mut message = [0; MESSAGE];
        message[..4].copy_from_slice(&turn.to_le_bytes());
        stream.write_all(&message).await.expect("the server reads");
        let mut answer = [0; MESSAGE];
        stream.read_exact(&mut answer).await.expect("the server answers");
        assert_eq!(answer, message);
    }
}
