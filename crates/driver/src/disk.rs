//! Files: what a kernel is asked to do with them, from a thread that may block.
//!
//! 1. Every method may block, and may be called by several threads at a time. Nobody waits for readiness here.
//! 2. What std has and nobody can make by hand (a `File`, its `Metadata`, a `DirEntry`) crosses the seam as it is: a disk
//!    that simulates keeps real files of its own beneath. What a program says (how to open, what to change) crosses as plain
//!    data, which any disk can read. `docs/decisions/0006` has the reasons.
//! 3. Errors are what std would say, unchanged.
//! 4. A method asks the system once: what is to be repeated (a short write, an interrupted call) the caller repeats. The
//!    methods that take a whole file are the exception.
//!
//! `fs` of the user-facing crate calls in, on blocking threads; `os` implements.

use std::fs::{DirEntry, File, Metadata, Permissions};
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How to open a file.
#[derive(Clone, Debug)]
pub enum Open {
    /// As the program said.
    Access(Access),
    /// As a value of std says, which can't be read.
    Std(std::fs::OpenOptions),
}

/// What an open file is to be used for, and what to do about one that exists or does not. As in [`std::fs::OpenOptions`].
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is a method of std::fs::OpenOptions")]
pub struct Access {
    pub read: bool,
    pub write: bool,
    pub append: bool,
    pub truncate: bool,
    pub create: bool,
    pub create_new: bool,
    pub mode: u32,
    pub custom_flags: i32,
}

impl Access {
    /// A file that may be read and written by everybody, if it is created; and nothing else yet.
    pub const NONE: Access = Access {
        read: false,
        write: false,
        append: false,
        truncate: false,
        create: false,
        create_new: false,
        mode: 0o666,
        custom_flags: 0,
    };
}

/// A change to what a disk has under which name.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Change {
    /// Makes a folder, with the permissions `mode`; those on the way to it, too, if `parents`.
    CreateDir { path: PathBuf, mode: u32, parents: bool },
    /// Removes an empty folder.
    RemoveDir { path: PathBuf },
    /// Removes a folder and all that is in it.
    RemoveDirAll { path: PathBuf },
    /// Removes a file.
    RemoveFile { path: PathBuf },
    /// Gives what is at `from` the name `to`, in place of what has that name.
    Rename { from: PathBuf, to: PathBuf },
    /// Gives the file `original` the name `link`, too.
    HardLink { original: PathBuf, link: PathBuf },
    /// Makes `link` a name that stands for the path `original`.
    Symlink { original: PathBuf, link: PathBuf },
    /// Sets who may do what.
    SetPermissions { path: PathBuf, permissions: Permissions },
}

/// A change to an open file.
#[derive(Clone, Debug)]
pub enum FileChange {
    /// Cuts it, or fills it up with zeros, to this many bytes.
    SetLen(u64),
    /// Waits until all of it is on the disk.
    SyncAll,
    /// Waits until its content is on the disk.
    SyncData,
    /// Sets the times that it keeps.
    SetTimes(Times),
    /// Sets who may do what.
    SetPermissions(Permissions),
}

/// The times that are to be set; `None` stays as it is.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub struct Times {
    pub accessed: Option<SystemTime>,
    pub modified: Option<SystemTime>,
}

/// What a symbolic link is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// What it stands for.
    Followed,
    /// The link itself.
    Seen,
}

/// What a folder has, one entry after the other.
pub type Entries = Box<dyn Iterator<Item = io::Result<DirEntry>> + Send + Sync>;

/// A disk; see the module's rules.
pub trait Disk: Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path, how: &Open) -> io::Result<File>;

    /// Reads once, at most `most` bytes, and appends what came to `into`; returns how much that is. 0: the end of the file,
    /// or `most` is 0.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, file: &File, into: &mut Vec<u8>, most: usize) -> io::Result<usize>;

    /// Writes once, as much as the system takes; returns how much that is.
    ///
    /// # Errors
    /// What the system says.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize>;

    /// Moves the place at which the file is read and written; returns where that is now, from the start.
    ///
    /// # Errors
    /// What the system says.
    fn seek(&self, file: &File, to: SeekFrom) -> io::Result<u64>;

    /// Changes an open file.
    ///
    /// # Errors
    /// What the system says.
    fn change_file(&self, file: &File, change: &FileChange) -> io::Result<()>;

    /// Another handle of the same open file: both have one place at which they read and write.
    ///
    /// # Errors
    /// What the system says.
    fn duplicate(&self, file: &File) -> io::Result<File>;

    /// What the disk knows about an open file.
    ///
    /// # Errors
    /// What the system says.
    fn file_metadata(&self, file: &File) -> io::Result<Metadata>;

    /// All that a file has.
    ///
    /// # Errors
    /// What the system says.
    fn read_all(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Makes `contents` all that a file has; it is created if it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn write_all(&self, path: &Path, contents: &[u8]) -> io::Result<()>;

    /// Makes `to` a copy of the file `from`, with its permissions; returns how many bytes it has.
    ///
    /// # Errors
    /// What the system says.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<u64>;

    /// Changes what the disk has under which name.
    ///
    /// # Errors
    /// What the system says.
    fn change(&self, change: &Change) -> io::Result<()>;

    /// What the disk knows about what is at `path`.
    ///
    /// # Errors
    /// What the system says.
    fn metadata(&self, path: &Path, links: Links) -> io::Result<Metadata>;

    /// Whether something is at `path`; a link that stands for nothing is nothing.
    ///
    /// # Errors
    /// When that can't be found out.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The absolute path of what is at `path`, with no link in it.
    ///
    /// # Errors
    /// What the system says.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;

    /// What the link at `path` stands for.
    ///
    /// # Errors
    /// What the system says.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// What is in the folder at `path`.
    ///
    /// # Errors
    /// What the system says.
    fn entries(&self, path: &Path) -> io::Result<Entries>;

    /// What the disk knows about an entry of a folder; of a link, about the link itself.
    ///
    /// # Errors
    /// What the system says.
    fn entry_metadata(&self, entry: &DirEntry) -> io::Result<Metadata>;
}
