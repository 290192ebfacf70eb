//! Folders, links, whole files; and what is refused.

mod common;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use common::{both, current_thread};
use unstuck::fs::{self, DirBuilder};
use unstuck::runtime::Builder;

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("unstuck-fs-names-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().expect("it should fail").kind()
}

#[test]
fn errors_are_those_of_the_system() {
    for runtime in both() {
        runtime.block_on(async {
            let folder = Folder::new();
            let missing = folder.at("missing");
            assert_eq!(kind(fs::read(&missing).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::read_to_string(&missing).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::write(missing.join("a"), "").await), ErrorKind::NotFound);
            assert_eq!(kind(fs::copy(&missing, folder.at("b")).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::metadata(&missing).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::read_link(&folder.0).await), ErrorKind::InvalidInput);
            assert_eq!(kind(fs::canonicalize(&missing).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::read_dir(&missing).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::create_dir(&folder.0).await), ErrorKind::AlreadyExists);
            assert_eq!(kind(fs::create_dir(missing.join("a")).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::remove_dir(&missing).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::remove_file(&missing).await), ErrorKind::NotFound);
            assert_eq!(kind(fs::read("a\0b").await), ErrorKind::InvalidInput);
            fs::write(folder.at("bytes"), [0xff]).await.unwrap();
            assert_eq!(kind(fs::read_to_string(folder.at("bytes")).await), ErrorKind::InvalidData);
            assert_eq!(kind(fs::remove_dir(&folder.0).await), ErrorKind::DirectoryNotEmpty);
            let missing = fs::metadata(&missing).await.unwrap_err();
            assert_eq!(missing.raw_os_error(), Some(libc::ENOENT));
        });
    }
}

#[test]
fn a_link_is_seen_or_followed() {
    current_thread().block_on(async {
        let folder = Folder::new();
        let (file, link) = (folder.at("file"), folder.at("link"));
        fs::symlink("file", &link).await.unwrap();
        assert!(!fs::try_exists(&link).await.unwrap());
        assert!(fs::symlink_metadata(&link).await.unwrap().is_symlink());
        fs::write(&link, "through the link").await.unwrap();
        assert!(fs::try_exists(&link).await.unwrap());
        assert!(fs::metadata(&link).await.unwrap().is_file());
        assert_eq!(fs::read_link(&link).await.unwrap(), Path::new("file"));
        let canonical = fs::canonicalize(&link).await.unwrap();
        assert_eq!(canonical, std::fs::canonicalize(&file).unwrap());
        fs::remove_file(&link).await.unwrap();
        assert_eq!(fs::read_to_string(&file).await.unwrap(), "through the link");
    });
}

#[test]
fn one_file_has_two_names() {
    current_thread().block_on(async {
        let folder = Folder::new();
        fs::write(folder.at("a"), "one").await.unwrap();
        fs::hard_link(folder.at("a"), folder.at("b")).await.unwrap();
        let [a, b] = [fs::metadata(folder.at("a")).await.unwrap(), fs::metadata(folder.at("b")).await.unwrap()];
        assert_eq!((a.ino(), a.nlink()), (b.ino(), 2));
        assert_eq!(kind(fs::hard_link(folder.at("a"), folder.at("b")).await), ErrorKind::AlreadyExists);
        fs::rename(folder.at("b"), folder.at("c")).await.unwrap();
        assert!(!fs::try_exists(folder.at("b")).await.unwrap());
        assert_eq!(fs::read(folder.at("c")).await.unwrap(), b"one");
    });
}

#[test]
fn a_copy_has_the_permissions_of_the_original() {
    current_thread().block_on(async {
        let folder = Folder::new();
        fs::write(folder.at("a"), "12345").await.unwrap();
        fs::set_permissions(folder.at("a"), std::fs::Permissions::from_mode(0o640)).await.unwrap();
        assert_eq!(fs::copy(folder.at("a"), folder.at("b")).await.unwrap(), 5);
        let copy = fs::metadata(folder.at("b")).await.unwrap();
        assert_eq!((copy.len(), copy.permissions().mode() & 0o777), (5, 0o640));
    });
}

