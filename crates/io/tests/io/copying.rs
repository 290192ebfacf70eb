//! Copying: flushes, errors, waits, both directions.

use std::pin::Pin;
use std::task::{Context, Poll};

use unstuck_io::ErrorKind::{BrokenPipe, Interrupted, WriteZero};
use unstuck_io::*;

use crate::support::{Read, Write, *};

/// Runs a check for `copy`, and for `copy_buf` with a buffer of 3 bytes.
macro_rules! each_copy {
    (|$copy:ident| $check:block) => {
        let $copy = async |mut r: Script, w: &mut Script| copy(&mut r, w).await;
        $check
        let $copy = async |r: Script, w: &mut Script| copy_buf(&mut BufReader::with_capacity(3, r), w).await;
        $check
    };
}

#[test]
fn everything_is_copied_over_waits_interruptions_and_short_writes() {
    each_copy!(|copy_all| {
        let r = reads([Read::Fail(Interrupted), bytes("abcd"), Read::Wait, bytes("ef"), Read::Wait]);
        let mut w = writes([Write::Fail(Interrupted), Write::Take(1), Write::Wait, Write::Take(2)]);
        assert_eq!(block_on(copy_all(r, &mut w)).unwrap(), 6);
        assert_eq!(w.written, b"abcdef");
    });
}

#[test]
fn the_writer_is_flushed_whenever_the_reader_makes_us_wait_and_at_the_end() {
    each_copy!(|copy_all| {
        let mut w = writes([]);
        let mut running = task(copy_all(reads([bytes("ab"), Read::Wait, Read::Wait, bytes("c"), Read::Wait]), &mut w));
        for _ in 0..3 {
            assert!(running.poll().is_pending());
        }
        assert!(running.poll().is_ready());
        drop(running);
        // After "ab" and after "c", not again while nothing new was written; and at the end.
        assert_eq!(w.flushed, 3);
    });
}

#[test]
fn the_first_error_ends_it() {
    each_copy!(|copy_all| {
        assert_eq!(kind(block_on(copy_all(reads([bytes("ab"), Read::Fail(BrokenPipe)]), &mut writes([])))), BrokenPipe);
        assert_eq!(kind(block_on(copy_all(reads([bytes("ab")]), &mut writes([Write::Fail(BrokenPipe)])))), BrokenPipe);
        assert_eq!(kind(block_on(copy_all(reads([bytes("ab")]), &mut writes([Write::Take(0)])))), WriteZero);
    });
}

#[test]
fn while_the_writer_waits_the_reader_is_read() {
    let mut r = reads([bytes("a"), bytes("b"), bytes("c")]);
    // The one write after the wait gets everything.
    let mut w = writes([Write::Wait, Write::Take(3), Write::Fail(BrokenPipe)]);
    let mut running = task(copy(&mut r, &mut w));
    assert!(running.poll().is_pending());
    assert!(matches!(running.poll(), Poll::Ready(Ok(3))));
    drop(running);
    assert_eq!(w.written, b"abc");
}

#[test]
fn a_copy_that_feeds_itself_through_a_buffer_goes_on() {
    // What is written comes back to be read, but only once it is flushed.
    let (r, w) = duplex(1024);
    let mut w = BufWriter::new(w);
    now(w.write_all(&[0x42; 512])).unwrap();
    now(w.flush()).unwrap();
    assert_eq!(block_on(copy(&mut r.take(1024), &mut w)).unwrap(), 1024);
}

#[test]
fn copy_buf_that_is_dropped_has_consumed_what_it_wrote() {
    let mut r = BufReader::new(reads([bytes("abcdef")]));
    let mut w = writes([Write::Take(2), Write::Wait]);
    cancel(copy_buf(&mut r, &mut w));
    assert_eq!((w.written.as_slice(), r.buffer()), (&b"ab"[..], &b"cdef"[..]));
    assert_eq!(now(copy_buf(&mut r, &mut w)).unwrap(), 4);
}

#[test]
#[should_panic(expected = "took more bytes than it was given")]
fn a_writer_that_lies_is_found_out() {
    struct Lies;
    impl AsyncWrite for Lies {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
            Poll::Ready(Ok(buf.len() + 1))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let _ = now(copy(&mut &b"abc"[..], &mut Lies));
}

#[test]
fn each_direction_ends_by_itself() {
    let (mut client, mut a) = duplex(64);
    let (mut b, mut server) = duplex(64);
    let mut proxy = task(copy_bidirectional(&mut a, &mut b));
    now(client.write_all(b"ask")).unwrap();
    now(client.shutdown()).unwrap();
    assert!(proxy.poll().is_pending());
    let mut all = String::new();
    now(server.read_to_string(&mut all)).unwrap();
    assert_eq!(all, "ask");

    // The other direction still works.
    now(server.write_all(b"answer")).unwrap();
    assert!(proxy.poll().is_pending());
    let mut buf = [0; 6];
    now(client.read_exact(&mut buf)).unwrap();
    drop(server);
    assert!(matches!(proxy.poll(), Poll::Ready(Ok((3, 6)))));
    assert_eq!(now(client.read(&mut buf)).unwrap(), 0);
}

#[test]
fn a_full_direction_does_not_hold_up_the_other() {
    let (mut client, mut a) = duplex(8);
    let (mut b, mut server) = duplex(8);
    let mut proxy = task(copy_bidirectional_with_sizes(&mut a, &mut b, 4, 4));
    // 8 in the first pipe, 4 in the buffer, 8 in the second pipe: nothing moves there any more.
    while task(client.write_all(&[1; 4])).poll().is_ready() {
        assert!(proxy.poll().is_pending());
    }
    now(server.write_all(b"quux")).unwrap();
    assert!(proxy.poll().is_pending());
    let mut buf = [0; 4];
    now(client.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"quux");
}

#[test]
fn an_error_of_either_stream_ends_both_directions() {
    let broken = || reads([Read::Fail(BrokenPipe)]);
    let (mut other, mut end) = duplex(8);
    assert_eq!(kind(now(copy_bidirectional(&mut end, &mut broken()))), BrokenPipe);
    assert_eq!(kind(now(copy_bidirectional(&mut broken(), &mut end))), BrokenPipe);
    now(other.write_all(b"x")).unwrap();
    let mut takes_nothing = join(reads([Read::Wait]), writes([Write::Fail(BrokenPipe)]));
    assert_eq!(kind(now(copy_bidirectional(&mut end, &mut takes_nothing))), BrokenPipe);
}

#[test]
fn both_ends_are_flushed_and_shut_down_once() {
    let mut a = reads([bytes("ab"), Read::Fail(Interrupted), bytes("c")]);
    let mut b = writes([Write::Fail(Interrupted), Write::Take(1)]);
    assert_eq!(block_on(copy_bidirectional(&mut a, &mut b)).unwrap(), (3, 0));
    assert_eq!((b.written.as_slice(), b.shut_down, a.shut_down), (&b"abc"[..], 1, 1));
    assert!(b.flushed >= 1);
}

#[test]
#[should_panic(expected = "`a_to_b_buf_size` must be greater than 0")]
fn no_buffer_there_is_refused() {
    let _ = now(copy_bidirectional_with_sizes(&mut empty(), &mut empty(), 0, 1));
}

#[test]
#[should_panic(expected = "`b_to_a_buf_size` must be greater than 0")]
fn no_buffer_back_is_refused() {
    let _ = now(copy_bidirectional_with_sizes(&mut empty(), &mut empty(), 1, 0));
}
