//! Opening a FIFO.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::descriptor::{Access, check_pipe};
use super::{Receiver, Sender};
use crate::kernel::may_use_descriptors;

/// How to open a FIFO, which is a pipe with a path. FIFOs are made by `mkfifo`.
///
/// # Examples
///
/// ```
/// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
/// use unstuck::net::unix::pipe;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("fifo-doc-{}", std::process::id()));
/// # assert!(std::process::Command::new("mkfifo").arg(&path).status()?.success());
/// let mut receiver = pipe::OpenOptions::new().open_receiver(&path)?;
/// let mut sender = pipe::OpenOptions::new().open_sender(&path)?;
/// sender.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// receiver.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    pub(super) read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// Checks that it opens a FIFO, for one direction.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let path = std::env::temp_dir().join(format!("no-fifo-{}.txt", std::process::id()));
    /// std::fs::write(&path, "a file")?;
    /// let error = pipe::OpenOptions::new().open_receiver(&path).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Whether to open whatever is at the path without checking that it is a FIFO: a device that behaves like one, say.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("fifo-unchecked-{}", std::process::id()));
    /// # assert!(std::process::Command::new("mkfifo").arg(&path).status()?.success());
    /// let mut options = pipe::OpenOptions::new();
    /// let _receiver = options.unchecked(true).open_receiver(&path)?; // we know that it is a FIFO
    /// let sender = options.open_sender(&path)?;
    /// sender.writable().await?;
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unchecked(&mut self, value: bool) -> &mut Self {
        self.unchecked = value;
        self
    }

    /// Opens the end that reads. It does not wait for somebody to open the other end: the first read does. The pipe is at
    /// its end when there was a sender, and all are gone.
    ///
    /// # Errors
    ///
    /// What the system says; [`InvalidInput`](io::ErrorKind::InvalidInput) when it is no FIFO.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("fifo-receiver-{}", std::process::id()));
    /// # assert!(std::process::Command::new("mkfifo").arg(&path).status()?.success());
    /// let mut receiver = pipe::OpenOptions::new().open_receiver(&path)?;
    /// let mut sender = pipe::OpenOptions::new().open_sender(&path)?;
    /// sender.write_all(b"hello").await?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"hello");
    /// drop(sender);
    /// assert_eq!(receiver.read(&mut buf).await?, 0); // nobody writes any more
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn open_receiver<P: AsRef<Path>>(&self, path: P) -> io::Result<Receiver> {
        Receiver::from_file_unchecked(self.open(path.as_ref(), Access::Read)?)
    }

    /// Opens the end that writes.
    ///
    /// # Errors
    ///
    /// What the system says, as `ENXIO` when nobody has the other end open;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is no FIFO.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::AsyncWriteExt;
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("fifo-sender-{}", std::process::id()));
    /// # assert!(std::process::Command::new("mkfifo").arg(&path).status()?.success());
    /// assert!(pipe::OpenOptions::new().open_sender(&path).is_err()); // nobody reads yet
    ///
    /// let _receiver = pipe::OpenOptions::new().open_receiver(&path)?;
    /// let mut sender = pipe::OpenOptions::new().open_sender(&path)?;
    /// sender.write_all(b"hello").await?;
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn open_sender<P: AsRef<Path>>(&self, path: P) -> io::Result<Sender> {
        Sender::from_file_unchecked(self.open(path.as_ref(), Access::Write)?)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<File> {
        may_use_descriptors()?;
        let file = fs::OpenOptions::new()
            .read(access == Access::Read || self.read_write)
            .write(access == Access::Write || self.read_write)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        if !self.unchecked {
            check_pipe(&file)?;
        }
        Ok(file)
    }
}
