//! What the system knows about a path.
//!
//! 1. Each function is one question, on one trip to a thread that may block. By the time it is answered, others may have
//!    changed what it was about: open a file rather than asking whether it is there.

use std::fs::Metadata;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use unstuck_driver::disk::Links;

use super::on_disk::on_disk;
use crate::called_at::called_from;

/// What the system knows about what is at `path`: its size, its times, who may do what. Of a link, about what it stands for.
///
/// # Errors
///
/// What the system says: it is not there, or a folder on the way may not be entered.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-metadata-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "12345").await?;
/// assert_eq!(fs::metadata(folder.join("a")).await?.len(), 5);
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn metadata(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Metadata>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        on_disk(at, move |disk| disk.metadata(&path, Links::Followed)).await
    })
}

/// As [`metadata`], but of a link it tells about the link itself.
///
/// # Errors
///
/// As [`metadata`].
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-symlink_metadata-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::symlink("nowhere", folder.join("link")).await?;
/// assert!(fs::symlink_metadata(folder.join("link")).await?.is_symlink());
/// assert!(fs::metadata(folder.join("link")).await.is_err());
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn symlink_metadata(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Metadata>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        on_disk(at, move |disk| disk.metadata(&path, Links::Seen)).await
    })
}

/// Whether something is at `path`. A link that stands for nothing is nothing.
///
/// # Errors
///
/// When that can't be found out: a folder on the way may not be entered.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-try_exists-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// assert!(fs::try_exists(&folder).await?);
/// assert!(!fs::try_exists(folder.join("a")).await?);
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn try_exists(path: impl AsRef<Path>) -> impl Future<Output = io::Result<bool>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        on_disk(at, move |disk| disk.exists(&path)).await
    })
}

/// The absolute path of what is at `path`, without links, `.` and `..`.
///
/// # Errors
///
/// What the system says: it is not there, or something on the way is no folder.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-canonicalize-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// let straight = fs::canonicalize(folder.join("..").join(folder.file_name().unwrap())).await?;
/// assert_eq!(straight, fs::canonicalize(&folder).await?);
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn canonicalize(path: impl AsRef<Path>) -> impl Future<Output = io::Result<PathBuf>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        on_disk(at, move |disk| disk.canonicalize(&path)).await
    })
}

/// The path that the symbolic link at `path` stands for, as it was given.
///
/// # Errors
///
/// What the system says: it is not there, or no link.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-read_link-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::symlink("elsewhere", folder.join("link")).await?;
/// assert_eq!(fs::read_link(folder.join("link")).await?, std::path::Path::new("elsewhere"));
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn read_link(path: impl AsRef<Path>) -> impl Future<Output = io::Result<PathBuf>> {
    called_from(|at| async move {
        let path = path.as_ref().to_owned();
        on_disk(at, move |disk| disk.read_link(&path)).await
    })
}
