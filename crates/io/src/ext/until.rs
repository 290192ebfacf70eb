//! Reading up to a byte: the loop under lines, segments, `read_line` and `read_until`.
//!
//! 1. What was read is in `buf` at every return, Pending and errors included; it is consumed from the reader exactly
//!    then.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::AsyncBufRead;
use crate::errors::is_interrupted;

/// Appends to `buf` up to and including the next `delimiter`, or up to the end. Ready with the number of bytes that
/// were appended since `read` was 0, and sets it to 0 again.
pub(crate) fn poll_read_until<R: AsyncBufRead + ?Sized>(
    mut reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    delimiter: u8,
    buf: &mut Vec<u8>,
    read: &mut usize,
) -> Poll<io::Result<usize>> {
    loop {
        let available = match ready!(reader.as_mut().poll_fill_buf(cx)) {
            Ok(available) => available,
            Err(error) if is_interrupted(&error) => continue,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let found = position(delimiter, available);
        let used = found.map_or(available.len(), |at| at + 1);
        buf.extend_from_slice(&available[..used]);
        reader.as_mut().consume(used);
        *read += used;
        if found.is_some() || used == 0 {
            return Poll::Ready(Ok(std::mem::take(read)));
        }
    }
}

/// Where `needle` is first. Blocks without it are passed over by a comparison that the compiler makes into vector
/// instructions, which it does not do for a loop that may stop anywhere.
fn position(needle: u8, haystack: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let (blocks, _) = haystack.as_chunks::<BLOCK>();
    let clean =
        blocks.iter().take_while(|block| !block.iter().fold(false, |any, &byte| any | (byte == needle))).count();
    let start = clean * BLOCK;
    haystack[start..].iter().position(|&byte| byte == needle).map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn the_first_of_several_is_found_at_every_place_in_every_length() {
        for len in 0..100 {
            let mut haystack = vec![0; len];
            assert_eq!(position(1, &haystack), None);
            for at in (0..len).rev() {
                haystack[at] = 1;
                assert_eq!(position(1, &haystack), Some(at));
            }
        }
    }
}
