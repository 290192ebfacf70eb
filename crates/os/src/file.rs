//! Files of the operating system.
//!
//! 1. std does the work, and its errors are handed on unchanged.
//! 2. Only [`read`](Disk::read) calls the system itself: std has no way to read once into memory that is not initialised.

use std::fs::{self, DirBuilder, DirEntry, File, FileTimes, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use unstuck_driver::disk::{Access, Change, Disk, Entries, FileChange, Links, Open, Times};

/// Systems refuse reads of more than a signed word, some of more than an `i32`.
const LONGEST_READ: usize = i32::MAX as usize - 1;

/// The disk of the operating system; see the module's rules.
#[derive(Debug)]
pub(crate) struct OsDisk;

impl Disk for OsDisk {
    fn open(&self, path: &Path, how: &Open) -> io::Result<File> {
        match how {
            Open::Access(access) => options(access).open(path),
            Open::Std(options) => options.open(path),
        }
    }

    fn read(&self, file: &File, into: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        into.reserve_exact(most);
        let room = &mut into.spare_capacity_mut()[..most];
        // SAFETY: `room` is memory of ours, at least as long as we say.
        let read = unsafe { libc::read(file.as_raw_fd(), room.as_mut_ptr().cast(), room.len().min(LONGEST_READ)) };
        let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
        // SAFETY: the system has written this many bytes to the start of the room.
        unsafe { into.set_len(into.len() + read) };
        Ok(read)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn seek(&self, mut file: &File, to: SeekFrom) -> io::Result<u64> {
        file.seek(to)
    }

    fn change_file(&self, file: &File, change: &FileChange) -> io::Result<()> {
        match change {
            FileChange::SetLen(length) => file.set_len(*length),
            FileChange::SyncAll => file.sync_all(),
            FileChange::SyncData => file.sync_data(),
            FileChange::SetTimes(times) => file.set_times(file_times(times)),
            FileChange::SetPermissions(permissions) => file.set_permissions(permissions.clone()),
        }
    }

    fn duplicate(&self, file: &File) -> io::Result<File> {
        file.try_clone()
    }

    fn file_metadata(&self, file: &File) -> io::Result<Metadata> {
        file.metadata()
    }

    fn read_all(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write_all(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        fs::write(path, contents)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<u64> {
        fs::copy(from, to)
    }

    fn change(&self, change: &Change) -> io::Result<()> {
        match change {
            Change::CreateDir { path, mode, parents } => DirBuilder::new().mode(*mode).recursive(*parents).create(path),
            Change::RemoveDir { path } => fs::remove_dir(path),
            Change::RemoveDirAll { path } => fs::remove_dir_all(path),
            Change::RemoveFile { path } => fs::remove_file(path),
            Change::Rename { from, to } => fs::rename(from, to),
            Change::HardLink { original, link } => fs::hard_link(original, link),
            Change::Symlink { original, link } => std::os::unix::fs::symlink(original, link),
            Change::SetPermissions { path, permissions } => fs::set_permissions(path, permissions.clone()),
        }
    }

    fn metadata(&self, path: &Path, links: Links) -> io::Result<Metadata> {
        match links {
            Links::Followed => fs::metadata(path),
            Links::Seen => fs::symlink_metadata(path),
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn entries(&self, path: &Path) -> io::Result<Entries> {
        Ok(Box::new(fs::read_dir(path)?))
    }

    fn entry_metadata(&self, entry: &DirEntry) -> io::Result<Metadata> {
        entry.metadata()
    }
}

fn options(access: &Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(access.read)
        .write(access.write)
        .append(access.append)
        .truncate(access.truncate)
        .create(access.create)
        .create_new(access.create_new)
        .mode(access.mode)
        .custom_flags(access.custom_flags);
    options
}

fn file_times(times: &Times) -> FileTimes {
    let mut set = FileTimes::new();
    if let Some(accessed) = times.accessed {
        set = set.set_accessed(accessed);
    }
    if let Some(modified) = times.modified {
        set = set.set_modified(modified);
    }
    set
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    /// A path of this test's own, where nothing is.
    fn fresh(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("unstuck-os-file-{}-{name}", std::process::id()));
        let _nothing_there = fs::remove_file(&path);
        path
    }

    #[test]
    fn a_read_appends_what_it_was_asked_for_and_no_more() {
        let path = fresh("room");
        fs::write(&path, b"0123456789").unwrap();
        let file = OsDisk.open(&path, &Open::Access(Access { read: true, ..Access::NONE })).unwrap();
        let mut bytes = Vec::with_capacity(100);
        assert_eq!(OsDisk.read(&file, &mut bytes, 4).unwrap(), 4);
        assert_eq!(bytes, b"0123");
        assert_eq!(OsDisk.read(&file, &mut bytes, 0).unwrap(), 0, "nothing was asked for");
        assert_eq!(OsDisk.read(&file, &mut bytes, 200).unwrap(), 6);
        assert_eq!(bytes, b"0123456789");
        assert_eq!(OsDisk.read(&file, &mut bytes, 1).unwrap(), 0, "the end of the file");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn errors_are_those_of_the_system() {
        let path = fresh("missing");
        let open = OsDisk.open(&path, &Open::Access(Access { read: true, ..Access::NONE })).unwrap_err();
        assert_eq!(open.raw_os_error(), Some(libc::ENOENT));
        fs::write(&path, b"").unwrap();
        let file = OsDisk.open(&path, &Open::Access(Access { write: true, ..Access::NONE })).unwrap();
        let read = OsDisk.read(&file, &mut Vec::new(), 1).unwrap_err();
        assert_eq!(read.raw_os_error(), Some(libc::EBADF));
        fs::remove_file(&path).unwrap();
    }
}
