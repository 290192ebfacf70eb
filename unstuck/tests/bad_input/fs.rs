//! Files: options that open nothing, names that are none, buffers for nothing.

use std::io::{ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Waker};

use unstuck::fs::{self, File, OpenOptions};
use unstuck::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::blame::{refused, run};
use crate::common::{both, current_thread};

/// A file of three bytes that is removed in the end.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Temp {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("unstuck-bad-input-{}-{nth}", std::process::id()));
        std::fs::write(&path, "abc").unwrap();
        Temp(path)
    }
}

impl AsRef<Path> for Temp {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn options_that_contradict_each_other_open_nothing() {
    let temp = Temp::new();
    let wrong: [fn(&mut OpenOptions); 6] = [
        |_| (),
        |options| _ = options.create(true),
        |options| _ = options.read(true).create(true),
        |options| _ = options.read(true).truncate(true),
        |options| _ = options.read(true).create_new(true),
        |options| _ = options.append(true).truncate(true),
    ];
    for runtime in both() {
        for (nth, set) in wrong.iter().enumerate() {
            let mut options = OpenOptions::new();
            set(&mut options);
            let error = run(&runtime, options.open(&temp)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{nth}: {error}");
        }
    }
    assert_eq!(std::fs::read(&temp).unwrap(), b"abc");
}

#[test]
fn a_name_that_is_none_is_an_error() {
    let runtime = current_thread();
    run(&runtime, async {
        assert_eq!(File::open("a\0b").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(File::create("a\0b").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::read("\0").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::write("\0", "").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::metadata("\0").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::read_dir("\0").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::create_dir_all("a\0b").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::rename("\0", "a").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(File::open("").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(fs::read_to_string("/no/such/file").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(File::open("a".repeat(100_000)).await.is_err());
        assert!(!fs::try_exists("/no/such/file").await.unwrap());
        fs::try_exists("\0").await.unwrap_err();
    });
}

#[test]
fn a_file_does_only_what_it_was_opened_for() {
    let temp = Temp::new();
    for runtime in both() {
        run(&runtime, async {
            let mut read_only = File::open(&temp).await.unwrap();
            read_only.write_all(b"x").await.unwrap();
            // A write is told by the next operation.
            read_only.flush().await.unwrap_err();
            read_only.set_len(0).await.unwrap_err();
            let mut write_only = OpenOptions::new().write(true).open(&temp).await.unwrap();
            write_only.read(&mut [0; 1]).await.unwrap_err();
            assert_eq!(write_only.set_len(u64::MAX).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            let error = write_only.seek(SeekFrom::Current(-1)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let error = write_only.seek(SeekFrom::End(-4)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        });
    }
    assert_eq!(std::fs::read(&temp).unwrap(), b"abc");
}

#[test]
fn a_buffer_for_nothing_is_refused() {
    let temp = Temp::new();
    let runtime = current_thread();
    let mut file = run(&runtime, File::open(&temp)).unwrap();
    refused("`max_buf_size` must be greater than 0", || file.set_max_buf_size(0));
    run(&runtime, async {
        file.set_max_buf_size(1);
        assert_eq!(file.read(&mut [0; 8]).await.unwrap(), 1);
        file.set_max_buf_size(usize::MAX);
        assert_eq!(file.read(&mut [0; 8]).await.unwrap(), 2);
    });
}

#[test]
fn outside_a_runtime_no_file_is_opened() {
    let says = "there is no reactor running";
    let mut cx = Context::from_waker(Waker::noop());
    refused(says, || _ = pin!(File::open("/dev/null")).poll(&mut cx));
    refused(says, || _ = pin!(OpenOptions::new().read(true).open("/dev/null")).poll(&mut cx));
    refused(says, || _ = pin!(fs::read("/dev/null")).poll(&mut cx));
    refused(says, || _ = pin!(fs::metadata("/dev/null")).poll(&mut cx));
    refused(says, || _ = pin!(fs::read_dir("/")).poll(&mut cx));
}
