//! Open files: what becomes of operations that nobody waits for, and of errors that come late.

mod common;

use std::ffi::CString;
use std::future::{Future, poll_fn};
use std::io::{IoSlice, Read as _, SeekFrom, Write as _};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{both, current_thread};
use unstuck::fs::{File, OpenOptions};
use unstuck::io::{AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWriteExt};
use unstuck::runtime::{Builder, Runtime};

/// A path of its own; what is there is removed in the end.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Temp {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("unstuck-fs-file-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Temp(std::env::temp_dir().join(name))
    }

    fn with(contents: &[u8]) -> Temp {
        let temp = Temp::new();
        std::fs::write(&temp, contents).unwrap();
        temp
    }

    /// A named pipe, whose reader waits until somebody writes.
    fn pipe() -> Temp {
        let temp = Temp::new();
        let path = CString::new(temp.0.as_os_str().as_bytes()).unwrap();
        // SAFETY: a string that ends with 0.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        temp
    }

    fn contents(&self) -> Vec<u8> {
        std::fs::read(self).unwrap()
    }

    /// For reading and writing; a pipe, without waiting for its other end.
    async fn open(&self) -> File {
        File::options().read(true).write(true).open(self).await.unwrap()
    }
}

impl AsRef<Path> for Temp {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// A runtime with one thread for blocking work.
fn one_blocking_thread() -> Runtime {
    Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap()
}

/// Keeps the only thread for blocking work busy until this is dropped: what is queued behind stays queued.
struct Busy(#[expect(dead_code, reason = "it is dropped")] mpsc::Sender<()>);

async fn busy() -> Busy {
    let (end, ended) = mpsc::channel();
    let (begin, begun) = unstuck::sync::oneshot::channel();
    unstuck::task::spawn_blocking(move || {
        begin.send(()).unwrap();
        let _ended = ended.recv();
    });
    begun.await.unwrap();
    Busy(end)
}

/// Polls once, and drops.
fn give_up<F: Future>(future: F) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "it was to wait");
}

#[test]
fn a_read_that_was_given_up_loses_nothing() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0123456789");
        let mut file = File::open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(file.read(&mut [0; 8]));
        drop(busy);
        let mut two = [0; 2];
        file.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"01");
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"23456789");
    });
}

#[test]
fn what_was_read_ahead_does_not_move_the_place_of_a_write() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0123456789");
        let mut file = temp.open().await;
        let busy = busy().await;
        give_up(file.read(&mut [0; 8]));
        drop(busy);
        file.read_exact(&mut [0; 1]).await.unwrap();
        file.write_all(b"XY").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(temp.contents(), b"0XY3456789");
        let mut next = [0; 1];
        file.read_exact(&mut next).await.unwrap();
        assert_eq!(&next, b"3");
    });
}

#[test]
fn what_was_read_ahead_is_not_counted_by_a_move() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0123456789");
        let mut file = File::open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(file.read(&mut [0; 8]));
        drop(busy);
        file.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 3);
        assert_eq!(file.seek(SeekFrom::Current(2)).await.unwrap(), 5);
        assert_eq!(file.read_u8().await.unwrap(), b'5');
        assert_eq!(file.seek(SeekFrom::End(-1)).await.unwrap(), 9);
        assert_eq!(file.read_u8().await.unwrap(), b'9');
    });
}

#[test]
fn a_move_that_fails_keeps_the_place() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0123456789");
        let mut file = File::open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(file.read(&mut [0; 8]));
        drop(busy);
        assert_eq!(file.read_u8().await.unwrap(), b'0');
        assert!(file.seek(SeekFrom::Current(-2)).await.is_err());
        assert!(file.seek(SeekFrom::Current(i64::MIN)).await.is_err());
        assert_eq!(file.read_u8().await.unwrap(), b'1');
    });
}

#[test]
fn a_move_is_refused_while_something_is_under_way() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0123456789");
        let mut file = File::open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(file.read(&mut [0; 8]));
        assert!(Pin::new(&mut file).start_seek(SeekFrom::Start(1)).is_err());
        drop(busy);
        poll_fn(|cx| Pin::new(&mut file).poll_complete(cx)).await.unwrap();
        Pin::new(&mut file).start_seek(SeekFrom::Start(1)).unwrap();
        assert_eq!(poll_fn(|cx| Pin::new(&mut file).poll_complete(cx)).await.unwrap(), 1);
        assert_eq!(poll_fn(|cx| Pin::new(&mut file).poll_complete(cx)).await.unwrap(), 1);
    });
}

