//! `select!` drops the futures of the branches that were not taken, with what they had.

use super::super::rt;
use super::one_thread;
use rt::io::{AsyncReadExt, AsyncWriteExt};

pub(super) fn read_exact() -> String {
    one_thread().block_on(async {
        let (mut near, mut far) = rt::io::duplex(64);
        far.write_all(b"ab").await.expect("there is room");
        let mut four = [0; 4];
        rt::select! {
            biased;
            _ = near.read_exact(&mut four) => {}
            // Say, a tick.
            () = rt::task::yield_now() => {}
        }
        far.write_all(b"cdefgh").await.expect("there is room");
        near.read_exact(&mut four).await.expect("six bytes are there");
        format!("of abcdefgh, the reader takes for its first four: {}", String::from_utf8_lossy(&four))
    })
}

pub(super) fn recv() -> String {
    one_thread().block_on(async {
        let (sender, mut receiver) = rt::sync::mpsc::channel(8);
        rt::select! {
            biased;
            _ = receiver.recv() => {}
            () = rt::task::yield_now() => sender.send("first").await.expect("there is a receiver"),
        }
        format!("received afterwards: {:?}", receiver.recv().await)
    })
}