#[test]
fn folders_are_made_on_the_way_if_asked_for() {
    current_thread().block_on(async {
        let folder = Folder::new();
        DirBuilder::new().mode(0o700).create(folder.at("a")).await.unwrap();
        assert_eq!(fs::metadata(folder.at("a")).await.unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(kind(DirBuilder::new().create(folder.at("b/c")).await), ErrorKind::NotFound);
        let mut builder = DirBuilder::default();
        builder.recursive(true);
        builder.create(folder.at("b/c")).await.unwrap();
        builder.create(folder.at("b/c")).await.unwrap();
        fs::create_dir_all(folder.at("b/c/d/e")).await.unwrap();
        fs::remove_dir(folder.at("b/c/d/e")).await.unwrap();
        fs::remove_dir_all(folder.at("b")).await.unwrap();
        assert!(!fs::try_exists(folder.at("b")).await.unwrap());
    });
}

#[test]
fn every_entry_is_seen_once_whatever_the_number() {
    for runtime in both() {
        runtime.block_on(async {
            // Around a batch, and more.
            for count in [0, 1, 31, 32, 33, 64, 100] {
                let folder = Folder::new();
                let names: BTreeSet<OsString> = (0..count).map(|n| format!("file {n}").into()).collect();
                names.iter().for_each(|name| std::fs::write(folder.at(name), name.as_encoded_bytes()).unwrap());
                let mut entries = fs::read_dir(&folder.0).await.unwrap();
                let mut seen = BTreeSet::new();
                while let Some(entry) = entries.next_entry().await.unwrap() {
                    assert!(entry.file_type().await.unwrap().is_file());
                    assert_eq!(entry.path(), folder.at(entry.file_name()));
                    let metadata = entry.metadata().await.unwrap();
                    assert_eq!((metadata.len(), metadata.ino()), (entry.file_name().len() as u64, entry.ino()));
                    assert!(seen.insert(entry.file_name()));
                }
                assert_eq!(seen, names);
                assert!(entries.next_entry().await.unwrap().is_none());
            }
        });
    }
}

#[test]
fn a_batch_that_was_given_up_is_not_lost() {
    current_thread().block_on(async {
        let folder = Folder::new();
        (0..100).for_each(|n| std::fs::write(folder.at(n.to_string()), "").unwrap());
        let mut entries = fs::read_dir(&folder.0).await.unwrap();
        let mut seen = 0;
        loop {
            // Given up whenever it waits.
            let polled = pin!(entries.next_entry()).poll(&mut Context::from_waker(Waker::noop()));
            match polled {
                Poll::Ready(Ok(Some(_))) => seen += 1,
                Poll::Ready(Ok(None)) => break,
                Poll::Ready(Err(error)) => panic!("{error}"),
                Poll::Pending => match poll_fn(|cx| entries.poll_next_entry(cx)).await.unwrap() {
                    Some(_) => seen += 1,
                    None => break,
                },
            }
        }
        assert_eq!(seen, 100);
    });
}

#[test]
fn a_future_may_be_made_outside_a_runtime_and_polled_inside() {
    let future = fs::read("/dev/null");
    assert_eq!(current_thread().block_on(future).unwrap(), b"");
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn polling_outside_a_runtime_panics() {
    let _never = pin!(fs::read("/dev/null")).poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
fn a_paused_clock_stands_while_the_disk_works() {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let before = unstuck::time::Instant::now();
        for _ in 0..100 {
            let read = unstuck::time::timeout(std::time::Duration::from_millis(1), fs::read("/proc/self/exe")).await;
            assert!(!read.expect("no time passes").unwrap().is_empty());
        }
        assert_eq!(before.elapsed(), std::time::Duration::ZERO);
    });
}

#[cfg(feature = "sim")]
#[test]
fn in_a_simulation_files_are_refused_and_say_why() {
    use unstuck::fs::File;
    use unstuck::io::{AsyncReadExt, AsyncWriteExt};

    unstuck::sim::Builder::new().run(1, || async {
        let refused = fs::read("/dev/null").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.to_string().contains("the simulator can't"), "{refused}");
        let mut real = File::from_std(std::fs::File::options().read(true).write(true).open("/dev/zero").unwrap());
        assert_eq!(kind(real.read(&mut [0; 1]).await), ErrorKind::Unsupported);
        real.write_all(b"x").await.unwrap();
        assert_eq!(kind(real.flush().await), ErrorKind::Unsupported);
        assert_eq!(kind(unstuck::io::stdin().read(&mut [0; 1]).await), ErrorKind::Unsupported);
        let mut stdout = unstuck::io::stdout();
        stdout.write_all(b"x").await.unwrap();
        assert_eq!(kind(stdout.flush().await), ErrorKind::Unsupported);
    });
}
