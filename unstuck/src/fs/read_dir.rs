//! What is in a folder.
//!
//! 1. Entries are read ahead, up to 32 at a time on one trip to a thread that may block; the first of them with the trip that
//!    opens the folder.
//! 2. A batch that nobody waited for to the end is not lost: the next call gets it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{FileType, Metadata};
use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_driver::disk::Entries;

use super::on_disk::{Trip, begin, not_done, on_disk};
use crate::called_at::{Line, called_from, current_at};

/// How many entries are read at a time.
const BATCH: usize = 32;

/// What is in the folder at `path`, in no order, without `.` and `..`.
///
/// # Errors
///
/// What the system says: there is no such folder, it is none, or it may not be read.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// Cancel safe.
///
/// # Examples
///
/// ```
/// use unstuck::fs;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("unstuck-doc-read-dir-{}", std::process::id()));
/// fs::create_dir(&path).await?;
/// fs::write(path.join("a"), "").await?;
/// fs::write(path.join("b"), "").await?;
///
/// let mut names = Vec::new();
/// let mut entries = fs::read_dir(&path).await?;
/// while let Some(entry) = entries.next_entry().await? {
///     names.push(entry.file_name());
/// }
/// names.sort();
/// assert_eq!(names, ["a", "b"]);
/// # fs::remove_dir_all(&path).await
/// # }
/// ```
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<ReadDir>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        let batch = on_disk(at, move |disk| Ok(Batch::read(disk.entries(&path)?))).await?;
        Ok(ReadDir(State::Here(batch)))
    })
}

/// What is in a folder, entry by entry. Made by [`read_dir`](read_dir()).
///
/// What is added or removed meanwhile may be among the entries or not.
///
/// # Examples
///
/// ```
/// use unstuck::fs;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("unstuck-doc-ReadDir-{}", std::process::id()));
/// fs::create_dir(&path).await?;
/// for number in 0..100 {
///     fs::write(path.join(number.to_string()), "").await?;
/// }
/// let mut entries = fs::read_dir(&path).await?;
/// let mut count = 0;
/// while entries.next_entry().await?.is_some() {
///     count += 1;
/// }
/// assert_eq!(count, 100);
/// # fs::remove_dir_all(&path).await?;
/// # Ok(())
/// # }
/// ```
pub struct ReadDir(State);

enum State {
    Here(Batch),
    OnItsWay(Trip<Batch>),
}

struct Batch {
    entries: VecDeque<io::Result<DirEntry>>,
    /// What is left; `None`: nothing.
    rest: Option<Entries>,
}

impl ReadDir {
    /// The next entry; `None`: that was all.
    ///
    /// # Errors
    ///
    /// What the system says. The next call goes on.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no entry is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut entries = fs::read_dir("/").await?;
    /// while let Some(entry) = entries.next_entry().await? {
    ///     println!("{}", entry.path().display());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn next_entry(&mut self) -> impl Future<Output = io::Result<Option<DirEntry>>> {
        called_from(|at| poll_fn(move |cx| self.poll_next_at(at, cx)))
    }

    /// The next entry; `None`: that was all. Of several tasks that poll, the last one is woken.
    ///
    /// # Errors
    ///
    /// As [`next_entry`](ReadDir::next_entry).
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use unstuck::fs;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-poll-next-{}", std::process::id()));
    /// fs::create_dir(&path).await?;
    /// fs::write(path.join("only"), "").await?;
    /// let mut entries = fs::read_dir(&path).await?;
    /// let first = poll_fn(|cx| entries.poll_next_entry(cx)).await?;
    /// assert_eq!(first.unwrap().file_name(), "only");
    /// assert!(poll_fn(|cx| entries.poll_next_entry(cx)).await?.is_none());
    /// # fs::remove_dir_all(&path).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_next_entry(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        self.poll_next_at(Location::caller(), cx)
    }

    fn poll_next_at(&mut self, at: Line, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        loop {
            match &mut self.0 {
                State::OnItsWay(trip) => {
                    let batch = ready!(Pin::new(trip).poll(cx));
                    self.0 = State::Here(batch.map_err(not_done).unwrap_or_else(Batch::only));
                }
                State::Here(batch) => {
                    if let Some(entry) = batch.entries.pop_front() {
                        return Poll::Ready(entry.map(Some));
                    }
                    let Some(rest) = batch.rest.take() else { return Poll::Ready(Ok(None)) };
                    self.0 = State::OnItsWay(begin(current_at(at), move |_| Batch::read(rest)));
                }
            }
        }
    }
}

