//! The methods of readers: ends, errors, waits, and calls that are dropped halfway.

use std::io::Cursor;
use std::pin::Pin;
use std::str::Utf8Error;
use std::string::FromUtf8Error;
use std::task::{Context, Poll};

use unstuck_io::ErrorKind::{BrokenPipe, Interrupted, InvalidData, UnexpectedEof};
use unstuck_io::*;

use crate::support::{Read::*, *};

#[test]
fn one_read_is_one_attempt() {
    let mut r = reads([bytes("ab"), Fail(Interrupted), bytes("cd")]);
    let mut buf = [0; 4];
    assert_eq!(now(r.read(&mut buf)).unwrap(), 2);
    assert_eq!(kind(now(r.read(&mut buf))), Interrupted);
    assert_eq!(now(r.read(&mut buf[..1])).unwrap(), 1);
    assert_eq!(now(r.read_buf(&mut Vec::with_capacity(1))).unwrap(), 1);
    assert_eq!(now(r.read_buf(&mut Vec::new())).unwrap(), 0);
}

#[test]
fn a_buffer_without_room_is_not_the_end() {
    let mut r = reads([bytes("ab")]);
    let mut full = ReadBuf::new(&mut []);
    assert_eq!(now(r.read_buf(&mut full)).unwrap(), 0);
    assert_eq!(now(r.read_exact(&mut [])).unwrap(), 0);
    assert_eq!(now(r.read_u16()).unwrap(), u16::from_be_bytes(*b"ab"));
}

#[test]
fn exact_goes_on_over_waits_and_interruptions_and_reads_not_one_more() {
    let mut r = reads([Fail(Interrupted), bytes("a"), Wait, bytes("b"), Fail(Interrupted), bytes("cd")]);
    let mut buf = [0; 3];
    assert_eq!(block_on(r.read_exact(&mut buf)).unwrap(), 3);
    assert_eq!(&buf, b"abc");
    assert_eq!(now(r.read_u8()).unwrap(), b'd');
}

#[test]
fn exact_says_early_eof_when_the_source_ends() {
    let error = now(reads([bytes("ab")]).read_exact(&mut [0; 3])).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (UnexpectedEof, "early eof"));
    assert_eq!(kind(now(reads([bytes("abc")]).read_u32())), UnexpectedEof);
    assert_eq!(kind(now(reads([bytes("a"), Fail(BrokenPipe)]).read_u16_le())), BrokenPipe);
}

#[test]
fn numbers_are_gathered_byte_by_byte() {
    let digits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let mut r = reads(digits.iter().flat_map(|digit| [Wait, Fail(Interrupted), bytes([*digit])]));
    assert_eq!(block_on(r.read_u128()).unwrap(), u128::from_be_bytes(digits));
    assert_eq!(kind(now(r.read_i8())), UnexpectedEof);
}

/// Puts a buffer of its own into the place of the one it was given: safe code can do that.
struct Exchanges;

impl AsyncRead for Exchanges {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        *buf = ReadBuf::new(&mut []);
        Poll::Ready(Ok(()))
    }
}

#[test]
#[should_panic(expected = "exchanged")]
fn read_buf_finds_out_about_an_exchanged_buffer() {
    let _ = now(Exchanges.read_buf(&mut Vec::with_capacity(10)));
}

#[test]
#[should_panic(expected = "exchanged")]
fn read_to_end_finds_out_about_an_exchanged_buffer() {
    let _ = now(Exchanges.read_to_end(&mut Vec::with_capacity(100)));
}

#[test]
#[should_panic(expected = "exchanged")]
fn take_finds_out_about_an_exchanged_buffer() {
    let _ = now(Exchanges.take(10).read(&mut [0; 10]));
}

#[test]
fn to_the_end_over_waits_and_interruptions() {
    let mut r = reads([bytes("one "), Wait, Fail(Interrupted), bytes("two"), Wait]);
    let mut all = b"zero ".to_vec();
    assert_eq!(block_on(r.read_to_end(&mut all)).unwrap(), 7);
    assert_eq!(all, b"zero one two");
}

