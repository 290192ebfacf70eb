//! Replies, encoded straight into the buffer that the socket will be given.
//!
//! 1. Every method appends one whole reply element; an array's header is followed by exactly as many elements.
//! 2. An error stays one line: line breaks inside it become spaces.

use std::fmt::Write as _;

use super::int::push_i64;

/// The replies of one batch, in the order of its commands.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    bytes: Vec<u8>,
}

impl Replies {
    pub(crate) fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    pub(crate) fn ok(&mut self) {
        self.bytes.extend_from_slice(b"+OK\r\n");
    }

    /// An error with its code in front: `ERR syntax error`.
    pub(crate) fn error(&mut self, error: &impl std::fmt::Display) {
        let mut text = String::new();
        // Writing to a String fails only if the Display of `error` does; what it wrote so far is then the message.
        let _ = write!(text, "{error}");
        let text = text.replace(['\r', '\n'], " ");
        self.line(b'-', text.as_bytes());
    }

    pub(crate) fn int(&mut self, value: i64) {
        self.header(b':', value);
    }

    pub(crate) fn count(&mut self, value: usize) {
        self.int(value as i64);
    }

    pub(crate) fn bulk(&mut self, bytes: &[u8]) {
        self.header(b'$', bytes.len() as i64);
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub(crate) fn bulk_or_nil(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.nil(),
        }
    }

    pub(crate) fn nil(&mut self) {
        self.bytes.extend_from_slice(b"$-1\r\n");
    }

    pub(crate) fn nil_array(&mut self) {
        self.bytes.extend_from_slice(b"*-1\r\n");
    }

    /// The header of an array; its `len` elements follow by further calls.
    pub(crate) fn array(&mut self, len: usize) {
        self.header(b'*', len as i64);
    }

    pub(crate) fn bulks<'a>(&mut self, items: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.array(items.len());
        items.for_each(|item| self.bulk(item));
    }

    /// Bytes that are encoded already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes back everything after the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Empties the buffer and gives back what one huge reply made it grow by.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn header(&mut self, kind: u8, value: i64) {
        self.bytes.push(kind);
        push_i64(&mut self.bytes, value);
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// What an idle connection may keep, in bytes.
const KEPT_CAPACITY: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_reply_has_its_form() {
        let mut replies = Replies::default();
        replies.simple("PONG");
        replies.ok();
        replies.int(-3);
        replies.bulk(b"a\r\nb");
        replies.bulk_or_nil(None);
        replies.nil_array();
        replies.bulks([&b"x"[..], b""].into_iter());
        assert_eq!(
            replies.as_bytes(),
            b"+PONG\r\n+OK\r\n:-3\r\n$4\r\na\r\nb\r\n$-1\r\n*-1\r\n*2\r\n$1\r\nx\r\n$0\r\n\r\n"
        );
    }

    #[test]
    fn an_error_stays_one_line() {
        let mut replies = Replies::default();
        replies.error(&"ERR unknown command 'a\r\n+OK'");
        assert_eq!(replies.as_bytes(), b"-ERR unknown command 'a  +OK'\r\n");
    }
}
