//! An open file.
//!
//! 1. What reads, writes, moves, cuts or syncs takes turns: `work` has the rules. What only asks, or sets permissions and
//!    times, needs no turn.
//! 2. The file is std's own, shared with the operations that are under way; the last of them closes it.

mod change;
mod poll;
mod std_file;
mod work;

use std::fmt;
use std::fs::{self, Metadata};
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::OpenOptions;
use super::on_disk::on_file;
use crate::called_at::called_from;
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
        called_from(|at| async move { File::options().read(true).open_at(at, path).await })
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
        called_from(|at| async move { File::options().write(true).create(true).truncate(true).open_at(at, path).await })
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
        called_from(|at| async move { File::options().read(true).write(true).create_new(true).open_at(at, path).await })
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
        called_from(|at| on_file(at, self.std.clone(), |disk, file| disk.file_metadata(file)))
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
        called_from(|at| async move {
            let mut work = self.work.lock().await;
            work.change(at, &self.std, None).await?;
            let std = on_file(at, self.std.clone(), |disk, file| disk.duplicate(file)).await?;
            Ok(File { max_buf_size: self.max_buf_size, ..File::from_std(std) })
        })
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
