//! One service, not a byte of it changed, on a thread of the real world, on a pool of them, and in a simulated world.

use std::net::SocketAddr;
use std::time::Duration;

use unstuck::io::{AsyncReadExt, AsyncWriteExt};
use unstuck::net::{TcpListener, TcpStream, UdpSocket};
use unstuck::runtime::Builder;
use unstuck::sync::mpsc;
use unstuck::task::JoinSet;
use unstuck::time::{Instant, sleep, timeout};

/// Echoes over TCP to several clients at once, counts over UDP, works on a blocking thread, and waits a little. What it
/// returns does not depend on any order.
async fn service() -> Vec<String> {
    let start = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let counter = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let counts_at = counter.local_addr().unwrap();
    let server = unstuck::spawn(async move {
        let mut connections = JoinSet::new();
        for _ in 0..4 {
            let (stream, _) = listener.accept().await.unwrap();
            connections.spawn(echo(stream, counts_at));
        }
        connections.join_all().await;
    });
    let (tell, mut told) = mpsc::channel(1);
    for client in 0..4u8 {
        let tell = tell.clone();
        unstuck::spawn(async move {
            let mut stream = TcpStream::connect(at).await.unwrap();
            let message: Vec<u8> = (0..50_000u32).map(|n| (n % 251) as u8 ^ client).collect();
            let (mut read, mut write) = stream.split();
            let sending = async {
                write.write_all(&message).await.unwrap();
                write.shutdown().await.unwrap();
            };
            let mut echoed = Vec::new();
            let (_, received) = unstuck::join!(sending, read.read_to_end(&mut echoed));
            received.unwrap();
            assert!(echoed == message);
            let sum = unstuck::task::spawn_blocking(move || echoed.iter().map(|byte| u64::from(*byte)).sum::<u64>());
            tell.send(format!("client {client}: {}", sum.await.unwrap())).await.unwrap();
        });
    }
    drop(tell);
    let mut lines = Vec::new();
    while let Some(line) = told.recv().await {
        lines.push(line);
    }
    server.await.unwrap();
    let mut counted = 0;
    for _ in 0..4 {
        let mut datagram = [0; 8];
        let (n, _) = timeout(Duration::from_secs(60), counter.recv_from(&mut datagram)).await.unwrap().unwrap();
        assert_eq!(n, 8);
        counted += u64::from_be_bytes(datagram);
    }
    lines.push(format!("{counted} bytes"));
    let nobody = timeout(Duration::from_millis(5), counter.recv_from(&mut [0; 8])).await;
    assert!(nobody.is_err(), "each connection counts once");
    sleep(Duration::from_millis(5)).await;
    assert!(start.elapsed() >= Duration::from_millis(10));
    lines.sort();
    lines
}

async fn echo(mut stream: TcpStream, counts_at: SocketAddr) {
    let mut total = 0u64;
    let mut buffer = [0; 4_096];
    loop {
        let n = stream.read(&mut buffer).await.unwrap();
        if n == 0 {
            break;
        }
        total += n as u64;
        stream.write_all(&buffer[..n]).await.unwrap();
    }
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&total.to_be_bytes(), counts_at).await.unwrap();
}

#[test]
fn the_same_service_gives_the_same_answers_in_every_world() {
    let single = Builder::new_current_thread().enable_all().build().unwrap().block_on(service());
    assert_eq!(single.len(), 5);
    assert_eq!(single[0], "200000 bytes");
    let pool = Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap().block_on(service());
    assert_eq!(pool, single);
    for seed in 0..10 {
        let simulated = unstuck::sim::Builder::new().run_twice(seed, service);
        assert_eq!(simulated.output, single, "seed {seed}");
    }
}
