//! Sockets on the loopback: every byte arrives once, in its order; whoever gives up leaves nothing behind.

use std::io;
use std::time::Duration;

use unstuck::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use unstuck::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use unstuck::time::{sleep, timeout};

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn tcp(stage: Stage, mut rng: Rng) -> Outcome {
    let listener = stage.must(TcpListener::bind("127.0.0.1:0").await, "bind")?;
    let address = stage.must(listener.local_addr(), "its address")?;
    let server = stage.spawn({
        let stage = stage.clone();
        async move {
            loop {
                let (stream, _peer) = stage.must(listener.accept().await, "accept")?;
                // Its other end may give up at any time.
                let echo = echo(stream);
                drop(stage.spawn(async move { drop(echo.await) }));
                step();
            }
            #[expect(unreachable_code, reason = "it tells the type")]
            Outcome::Ok(())
        }
    });
    let mut clients = Vec::new();
    for _ in 0..rng.count(1..=8) {
        let (stage2, mut rng) = (stage.clone(), rng.fork());
        clients.push(stage.spawn(async move {
            for _ in 0..rng.pick(1..=4) {
                match rng.pick(0..=4) {
                    0 => drop(timeout(rng.micros(300), TcpStream::connect(address)).await),
                    1 => {
                        let stream = stage2.must(TcpStream::connect(address).await, "connect")?;
                        drop(timeout(rng.micros(2000), pattern(stream, rng.fork(), 1 << 20)).await);
                    }
                    _ => {
                        let stream = stage2.must(TcpStream::connect(address).await, "connect")?;
                        let bytes = rng.count(0..=100_000);
                        let same = stage2.must(pattern(stream, rng.fork(), bytes).await, "an echo")?;
                        stage2.check(same, "every byte came back")?;
                    }
                }
                step();
            }
            Outcome::Ok(())
        }));
    }
    for client in clients {
        stage.must(client.await, "a client")??;
    }
    server.abort();
    let ended = server.await;
    stage.check(ended.is_err_and(|error| error.is_cancelled()), "the server was aborted")
}

pub(crate) async fn unix(stage: Stage, mut rng: Rng) -> Outcome {
    let path = stage.path();
    let listener = stage.must(UnixListener::bind(&path.0), "bind")?;
    for _ in 0..rng.pick(1..=6) {
        let connect = UnixStream::connect(&path.0);
        let (client, accepted) =
            (stage.must(connect.await, "connect")?, stage.must(listener.accept().await, "accept")?);
        let server = stage.spawn(echo(accepted.0));
        let bytes = rng.count(0..=200_000);
        let same = stage.must(pattern(client, rng.fork(), bytes).await, "an echo")?;
        stage.check(same, "every byte came back")?;
        let echoed = stage.must(server.await, "the server")?;
        stage.check(stage.must(echoed, "the echo")? == bytes as u64, "every byte was seen")?;
        step();
    }
    let (one, other) = stage.must(UnixDatagram::pair(), "a pair")?;
    let count = rng.pick(1..=100);
    let sender = stage.spawn(async move {
        for number in 0..count {
            one.send(&number.to_le_bytes()).await?;
        }
        io::Result::Ok(())
    });
    for number in 0..count {
        let mut buf = [0; 8];
        stage.must(other.recv(&mut buf).await, "a datagram")?;
        stage.check(u64::from_le_bytes(buf) == number, "datagrams between two keep their order")?;
    }
    let sent = stage.must(sender.await, "the sender")?;
    stage.must(sent, "sending")
}

/// What is lost is sent again; what comes back is what was sent.
pub(crate) async fn udp(stage: Stage, mut rng: Rng) -> Outcome {
    let server = stage.must(UdpSocket::bind("127.0.0.1:0").await, "bind")?;
    let address = stage.must(server.local_addr(), "its address")?;
    let echo = stage.spawn(async move {
        let mut buf = [0; 2048];
        loop {
            if let Ok((len, peer)) = server.recv_from(&mut buf).await {
                let _lost = server.send_to(&buf[..len], peer).await;
                step();
            }
        }
    });
    let client = stage.must(UdpSocket::bind("127.0.0.1:0").await, "bind")?;
    stage.must(client.connect(address).await, "connect")?;
    for number in 0..rng.pick(1..=60) {
        let sent: Vec<u8> =
            number.to_le_bytes().into_iter().chain(std::iter::repeat_n(7, rng.count(0..=1200))).collect();
        let mut buf = [0; 2048];
        loop {
            stage.must(client.send(&sent).await, "send")?;
            match timeout(Duration::from_millis(200), client.recv(&mut buf)).await {
                Ok(received) => {
                    let len = stage.must(received, "recv")?;
                    if buf[..len] == sent {
                        break;
                    }
                    // An earlier one that was sent twice.
                    stage.check(buf[..8] < number.to_le_bytes()[..] || len >= 8, "only what was sent comes back")?;
                }
                Err(_elapsed) => step(),
            }
        }
    }
    echo.abort();
    drop(echo.await);
    sleep(Duration::ZERO).await;
    Ok(())
}

/// Sends everything back, and says how much it was.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<u64> {
    let mut buf = vec![0; 4096];
    let mut all = 0;
    loop {
        let len = stream.read(&mut buf).await?;
        if len == 0 {
            stream.shutdown().await?;
            return Ok(all);
        }
        stream.write_all(&buf[..len]).await?;
        all += len as u64;
    }
}

/// Sends so many bytes that follow from `rng`, and whether just these come back.
async fn pattern<S: AsyncRead + AsyncWrite + Send + 'static>(stream: S, rng: Rng, bytes: usize) -> io::Result<bool> {
    let (mut reader, mut writer) = split(stream);
    let mut expected = rng.clone();
    let writes = unstuck::spawn(async move {
        let mut rng = rng;
        let mut left = bytes;
        while left > 0 {
            let block: Vec<u8> = (0..left.min(1024)).map(|_| rng.next() as u8).collect();
            writer.write_all(&block).await?;
            left -= block.len();
            step();
        }
        writer.shutdown().await
    });
    let mut buf = vec![0; 3000];
    let (mut same, mut all) = (true, 0);
    loop {
        let len = reader.read(&mut buf).await?;
        if len == 0 {
            break;
        }
        all += len;
        same &= buf[..len].iter().all(|byte| *byte == expected.next() as u8);
        step();
    }
    writes.await??;
    Ok(same && all == bytes)
}
