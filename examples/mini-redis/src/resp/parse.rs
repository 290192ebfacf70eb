//! Requests, parsed as their bytes come in.
//!
//! 1. Any split of the bytes gives the same commands: parsing goes on where it stopped and looks at no byte twice,
//!    except for the unfinished line at the end.
//! 2. Arguments are spans of the input buffer; no argument is copied before a command keeps it.
//! 3. Commands in front of a protocol error are still executed; after the error nothing is parsed any more.
//! 4. Nothing is allocated because of a length that a client merely announced.
//!
//! `connection` reads into [`Requests::buffer`] and calls [`Requests::parse`]; the store's task takes the commands by
//! [`Requests::next`]. The value travels between the two, so its buffers are reused for the connection's life.

use std::fmt;

use super::inline;
use super::int::parse_i64;

/// The input of one connection: complete commands in front, the beginning of the next one behind.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    /// The arguments of all complete commands, then those of the unfinished one.
    spans: Vec<Span>,
    /// For each complete command, where its arguments end in `spans`.
    ends: Vec<usize>,
    /// How many of `ends` have been executed.
    executed: usize,
    /// Where parsing goes on.
    position: usize,
    /// Where the bytes of the complete commands end and the unfinished one begins.
    complete: usize,
    /// True if the last read left no room: more is probably waiting.
    was_filled: bool,
    state: State,
}

/// Where an argument lies in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What is expected at `position`.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The first byte of a command.
    #[default]
    Command,
    /// `$<length>`, of the first of so many arguments.
    Length { missing: usize },
    /// An argument of `length` bytes and its line end, the first of so many.
    Argument { missing: usize, length: usize },
}

impl Requests {
    /// The buffer that the socket is read into; append only. It has room, more of it if the last read filled it.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        let capacity = self.bytes.capacity();
        if self.was_filled {
            self.bytes.reserve((capacity * 2).min(MAX_ROOM));
        } else if capacity - self.bytes.len() < MIN_ROOM {
            self.bytes.reserve(MIN_ROOM);
        }
        &mut self.bytes
    }

    /// Parses what was appended.
    ///
    /// # Errors
    ///
    /// The first malformed byte ends the conversation: the caller answers what [`Requests::next`] still gives, then the
    /// error, and closes.
    pub(crate) fn parse(&mut self) -> Result<(), ProtocolError> {
        self.was_filled = self.bytes.len() == self.bytes.capacity();
        while self.step()? {}
        if self.bytes.len() - self.complete > MAX_COMMAND {
            return Err(ProtocolError::CommandTooBig);
        }
        Ok(())
    }

    /// The next complete command that was not executed; it has at least one argument, its name.
    pub(crate) fn next(&mut self) -> Option<Args<'_>> {
        let end = *self.ends.get(self.executed)?;
        let start = self.executed.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.executed += 1;
        Some(Args { bytes: &self.bytes, spans: &self.spans[start..end] })
    }

    /// True while complete commands wait to be executed.
    pub(crate) fn is_pending(&self) -> bool {
        self.executed < self.ends.len()
    }

    /// True if an unfinished command is in the buffer.
    pub(crate) fn is_partial(&self) -> bool {
        self.bytes.len() > self.complete
    }

    /// Forgets the executed commands and moves the unfinished one to the front of the buffer.
    pub(crate) fn recycle(&mut self) {
        debug_assert!(!self.is_pending());
        let spans_done = self.ends.last().copied().unwrap_or(0);
        let bytes_done = std::mem::take(&mut self.complete);
        self.spans.drain(..spans_done);
        for span in &mut self.spans {
            span.start -= bytes_done;
            span.end -= bytes_done;
        }
        self.ends.clear();
        self.executed = 0;
        self.bytes.drain(..bytes_done);
        self.position -= bytes_done;
        if self.bytes.is_empty() {
            self.bytes.shrink_to(KEPT_CAPACITY);
            self.spans.shrink_to(KEPT_CAPACITY / size_of::<Span>());
        }
    }

    /// One step of the state machine; false when more bytes are needed.
    fn step(&mut self) -> Result<bool, ProtocolError> {
        match self.state {
            State::Command => {
                self.complete = self.position;
                match self.bytes.get(self.position) {
                    None => Ok(false),
                    Some(b'*') => self.array(),
                    Some(_) => self.inline(),
                }
            }
            State::Length { missing: 0 } => {
                self.finish_command();
                Ok(true)
            }
            State::Length { missing } => self.length(missing),
            State::Argument { missing, length } => Ok(self.argument(missing, length)),
        }
    }

    fn array(&mut self) -> Result<bool, ProtocolError> {
        let Some(line) = self.line(ProtocolError::CountLineTooBig)? else { return Ok(false) };
        let count = parse_i64(&self.bytes[line.start + 1..line.end])
            .filter(|count| *count <= MAX_ARGUMENTS)
            .ok_or(ProtocolError::InvalidCount)?;
        // An empty or negative array is no command at all, and is skipped without a reply.
        if let missing @ 1.. = usize::try_from(count).unwrap_or(0) {
            self.state = State::Length { missing };
        }
        Ok(true)
    }

    fn length(&mut self, missing: usize) -> Result<bool, ProtocolError> {
        let start = self.position;
        let Some(line) = self.line(ProtocolError::LengthLineTooBig)? else { return Ok(false) };
        match self.bytes[start] {
            b'$' => {}
            other => return Err(ProtocolError::ExpectedLength(other)),
        }
        let length = parse_i64(&self.bytes[line.start + 1..line.end])
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length <= MAX_ARGUMENT)
            .ok_or(ProtocolError::InvalidLength)?;
        self.state = State::Argument { missing, length };
        Ok(true)
    }

    fn argument(&mut self, missing: usize, length: usize) -> bool {
        let span = Span { start: self.position, end: self.position + length };
        if self.bytes.len() < span.end + LINE_END {
            return false;
        }
        self.spans.push(span);
        self.position = span.end + LINE_END;
        self.state = State::Length { missing: missing - 1 };
        true
    }

    fn inline(&mut self) -> Result<bool, ProtocolError> {
        let rest = &self.bytes[self.position..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return if rest.len() > MAX_LINE { Err(ProtocolError::InlineTooBig) } else { Ok(false) };
        };
        let line = Span { start: self.position, end: self.position + length };
        let spans = self.spans.len();
        inline::split(&mut self.bytes, line, &mut self.spans).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        self.position = line.end + 1;
        if self.spans.len() > spans {
            self.finish_command();
        }
        Ok(true)
    }

    fn finish_command(&mut self) {
        self.ends.push(self.spans.len());
        self.state = State::Command;
    }

    /// The line at `position` without its end, and steps over it; like Redis, it takes any byte after `\r` for `\n`.
    fn line(&mut self, too_big: ProtocolError) -> Result<Option<Span>, ProtocolError> {
        let rest = &self.bytes[self.position..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\r') else {
            return if rest.len() > MAX_LINE { Err(too_big) } else { Ok(None) };
        };
        if rest.len() < length + LINE_END {
            return Ok(None);
        }
        let line = Span { start: self.position, end: self.position + length };
        self.position = line.end + LINE_END;
        Ok(Some(line))
    }
}