#[test]
fn to_the_end_keeps_what_came_before_an_error_or_a_drop() {
    let mut r = reads([bytes("one "), Wait, bytes("two "), Fail(BrokenPipe)]);
    let mut all = Vec::with_capacity(100);
    cancel(r.read_to_end(&mut all));
    assert_eq!(all, b"one ");
    assert_eq!(kind(now(r.read_to_end(&mut all))), BrokenPipe);
    assert_eq!(all, b"one two ");
}

#[test]
fn a_vector_that_is_large_enough_does_not_move() {
    for len in 0..100 {
        for split in 0..len {
            let parts = [bytes(vec![1; split]), bytes(vec![2; len - split])];
            let mut r = reads(if split == 0 { parts[1..].to_vec() } else { parts.to_vec() });
            let mut all = Vec::with_capacity(len);
            now(r.read_to_end(&mut all)).unwrap();
            assert_eq!((all.len(), all.capacity()), (len, len));
        }
    }
}

#[test]
fn a_vector_that_is_too_small_doubles() {
    let mut all = Vec::with_capacity(34);
    now(reads([bytes([1; 38])]).read_to_end(&mut all)).unwrap();
    assert_eq!((all.len(), all.capacity()), (38, 4 * 34));
}

#[test]
fn a_source_with_much_to_give_is_not_asked_in_small_pieces() {
    struct Counts(u32, Cursor<Vec<u8>>);
    impl AsyncRead for Counts {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            self.0 += 1;
            Pin::new(&mut self.1).poll_read(cx, buf)
        }
    }
    let mut r = Counts(0, Cursor::new(vec![7; 1 << 20]));
    let mut all = Vec::new();
    assert_eq!(now(r.read_to_end(&mut all)).unwrap(), 1 << 20);
    assert!(r.0 < 15, "{} reads", r.0);
}

#[test]
fn what_a_reader_initialised_is_still_known_at_the_next_read() {
    struct Initialises(usize);
    impl AsyncRead for Initialises {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            assert_eq!(buf.initialized().len(), self.0);
            self.0 = buf.initialize_unfilled_to(20).len();
            if self.0 == 20 && buf.capacity() == 64 {
                cx.waker().wake_by_ref();
                buf.put_slice(b"a");
                self.0 = 19;
            }
            Poll::Ready(Ok(()))
        }
    }
    let mut all = Vec::with_capacity(64);
    // The second read sees 63 bytes, so it does not fill, and the end is reached.
    assert_eq!(now(Initialises(0).read_to_end(&mut all)).unwrap(), 1);
}

#[test]
fn text_is_appended_whole_or_not_at_all() {
    let umlaut = "ü".as_bytes();
    let mut text = String::from("abc");
    let mut r = reads([bytes(&umlaut[..1]), Wait, bytes(&umlaut[1..])]);
    assert_eq!(block_on(r.read_to_string(&mut text)).unwrap(), 2);
    assert_eq!(text, "abcü");

    let error = now(reads([bytes(b"d\xff")]).read_to_string(&mut text)).unwrap_err();
    assert_eq!(error.kind(), InvalidData);
    assert_eq!(error.into_inner().unwrap().downcast::<Utf8Error>().unwrap().valid_up_to(), 6);
    assert_eq!(text, "abcü");

    assert_eq!(kind(now(reads([bytes("d"), Fail(BrokenPipe)]).read_to_string(&mut text))), BrokenPipe);
    assert_eq!(text, "abcü");
}

#[test]
fn a_line_is_appended_over_chunks() {
    let mut r = BufReader::new(reads([bytes("wor"), Wait, Fail(Interrupted), bytes("ld\nne"), bytes("xt")]));
    let mut line = String::from("hello ");
    assert_eq!(block_on(r.read_line(&mut line)).unwrap(), 6);
    assert_eq!(line, "hello world\n");
    line.clear();
    assert_eq!(now(r.read_line(&mut line)).unwrap(), 4);
    assert_eq!(now(r.read_line(&mut line)).unwrap(), 0);
    assert_eq!(line, "next");
}