#[test]
fn a_pipe_keeps_what_was_read_ahead_when_it_is_written() {
    one_blocking_thread().block_on(async {
        let temp = Temp::pipe();
        let mut pipe = temp.open().await;
        let mut other = OpenOptions::new().read(true).write(true).open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(pipe.read(&mut [0; 8]));
        drop(busy);
        std::fs::File::options().read(true).write(true).open(&temp).unwrap().write_all(b"abc").unwrap();
        assert_eq!(pipe.read_u8().await.unwrap(), b'a');
        pipe.write_all(b"to the other").await.unwrap();
        pipe.flush().await.unwrap();
        let mut two = [0; 2];
        pipe.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"bc");
        let mut rest = [0; 12];
        other.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"to the other");
    });
}

#[test]
fn a_write_that_fails_is_told_once_by_the_next_one_a_flush_or_a_sync() {
    for runtime in both() {
        runtime.block_on(async {
            let mut full = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
            let told = |result: std::io::Result<()>| assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ENOSPC));
            full.write_all(b"a").await.unwrap();
            told(full.flush().await);
            full.flush().await.unwrap();
            full.write_all(b"b").await.unwrap();
            told(full.write_all(b"c").await);
            full.write_all(b"d").await.unwrap();
            told(full.sync_all().await);
            full.write_all(b"e").await.unwrap();
            told(full.sync_data().await);
            full.write_all(b"f").await.unwrap();
            let _moved = full.seek(SeekFrom::Start(0)).await;
            told(full.shutdown().await);
        });
    }
}

#[test]
fn one_operation_takes_no_more_than_the_buffer_may_hold() {
    current_thread().block_on(async {
        let temp = Temp::new();
        let mut file = temp_created(&temp).await;
        assert_eq!(file.max_buf_size(), 2 * 1024 * 1024);
        assert_eq!(file.write(&vec![b'x'; 3 * 1024 * 1024]).await.unwrap(), 2 * 1024 * 1024);
        file.set_max_buf_size(4);
        assert_eq!(file.write(b"012345").await.unwrap(), 4);
        let slices = [IoSlice::new(b""), IoSlice::new(b"abc"), IoSlice::new(b"defg")];
        assert_eq!(file.write_vectored(&slices).await.unwrap(), 4);
        file.seek(SeekFrom::Start(2 * 1024 * 1024)).await.unwrap();
        let mut buf = [0; 100];
        assert_eq!(file.read(&mut buf).await.unwrap(), 4);
        assert_eq!(file.read(&mut buf[4..]).await.unwrap(), 4);
        assert_eq!(&buf[..8], b"0123abcd");
        assert_eq!(file.try_clone().await.unwrap().max_buf_size(), 4);
    });
}

async fn temp_created(temp: &Temp) -> File {
    File::create_new(temp).await.unwrap()
}

#[test]
fn much_comes_back_as_it_was_written() {
    for runtime in both() {
        runtime.block_on(async {
            let temp = Temp::new();
            let mut file = temp_created(&temp).await;
            let much: Vec<u8> = (0..5_000_000_u32).map(|n| (n ^ (n >> 8)) as u8).collect();
            file.write_all(&much).await.unwrap();
            file.rewind().await.unwrap();
            let mut back = Vec::new();
            assert_eq!(file.read_to_end(&mut back).await.unwrap(), much.len());
            assert!(back == much);
            assert_eq!(file.read(&mut [0; 1]).await.unwrap(), 0);
        });
    }
}

#[test]
fn nothing_read_and_nothing_written_take_no_trip() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0");
        let mut file = temp.open().await;
        let _busy = busy().await;
        assert_eq!(file.read(&mut []).await.unwrap(), 0);
        assert_eq!(file.write(&[]).await.unwrap(), 0);
        file.flush().await.unwrap();
    });
}

#[test]
fn a_flush_does_not_wait_for_a_read() {
    one_blocking_thread().block_on(async {
        let temp = Temp::pipe();
        let mut pipe = temp.open().await;
        give_up(pipe.read(&mut [0; 8]));
        pipe.flush().await.unwrap();
        std::fs::File::options().read(true).write(true).open(&temp).unwrap().write_all(b"x").unwrap();
        assert_eq!(pipe.read_u8().await.unwrap(), b'x');
    });
}

