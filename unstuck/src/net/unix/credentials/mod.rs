//! Who is at the other end of a Unix socket.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod peer;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "peer_without_pid.rs"]
mod peer;

pub(super) use peer::credentials;

/// The number of a user, as the system counts them.
///
/// # Examples
///
/// ```
/// use unstuck::net::UnixStream;
/// use unstuck::net::unix::uid_t;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// const ROOT: uid_t = 0;
/// let (stream, _peer) = UnixStream::pair()?;
/// let may_change_all = stream.peer_cred()?.uid() == ROOT;
/// # let _ = may_change_all;
/// # Ok(())
/// # }
/// ```
#[expect(non_camel_case_types, reason = "libc's name")]
pub type uid_t = u32;

/// The number of a group of users, as the system counts them.
///
/// # Examples
///
/// ```
/// use unstuck::net::UnixStream;
/// use unstuck::net::unix::gid_t;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (stream, _peer) = UnixStream::pair()?;
/// let trusted: [gid_t; 2] = [0, stream.peer_cred()?.gid()];
/// assert!(trusted.contains(&stream.peer_cred()?.gid()));
/// # Ok(())
/// # }
/// ```
#[expect(non_camel_case_types, reason = "libc's name")]
pub type gid_t = u32;

/// The number of a process, as the system counts them.
///
/// # Examples
///
/// ```
/// use unstuck::net::UnixStream;
/// use unstuck::net::unix::pid_t;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (stream, _peer) = UnixStream::pair()?;
/// let process: Option<pid_t> = stream.peer_cred()?.pid();
/// assert!(process.is_none_or(|number| number > 0));
/// # Ok(())
/// # }
/// ```
#[expect(non_camel_case_types, reason = "libc's name")]
pub type pid_t = i32;

/// Which process is at the other end of a Unix socket, and whose it is, as the system found when the connection was made.
///
/// From [`UnixStream::peer_cred`](crate::net::UnixStream::peer_cred).
///
/// # Examples
///
/// ```
/// use unstuck::net::UnixStream;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// /// Whether the peer is run by the user who runs us.
/// fn is_one_of_us(stream: &UnixStream) -> std::io::Result<bool> {
///     let (ours, _) = UnixStream::pair()?;
///     Ok(stream.peer_cred()?.uid() == ours.peer_cred()?.uid())
/// }
///
/// let (stream, _peer) = UnixStream::pair()?;
/// assert!(is_one_of_us(&stream)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UCred {
    uid: uid_t,
    gid: gid_t,
    pid: Option<pid_t>,
}

impl UCred {
    /// The effective user of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixStream::pair()?;
    /// assert_eq!(a.peer_cred()?.uid(), b.peer_cred()?.uid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn uid(&self) -> uid_t {
        self.uid
    }

    /// The effective group of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (a, b) = UnixStream::pair()?;
    /// assert_eq!(a.peer_cred()?.gid(), b.peer_cred()?.gid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn gid(&self) -> gid_t {
        self.gid
    }

    /// The process, where the system tells it: on Linux and Android.
    ///
    /// It may have ended since, and another process may have its number.
    ///
    /// # Examples
    ///
    /// ```
    /// use unstuck::net::UnixStream;
    ///
    /// # #[unstuck::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (stream, _peer) = UnixStream::pair()?;
    /// if let Some(process) = stream.peer_cred()?.pid() {
    ///     assert_eq!(process, std::process::id().cast_signed());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Option<pid_t> {
        self.pid
    }
}
