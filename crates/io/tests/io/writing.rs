//! The methods of writers: short writes, errors, waits, and calls that are dropped halfway.

use std::io::{Cursor, IoSlice};
use std::pin::Pin;

use bytes::{Buf, Bytes};
use unstuck_io::ErrorKind::{BrokenPipe, Interrupted, WriteZero};
use unstuck_io::*;

use crate::support::{Write::*, *};

#[test]
fn one_write_is_one_attempt() {
    let mut w = writes([Take(2), Fail(Interrupted), Take(0)]);
    assert_eq!(now(w.write(b"abc")).unwrap(), 2);
    assert_eq!(kind(now(w.write(b"c"))), Interrupted);
    assert_eq!(now(w.write(b"c")).unwrap(), 0);
    assert_eq!(w.written, b"ab");
}

#[test]
fn all_is_written_over_short_writes_waits_and_interruptions() {
    let mut w = writes([Take(1), Wait, Fail(Interrupted), Take(2), Wait]);
    block_on(w.write_all(b"abcdef")).unwrap();
    assert_eq!(w.written, b"abcdef");
    let mut w = writes([Take(1), Wait, Fail(Interrupted), Take(2), Wait]);
    let mut src = Bytes::from("abc").chain(Bytes::from("def"));
    block_on(w.write_all_buf(&mut src)).unwrap();
    assert_eq!((w.written.as_slice(), src.remaining()), (&b"abcdef"[..], 0));
}

#[test]
fn a_writer_that_takes_nothing_ends_it() {
    assert_eq!(kind(now(writes([Take(1), Take(0)]).write_all(b"abc"))), WriteZero);
    assert_eq!(kind(now(writes([Take(1), Take(0)]).write_all_buf(&mut &b"abc"[..]))), WriteZero);
    assert_eq!(kind(now(writes([Take(1), Take(0)]).write_u16(7))), WriteZero);
    now(writes([Take(0)]).write_all(b"")).unwrap();
}

#[test]
fn the_cursor_says_how_much_was_written_before_an_error_or_a_drop() {
    let mut w = writes([Take(2), Wait, Take(1), Fail(BrokenPipe)]);
    let mut src = Bytes::from("abcdef");
    cancel(w.write_all_buf(&mut src));
    assert_eq!(src, "cdef");
    assert_eq!(kind(now(w.write_all_buf(&mut src))), BrokenPipe);
    assert_eq!(src, "def");
    assert_eq!(now(w.write_buf(&mut src)).unwrap(), 3);
    assert_eq!(now(w.write_buf(&mut src)).unwrap(), 0);
    assert_eq!(w.written, b"abcdef");
}

#[test]
fn pieces_go_to_a_vectored_writer_together() {
    let src = || Bytes::from("ab").chain(Bytes::from("cd"));
    let mut w = Script { vectored: true, ..writes([Take(3)]) };
    let mut pieces = src();
    assert_eq!(now(w.write_buf(&mut pieces)).unwrap(), 3);
    assert_eq!(now(w.write_buf(&mut pieces)).unwrap(), 1);
    assert_eq!(w.written, b"abcd");
    let mut w = writes([]);
    assert_eq!(now(w.write_buf(&mut src())).unwrap(), 2);
}

#[test]
fn a_plain_writer_takes_from_the_first_slice_that_is_not_empty() {
    struct Plain(Vec<u8>);
    impl AsyncWrite for Plain {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
            buf: &[u8],
        ) -> std::task::Poll<Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, buf)
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
            std::task::Poll::Ready(Ok(()))
        }
    }
    let slices = [IoSlice::new(b""), IoSlice::new(b"ab"), IoSlice::new(b"cd")];
    let mut w = Plain(Vec::new());
    assert!(!w.is_write_vectored());
    assert_eq!(now(w.write_vectored(&slices)).unwrap(), 2);
    assert_eq!(now(w.write_vectored(&slices[..1])).unwrap(), 0);
    assert_eq!(w.0, b"ab");
}

#[test]
fn numbers_are_written_byte_by_byte_if_need_be() {
    let mut w = writes([Take(1), Wait, Fail(Interrupted), Take(1), Take(1)]);
    block_on(w.write_u32(0x0102_0304)).unwrap();
    block_on(w.write_i16_le(-2)).unwrap();
    assert_eq!(w.written, [1, 2, 3, 4, 0xfe, 0xff]);
    assert_eq!(kind(now(writes([Fail(BrokenPipe)]).write_u8(1))), BrokenPipe);
}

#[test]
fn memory_takes_what_it_has_room_for() {
    let slices = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
    let mut vec = Vec::new();
    assert_eq!(now(vec.write_vectored(&slices)).unwrap(), 4);

    let mut room = [0; 3];
    let mut slice = Cursor::new(&mut room[..]);
    assert!(slice.is_write_vectored());
    assert_eq!(now(slice.write_vectored(&slices)).unwrap(), 3);
    assert_eq!(now(slice.write(b"x")).unwrap(), 0);

    let mut boxed = Cursor::new(vec![0; 3].into_boxed_slice());
    boxed.set_position(2);
    assert_eq!(now(boxed.write(b"xyz")).unwrap(), 1);

    let mut overwritten = Cursor::new(b"abcd".to_vec());
    now(overwritten.write_all(b"AB")).unwrap();
    assert_eq!(overwritten.get_ref(), b"ABcd");
    now(Cursor::new(&mut vec).write_all(b"AB")).unwrap();
    assert_eq!(vec, b"ABcd");
}

#[test]
fn pointers_to_writers_are_writers() {
    let boxed: Box<dyn AsyncWrite + Unpin> = Box::new(sink());
    assert!(boxed.is_write_vectored());
    let mut pinned: Pin<Box<dyn AsyncWrite>> = Box::pin(boxed);
    let mut borrowed = &mut pinned;
    assert!(AsyncWrite::is_write_vectored(&borrowed));
    assert_eq!(
        now(AsyncWriteExt::write_vectored(&mut borrowed, &[IoSlice::new(b"ab"), IoSlice::new(b"c")])).unwrap(),
        3
    );
    now(pinned.flush()).unwrap();
    now(pinned.shutdown()).unwrap();
}

#[test]
fn a_joined_stream_reads_here_and_writes_there() {
    let mut both = join(BufReader::new(&b"in"[..]), Vec::new());
    assert!(both.is_write_vectored());
    now(both.write_all(b"out")).unwrap();
    now(both.flush()).unwrap();
    now(both.shutdown()).unwrap();
    assert_eq!(now(both.fill_buf()).unwrap(), b"in");
    both.reader_mut().consume(1);
    assert_eq!(now(both.read_u8()).unwrap(), b'n');
    both.writer_mut().push(b'!');
    assert_eq!(both.into_inner().1, b"out!");
}
