//! The append-only file's format: commands as clients send them, each behind a line that guards it.
//!
//! ```text
//! #0000001d:6f3c91aa:0b64e1f7\r\n      length : checksum of the command : checksum of this line so far
//! *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n
//! ```
//!
//! 1. A record that ends with the file before it is complete was torn by a crash, and nothing follows it.
//! 2. Any other deviation is damage. The line has a checksum of its own, so that a damaged length does not pass for
//!    a torn record and hide everything behind it.
//! 3. Redis takes lines that begin with `#` for annotations, so it can read the file too.
//!
//! The keeper collects [`Records`]; [`Reader`] takes them apart at the next start.

use std::fmt;
use std::io::{self, Read};

use super::crc::crc32;
use crate::resp::Requests;
use crate::resp::int::push_i64;

/// Encoded commands, ready for the file.
#[derive(Debug, Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    /// The database that the last command was for; a file begins with none.
    db: Option<usize>,
}

impl Records {
    /// Appends a command on database `db`, and a `SELECT` before it if the database is another one than before.
    pub(crate) fn push<'a>(&mut self, db: usize, words: impl ExactSizeIterator<Item = &'a [u8]>) {
        if self.db != Some(db) {
            self.db = Some(db);
            self.push_record([&b"SELECT"[..], db.to_string().as_bytes()].into_iter());
        }
        self.push_record(words);
    }

    fn push_record<'a>(&mut self, words: impl ExactSizeIterator<Item = &'a [u8]>) {
        let guard = self.bytes.len();
        let command = guard + GUARD;
        self.bytes.resize(command, 0);
        self.header(b'*', words.len());
        for word in words {
            self.header(b'$', word.len());
            self.bytes.extend_from_slice(word);
            self.bytes.extend_from_slice(b"\r\n");
        }
        let length = u32::try_from(self.bytes.len() - command).expect("a command is smaller than 4 GiB");
        let line = Guard { length, checksum: crc32(&self.bytes[command..]) }.encode();
        self.bytes[guard..command].copy_from_slice(&line);
    }

    fn header(&mut self, kind: u8, number: usize) {
        self.bytes.push(kind);
        push_i64(&mut self.bytes, number as i64);
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What was pushed since the last call.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// The line in front of a command.
#[derive(Debug, PartialEq, Eq)]
struct Guard {
    length: u32,
    checksum: u32,
}

impl Guard {
    fn encode(&self) -> [u8; GUARD] {
        let mut line = format!("#{:08x}:{:08x}:", self.length, self.checksum);
        let own = crc32(line.as_bytes());
        line.push_str(&format!("{own:08x}\r\n"));
        line.into_bytes().try_into().expect("every field has a fixed width")
    }

    fn decode(line: &[u8; GUARD]) -> Option<Guard> {
        let field = |at: usize| u32::from_str_radix(std::str::from_utf8(&line[at..at + 8]).ok()?, 16).ok();
        let guard = Guard { length: field(1)?, checksum: field(10)? };
        // Comparing the whole line also covers its own checksum, and spellings such as upper case.
        (guard.encode() == *line).then_some(guard)
    }

    /// Whether a line that the file's end cut short may have begun like this.
    fn may_begin_with(start: &[u8]) -> bool {
        let fits = |(at, byte): (usize, &u8)| match at {
            0 => *byte == b'#',
            9 | 18 => *byte == b':',
            27 => *byte == b'\r',
            _ => byte.is_ascii_hexdigit(),
        };
        start.iter().enumerate().all(fits)
    }
}

/// Takes a file apart, record by record.
#[derive(Debug)]
pub(super) struct Reader<R> {
    source: R,
    offset: u64,
    record: Requests,
}

/// How the next record was found.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// A whole command, which [`Requests::next`] gives.
    Command(&'a mut Requests),
    /// The file ends here, in order.
    End,
    /// The file ends within the record, of which so many bytes are there.
    Torn(u64),
}

impl<R: Read> Reader<R> {
    pub(super) fn new(source: R) -> Reader<R> {
        Reader { source, offset: 0, record: Requests::default() }
    }

    /// Where the next record begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record. After an error, or after the end, there is none.
    pub(super) fn next(&mut self) -> Result<Next<'_>, ReadError> {
        let mut line = [0; GUARD];
        let present = fill(&mut self.source, &mut line)?;
        if present < GUARD {
            return match present {
                0 => Ok(Next::End),
                _ if Guard::may_begin_with(&line[..present]) => Ok(Next::Torn(present as u64)),
                _ => Err(ReadError::Damage("the line before a command is damaged")),
            };
        }
        let guard = Guard::decode(&line).ok_or(ReadError::Damage("the line before a command is damaged"))?;
        self.record = Requests::default();
        let command = self.record.buffer();
        // Read as far as the file goes: a length is no reason to allocate.
        let present = (&mut self.source).take(guard.length.into()).read_to_end(command)?;
        if present < guard.length as usize {
            return Ok(Next::Torn((GUARD + present) as u64));
        }
        if crc32(command) != guard.checksum {
            return Err(ReadError::Damage("a command does not match its checksum"));
        }
        if self.record.parse().is_err() || !self.record.is_pending() {
            return Err(ReadError::Damage("a record is not a command"));
        }
        self.offset += (GUARD + present) as u64;
        Ok(Next::Command(&mut self.record))
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[derive(Debug)]
pub(super) enum ReadError {
    Damage(&'static str),
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::Io(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Damage(what) => f.write_str(what),
            ReadError::Io(error) => error.fmt(f),
        }
    }
}

/// The length of the line before a command, in bytes.
pub(super) const GUARD: usize = 29;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_survives_the_round_trip_and_no_change() {
        let guard = Guard { length: 0x1d, checksum: 0xdead_beef };
        let line = guard.encode();
        assert_eq!(Guard::decode(&line), Some(guard));
        for at in 0..GUARD {
            for bit in 0..8 {
                let mut damaged = line;
                damaged[at] ^= 1 << bit;
                assert_eq!(Guard::decode(&damaged), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_command_on_another_database_selects_it_first() {
        let mut records = Records::default();
        records.push(2, [&b"DEL"[..], b"a"].into_iter());
        let bytes = [records.take(), {
            records.push(2, [&b"DEL"[..], b"b"].into_iter());
            records.take()
        }]
        .concat();
        let mut reader = Reader::new(&bytes[..]);
        let mut names = Vec::new();
        while let Next::Command(record) = reader.next().unwrap() {
            names.push(record.next().unwrap().from(0).map(<[u8]>::to_vec).collect::<Vec<_>>());
        }
        assert_eq!(
            names,
            [[b"SELECT".to_vec(), b"2".to_vec()], [b"DEL".to_vec(), b"a".to_vec()], [b"DEL".to_vec(), b"b".to_vec()]]
        );
        assert_eq!(reader.offset(), bytes.len() as u64);
    }
}
