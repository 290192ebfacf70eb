//! Changing what is not in the file: its size, its times, who may do what; and what is on the disk.

use std::fs::Permissions;
use std::future::Future;
use std::io;
use std::time::SystemTime;

use unstuck_driver::disk::{FileChange, Times};

use super::super::FileTimes;
use super::super::on_disk::on_file;
use super::File;
use crate::called_at::{Line, called_from};

impl File {
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
        called_from(|at| self.sync(at, FileChange::SyncAll))
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
        called_from(|at| self.sync(at, FileChange::SyncData))
    }

    async fn sync(&self, at: Line, what: FileChange) -> io::Result<()> {
        let mut work = self.work.lock().await;
        work.settle().await;
        work.tell_write_failed()?;
        work.change(at, &self.std, Some(what)).await
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
        called_from(
            |at| async move { self.work.lock().await.change(at, &self.std, Some(FileChange::SetLen(size))).await },
        )
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
        called_from(|at| self.set(at, FileChange::SetPermissions(perm)))
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
        called_from(|at| self.set(at, FileChange::SetTimes(times.0)))
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
        called_from(|at| self.set(at, FileChange::SetTimes(Times { modified: Some(time), ..Times::default() })))
    }

    fn set(&self, at: Line, change: FileChange) -> impl Future<Output = io::Result<()>> + use<> {
        on_file(at, self.std.clone(), move |disk, file| disk.change_file(file, &change))
    }
}
