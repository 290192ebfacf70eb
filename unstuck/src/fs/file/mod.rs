//! An open file.
//!
//! 1. What reads, writes, moves, cuts or syncs takes turns: `work` has the rules. What only asks, or sets permissions and
//!    times, needs no turn.
//! 2. The file is std's own, shared with the operations that are under way; the last of them closes it.

mod poll;
mod std_file;
mod work;

use std::fmt;
use std::fs::{self, Metadata, Permissions};
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use unstuck_driver::disk::{FileChange, Times};

use super::on_disk::on_file;
use super::{FileTimes, OpenOptions};
use crate::called_at::called_here;
use crate::sync::Mutex;
use work::Work;

/// How much one operation reads or writes, if nobody says otherwise: 2 MiB.
const MAX_BUF_SIZE: usize = 2 * 1024 * 1024;

/// An open file.
///
/// It is read, written and moved with [`AsyncReadExt`](crate::io::AsyncReadExt),
/// [`AsyncWriteExt`](crate::io::AsyncWriteExt) and [`AsyncSeekExt`](crate::io::AsyncSeekExt). Each operation goes to a
/// thread that may block, which costs some microseconds: for small pieces put a [`BufReader`](crate::io::BufReader) or
/// [`BufWriter`](crate::io::BufWriter) around it, and for whole files there are [`read`](super::read()) and
/// [`write`](super::write()).
///
/// # When a write is done
///
/// A write is copied to a buffer and reported as done before it has reached the file.
/// [`flush`](crate::io::AsyncWriteExt::flush) waits until it has; if it fails, the next write, flush or sync tells. So a
/// file is flushed before it is dropped. Dropping it without that does not wait: what was written still goes to the file,
/// also when the runtime shuts down, and then the file is closed; but nobody is told of an error. On the disk itself is only
/// what was [synced](File::sync_all).
///
/// # Examples
///
/// ```
/// use unstuck::fs::{self, File};
/// use unstuck::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("unstuck-doc-file-{}", std::process::id()));
/// let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).await?;
/// file.write_all(b"to be, or not to be").await?;
/// file.rewind().await?;
/// let mut contents = String::new();
/// file.read_to_string(&mut contents).await?;
/// assert_eq!(contents, "to be, or not to be");
/// # fs::remove_file(&path).await
/// # }
/// ```
pub struct File {
    std: Arc<fs::File>,
    work: Mutex<Work>,
    max_buf_size: usize,
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// What the system says: there is no such file, or it may not be read.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a file that was opened for nobody is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::File;
    /// use unstuck::io::AsyncReadExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut first = [0; 4];
    /// File::open("/proc/self/exe").await?.read_exact(&mut first).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        called_here(async move { File::options().read(true).open(path).await })
    }

    /// Opens a file for writing: creates it, or empties the one that is there.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have created or emptied the file, or may still do so.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::{self, File};
    /// use unstuck::io::AsyncWriteExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-create-{}", std::process::id()));
    /// let mut file = File::create(&path).await?;
    /// file.write_all(b"new").await?;
    /// file.flush().await?;
    /// assert_eq!(fs::read(&path).await?, b"new");
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        called_here(async move { File::options().write(true).create(true).truncate(true).open(path).await })
    }

    /// Creates a file that was not there, for reading and writing.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if something has that name, be it a link that stands for nothing; or what else the system says.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have created the file, or may still do so.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::fs::{self, File};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-create-new-{}", std::process::id()));
    /// File::create_new(&path).await?;
    /// assert_eq!(File::create_new(&path).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn create_new<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<File>> {
        called_here(async move { File::options().read(true).write(true).create_new(true).open(path).await })
    }

    /// To open a file in another way: the same as [`OpenOptions::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::{self, File};
    /// use unstuck::io::AsyncWriteExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-options-{}", std::process::id()));
    /// let mut log = File::options().append(true).create(true).open(&path).await?;
    /// log.write_all(b"a line\n").await?;
    /// log.flush().await?;
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Waits until all that was written is on the disk itself, with all that the system keeps about the file. It flushes
    /// first.
    ///
    /// # Errors
    ///
    /// That of a write before, if nobody was told of it; or what the system says.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, but nobody knows then what is on the disk.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::{self, File};
    /// use unstuck::io::AsyncWriteExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-sync-{}", std::process::id()));
    /// let mut file = File::create(&path).await?;
    /// file.write_all(b"not to be lost").await?;
    /// file.sync_all().await?;
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn sync_all(&self) -> impl Future<Output = io::Result<()>> {
        called_here(self.sync(FileChange::SyncAll))
    }

    /// As [`sync_all`](File::sync_all), without what the system keeps about the file and nobody needs to read it, such as
    /// the time of its last change. This may save a write to the disk.
    ///
    /// # Errors
    ///
    /// As [`sync_all`](File::sync_all).
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// As [`sync_all`](File::sync_all).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::{self, File};
    /// use unstuck::io::AsyncWriteExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-sync-data-{}", std::process::id()));
    /// let mut file = File::create(&path).await?;
    /// file.write_all(b"not to be lost").await?;
    /// file.sync_data().await?;
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn sync_data(&self) -> impl Future<Output = io::Result<()>> {
        called_here(self.sync(FileChange::SyncData))
    }

    async fn sync(&self, what: FileChange) -> io::Result<()> {
        let mut work = self.work.lock().await;
        work.settle().await;
        work.tell_write_failed()?;
        work.change(&self.std, Some(what)).await
    }

    /// Cuts the file to `size` bytes, or fills it up to them with zeros. The place at which it is read and written stays, be
    /// it behind the end.
    ///
    /// # Errors
    ///
    /// What the system says: the file is not open for writing, or the disk is full.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have changed the file, or may still do so, before whatever is done with it next.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::{self, File};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-set-len-{}", std::process::id()));
    /// let file = File::create(&path).await?;
    /// file.set_len(10).await?;
    /// assert_eq!(fs::read(&path).await?, [0; 10]);
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn set_len(&self, size: u64) -> impl Future<Output = io::Result<()>> {
        called_here(async move { self.work.lock().await.change(&self.std, Some(FileChange::SetLen(size))).await })
    }

    /// What the system knows about the file. It does not wait for writes: flush, if the length is what you are after.
    ///
    /// # Errors
    ///
    /// What the system says.
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
    /// let file = unstuck::fs::File::open("/dev/null").await?;
    /// assert_eq!(file.metadata().await?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> {
        called_here(on_file(self.std.clone(), |disk, file| disk.file_metadata(file)))
    }

    /// Another handle of the same open file. Both have one place at which they read and write: moving one moves the other.
    ///
    /// # Errors
    ///
    /// What the system says: too many files are open, most likely.
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
    /// use unstuck::fs::{self, File};
    /// use unstuck::io::AsyncWriteExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-try-clone-{}", std::process::id()));
    /// let mut file = File::create(&path).await?;
    /// let mut other = file.try_clone().await?;
    /// file.write_all(b"one ").await?;
    /// file.flush().await?;
    /// other.write_all(b"file").await?;
    /// other.flush().await?;
    /// assert_eq!(fs::read(&path).await?, b"one file");
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn try_clone(&self) -> impl Future<Output = io::Result<File>> {
        called_here(async move {
            let mut work = self.work.lock().await;
            work.change(&self.std, None).await?;
            let std = on_file(self.std.clone(), |disk, file| disk.duplicate(file)).await?;
            Ok(File { max_buf_size: self.max_buf_size, ..File::from_std(std) })
        })
    }

    /// Sets who may read, write and run the file.
    ///
    /// # Errors
    ///
    /// What the system says: the file is not yours, most likely.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have changed the file, or may still do so.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::{self, File};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-set-permissions-{}", std::process::id()));
    /// let file = File::create(&path).await?;
    /// let mut permissions = file.metadata().await?.permissions();
    /// permissions.set_readonly(true);
    /// file.set_permissions(permissions).await?;
    /// assert!(fs::metadata(&path).await?.permissions().readonly());
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn set_permissions(&self, perm: Permissions) -> impl Future<Output = io::Result<()>> {
        called_here(self.set(FileChange::SetPermissions(perm)))
    }

    /// Sets the times that the file keeps.
    ///
    /// # Errors
    ///
    /// What the system says: the file is not yours, or the disk can't keep such a time.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// As [`set_permissions`](File::set_permissions).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use unstuck::fs::{self, File, FileTimes};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-set-times-{}", std::process::id()));
    /// let file = File::create(&path).await?;
    /// let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    /// file.set_times(FileTimes::new().set_accessed(long_ago).set_modified(long_ago)).await?;
    /// assert_eq!(file.metadata().await?.modified()?, long_ago);
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn set_times(&self, times: FileTimes) -> impl Future<Output = io::Result<()>> {
        called_here(self.set(FileChange::SetTimes(times.0)))
    }

    /// Sets the time of the last change: `set_times(FileTimes::new().set_modified(time))`.
    ///
    /// # Errors
    ///
    /// As [`set_times`](File::set_times).
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// As [`set_permissions`](File::set_permissions).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use unstuck::fs::{self, File};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-set-modified-{}", std::process::id()));
    /// let file = File::create(&path).await?;
    /// file.set_modified(SystemTime::UNIX_EPOCH).await?;
    /// assert_eq!(file.metadata().await?.modified()?, SystemTime::UNIX_EPOCH);
    /// # fs::remove_file(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn set_modified(&self, time: SystemTime) -> impl Future<Output = io::Result<()>> {
        called_here(self.set(FileChange::SetTimes(Times { modified: Some(time), ..Times::default() })))
    }

    fn set(&self, change: FileChange) -> impl Future<Output = io::Result<()>> + use<> {
        on_file(self.std.clone(), move |disk, file| disk.change_file(file, &change))
    }

    /// Sets how many bytes one operation reads or writes, at most, and so how large the buffers grow: 2 MiB unless this
    /// was called.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncReadExt;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut file = unstuck::fs::File::open("/dev/zero").await?;
    /// file.set_max_buf_size(4096);
    /// assert_eq!(file.read(&mut [0; 65536]).await?, 4096);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn set_max_buf_size(&mut self, max_buf_size: usize) {
        assert!(max_buf_size > 0, "`max_buf_size` must be greater than 0");
        self.max_buf_size = max_buf_size;
    }

    /// How many bytes one operation reads or writes, at most.
    ///
    /// # Examples
    ///
    /// ```
    /// let file = unstuck::fs::File::from_std(std::fs::File::open("/dev/null")?);
    /// assert_eq!(file.max_buf_size(), 2 * 1024 * 1024);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn max_buf_size(&self) -> usize {
        self.max_buf_size
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokio's name, which programs may have in their logs.
        f.debug_struct("tokio::fs::File").field("std", &self.std).finish_non_exhaustive()
    }
}
