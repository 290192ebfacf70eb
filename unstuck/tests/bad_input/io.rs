//! Readers and writers: buffers for nothing, more than there is room for, halves that are no pair.

use std::io::{Cursor, ErrorKind, SeekFrom};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck::io::{
    self, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufStream, BufWriter,
    Interest, ReadBuf, SimplexStream,
};

use crate::blame::{each_refused, ends, refused, refused_somewhere, run};
use crate::common::current_thread;

#[test]
fn a_buffer_for_nothing_is_refused_where_nothing_would_ever_come_through() {
    each_refused(&[
        ("must be greater than", || drop(io::duplex(0))),
        ("must be greater than", || drop(io::simplex(0))),
        ("must be greater than", || drop(SimplexStream::new_unsplit(0))),
        ("must be greater than zero", || drop(BufReader::with_capacity(0, io::empty()))),
        ("must be greater than zero", || drop(BufStream::with_capacity(0, 1, io::duplex(1).0))),
    ]);
}

#[test]
fn a_writer_without_a_buffer_hands_everything_on() {
    run(&current_thread(), async {
        let mut writer = BufWriter::with_capacity(0, Vec::new());
        writer.write_all(b"as it comes").await.unwrap();
        assert_eq!(writer.get_ref(), b"as it comes");
        let (near, mut far) = io::duplex(8);
        let mut stream = BufStream::with_capacity(1, 0, near);
        stream.write_all(b"now").await.unwrap();
        let mut read = [0; 3];
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"now");
    });
}

#[test]
fn a_read_buffer_is_not_filled_past_its_end() {
    let mut memory = [MaybeUninit::uninit(); 2];
    let mut buf = ReadBuf::uninit(&mut memory);
    refused("room for 2", || buf.put_slice(b"abc"));
    refused("bytes filled of which only 0 are initialised", || buf.advance(1));
    refused("", || buf.advance(usize::MAX));
    refused("bytes filled", || buf.set_filled(1));
    refused("bytes filled", || buf.set_filled(usize::MAX));
    refused("room for 2", || _ = buf.initialize_unfilled_to(3));
    refused("room for 2", || _ = buf.initialize_unfilled_to(usize::MAX));
    // Nothing has changed.
    assert_eq!((buf.filled().len(), buf.initialized().len(), buf.remaining()), (0, 0, 2));
    buf.put_slice(b"ab");
    buf.put_slice(b"");
    assert_eq!((buf.filled(), buf.remaining()), (&b"ab"[..], 0));
    // Less than there is, is less than there is.
    let mut part = buf.take(usize::MAX);
    assert_eq!(part.capacity(), 0);
    refused("room for 0", || part.put_slice(b"c"));
}

#[test]
fn halves_of_two_streams_do_not_become_one() {
    refused("halves of two streams", || {
        let (one, other) = (io::duplex(1).0, io::duplex(1).0);
        let ((read, _), (_, write)) = (io::split(one), io::split(other));
        read.unsplit(write);
    });
    refused("halves of two streams", || {
        let ((read, _), (_, write)) = (io::simplex(1), io::simplex(1));
        read.unsplit(write);
    });
}

#[test]
fn an_interest_is_never_empty() {
    assert_eq!(Interest::READABLE.remove(Interest::READABLE), None);
    assert_eq!(Interest::READABLE.remove(Interest::READABLE | Interest::WRITABLE), None);
    assert_eq!(Interest::READABLE.remove(Interest::WRITABLE), Some(Interest::READABLE));
    let all = Interest::READABLE | Interest::WRITABLE;
    assert_eq!(all.remove(Interest::READABLE), Some(Interest::WRITABLE));
    assert_eq!(all.remove(all), None);
}

/// Gives what it is told to, and lies.
struct Liar;

