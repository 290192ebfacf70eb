//! What has which name: folders, links, renaming, removing.
//!
//! 1. Each function is one change, on one trip to a thread that may block.

use std::fs::Permissions;
use std::future::Future;
use std::io;
use std::path::Path;

use unstuck_driver::disk::Change;

use super::DirBuilder;
use super::on_disk::on_disk;
use crate::called_at::{Line, called_from};

/// Makes a folder.
///
/// # Errors
///
/// What the system says: it is there already, or its parent is not.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-create_dir-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::create_dir(folder.join("new")).await?;
/// assert!(fs::create_dir(folder.join("new")).await.is_err());
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn create_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move { DirBuilder::new().create_at(at, path).await })
}

/// Makes a folder, and those on the way to it that are missing. It is no error if it is there.
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
/// A future that is dropped may have made some of the folders, and may still make the others.
///
/// # Examples
///
/// ```
/// use unstuck::fs;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-create_dir_all-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::create_dir_all(folder.join("a/b/c")).await?;
/// fs::create_dir_all(folder.join("a/b/c")).await?;
/// assert!(fs::metadata(folder.join("a/b")).await?.is_dir());
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn create_dir_all(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move { DirBuilder::new().recursive(true).create_at(at, path).await })
}

/// Removes an empty folder.
///
/// # Errors
///
/// What the system says: it is not there, no folder, or not empty.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-remove_dir-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::create_dir(folder.join("a")).await?;
/// fs::remove_dir(folder.join("a")).await?;
/// assert!(!fs::try_exists(folder.join("a")).await?);
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn remove_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move { change(at, Change::RemoveDir { path: path.as_ref().to_owned() }).await })
}

/// Removes a folder and all that is in it.
///
/// Links are removed, and what they stand for stays. What others add meanwhile may be removed, or make this fail.
///
/// # Errors
///
/// What the system says; then a part may have been removed.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-remove_dir_all-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::create_dir_all(folder.join("a/b/c")).await?;
/// fs::remove_dir_all(folder.join("a")).await?;
/// assert!(!fs::try_exists(folder.join("a")).await?);
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn remove_dir_all(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move { change(at, Change::RemoveDirAll { path: path.as_ref().to_owned() }).await })
}

/// Removes a file: takes its name away.
///
/// Whoever has it open can go on using it; it is gone when it has no name and is not open any more. A link is removed, and
/// what it stands for stays.
///
/// # Errors
///
/// What the system says: it is not there, it is a folder, or the folder that it is in may not be changed.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-remove_file-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "").await?;
/// fs::remove_file(folder.join("a")).await?;
/// assert!(!fs::try_exists(folder.join("a")).await?);
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn remove_file(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move { change(at, Change::RemoveFile { path: path.as_ref().to_owned() }).await })
}

/// Gives what is at `from` the name `to`, in place of what has that name.
///
/// Others see the one or the other, and nothing in between: so a file is replaced as a whole by writing another one, and then
/// renaming it.
///
/// # Errors
///
/// What the system says: both names must be on one disk, and a folder replaces only an empty folder.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-rename-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("new"), "whole").await?;
/// fs::rename(folder.join("new"), folder.join("config")).await?;
/// assert_eq!(fs::read(folder.join("config")).await?, b"whole");
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move {
        change(at, Change::Rename { from: from.as_ref().to_owned(), to: to.as_ref().to_owned() }).await
    })
}

/// Gives the file `original` one more name, `link`.
///
/// # Errors
///
/// What the system says: both names must be on one disk, and `link` must be free.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-hard_link-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "one file").await?;
/// fs::hard_link(folder.join("a"), folder.join("b")).await?;
/// fs::remove_file(folder.join("a")).await?;
/// assert_eq!(fs::read(folder.join("b")).await?, b"one file");
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move {
        change(at, Change::HardLink { original: original.as_ref().to_owned(), link: link.as_ref().to_owned() }).await
    })
}

/// Makes `link` a symbolic link: a name that stands for the path `original`.
///
/// A relative `original` begins at the folder of the link. It need not be there.
///
/// # Errors
///
/// What the system says: `link` must be free.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-symlink-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "found").await?;
/// fs::symlink("a", folder.join("link")).await?;
/// assert_eq!(fs::read(folder.join("link")).await?, b"found");
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move {
        change(at, Change::Symlink { original: original.as_ref().to_owned(), link: link.as_ref().to_owned() }).await
    })
}

/// Sets who may read, write and run what is at `path`. Of a link, what it stands for.
///
/// # Errors
///
/// What the system says: it is not there, or not yours.
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
/// # let folder = std::env::temp_dir().join(format!("unstuck-doc-set_permissions-{}", std::process::id()));
/// # fs::create_dir(&folder).await?;
/// fs::write(folder.join("a"), "").await?;
/// let mut permissions = fs::metadata(folder.join("a")).await?.permissions();
/// permissions.set_readonly(true);
/// fs::set_permissions(folder.join("a"), permissions).await?;
/// assert!(fs::metadata(folder.join("a")).await?.permissions().readonly());
/// # fs::remove_dir_all(&folder).await
/// # }
/// ```
#[track_caller]
pub fn set_permissions(path: impl AsRef<Path>, perm: Permissions) -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move {
        change(at, Change::SetPermissions { path: path.as_ref().to_owned(), permissions: perm }).await
    })
}

/// Does one change.
async fn change(at: Line, change: Change) -> io::Result<()> {
    on_disk(at, move |disk| disk.change(&change)).await
}
