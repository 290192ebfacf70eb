//! How a file is to be opened.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use unstuck_driver::disk::{Access, Open};

use super::File;
use super::on_disk::on_disk;
use crate::called_at::{Line, called_from};

/// How a file is to be opened: what it is used for, and what to do if it is there or is not.
///
/// [`File::open`] and [`File::create`] are what is mostly wanted; this is for the rest.
///
/// # Examples
///
/// ```
/// use unstuck::fs::{self, OpenOptions};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("unstuck-doc-open-options-{}", std::process::id()));
/// let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).await?;
/// # drop(file);
/// # fs::remove_file(&path).await
/// # }
/// ```
#[derive(Clone)]
pub struct OpenOptions(Open);

/// Methods that set one option each, of ours or of std.
macro_rules! options {
    ($($(#[$meta:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$meta])*
        pub fn $name(&mut self, $name: $type) -> &mut OpenOptions {
            match &mut self.0 {
                Open::Access(access) => access.$name = $name,
                Open::Std(options) => {
                    options.$name($name);
                }
            }
            self
        }
    )*};
}

impl OpenOptions {
    /// Nothing is set: such a file can't be opened yet.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut options = unstuck::fs::OpenOptions::new();
    /// options.read(true);
    /// ```
    pub fn new() -> OpenOptions {
        OpenOptions(Open::Access(Access::NONE))
    }

    options! {
        /// Whether the file is to be read.
        ///
        /// # Examples
        ///
        /// ```
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// let file = unstuck::fs::OpenOptions::new().read(true).open("/dev/zero").await?;
        /// # drop(file);
        /// # Ok(())
        /// # }
        /// ```
        read: bool;

        /// Whether the file is to be written. What it has is written over, and stays where nothing is written.
        ///
        /// # Examples
        ///
        /// ```
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// let file = unstuck::fs::OpenOptions::new().write(true).open("/dev/null").await?;
        /// # drop(file);
        /// # Ok(())
        /// # }
        /// ```
        write: bool;

        /// Whether each write goes to the end of the file, wherever that is by then; so several programs can append to one
        /// file. What must stay together must be one write, as through a [`BufWriter`](crate::io::BufWriter).
        ///
        /// # Examples
        ///
        /// ```
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// let log = unstuck::fs::OpenOptions::new().append(true).open("/dev/null").await?;
        /// # drop(log);
        /// # Ok(())
        /// # }
        /// ```
        append: bool;

        /// Whether a file that is there is emptied. It must be open for writing.
        ///
        /// # Examples
        ///
        /// ```
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// let file = unstuck::fs::OpenOptions::new().write(true).truncate(true).open("/dev/null").await?;
        /// # drop(file);
        /// # Ok(())
        /// # }
        /// ```
        truncate: bool;

        /// Whether a file that is not there is created. It must be open for writing or appending.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck::fs::{self, OpenOptions};
        ///
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// # let path = std::env::temp_dir().join(format!("unstuck-doc-option-create-{}", std::process::id()));
        /// OpenOptions::new().append(true).create(true).open(&path).await?;
        /// # fs::remove_file(&path).await
        /// # }
        /// ```
        create: bool;

        /// Whether the file must not be there yet, and is created: nobody else can create it in between. Then
        /// [`create`](OpenOptions::create) and [`truncate`](OpenOptions::truncate) are ignored.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck::fs::{self, OpenOptions};
        ///
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// # let path = std::env::temp_dir().join(format!("unstuck-doc-option-create-new-{}", std::process::id()));
        /// OpenOptions::new().write(true).create_new(true).open(&path).await?;
        /// assert!(OpenOptions::new().write(true).create_new(true).open(&path).await.is_err());
        /// # fs::remove_file(&path).await
        /// # }
        /// ```
        create_new: bool;

        /// The permissions of a file that is created, of which the process's umask takes some away; 0o666 unless this is
        /// called.
        ///
        /// # Examples
        ///
        /// ```
        /// use std::os::unix::fs::PermissionsExt;
        /// use unstuck::fs::{self, OpenOptions};
        ///
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// # let path = std::env::temp_dir().join(format!("unstuck-doc-option-mode-{}", std::process::id()));
        /// let secret = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await?;
        /// assert_eq!(secret.metadata().await?.permissions().mode() & 0o777, 0o600);
        /// # fs::remove_file(&path).await
        /// # }
        /// ```
        mode: u32;

        /// More flags for the system's `open`. They replace those that were given before; what the other methods set is not
        /// touched.
        ///
        /// # Examples
        ///
        /// ```
        /// use unstuck::fs::OpenOptions;
        ///
        /// const O_NOFOLLOW: i32 = 0o400_000; // on Linux; better taken from the `libc` crate
        ///
        /// # #[unstuck::main(flavor = "current_thread")]
        /// # async fn main() {
        /// let link = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open("/proc/self/exe").await;
        /// # #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        /// assert!(link.is_err());
        /// # }
        /// ```
        custom_flags: i32;
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// What the system says. `InvalidInput` if the options make no sense together.
    ///
    /// # Panics
    ///
    /// When polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have created or emptied the file, or may still do so. The file is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let file = unstuck::fs::OpenOptions::new().read(true).open("/dev/null").await?;
    /// # drop(file);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn open(&self, path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        called_from(|at| self.open_at(at, path))
    }

    /// As [`open`](OpenOptions::open), for a future that was asked for at `at`.
    pub(super) async fn open_at(&self, at: Line, path: impl AsRef<Path>) -> io::Result<File> {
        let (path, how) = (path.as_ref().to_owned(), self.0.clone());
        on_disk(at, move |disk| disk.open(&path, &how)).await.map(File::from_std)
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions::new()
    }
}

impl From<std::fs::OpenOptions> for OpenOptions {
    fn from(options: std::fs::OpenOptions) -> OpenOptions {
        OpenOptions(Open::Std(options))
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Open::Access(access) => f
                .debug_struct("OpenOptions")
                .field("read", &access.read)
                .field("write", &access.write)
                .field("append", &access.append)
                .field("truncate", &access.truncate)
                .field("create", &access.create)
                .field("create_new", &access.create_new)
                .field("mode", &format_args!("{:#08o}", access.mode))
                .field("custom_flags", &access.custom_flags)
                .finish(),
            Open::Std(options) => options.fmt(f),
        }
    }
}