/// One command: its name and what follows it. Never empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    pub(crate) fn len(self) -> usize {
        self.spans.len()
    }

    /// The argument at `index`; 0 is the command's name.
    ///
    /// # Panics
    ///
    /// If there are fewer arguments; a command's arity is checked before it runs.
    pub(crate) fn at(self, index: usize) -> &'a [u8] {
        self.of(self.spans[index])
    }

    pub(crate) fn get(self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| self.of(*span))
    }

    /// The arguments from `index` on.
    pub(crate) fn from(self, index: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        self.spans[index.min(self.spans.len())..].iter().map(move |span| self.of(*span))
    }

    /// The arguments from `index` on, two by two; a last one without a partner is left out.
    pub(crate) fn pairs(self, index: usize) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> {
        let spans = &self.spans[index.min(self.spans.len())..];
        spans.chunks_exact(2).map(move |pair| (self.of(pair[0]), self.of(pair[1])))
    }

    fn of(self, span: Span) -> &'a [u8] {
        &self.bytes[span.start..span.end]
    }
}

/// Why a connection's input can't be understood any more. The texts are Redis's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    InlineTooBig,
    UnbalancedQuotes,
    CountLineTooBig,
    InvalidCount,
    LengthLineTooBig,
    ExpectedLength(u8),
    InvalidLength,
    CommandTooBig,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            ProtocolError::InlineTooBig => f.write_str("too big inline request"),
            ProtocolError::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            ProtocolError::CountLineTooBig => f.write_str("too big mbulk count string"),
            ProtocolError::InvalidCount => f.write_str("invalid multibulk length"),
            ProtocolError::LengthLineTooBig => f.write_str("too big bulk count string"),
            ProtocolError::ExpectedLength(byte) => write!(f, "expected '$', got '{}'", char::from(*byte)),
            ProtocolError::InvalidLength => f.write_str("invalid bulk length"),
            ProtocolError::CommandTooBig => write!(f, "a command is larger than {MAX_COMMAND} bytes"),
        }
    }
}