#[test]
fn the_length_is_set_after_what_was_written_before() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"");
        let mut file = temp.open().await;
        file.write_all(b"0123456789").await.unwrap();
        file.set_len(4).await.unwrap();
        assert_eq!(temp.contents(), b"0123");
        assert_eq!(file.metadata().await.unwrap().len(), 4);
        assert_eq!(file.stream_position().await.unwrap(), 10);

        // One that was given up is done before what comes next.
        let busy = busy().await;
        give_up(file.set_len(2));
        drop(busy);
        file.rewind().await.unwrap();
        let mut rest = String::new();
        file.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "01");
    });
}

#[test]
fn back_to_std_the_place_is_the_users() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0123456789");
        let mut file = File::open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(file.read(&mut [0; 8]));
        let mut file = file.try_into_std().expect_err("a read is under way");
        drop(busy);
        assert_eq!(file.read_u8().await.unwrap(), b'0');
        let mut next = [0; 1];
        let mut std = file.into_std().await;
        std.read_exact(&mut next).unwrap();
        assert_eq!(&next, b"1");

        let mut file = File::from(std);
        let busy_again = self::busy().await;
        give_up(file.read(&mut [0; 8]));
        drop(busy_again);
        assert_eq!(file.read_u8().await.unwrap(), b'2');
        let mut std = file.try_into_std().unwrap();
        std.read_exact(&mut next).unwrap();
        assert_eq!(&next, b"3");
    });
}

#[test]
fn a_file_becomes_stds_again_while_an_operation_that_was_given_up_runs() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0");
        let file = File::open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(file.metadata());
        let file = file.try_into_std().expect_err("the system is being asked");
        let mut std = file.into_std().await;
        drop(busy);
        let mut contents = String::new();
        std.read_to_string(&mut contents).unwrap();
        assert_eq!(contents, "0");
    });
}

#[test]
fn what_was_written_reaches_a_file_that_is_dropped_when_the_runtime_ends() {
    let temp = Temp::new();
    let runtime = one_blocking_thread();
    let (busy, never) = runtime.block_on(async {
        let mut file = temp_created(&temp).await;
        let busy = busy().await;
        file.write_all(b"as good as done").await.unwrap();
        let never = unstuck::task::spawn_blocking(|| unreachable!("it was queued when the runtime ended"));
        (busy, never)
    });
    assert_eq!(temp.contents(), b"");
    let shutdown = std::thread::spawn(move || drop(runtime));
    // The runtime has closed its pool when it has cancelled this.
    let cancelled: Result<(), _> = current_thread().block_on(never);
    assert!(cancelled.unwrap_err().is_cancelled());
    drop(busy);
    shutdown.join().unwrap();
    assert_eq!(temp.contents(), b"as good as done");
}

#[test]
fn what_was_written_is_there_after_the_shutdown_however_they_meet() {
    let temp = Temp::new();
    for round in 0..400_u32 {
        for runtime in both() {
            runtime.block_on(async {
                let mut file = File::create(&temp).await.unwrap();
                file.write_all(&round.to_le_bytes()).await.unwrap();
            });
            drop(runtime);
            assert_eq!(temp.contents(), round.to_le_bytes());
        }
    }
}

#[test]
fn a_file_outlives_its_runtime_and_works_in_another() {
    let temp = Temp::with(b"0123456789");
    let mut file = current_thread().block_on(async {
        let mut file = temp.open().await;
        assert_eq!(file.read_u8().await.unwrap(), b'0');
        file
    });
    for runtime in both() {
        assert!((b'1'..b'3').contains(&runtime.block_on(file.read_u8()).unwrap()));
    }
}

#[test]
fn after_shutdown_operations_fail_and_leave_the_file_whole() {
    let temp = Temp::with(b"0123456789");
    let runtime = current_thread();
    let handle = runtime.handle().clone();
    let mut file = runtime.block_on(temp.open());
    drop(runtime);
    {
        let _context = handle.enter();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(matches!(pin!(file.read(&mut [0; 1])).poll(&mut cx), Poll::Ready(Err(_))));
            assert!(matches!(pin!(file.rewind()).poll(&mut cx), Poll::Ready(Err(_))));
            assert!(matches!(pin!(file.set_len(0)).poll(&mut cx), Poll::Ready(Err(_))));
            assert!(matches!(pin!(file.metadata()).poll(&mut cx), Poll::Ready(Err(_))));
            assert!(matches!(pin!(file.write(b"x")).poll(&mut cx), Poll::Ready(Err(_))));
            // Nothing was taken that would have to be written.
            assert!(matches!(pin!(file.flush()).poll(&mut cx), Poll::Ready(Ok(()))));
        }
    }
    assert_eq!(current_thread().block_on(file.read_u8()).unwrap(), b'0');
}