#[test]
fn a_line_that_is_no_text_is_read_and_not_appended() {
    let mut r: &[u8] = b"Hello Wor\xffld.\nnext";
    let mut line = String::from("Foo");
    let error = now(r.read_line(&mut line)).unwrap_err();
    assert_eq!(error.kind(), InvalidData);
    assert_eq!(error.into_inner().unwrap().downcast::<Utf8Error>().unwrap().valid_up_to(), 12);
    assert_eq!(line, "Foo");
    now(r.read_line(&mut line)).unwrap();
    assert_eq!(line, "Foonext");
}

#[test]
fn the_error_of_the_source_is_the_one_reported() {
    let mut line = String::from("Foo");
    let mut r = BufReader::new(reads([bytes("bar"), Fail(BrokenPipe)]));
    assert_eq!(kind(now(r.read_line(&mut line))), BrokenPipe);
    assert_eq!(line, "Foobar");
    let mut r = BufReader::new(reads([bytes("baz"), bytes("\u{ff}".as_bytes().split_at(1).0), Fail(BrokenPipe)]));
    assert_eq!(kind(now(r.read_line(&mut line))), BrokenPipe);
    assert_eq!(line, "Foobar");
}

#[test]
fn until_keeps_what_came_before_an_error_or_a_drop() {
    let mut r = BufReader::new(reads([bytes("a"), Wait, bytes("b"), Fail(BrokenPipe), bytes("c#d")]));
    let mut part = Vec::new();
    cancel(r.read_until(b'#', &mut part));
    assert_eq!(kind(now(r.read_until(b'#', &mut part))), BrokenPipe);
    assert_eq!(now(r.read_until(b'#', &mut part)).unwrap(), 2);
    assert_eq!(part, b"abc#");
}

#[test]
fn lines_survive_drops_and_errors() {
    let mut lines = BufReader::new(reads([
        bytes("ab\u{e9}".as_bytes().split_at(3).0),
        Wait,
        Fail(BrokenPipe),
        bytes(b"\xa9\r\nx"),
    ]))
    .lines();
    cancel(lines.next_line());
    assert_eq!(kind(now(lines.next_line())), BrokenPipe);
    assert_eq!(now(lines.next_line()).unwrap().unwrap(), "ab\u{e9}");
    assert_eq!(now(lines.next_line()).unwrap().unwrap(), "x");
    assert_eq!(now(lines.next_line()).unwrap(), None);
}

#[test]
fn a_line_begun_before_an_error_is_returned_at_the_end() {
    let mut lines = BufReader::new(reads([bytes("ab"), Fail(BrokenPipe)])).lines();
    assert_eq!(kind(now(lines.next_line())), BrokenPipe);
    assert_eq!(now(lines.next_line()).unwrap().unwrap(), "ab");
    assert_eq!(now(lines.next_line()).unwrap(), None);
}

#[test]
fn only_a_newline_takes_its_carriage_return_with_it() {
    let mut lines = (&b"a\r\n\r\r\n\r"[..]).lines();
    assert_eq!(now(lines.next_line()).unwrap().unwrap(), "a");
    assert_eq!(now(lines.next_line()).unwrap().unwrap(), "\r");
    assert_eq!(now(lines.next_line()).unwrap().unwrap(), "\r");
    assert_eq!(now(lines.next_line()).unwrap(), None);
}

#[test]
fn a_line_that_is_no_text_comes_back_in_the_error_once() {
    let mut lines = (&b"\xff\xfe\nnext"[..]).lines();
    let error = now(lines.next_line()).unwrap_err();
    assert_eq!(error.kind(), InvalidData);
    assert_eq!(error.into_inner().unwrap().downcast::<FromUtf8Error>().unwrap().into_bytes(), b"\xff\xfe");
    assert_eq!(now(lines.next_line()).unwrap().unwrap(), "next");
}

#[test]
fn segments_survive_drops_and_errors() {
    let mut parts = BufReader::new(reads([bytes("a"), Wait, bytes("b"), Fail(BrokenPipe), bytes(",,c")])).split(b',');
    cancel(parts.next_segment());
    assert_eq!(kind(now(parts.next_segment())), BrokenPipe);
    assert_eq!(now(parts.next_segment()).unwrap().unwrap(), b"ab");
    assert_eq!(now(parts.next_segment()).unwrap().unwrap(), b"");
    assert_eq!(now(parts.next_segment()).unwrap().unwrap(), b"c");
    assert_eq!(now(parts.next_segment()).unwrap(), None);
}

