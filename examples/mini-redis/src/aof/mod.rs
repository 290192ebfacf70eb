//! The append-only file: every change, in the order in which it was made.
//!
//! 1. Whatever was acknowledged is in the file, also after `kill -9`: the journal writes before the reply leaves.
//! 2. Reading the file back depends on nothing but the file: neither on the time nor on chance.
//! 3. A torn last record, the trace of a crash while writing, is cut off with a warning. Any other damage stops the
//!    start with file and offset: guessing would lose data silently.
//! 4. One process has the file, by a lock that goes with the process.
//!
//! [`open`] reads at the start, on a thread that may block; [`Journal`] writes.

mod crc;
mod journal;
mod record;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

pub(crate) use self::journal::Journal;
pub(crate) use self::record::Records;
use self::record::{Next, Reader};
use crate::resp::Args;

/// Opens the file at `path`, or creates it, and gives `apply` the commands in it. What is written to the file that is
/// returned goes to its end; a torn last record was cut off before. Blocks.
///
/// # Errors
///
/// The file can't be opened, belongs to another process, or is damaged; or `apply` refused a command, with the reason.
pub(crate) fn open(
    path: &Path,
    mut apply: impl FnMut(Args<'_>) -> Result<(), String>,
) -> Result<(File, Option<Torn>), OpenError> {
    let fail = |problem| OpenError { path: path.to_owned(), problem };
    let file = lock(path).map_err(|error| fail(Problem::Io(error)))?;
    let mut reader = Reader::new(BufReader::with_capacity(BUFFER, &file));
    let torn = loop {
        let offset = reader.offset();
        let damaged = |what| fail(Problem::Damage { offset, what });
        match reader.next() {
            Ok(Next::Command(record)) => {
                let command = record.next().ok_or_else(|| damaged("a record is empty".to_owned()))?;
                apply(command).map_err(|reason| damaged(format!("a command is refused: {reason}")))?;
                if record.is_pending() || record.is_partial() {
                    return Err(damaged("a record holds more than a command".to_owned()));
                }
            }
            Ok(Next::End) => break None,
            Ok(Next::Torn(length)) => {
                cut(&file, offset).map_err(|error| fail(Problem::Io(error)))?;
                break Some(Torn { offset, length });
            }
            Err(record::ReadError::Damage(what)) => return Err(damaged(what.to_owned())),
            Err(record::ReadError::Io(error)) => return Err(fail(Problem::Io(error))),
        }
    };
    Ok((file, torn))
}

/// A last record that was cut off, since it was not written to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Torn {
    /// Where it began.
    pub(crate) offset: u64,
    /// How much of it was there, in bytes.
    pub(crate) length: u64,
}

/// The file at `path`, which is nobody else's.
fn lock(path: &Path) -> io::Result<File> {
    let is_new = !path.try_exists()?;
    let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, "another process is using it"),
        TryLockError::Error(error) => error,
    })?;
    if is_new {
        // Or a crash could take the file's name along. Where folders can't be opened they need no syncing.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if let Ok(folder) = File::open(folder) {
            folder.sync_all()?;
        }
    }
    Ok(file)
}

/// Synced before anything is appended: a record behind leftovers would be damage.
fn cut(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    file.sync_all()
}

/// Why the append-only file can't be used.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Io(io::Error),
    Damage { offset: u64, what: String },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::Io(error) => write!(f, "{path}: {error}"),
            Problem::Damage { offset, what } => write!(
                f,
                "{path}: damaged at offset {offset}: {what}. Restore the file from a copy; or, to start without this \
                 and everything behind it: truncate -s {offset} {path}"
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// For reading, in bytes.
const BUFFER: usize = 256 * 1024;
