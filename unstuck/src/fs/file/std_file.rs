//! From a file of std, and back.

use std::fs;
use std::future::Future;
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::work::Work;
use super::{File, MAX_BUF_SIZE};
use crate::called_at::called_from;
use crate::sync::Mutex;

impl File {
    /// Takes over a file of std. This needs no runtime, what is done with the file then does.
    ///
    /// # Examples
    ///
    /// ```
    /// let file = unstuck::fs::File::from_std(std::fs::File::open("/dev/null")?);
    /// # drop(file);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn from_std(std: fs::File) -> File {
        File { std: Arc::new(std), work: Mutex::new(Work::new()), max_buf_size: MAX_BUF_SIZE }
    }

    /// Makes it a file of std again, when what is under way has ended. [`flush`](crate::io::AsyncWriteExt::flush) before,
    /// to be told of errors.
    ///
    /// # Panics
    ///
    /// When the future of another method of this file was dropped and its operation still runs, and the system has no
    /// file descriptor left.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the file is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let file = unstuck::fs::File::open("/dev/null").await?;
    /// let file: std::fs::File = file.into_std().await;
    /// # drop(file);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn into_std(mut self) -> impl Future<Output = fs::File> {
        called_from(|at| async move {
            // It fails only when the runtime ends, and then the place of the file is as good as any.
            let _place = self.work.get_mut().change(at, &self.std, None).await;
            Arc::try_unwrap(self.std).unwrap_or_else(|std| {
                std.try_clone()
                    .expect("the file is used by an operation that nobody waits for, and can't be duplicated")
            })
        })
    }

    /// Makes it a file of std again, if nothing is under way.
    ///
    /// # Errors
    ///
    /// The file itself, if something is under way: [`into_std`](File::into_std) waits for that.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let file = unstuck::fs::File::open("/dev/null").await?;
    /// let file: std::fs::File = file.try_into_std().expect("nothing is under way");
    /// # drop(file);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::result_large_err, reason = "Tokio's signature")]
    pub fn try_into_std(mut self) -> Result<fs::File, File> {
        let work = self.work.get_mut();
        if !work.try_settle() {
            return Err(self);
        }
        let ahead = work.ahead();
        match Arc::try_unwrap(self.std) {
            Ok(mut std) => {
                if ahead > 0 {
                    // Moving never blocks. A file that has no place to move keeps nothing for its next reader.
                    let _place = std.seek(SeekFrom::Current(-(ahead as i64)));
                }
                Ok(std)
            }
            Err(std) => Err(File { std, ..self }),
        }
    }
}

impl From<fs::File> for File {
    /// As [`from_std`](File::from_std).
    fn from(std: fs::File) -> File {
        File::from_std(std)
    }
}

impl From<OwnedFd> for File {
    fn from(fd: OwnedFd) -> File {
        File::from_std(fd.into())
    }
}

impl FromRawFd for File {
    unsafe fn from_raw_fd(fd: RawFd) -> File {
        // SAFETY: the caller's promise: the descriptor is open, and nobody else's.
        File::from_std(unsafe { fs::File::from_raw_fd(fd) })
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.std.as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.std.as_raw_fd()
    }
}
