//! Opening a FIFO for both directions, which POSIX leaves undefined and Linux defines.

use super::OpenOptions;

impl OpenOptions {
    /// Whether to open the FIFO for both directions, whichever end is asked for. On Linux and Android only.
    ///
    /// A receiver that is opened so never finds the end when the senders are gone: it waits for the next one. A sender that is
    /// opened so needs no receiver yet, and never learns that there is none any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::io::{AsyncReadExt, AsyncWriteExt};
    /// use unstuck::net::unix::pipe;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("fifo-both-doc-{}", std::process::id()));
    /// # assert!(std::process::Command::new("mkfifo").arg(&path).status()?.success());
    /// let mut sender = pipe::OpenOptions::new().read_write(true).open_sender(&path)?;
    /// sender.write_all(b"early").await?;
    ///
    /// let mut receiver = pipe::OpenOptions::new().open_receiver(&path)?;
    /// let mut buf = [0; 5];
    /// receiver.read_exact(&mut buf).await?;
    /// assert_eq!(&buf, b"early");
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_write(&mut self, value: bool) -> &mut Self {
        self.read_write = value;
        self
    }
}
