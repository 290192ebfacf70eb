//! The times that a file keeps.

use std::time::SystemTime;

use unstuck_driver::disk::Times;

/// The times that [`File::set_times`](super::File::set_times) sets. What was not given stays as it is.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use unstuck::fs::{self, File, FileTimes};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("unstuck-doc-file-times-{}", std::process::id()));
/// let file = File::create(&path).await?;
/// file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH)).await?;
/// assert_eq!(file.metadata().await?.modified()?, SystemTime::UNIX_EPOCH);
/// # fs::remove_file(&path).await
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "times do nothing unless they are given to `File::set_times`"]
pub struct FileTimes(pub(super) Times);

impl FileTimes {
    /// No time yet.
    ///
    /// # Examples
    ///
    /// ```
    /// let times = unstuck::fs::FileTimes::new();
    /// # drop(times);
    /// ```
    pub fn new() -> Self {
        FileTimes::default()
    }

    /// Sets when the file was last read.
    ///
    /// # Examples
    ///
    /// ```
    /// let times = unstuck::fs::FileTimes::new().set_accessed(std::time::SystemTime::now());
    /// # drop(times);
    /// ```
    pub fn set_accessed(self, t: SystemTime) -> Self {
        FileTimes(Times { accessed: Some(t), ..self.0 })
    }

    /// Sets when the file was last changed.
    ///
    /// # Examples
    ///
    /// ```
    /// let times = unstuck::fs::FileTimes::new().set_modified(std::time::SystemTime::now());
    /// # drop(times);
    /// ```
    pub fn set_modified(self, t: SystemTime) -> Self {
        FileTimes(Times { modified: Some(t), ..self.0 })
    }
}