#[test]
fn what_fill_buf_lends_is_read_only_when_consumed() {
    let mut r = BufReader::new(reads([Wait, bytes("abc")]));
    cancel(r.fill_buf());
    assert_eq!(now(r.fill_buf()).unwrap(), b"abc");
    r.consume(2);
    assert_eq!(now(r.read_u8()).unwrap(), b'c');
    assert_eq!(now(r.fill_buf()).unwrap(), b"");
}

#[test]
fn take_leaves_the_source_exactly_behind_the_limit() {
    let mut r = BufReader::new(reads([bytes("abcdef")]));
    let mut head = (&mut r).take(4);
    let mut buf = [0; 3];
    now(head.read_exact(&mut buf)).unwrap();
    assert_eq!((head.limit(), now(head.fill_buf()).unwrap()), (1, &b"d"[..]));
    head.consume(100);
    assert_eq!(now(head.fill_buf()).unwrap(), b"");
    assert_eq!(now(head.read(&mut buf)).unwrap(), 0);
    head.set_limit(1);
    assert_eq!(now(head.read(&mut buf)).unwrap(), 1);
    assert_eq!(now(r.fill_buf()).unwrap(), b"f");
}

#[test]
fn take_fills_behind_what_is_filled_already() {
    let mut memory = [0; 8];
    let mut buf = ReadBuf::new(&mut memory);
    buf.put_slice(b"AB");
    let mut r = (&b"hello world"[..]).take(4);
    now(std::future::poll_fn(|cx| Pin::new(&mut r).poll_read(cx, &mut buf))).unwrap();
    assert_eq!(buf.filled(), b"ABhell");
}

#[test]
fn a_chain_goes_on_at_the_end_and_not_for_want_of_room() {
    let mut r = BufReader::new(reads([bytes("ab"), Wait])).chain(&b"cd"[..]);
    assert_eq!(now(r.read(&mut [])).unwrap(), 0);
    assert_eq!(now(r.fill_buf()).unwrap(), b"ab");
    r.consume(1);
    let mut rest = String::new();
    block_on(r.read_to_string(&mut rest)).unwrap();
    assert_eq!(rest, "bcd");
    assert_eq!(r.into_inner().1, b"");
}

#[test]
fn a_cursor_beyond_its_end_is_at_the_end() {
    let mut r = Cursor::new(b"abc");
    r.set_position(u64::MAX);
    assert_eq!(now(r.read(&mut [0; 1])).unwrap(), 0);
    assert_eq!(now(AsyncBufReadExt::fill_buf(&mut r)).unwrap(), b"");
    assert!(now(AsyncSeekExt::seek(&mut r, SeekFrom::Current(1))).is_err());
    assert_eq!(now(AsyncSeekExt::rewind(&mut r)).unwrap(), 0);
    assert_eq!(now(r.read_u16()).unwrap(), u16::from_be_bytes(*b"ab"));
    assert_eq!(now(AsyncSeekExt::stream_position(&mut r)).unwrap(), 2);
}

#[test]
fn pointers_to_readers_are_readers() {
    let mut boxed: Box<dyn AsyncBufRead + Unpin> = Box::new(&b"abcd"[..]);
    let mut borrowed = &mut boxed;
    assert_eq!(now(AsyncReadExt::read_u8(&mut borrowed)).unwrap(), b'a');
    let mut pinned: Pin<Box<dyn AsyncBufRead>> = Box::pin(boxed);
    assert_eq!(now(pinned.read_u8()).unwrap(), b'b');
    assert_eq!(now(pinned.fill_buf()).unwrap(), b"cd");
    AsyncBufReadExt::consume(&mut pinned, 1);
    assert_eq!(now(pinned.fill_buf()).unwrap(), b"d");
}

#[test]
fn the_empty_one_is_at_its_end_wherever_one_seeks() {
    let mut nothing = empty();
    for to in [SeekFrom::Start(u64::MAX), SeekFrom::End(i64::MIN), SeekFrom::Current(-1)] {
        assert_eq!(now(nothing.seek(to)).unwrap(), 0);
    }
    assert_eq!(now(nothing.read_line(&mut String::new())).unwrap(), 0);
}
