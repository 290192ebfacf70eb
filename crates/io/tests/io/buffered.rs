//! Buffers in both directions: what goes past them, what stays in them, and seeking through them.

use std::io::{Cursor, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_io::ErrorKind::{BrokenPipe, Interrupted, WriteZero};
use unstuck_io::*;

use crate::support::{Read, Write, *};

#[test]
fn reads_as_large_as_the_buffer_go_past_it() {
    let mut r = BufReader::with_capacity(2, &[5, 6, 7, 0, 1, 2, 3, 4][..]);
    let mut buf = [0; 3];
    assert_eq!(now(r.read(&mut buf)).unwrap(), 3);
    assert_eq!((buf, r.buffer()), ([5, 6, 7], &[][..]));
    assert_eq!(now(r.read(&mut buf[..2])).unwrap(), 2);
    assert_eq!(now(r.read(&mut buf[..1])).unwrap(), 1);
    assert_eq!((buf[0], r.buffer()), (2, &[3][..]));
    // There is room for more than the buffer, but first comes what is in it.
    assert_eq!(now(r.read(&mut buf)).unwrap(), 1);
    assert_eq!(now(r.read(&mut buf)).unwrap(), 1);
    assert_eq!(now(r.read(&mut buf)).unwrap(), 0);
}

#[test]
fn an_error_leaves_the_read_buffer_alone() {
    let mut r = BufReader::new(reads([bytes("ab"), Read::Fail(BrokenPipe), bytes("cd")]));
    assert_eq!(now(r.read_u8()).unwrap(), b'a');
    assert_eq!(now(r.read_u8()).unwrap(), b'b');
    assert_eq!(kind(now(r.read_u8())), BrokenPipe);
    assert_eq!(now(r.read_u8()).unwrap(), b'c');
    r.consume(100);
    assert_eq!(r.buffer(), b"");
}

#[test]
#[should_panic(expected = "capacity must be greater than zero")]
fn a_read_buffer_for_nothing_is_refused() {
    BufReader::with_capacity(0, empty());
}

#[test]
fn writes_as_large_as_the_buffer_go_past_it() {
    let mut w = BufWriter::with_capacity(2, Vec::new());
    for (write, buffered, passed_on) in [
        (&[0, 1][..], &[][..], &[0, 1][..]),
        (&[2], &[2], &[0, 1]),
        (&[3], &[2, 3], &[0, 1]),
        (&[4], &[4], &[0, 1, 2, 3]),
        (&[5, 6, 7], &[], &[0, 1, 2, 3, 4, 5, 6, 7]),
    ] {
        assert_eq!(now(w.write(write)).unwrap(), write.len());
        assert_eq!((w.buffer(), w.get_ref().as_slice()), (buffered, passed_on));
    }
}

#[test]
fn a_buffer_for_nothing_passes_everything_on() {
    let mut w = BufWriter::with_capacity(0, Vec::new());
    now(w.write_all(b"ab")).unwrap();
    assert_eq!(now(w.write(b"")).unwrap(), 0);
    assert_eq!(w.get_ref(), b"ab");
}

#[test]
fn a_flush_that_is_dropped_neither_repeats_nor_loses_a_byte() {
    let mut w = BufWriter::new(writes([Write::Take(2), Write::Wait, Write::Fail(Interrupted), Write::Take(1)]));
    now(w.write_all(b"abcdef")).unwrap();
    cancel(w.flush());
    assert_eq!(w.buffer(), b"cdef");
    now(w.write_all(b"gh")).unwrap();
    now(w.flush()).unwrap();
    assert_eq!((w.buffer(), w.get_ref().written.as_slice(), w.get_ref().flushed), (&b""[..], &b"abcdefgh"[..], 1));
}

#[test]
fn an_error_keeps_what_was_not_written() {
    let mut w = BufWriter::with_capacity(4, writes([Write::Take(1), Write::Fail(BrokenPipe), Write::Take(0)]));
    now(w.write_all(b"abc")).unwrap();
    assert_eq!(kind(now(w.write(b"de"))), BrokenPipe);
    assert_eq!(kind(now(w.flush())), WriteZero);
    assert_eq!(w.buffer(), b"bc");
    now(w.shutdown()).unwrap();
    assert_eq!((w.get_ref().written.as_slice(), w.get_ref().shut_down), (&b"abc"[..], 1));
}

fn slices<const N: usize>(parts: [&[u8]; N]) -> [IoSlice<'_>; N] {
    parts.map(IoSlice::new)
}

#[test]
fn slices_are_gathered_in_the_buffer() {
    for vectored in [false, true] {
        let mut w = BufWriter::with_capacity(16, Script { vectored, ..Script::default() });
        assert!(w.is_write_vectored());
        assert_eq!(now(w.write_vectored(&slices([b"foo ", b"", b"bar ", b"baz"]))).unwrap(), 11);
        assert_eq!(now(w.write_vectored(&slices([b"", b""]))).unwrap(), 0);
        assert_eq!(now(w.write_vectored(&[])).unwrap(), 0);
        assert_eq!(w.buffer(), b"foo bar baz");
        now(w.flush()).unwrap();
        assert_eq!(w.get_ref().written, b"foo bar baz");
    }
}

#[test]
fn slices_larger_than_the_buffer_go_past_it_to_a_vectored_writer() {
    let mut w = BufWriter::with_capacity(8, Script { vectored: true, ..writes([Write::Take(10)]) });
    assert_eq!(now(w.write_vectored(&slices([b"foo ", b"bar ", b"baz"]))).unwrap(), 10);
    assert_eq!((w.buffer(), w.get_ref().written.as_slice()), (&b""[..], &b"foo bar ba"[..]));
}

#[test]
fn as_many_slices_as_fit_are_gathered_for_a_plain_writer() {
    let mut w = BufWriter::with_capacity(8, writes([Write::Take(100), Write::Take(3)]));
    assert_eq!(now(w.write_vectored(&slices([b"foo ", b"bar ", b"baz"]))).unwrap(), 8);
    // Past the buffer, which is passed on first, and only in part: the slice behind must not follow.
    assert_eq!(now(w.write_vectored(&slices([b"0123456789", b"x"]))).unwrap(), 3);
    assert_eq!((w.buffer(), w.get_ref().written.as_slice()), (&b""[..], &b"foo bar 012"[..]));
}

#[test]
fn seeking_goes_from_where_the_user_has_read_to() {
    let mut r = BufReader::with_capacity(2, Cursor::new([5, 6, 7, 0, 1, 2, 3, 4]));
    assert_eq!(now(r.seek(SeekFrom::Start(3))).unwrap(), 3);
    assert_eq!(now(r.fill_buf()).unwrap(), [0, 1]);
    assert!(now(r.seek(SeekFrom::Current(i64::MIN))).is_err());
    assert_eq!(now(r.fill_buf()).unwrap(), [0, 1]);
    assert_eq!(now(r.seek(SeekFrom::Current(1))).unwrap(), 4);
    assert_eq!(now(r.fill_buf()).unwrap(), [1, 2]);
    r.consume(1);
    assert_eq!(now(r.stream_position()).unwrap(), 5);
    assert_eq!(r.buffer(), []);
}

/// A stream that is far into something endless; it may need a poll to finish what it does.
#[derive(Default)]
struct Endless {
    at: u64,
    busy: bool,
    moves: Vec<SeekFrom>,
}

impl AsyncRead for Endless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.at += buf.remaining() as u64;
        buf.set_filled(buf.capacity());
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for Endless {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> Result<()> {
        assert!(!self.busy, "a seek started before the last operation was complete");
        self.busy = true;
        self.moves.push(to);
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(offset) => self.at.wrapping_add_signed(offset),
            SeekFrom::End(offset) => u64::MAX.wrapping_add_signed(offset),
        };
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<u64>> {
        if std::mem::take(&mut self.busy) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(self.at))
    }
}