impl Batch {
    /// Reads on. This blocks.
    fn read(mut rest: Entries) -> Batch {
        let entries: VecDeque<_> = rest.by_ref().take(BATCH).map(|entry| entry.map(DirEntry::new)).collect();
        let rest = (entries.len() == BATCH).then_some(rest);
        Batch { entries, rest }
    }

    /// Nothing but an error: the rest is lost.
    fn only(error: io::Error) -> Batch {
        Batch { entries: VecDeque::from([Err(error)]), rest: None }
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir").finish_non_exhaustive()
    }
}

/// Something in a folder.
///
/// # Examples
///
/// ```
/// use unstuck::fs;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("unstuck-doc-DirEntry-{}", std::process::id()));
/// fs::create_dir(&path).await?;
/// fs::write(path.join("text"), "hello").await?;
/// let entry = fs::read_dir(&path).await?.next_entry().await?.unwrap();
/// assert_eq!(entry.file_name(), "text");
/// assert!(entry.file_type().await?.is_file());
/// assert_eq!(entry.metadata().await?.len(), 5);
/// assert_eq!(fs::read_to_string(entry.path()).await?, "hello");
/// # fs::remove_dir_all(&path).await?;
/// # Ok(())
/// # }
/// ```
pub struct DirEntry {
    std: Arc<std::fs::DirEntry>,
    /// Most systems tell it along with the name. `None`: it has to be asked for.
    file_type: Option<FileType>,
}

impl DirEntry {
    /// Takes over an entry of std. This may block.
    fn new(std: std::fs::DirEntry) -> DirEntry {
        DirEntry { file_type: std.file_type().ok(), std: Arc::new(std) }
    }

    /// The path of the folder, as it was given to [`read_dir`](read_dir()), with the name of the entry.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut entries = unstuck::fs::read_dir("/proc/self").await?;
    /// let first = entries.next_entry().await?.unwrap();
    /// assert!(first.path().starts_with("/proc/self"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self) -> PathBuf {
        self.std.path()
    }

    /// The name of the entry.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut entries = unstuck::fs::read_dir("/").await?;
    /// let first = entries.next_entry().await?.unwrap();
    /// assert_eq!(first.path(), std::path::Path::new("/").join(first.file_name()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn file_name(&self) -> OsString {
        self.std.file_name()
    }

    /// What the system knows about the entry; of a link, about the link itself.
    ///
    /// # Errors
    ///
    /// What the system says: it has been removed meanwhile, most likely.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut entries = unstuck::fs::read_dir("/").await?;
    /// let first = entries.next_entry().await?.unwrap();
    /// println!("{} bytes", first.metadata().await?.len());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> {
        called_from(|at| self.metadata_at(at))
    }

    fn metadata_at(&self, at: Line) -> impl Future<Output = io::Result<Metadata>> + use<> {
        let std = self.std.clone();
        on_disk(at, move |disk| disk.entry_metadata(&std))
    }

    /// Whether the entry is a file, a folder, a link or something else. Most systems have told that along with the name: then
    /// this does not wait.
    ///
    /// # Errors
    ///
    /// As [`metadata`](DirEntry::metadata).
    ///
    /// # Panics
    ///
    /// When polled outside a runtime, if it has to wait.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut entries = unstuck::fs::read_dir("/").await?;
    /// while let Some(entry) = entries.next_entry().await? {
    ///     if entry.file_type().await?.is_dir() {
    ///         println!("{}/", entry.path().display());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn file_type(&self) -> impl Future<Output = io::Result<FileType>> {
        called_from(|at| async move {
            match self.file_type {
                Some(file_type) => Ok(file_type),
                None => Ok(self.metadata_at(at).await?.file_type()),
            }
        })
    }

    /// The number of the entry's inode.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut entries = unstuck::fs::read_dir("/").await?;
    /// assert_ne!(entries.next_entry().await?.unwrap().ino(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ino(&self) -> u64 {
        self.std.ino()
    }
}

impl fmt::Debug for DirEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DirEntry").field(&self.path()).finish()
    }
}