impl AsyncRead for Liar {
    fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let other = vec![b'x'; buf.remaining()].leak();
        *buf = ReadBuf::new(other);
        buf.set_filled(1);
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_reader_that_exchanges_the_buffer_is_found_out() {
    let runtime = current_thread();
    let exchanged = |read: Pin<&mut dyn Future<Output = io::Result<usize>>>| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(read))).is_err()
    };
    assert!(exchanged(std::pin::pin!(Liar.read_to_end(&mut Vec::new()))));
    assert!(exchanged(std::pin::pin!(Liar.read_buf(&mut Vec::with_capacity(8)))));
    assert!(exchanged(std::pin::pin!(Liar.take(4).read(&mut [0; 8]))));
}

#[test]
fn nothing_to_read_and_no_room_are_no_hang() {
    run(&current_thread(), async {
        let mut text = &b"a,b"[..];
        assert_eq!(text.read(&mut []).await.unwrap(), 0);
        assert_eq!(text.read_exact(&mut []).await.unwrap(), 0);
        assert_eq!((&mut text).take(0).read_to_end(&mut Vec::new()).await.unwrap(), 0);
        assert_eq!((&mut text).take(u64::MAX).read_to_end(&mut Vec::new()).await.unwrap(), 3);
        assert_eq!(text.read_exact(&mut [0; 1]).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(text.read_u64().await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!((&mut text).lines().next_line().await.unwrap(), None);
        assert_eq!((&mut text).split(b',').next_segment().await.unwrap(), None);
        let mut segments = AsyncBufReadExt::split(&b",,a,"[..], b',');
        for expected in ["", "", "a"] {
            assert_eq!(segments.next_segment().await.unwrap().unwrap(), expected.as_bytes());
        }
        assert_eq!(segments.next_segment().await.unwrap(), None);
        let error = (&b"\xff\n"[..]).lines().next_line().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let error = (&b"\xff"[..]).read_to_string(&mut String::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(io::copy(&mut io::empty(), &mut io::sink()).await.unwrap(), 0);
        assert_eq!(io::copy_buf(&mut io::empty(), &mut io::sink()).await.unwrap(), 0);
    });
}

#[test]
fn a_writer_that_takes_nothing_is_an_error() {
    run(&current_thread(), async {
        let mut full = Cursor::new(vec![0_u8; 2].into_boxed_slice());
        let error = full.write_all(b"abc").await.unwrap_err();
        assert_eq!((error.kind(), full.position()), (ErrorKind::WriteZero, 2));
        let error = full.write_all_buf(&mut &b"abc"[..]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        let error = full.write_u32(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        let error = io::copy(&mut &b"abc"[..], &mut full).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        let error = io::copy_buf(&mut &b"abc"[..], &mut full).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        let mut full = BufWriter::new(Cursor::new(vec![0_u8; 2].into_boxed_slice()));
        full.write_all(b"abc").await.unwrap();
        assert_eq!(full.flush().await.unwrap_err().kind(), ErrorKind::WriteZero);
    });
}

#[test]
fn a_place_before_the_start_is_an_error() {
    run(&current_thread(), async {
        let mut cursor = Cursor::new(vec![0; 4]);
        assert_eq!(cursor.seek(SeekFrom::Current(-1)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(cursor.seek(SeekFrom::End(-5)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(cursor.seek(SeekFrom::Start(u64::MAX)).await.unwrap(), u64::MAX);
        assert_eq!(cursor.seek(SeekFrom::Current(1)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(cursor.read(&mut [0; 1]).await.unwrap(), 0, "beyond the end there is nothing");
    });
}

#[test]
fn copying_both_ways_needs_a_buffer_for_each() {
    let runtime = current_thread();
    for (there, back) in [(0, 1), (1, 0)] {
        let (mut a, mut b) = (io::duplex(1).0, io::duplex(1).0);
        refused_somewhere("must be greater than 0", || {
            _ = runtime.block_on(ends(io::copy_bidirectional_with_sizes(&mut a, &mut b, there, back)));
        });
    }
}
