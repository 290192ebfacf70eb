//! How a folder is to be made.

use std::future::Future;
use std::io;
use std::path::Path;

use unstuck_driver::disk::Change;

use super::on_disk::on_disk;
use crate::called_at::{Line, called_from};

/// How a folder is to be made.
///
/// [`create_dir`](super::create_dir) and [`create_dir_all`](super::create_dir_all) are what is mostly wanted.
///
/// # Examples
///
/// ```
/// use unstuck::fs::{self, DirBuilder};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("unstuck-doc-dir-builder-{}", std::process::id()));
/// DirBuilder::new().recursive(true).mode(0o700).create(path.join("for/me/alone")).await?;
/// assert!(fs::try_exists(path.join("for/me")).await?);
/// # fs::remove_dir_all(&path).await
/// # }
/// ```
#[derive(Debug)]
pub struct DirBuilder {
    recursive: bool,
    mode: u32,
}

impl DirBuilder {
    /// A folder whose parent is there, and that everybody may use whom the process's umask does not keep out.
    ///
    /// # Examples
    ///
    /// ```
    /// let builder = unstuck::fs::DirBuilder::new();
    /// # drop(builder);
    /// ```
    pub fn new() -> Self {
        DirBuilder { recursive: false, mode: 0o777 }
    }

    /// Whether the folders on the way are made, too. Then it is no error if the folder is there already.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut builder = unstuck::fs::DirBuilder::new();
    /// builder.recursive(true);
    /// ```
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// The permissions of what is made, of which the process's umask takes some away; 0o777 unless this is called.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut builder = unstuck::fs::DirBuilder::new();
    /// builder.mode(0o700);
    /// ```
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = mode;
        self
    }

    /// Makes the folder.
    ///
    /// # Errors
    ///
    /// What the system says: it is there already, its parent is not, or the parent may not be changed.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have made the folder, or may still do so.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::fs::{self, DirBuilder};
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("unstuck-doc-dir-create-{}", std::process::id()));
    /// DirBuilder::new().create(&path).await?;
    /// assert!(DirBuilder::new().create(&path).await.is_err());
    /// # fs::remove_dir(&path).await
    /// # }
    /// ```
    #[track_caller]
    pub fn create(&self, path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
        called_from(|at| self.create_at(at, path))
    }

    /// As [`create`](DirBuilder::create), for a future that was asked for at `at`.
    pub(super) async fn create_at(&self, at: Line, path: impl AsRef<Path>) -> io::Result<()> {
        let change = Change::CreateDir { path: path.as_ref().to_owned(), mode: self.mode, parents: self.recursive };
        on_disk(at, move |disk| disk.change(&change)).await
    }
}

impl Default for DirBuilder {
    fn default() -> Self {
        DirBuilder::new()
    }
}
