//! Splits an inline command (what someone types into `nc`) into arguments, in place.
//!
//! Words are separated by white space. `"..."` knows the escapes `\n \r \t \b \a \xHH` and `\` before any other byte;
//! `'...'` knows `\'` alone. A closing quote must end the word.
//!
//! An argument is never longer than its source, so the unquoted bytes overwrite the line from the left and no second
//! buffer is needed.

use super::parse::Span;

/// A quote that is not closed, or that is followed by something other than white space.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnbalancedQuotes;

/// Splits `bytes[line]` and appends where each argument lies now.
pub(super) fn split(bytes: &mut [u8], line: Span, spans: &mut Vec<Span>) -> Result<(), UnbalancedQuotes> {
    let mut cursor = Cursor { line: &mut bytes[line.start..line.end], read: 0, written: 0 };
    while cursor.skip_space() {
        let start = cursor.written;
        cursor.word()?;
        spans.push(Span { start: line.start + start, end: line.start + cursor.written });
    }
    Ok(())
}

/// Reads ahead of where it writes: `written <= read` always.
struct Cursor<'a> {
    line: &'a mut [u8],
    read: usize,
    written: usize,
}

impl Cursor<'_> {
    /// True if a word follows.
    fn skip_space(&mut self) -> bool {
        while self.peek().is_some_and(is_space) {
            self.read += 1;
        }
        self.peek().is_some()
    }

    fn word(&mut self) -> Result<(), UnbalancedQuotes> {
        while let Some(byte) = self.peek() {
            self.read += 1;
            match byte {
                b'"' => return self.double_quoted(),
                b'\'' => return self.single_quoted(),
                byte if is_space(byte) => return Ok(()),
                byte => self.write(byte),
            }
        }
        Ok(())
    }

    fn double_quoted(&mut self) -> Result<(), UnbalancedQuotes> {
        loop {
            match self.next()? {
                b'"' => return self.closed(),
                b'\\' => {
                    let escaped = self.escape()?;
                    self.write(escaped);
                }
                byte => self.write(byte),
            }
        }
    }

    fn escape(&mut self) -> Result<u8, UnbalancedQuotes> {
        if let [b'x', high, low, ..] = self.line[self.read..]
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            self.read += 3;
            return Ok(high << 4 | low);
        }
        Ok(match self.next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'a' => 7,
            byte => byte,
        })
    }

    fn single_quoted(&mut self) -> Result<(), UnbalancedQuotes> {
        loop {
            match self.next()? {
                b'\'' => return self.closed(),
                b'\\' if self.peek() == Some(b'\'') => {
                    self.read += 1;
                    self.write(b'\'');
                }
                byte => self.write(byte),
            }
        }
    }

    /// After a closing quote nothing but white space or the end may follow.
    fn closed(&self) -> Result<(), UnbalancedQuotes> {
        if self.peek().is_none_or(is_space) { Ok(()) } else { Err(UnbalancedQuotes) }
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.read).copied()
    }

    fn next(&mut self) -> Result<u8, UnbalancedQuotes> {
        let byte = self.peek().ok_or(UnbalancedQuotes)?;
        self.read += 1;
        Ok(byte)
    }

    fn write(&mut self, byte: u8) {
        debug_assert!(self.written < self.read);
        self.line[self.written] = byte;
        self.written += 1;
    }
}

/// White space of C's `isspace`, which Redis asks.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
        let mut bytes = [b"before", line.as_bytes(), b"after"].concat();
        let mut spans = Vec::new();
        split(&mut bytes, Span { start: 6, end: 6 + line.len() }, &mut spans)?;
        assert!(bytes.starts_with(b"before") && bytes.ends_with(b"after"), "wrote outside its line");
        Ok(spans.iter().map(|span| bytes[span.start..span.end].to_vec()).collect())
    }

    #[test]
    fn words_are_unquoted() {
        let table: [(&str, &[&[u8]]); 10] = [
            ("", &[]),
            ("  \t ", &[]),
            ("get key", &[b"get", b"key"]),
            (" get   key ", &[b"get", b"key"]),
            (r#"set k "two words""#, &[b"set", b"k", b"two words"]),
            (r#"set k "\x41\n\"\q""#, &[b"set", b"k", b"A\n\"q"]),
            (r#"set k "\xZZ""#, &[b"set", b"k", b"xZZ"]),
            (r"set k 'it\'s \n'", &[b"set", b"k", br"it's \n"]),
            (r#"echo """#, &[b"echo", b""]),
            (r#"ab"cd" e"#, &[b"abcd", b"e"]),
        ];
        for (line, expected) in table {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [r#"""#, "'", r#"get "key"#, r#"get "key"x"#, "get 'key'x", r#""\"#, r"'\'"] {
            assert_eq!(words(line), Err(UnbalancedQuotes), "{line}");
        }
    }
}