#[test]
fn a_seek_too_far_for_one_move_is_made_in_two() {
    let mut r = BufReader::with_capacity(5, Endless::default());
    assert_eq!(block_on(r.seek(SeekFrom::End(-5))).unwrap(), u64::MAX - 5);
    now(r.fill_buf()).unwrap();
    let expected = (u64::MAX - 5).wrapping_add_signed(i64::MIN);
    assert_eq!(block_on(r.seek(SeekFrom::Current(i64::MIN))).unwrap(), expected);
    assert_eq!(r.get_ref().moves[1..], [SeekFrom::Current(-5), SeekFrom::Current(i64::MIN)]);
    assert_eq!(r.buffer(), []);
}

#[test]
fn a_seek_waits_for_the_operation_under_way() {
    let mut r = BufReader::with_capacity(5, Endless { busy: true, ..Endless::default() });
    now(r.fill_buf()).unwrap();
    assert_eq!(block_on(r.seek(SeekFrom::Current(1))).unwrap(), 1);
}

#[test]
fn a_seek_that_is_dropped_is_completed_by_the_next() {
    let mut r = BufReader::with_capacity(5, Endless::default());
    now(r.fill_buf()).unwrap();
    cancel(r.seek(SeekFrom::Current(7)));
    assert_eq!(block_on(r.seek(SeekFrom::Current(2))).unwrap(), 9);
    let mut other = r;
    cancel(other.seek(SeekFrom::Start(1)));
    assert!(Pin::new(&mut other).start_seek(SeekFrom::Start(2)).is_err());
}

