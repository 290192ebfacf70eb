//! Whole files.
//!
//! 1. Each function is one trip to a thread that may block.

use std::future::Future;
use std::io;
use std::path::Path;

use super::on_disk::on_disk;
use crate::called_at::called_from;

/// All that a file has.
///
/// For a file that does not fit into memory, or whose size is not known, read a [`File`](super::File) piece by piece.
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
/// use unstuck::fs;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-read-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), [1, 2, 3]).await?;
/// assert_eq!(fs::read(folder.join("a")).await?, [1, 2, 3]);
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Vec<u8>>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        on_disk(at, move |disk| disk.read_all(&path)).await
    })
}

/// All that a file has, as text.
///
/// # Errors
///
/// What the system says; `InvalidData` if it is not UTF-8.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-read_to_string-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "some text").await?;
/// assert_eq!(fs::read_to_string(folder.join("a")).await?, "some text");
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn read_to_string(path: impl AsRef<Path>) -> impl Future<Output = io::Result<String>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        on_disk(at, move |disk| {
            String::from_utf8(disk.read_all(&path)?)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
        })
        .await
    })
}

/// Makes `contents` all that a file has. It is created if it is not there.
///
/// It is on the file when the future is ready; there is nothing to flush.
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
/// A future that is dropped may have written all, nothing, or (if the runtime or the disk ended meanwhile) a part of
/// it, or may still do so. To replace a file as a whole, write another one, and [`rename`](super::rename) it.
///
/// # Examples
///
/// ```
/// use unstuck::fs;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-write-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "first").await?;
/// fs::write(folder.join("a"), b"2nd").await?;
/// assert_eq!(fs::read(folder.join("a")).await?, b"2nd");
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move {
        let (path, contents) = (path.as_ref().to_owned(), contents.as_ref().to_owned());
        on_disk(at, move |disk| disk.write_all(&path, &contents)).await
    })
}

/// Makes `to` a copy of the file `from`, with its permissions; returns how many bytes it has.
///
/// A file that is there is replaced. Both names must not be of one file: it would be emptied. To copy what is open, or not a
/// file, there is [`io::copy`](crate::io::copy()).
///
/// # Errors
///
/// What the system says; also if `from` is not a file.
///
/// # Panics
///
/// When polled outside a runtime.
///
/// # Cancel safety
///
/// A future that is dropped may have done it, or may still do so.
///
/// # Examples
///
/// ```
/// use unstuck::fs;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-copy-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "twice").await?;
/// assert_eq!(fs::copy(folder.join("a"), folder.join("b")).await?, 5);
/// assert_eq!(fs::read(folder.join("b")).await?, b"twice");
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> impl Future<Output = Result<u64, io::Error>> {
    called_from(|at| async move {
        let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
        on_disk(at, move |disk| disk.copy(&from, &to)).await
    })
}