#[test]
fn a_paused_clock_stands_while_a_file_is_read() {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let temp = Temp::pipe();
        let mut pipe = temp.open().await;
        let mut writer = std::fs::File::options().read(true).write(true).open(&temp).unwrap();
        let writes = std::thread::spawn(move || {
            // Late enough for a clock that jumps to have jumped; any earlier, and the test proves nothing but holds.
            std::thread::sleep(Duration::from_millis(30));
            writer.write_all(b"x").unwrap();
            writer
        });
        let read = unstuck::time::timeout(Duration::from_secs(1), pipe.read_u8()).await;
        assert_eq!(read.expect("no time has passed").unwrap(), b'x');
        drop(writes.join().unwrap());
    });
}

#[test]
fn two_tasks_may_ask_at_the_same_time() {
    for runtime in both() {
        runtime.block_on(async {
            let temp = Temp::with(b"0123456789");
            let file = temp.open().await;
            let (cut, synced, asked) = unstuck::join!(file.set_len(5), file.sync_all(), file.metadata());
            cut.unwrap();
            synced.unwrap();
            assert!(asked.unwrap().is_file());
            assert_eq!(temp.contents(), b"01234");
        });
    }
}

#[test]
fn a_clone_begins_where_the_user_is() {
    one_blocking_thread().block_on(async {
        let temp = Temp::with(b"0123456789");
        let mut file = File::open(&temp).await.unwrap();
        let busy = busy().await;
        give_up(file.read(&mut [0; 8]));
        drop(busy);
        assert_eq!(file.read_u8().await.unwrap(), b'0');
        let mut clone = file.try_clone().await.unwrap();
        assert_eq!(clone.read_u8().await.unwrap(), b'1');
        assert_eq!(file.read_u8().await.unwrap(), b'2');
    });
}

#[test]
fn a_descriptor_goes_in_and_out() {
    current_thread().block_on(async {
        let temp = Temp::with(b"0123");
        let file = File::open(&temp).await.unwrap();
        let fd = file.as_raw_fd();
        let raw = file.into_std().await.into_raw_fd();
        assert_eq!(raw, fd);
        // SAFETY: nobody else has it.
        let mut file = unsafe { File::from_raw_fd(raw) };
        assert_eq!(file.read_u8().await.unwrap(), b'0');
        assert!(format!("{file:?}").contains(&format!("fd: {fd}")), "{file:?}");
    });
}

#[test]
#[should_panic(expected = "`max_buf_size` must be greater than 0")]
fn a_buffer_of_nothing_is_refused() {
    File::from_std(std::fs::File::open("/dev/null").unwrap()).set_max_buf_size(0);
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn a_read_outside_a_runtime_panics() {
    let mut file = File::from_std(std::fs::File::open("/dev/null").unwrap());
    give_up(file.read(&mut [0; 1]));
}

#[test]
fn options_of_std_are_taken_over_and_can_be_changed() {
    current_thread().block_on(async {
        let temp = Temp::new();
        let mut std = std::fs::OpenOptions::new();
        std.write(true).create_new(true);
        let mut options = OpenOptions::from(std);
        assert!(format!("{options:?}").contains("create_new: true"));
        let mut file = options.open(&temp).await.unwrap();
        file.write_all(b"new").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(temp.contents(), b"new");
        let again = options.open(&temp).await.unwrap_err();
        assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
        options.create_new(false).append(true);
        options.open(&temp).await.unwrap();
    });
}

#[test]
fn appended_writes_go_to_the_end_wherever_the_place_is() {
    current_thread().block_on(async {
        let temp = Temp::with(b"0123");
        let mut file = OpenOptions::new().read(true).append(true).open(&temp).await.unwrap();
        assert_eq!(file.read_u8().await.unwrap(), b'0');
        file.write_all(b"45").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(temp.contents(), b"012345");
        let bad = OpenOptions::new().append(true).truncate(true).open(&temp).await.unwrap_err();
        assert_eq!(bad.kind(), std::io::ErrorKind::InvalidInput);
    });
}
