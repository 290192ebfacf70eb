//! A pipe that is read as a file: its reads take as long as the other side likes, and lose nothing when they are given up.

use std::fs::File as StdFile;
use std::io::{Write, pipe};
use std::os::fd::OwnedFd;
use std::thread;

use unstuck::fs::File;
use unstuck::io::AsyncReadExt;
use unstuck::time::timeout;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.pick(1..=3) {
        one(&stage, &mut rng).await?;
    }
    Ok(())
}

async fn one(stage: &Stage, rng: &mut Rng) -> Outcome {
    let (reader, mut writer) = stage.must(pipe(), "a pipe")?;
    let blocks: Vec<_> = (0..rng.pick(0..=20)).map(|_| vec![rng.next() as u8; rng.count(1..=5000)]).collect();
    let expected = blocks.concat();
    let (life, mut naps) = (stage.life(), rng.fork());
    // A thread of no runtime: a read keeps one that does blocking work, and there may be no other to write.
    thread::spawn(move || {
        let _life = life;
        for block in blocks {
            thread::sleep(naps.micros(500));
            // Nobody reads any more when the round was cut short.
            if writer.write_all(&block).is_err() {
                return;
            }
        }
    });
    let mut file = File::from_std(StdFile::from(OwnedFd::from(reader)));
    let mut received = Vec::new();
    let mut buf = vec![0; rng.count(1..=8000)];
    loop {
        let len = match rng.one_in(3) {
            true => match timeout(rng.micros(300), file.read(&mut buf)).await {
                Ok(len) => len,
                Err(_elapsed) => {
                    step();
                    continue;
                }
            },
            false => file.read(&mut buf).await,
        };
        let len = stage.must(len, "read a pipe")?;
        if len == 0 {
            break;
        }
        received.extend_from_slice(&buf[..len]);
    }
    stage.check(received == expected, "every byte of the pipe was read once")
}