/// The longest argument, in bytes: Redis's `proto-max-bulk-len`.
pub(crate) const MAX_ARGUMENT: usize = 512 * 1024 * 1024;
/// What one command may take in all, in bytes: Redis's `client-query-buffer-limit`.
const MAX_COMMAND: usize = 1024 * 1024 * 1024;
/// The most arguments of one command.
const MAX_ARGUMENTS: i64 = i32::MAX as i64;
/// The longest line (an inline command, or a length) in bytes.
const MAX_LINE: usize = 64 * 1024;
/// Room for one read, in bytes: enough for a pipeline of small commands, little enough for ten thousand connections.
const MIN_ROOM: usize = 4 * 1024;
const MAX_ROOM: usize = 64 * 1024;
/// What an idle connection may keep, in bytes.
const KEPT_CAPACITY: usize = 64 * 1024;
/// `\r\n`
const LINE_END: usize = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Commands = Vec<Vec<Vec<u8>>>;

    /// Feeds `pieces` one by one; as a connection does, takes the commands after each.
    fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Commands, Result<(), ProtocolError>) {
        let mut requests = Requests::default();
        let mut commands = Vec::new();
        for piece in pieces {
            requests.buffer().extend_from_slice(piece);
            let parsed = requests.parse();
            while let Some(args) = requests.next() {
                commands.push(args.from(0).map(<[u8]>::to_vec).collect());
            }
            if parsed.is_err() {
                return (commands, parsed);
            }
            requests.recycle();
        }
        (commands, Ok(()))
    }

    fn encoded(command: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for argument in command {
            bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            bytes.extend_from_slice(argument);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }

    /// A command with the bytes that ask for it: as an array, or inline with everything quoted.
    fn command() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>)> {
        let argument = prop::collection::vec(any::<u8>(), 0..40);
        (prop::collection::vec(argument, 1..6), any::<bool>()).prop_map(|(command, inline)| {
            let bytes = if inline {
                let words: Vec<String> = command
                    .iter()
                    .map(|word| format!("\"{}\"", word.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>()))
                    .collect();
                format!("{}\r\n", words.join(" ")).into_bytes()
            } else {
                encoded(&command)
            };
            (command, bytes)
        })
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_commands(
            commands in prop::collection::vec(command(), 0..8),
            mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let (expected, bytes): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
            let bytes = bytes.concat();
            let mut pieces = Vec::new();
            let mut ends: Vec<usize> = cuts.drain(..).map(|cut| cut.index(bytes.len() + 1)).collect();
            ends.push(bytes.len());
            ends.sort_unstable();
            let mut start = 0;
            for end in ends {
                pieces.push(&bytes[start..end]);
                start = end;
            }
            let (commands, parsed) = feed(pieces);
            prop_assert_eq!(parsed, Ok(()));
            prop_assert_eq!(commands, expected);
        }

        #[test]
        fn any_split_of_garbage_gives_the_same_outcome(
            bytes in prop::collection::vec(prop::sample::select(b"*$-012 \r\n\"'ax\\".to_vec()), 0..60),
        ) {
            let whole = feed([&bytes[..]]);
            let bytewise = feed(bytes.chunks(1));
            prop_assert_eq!(whole, bytewise);
        }
    }

    #[test]
    fn malformed_input_is_named_after_the_commands_before_it() {
        let long = vec![b'1'; MAX_LINE + 1];
        let table: Vec<(Vec<u8>, ProtocolError)> = vec![
            (b"*x\r\n".to_vec(), ProtocolError::InvalidCount),
            (b"*\r\n".to_vec(), ProtocolError::InvalidCount),
            (b"* 1\r\n".to_vec(), ProtocolError::InvalidCount),
            (b"*2147483648\r\n".to_vec(), ProtocolError::InvalidCount),
            (b"*99999999999999999999\r\n".to_vec(), ProtocolError::InvalidCount),
            ([b"*", &long[..]].concat(), ProtocolError::CountLineTooBig),
            (b"*1\r\nPING\r\n".to_vec(), ProtocolError::ExpectedLength(b'P')),
            (b"*1\r\n:1\r\n".to_vec(), ProtocolError::ExpectedLength(b':')),
            (b"*1\r\n$-1\r\n".to_vec(), ProtocolError::InvalidLength),
            (b"*1\r\n$x\r\n".to_vec(), ProtocolError::InvalidLength),
            (b"*1\r\n$536870913\r\n".to_vec(), ProtocolError::InvalidLength),
            ([b"*1\r\n$", &long[..]].concat(), ProtocolError::LengthLineTooBig),
            (b"GET \"key\r\n".to_vec(), ProtocolError::UnbalancedQuotes),
            (b"GET 'key'x\r\n".to_vec(), ProtocolError::UnbalancedQuotes),
            (long.clone(), ProtocolError::InlineTooBig),
        ];
        for (bytes, error) in table {
            let input = [b"*1\r\n$4\r\nPING\r\nget a\r\n", &bytes[..]].concat();
            let (commands, parsed) = feed([&input[..]]);
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
            assert_eq!(parsed, Err(error), "{shown}");
            assert_eq!(commands.len(), 2, "{shown}");
        }
    }

    #[test]
    fn empty_requests_are_skipped_without_a_reply() {
        let (commands, parsed) = feed([&b"\r\n\n*0\r\n*-1\r\n   \r\nPING\n"[..]]);
        assert_eq!(parsed, Ok(()));
        assert_eq!(commands, [[b"PING".to_vec()]]);
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut requests = Requests::default();
        requests.buffer().extend_from_slice(b"*2147483647\r\n$536870912\r\nx");
        assert_eq!(requests.parse(), Ok(()));
        assert!(requests.is_partial());
        assert!(requests.buffer().capacity() < 64 * 1024 && requests.spans.capacity() < 1024);
    }
}
