//! Files: what was written is read, whoever gave up before.

use std::io::SeekFrom;

use unstuck::fs::{self, File, OpenOptions};
use unstuck::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use unstuck::time::timeout;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let folder = stage.path();
    stage.must(fs::create_dir(&folder.0).await, "create a folder")?;
    let files = rng.count(1..=5);
    let mut tasks = Vec::new();
    for number in 0..files {
        let (stage2, path, rng) = (stage.clone(), folder.0.join(number.to_string()), rng.fork());
        tasks.push(stage.spawn(async move {
            for_one(&stage2, rng, path).await?;
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        stage.must(task.await, "who writes")??;
    }
    let mut entries = stage.must(fs::read_dir(&folder.0).await, "read the folder")?;
    let mut seen = 0;
    while stage.must(entries.next_entry().await, "an entry")?.is_some() {
        seen += 1;
    }
    stage.check(seen == files, "every file is listed")?;
    stage.must(fs::remove_dir_all(&folder.0).await, "remove the folder")
}

async fn for_one(stage: &Stage, mut rng: Rng, path: std::path::PathBuf) -> Outcome {
    let mut contents: Vec<u8> = Vec::new();
    let mut file = stage.must(File::create(&path).await, "create")?;
    for _ in 0..rng.pick(1..=20) {
        let block = vec![rng.next() as u8; rng.count(0..=9000)];
        stage.must(file.write_all(&block).await, "write")?;
        contents.extend_from_slice(&block);
        step();
    }
    stage.must(file.flush().await, "flush")?;
    drop(file);
    // Given up at any time.
    drop(timeout(rng.micros(200), fs::read(&path)).await);
    stage.check(stage.must(fs::read(&path).await, "read")? == contents, "what was written is read")?;
    let mut file = stage.must(OpenOptions::new().read(true).write(true).open(&path).await, "open")?;
    for _ in 0..rng.pick(0..=5) {
        let at = rng.count(0..=contents.len());
        stage.must(file.seek(SeekFrom::Start(at as u64)).await, "seek")?;
        let mut buf = vec![0; rng.count(0..=5000)];
        let len = stage.must(file.read(&mut buf).await, "read")?;
        stage.check(buf[..len] == contents[at..at + len], "what is there is read")?;
        step();
    }
    let len = rng.count(0..=contents.len());
    stage.must(file.set_len(len as u64).await, "set_len")?;
    let there = stage.must(file.metadata().await, "metadata")?.len();
    stage.check(there == len as u64, "the file has the length that was set")
}