#[test]
fn waiting_without_a_seek_keeps_the_buffer() {
    let mut r = BufReader::with_capacity(2, Cursor::new(b"abcd"));
    now(r.fill_buf()).unwrap();
    now(std::future::poll_fn(|cx| Pin::new(&mut r).poll_complete(cx))).unwrap();
    assert_eq!(r.buffer(), b"ab");
}

#[test]
fn a_writer_passes_on_what_it_has_before_it_seeks() {
    let mut w = BufWriter::with_capacity(3, Cursor::new(Vec::new()));
    now(w.write_all(b"01234567")).unwrap();
    assert_eq!(now(w.stream_position()).unwrap(), 8);
    now(w.write_all(b"8")).unwrap();
    assert_eq!(now(w.seek(SeekFrom::Start(2))).unwrap(), 2);
    now(w.write_all(b"xx")).unwrap();
    now(w.flush()).unwrap();
    assert_eq!(w.into_inner().into_inner(), b"01xx45678");
}

#[test]
fn a_seek_whose_flush_fails_is_forgotten() {
    struct Fails(Cursor<Vec<u8>>, bool);
    impl AsyncWrite for Fails {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
            match std::mem::take(&mut self.1) {
                true => Poll::Ready(Err(BrokenPipe.into())),
                false => Pin::new(&mut self.0).poll_write(cx, buf),
            }
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    impl AsyncSeek for Fails {
        fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> Result<()> {
            Pin::new(&mut self.0).start_seek(to)
        }
        fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<u64>> {
            Pin::new(&mut self.0).poll_complete(cx)
        }
    }
    let mut w = BufWriter::new(Fails(Cursor::new(Vec::new()), true));
    now(w.write_all(b"abc")).unwrap();
    assert_eq!(kind(now(w.seek(SeekFrom::Start(100)))), BrokenPipe);
    now(w.flush()).unwrap();
    assert_eq!(now(w.stream_position()).unwrap(), 3);
}

#[test]
fn a_buffered_stream_has_one_buffer_each_way() {
    let (a, b) = duplex(100);
    let (mut a, mut b) = (BufStream::new(a), BufStream::with_capacity(1, 8, b));
    now(a.write_all(b"one\ntwo\n")).unwrap();
    cancel(b.fill_buf());
    now(a.flush()).unwrap();
    let mut line = String::new();
    now(b.read_line(&mut line)).unwrap();
    assert_eq!((line.as_str(), now(b.read_u8()).unwrap()), ("one\n", b't'));
    now(b.write_vectored(&slices([b"ab", b"c"]))).unwrap();
    now(b.shutdown()).unwrap();
    now(a.read_to_string(&mut line)).unwrap();
    assert_eq!(line, "one\nabc");
}

#[test]
fn a_buffered_stream_is_made_of_either_nesting() {
    let file = || Cursor::new(b"0123456789".to_vec());
    let mut outer_reader = BufReader::new(BufWriter::new(file()));
    let mut outer_writer = BufWriter::new(BufReader::new(file()));
    now(outer_reader.read_u8()).unwrap();
    now(outer_writer.read_u8()).unwrap();
    // Noted only: it is the stream that will make the move.
    Pin::new(&mut outer_writer).start_seek(SeekFrom::Current(1)).unwrap();
    now(outer_reader.write_all(b"x")).unwrap();
    now(outer_writer.write_all(b"x")).unwrap();

    let mut stream = BufStream::from(outer_reader);
    assert_eq!(now(stream.read_u8()).unwrap(), b'1');
    now(stream.flush()).unwrap();
    assert_eq!(stream.get_ref().get_ref(), b"0123456789x");

    let mut stream = BufStream::from(outer_writer);
    now(stream.flush()).unwrap();
    assert_eq!(stream.get_ref().get_ref(), b"0123456789x");
    now(std::future::poll_fn(|cx| Pin::new(&mut stream).poll_complete(cx))).unwrap();
    assert!(now(stream.fill_buf()).is_ok());
}
