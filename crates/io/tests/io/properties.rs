//! Whatever the chunks and the waits: the same as std, or as a plain queue.

use std::collections::VecDeque;
use std::io::{BufRead, Read as _, Seek as _};
use std::task::Poll;

use proptest::collection::vec;
use proptest::prelude::*;
use unstuck_io::ErrorKind::{BrokenPipe, Interrupted};
use unstuck_io::*;

use crate::support::{Read, Write, *};

/// Bytes among which delimiters are frequent.
fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![3 => Just(b'\n'), 2 => Just(b'\r'), 10 => b'a'..=b'c'], 0..200)
}

/// A source of `all` in chunks of these lengths, with a wait (0) or an interruption (1) now and then.
fn chunked(mut all: &[u8], lengths: &[usize]) -> Script {
    let mut script = Vec::new();
    for &length in lengths {
        script.push(match length {
            0 => Read::Wait,
            1 => Read::Fail(Interrupted),
            n => {
                let (chunk, rest) = all.split_at(all.len().min(n - 1));
                all = rest;
                // An empty chunk would be the end.
                if chunk.is_empty() { Read::Wait } else { bytes(chunk) }
            }
        });
    }
    if !all.is_empty() {
        script.push(bytes(all));
    }
    reads(script)
}

fn taking(lengths: &[usize]) -> Script {
    writes(lengths.iter().map(|&length| match length {
        0 => Write::Wait,
        1 => Write::Fail(Interrupted),
        n => Write::Take(n - 1),
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_those_of_std(all in text(), lengths in vec(0_usize..20, 0..40), capacity in 1_usize..20) {
        let expected: Vec<_> = BufRead::lines(&all[..]).map(|line| line.unwrap()).collect();
        let found = block_on(async {
            let mut lines = BufReader::with_capacity(capacity, chunked(&all, &lengths)).lines();
            let mut found = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                found.push(line);
            }
            found
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn segments_are_those_of_std(all in text(), lengths in vec(0_usize..20, 0..40), capacity in 1_usize..20) {
        let expected: Vec<_> = BufRead::split(&all[..], b'a').map(|part| part.unwrap()).collect();
        let found = block_on(async {
            let mut parts = BufReader::with_capacity(capacity, chunked(&all, &lengths)).split(b'a');
            let mut found = Vec::new();
            while let Some(part) = parts.next_segment().await.unwrap() {
                found.push(part);
            }
            found
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn until_is_that_of_std_also_when_calls_are_dropped(
        all in text(), lengths in vec(0_usize..20, 0..40), capacity in 1_usize..20,
    ) {
        let mut std = &all[..];
        let mut r = BufReader::with_capacity(capacity, chunked(&all, &lengths));
        loop {
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            BufRead::read_until(&mut std, b'\n', &mut expected).unwrap();
            // Each call is dropped at its first wait, and made again.
            while task(r.read_until(b'\n', &mut found)).poll().is_pending() {}
            prop_assert_eq!(&found, &expected);
            if expected.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn everything_is_read_to_the_end(
        all in vec(any::<u8>(), 0..10_000), lengths in vec(0_usize..3000, 0..40), room in 0_usize..5000,
    ) {
        let mut found = Vec::with_capacity(room);
        found.extend_from_slice(b"before");
        let read = block_on(chunked(&all, &lengths).read_to_end(&mut found)).unwrap();
        prop_assert_eq!(read, all.len());
        prop_assert_eq!(&found[6..], &all[..]);
    }

    #[test]
    fn copies_are_whole(
        all in vec(any::<u8>(), 0..20_000),
        lengths in vec(0_usize..3000, 0..40),
        takes in vec(0_usize..3000, 0..40),
        capacity in 1_usize..5000,
    ) {
        let mut w = taking(&takes);
        prop_assert_eq!(block_on(copy(&mut chunked(&all, &lengths), &mut w)).unwrap(), all.len() as u64);
        prop_assert_eq!(&w.written, &all);
        let mut r = BufReader::with_capacity(capacity, chunked(&all, &lengths));
        let mut w = taking(&takes);
        prop_assert_eq!(block_on(copy_buf(&mut r, &mut w)).unwrap(), all.len() as u64);
        prop_assert_eq!(&w.written, &all);
    }

    #[test]
    fn copies_in_both_directions_are_whole(
        there in vec(any::<u8>(), 0..5000),
        back in vec(any::<u8>(), 0..5000),
        lengths in vec(0_usize..3000, 0..40),
        takes in vec(0_usize..3000, 0..40),
        sizes in (1_usize..3000, 1_usize..3000),
    ) {
        let mut a = Script { writes: taking(&takes).writes, ..chunked(&there, &lengths) };
        let mut b = Script { writes: taking(&lengths).writes, ..chunked(&back, &takes) };
        let copied = block_on(copy_bidirectional_with_sizes(&mut a, &mut b, sizes.0, sizes.1)).unwrap();
        prop_assert_eq!(copied, (there.len() as u64, back.len() as u64));
        prop_assert_eq!((&b.written, &a.written), (&there, &back));
        prop_assert_eq!((a.shut_down, b.shut_down), (1, 1));
    }

    #[test]
    fn a_duplex_is_a_bounded_queue(
        bound in 1_usize..40,
        steps in vec(prop_oneof![
            4 => (0_usize..30).prop_map(Ok),
            4 => (0_usize..30).prop_map(Err),
        ], 0..200),
        close in any::<prop::sample::Index>(),
    ) {
        let (a, mut b) = duplex(bound);
        let mut a = Some(a);
        let mut queue = VecDeque::new();
        let mut next = 0_u8;
        let close = close.index(steps.len() + 1);
        for (at, step) in steps.into_iter().enumerate() {
            if at == close {
                a = None;
            }
            match (step, &mut a) {
                (Ok(len), Some(a)) => {
                    let data: Vec<u8> = (0..len).map(|i| next.wrapping_add(i as u8)).collect();
                    let room = len.min(bound - queue.len());
                    match task(a.write(&data)).poll() {
                        Poll::Ready(n) => prop_assert_eq!(n.unwrap(), room),
                        Poll::Pending => prop_assert!(room == 0 && len > 0),
                    }
                    queue.extend(&data[..room]);
                    next = next.wrapping_add(room as u8);
                }
                (Ok(len), None) => prop_assert_eq!(kind(now(b.write(&vec![0; len]))), BrokenPipe),
                (Err(len), a) => {
                    let mut buf = vec![0; len];
                    let there = len.min(queue.len());
                    match task(b.read(&mut buf)).poll() {
                        Poll::Ready(n) => prop_assert_eq!(n.unwrap(), there),
                        Poll::Pending => prop_assert!(there == 0 && len > 0 && a.is_some()),
                    }
                    let expected: Vec<u8> = queue.drain(..there).collect();
                    prop_assert_eq!(&buf[..there], &expected[..]);
                }
            }
        }
    }

    #[test]
    fn a_buffered_reader_reads_and_seeks_as_that_of_std(
        all in vec(any::<u8>(), 0..100),
        capacity in 1_usize..20,
        steps in vec(prop_oneof![
            (0_usize..20).prop_map(Ok),
            (0_u64..120).prop_map(|at| Err(SeekFrom::Start(at))),
            (-20_i64..20).prop_map(|by| Err(SeekFrom::Current(by))),
            (-120_i64..20).prop_map(|by| Err(SeekFrom::End(by))),
        ], 0..50),
    ) {
        let mut std = std::io::BufReader::with_capacity(capacity, std::io::Cursor::new(&all));
        let mut ours = BufReader::with_capacity(capacity, std::io::Cursor::new(&all));
        for step in steps {
            match step {
                Ok(len) => {
                    let (mut expected, mut found) = (vec![0; len], vec![0; len]);
                    let read = std.read(&mut expected).unwrap();
                    prop_assert_eq!(now(AsyncReadExt::read(&mut ours, &mut found)).unwrap(), read);
                    prop_assert_eq!(found, expected);
                    prop_assert_eq!(ours.buffer(), std.buffer());
                }
                Err(to) => {
                    let (expected, found) = (std.seek(to), now(AsyncSeekExt::seek(&mut ours, to)));
                    prop_assert_eq!(found.ok(), expected.ok());
                }
            }
        }
    }

    #[test]
    fn a_buffered_writer_writes_everything_in_order(
        capacity in 0_usize..30,
        vectored in any::<bool>(),
        pieces in vec(vec(vec(any::<u8>(), 0..20), 0..4), 0..30),
        takes in vec(0_usize..30, 0..60),
    ) {
        let mut w = BufWriter::with_capacity(capacity, Script { vectored, ..taking(&takes) });
        let mut expected = Vec::new();
        block_on(async {
            for pieces in &pieces {
                let slices: Vec<_> = pieces.iter().map(|piece| std::io::IoSlice::new(piece)).collect();
                // An interruption takes nothing: the user tries again.
                let taken = loop {
                    match w.write_vectored(&slices).await {
                        Err(error) if error.kind() == Interrupted => {}
                        taken => break taken.unwrap(),
                    }
                };
                expected.extend_from_slice(&pieces.concat()[..taken]);
                assert!(w.buffer().len() <= capacity);
            }
            w.flush().await.unwrap();
        });
        prop_assert_eq!(&w.get_ref().written, &expected);
    }

    #[test]
    fn numbers_come_back_as_they_went(
        a in any::<i8>(), b in any::<u16>(), c in any::<i32>(), d in any::<u64>(), e in any::<i128>(),
        f in any::<f32>(), g in any::<f64>(), lengths in vec(0_usize..9, 0..40),
    ) {
        let mut bytes = Vec::new();
        now(async {
            bytes.write_i8(a).await?;
            bytes.write_u16(b).await?;
            bytes.write_u16_le(b).await?;
            bytes.write_i32(c).await?;
            bytes.write_i32_le(c).await?;
            bytes.write_u64(d).await?;
            bytes.write_u64_le(d).await?;
            bytes.write_i128(e).await?;
            bytes.write_i128_le(e).await?;
            bytes.write_f32(f).await?;
            bytes.write_f64_le(g).await
        }).unwrap();
        prop_assert_eq!(&bytes[..5], &[&a.to_be_bytes()[..], &b.to_be_bytes(), &b.to_le_bytes()].concat());
        let mut r = chunked(&bytes, &lengths);
        block_on(async {
            assert_eq!(r.read_i8().await.unwrap(), a);
            assert_eq!(r.read_u16().await.unwrap(), b);
            assert_eq!(r.read_u16_le().await.unwrap(), b);
            assert_eq!(r.read_i32().await.unwrap(), c);
            assert_eq!(r.read_i32_le().await.unwrap(), c);
            assert_eq!(r.read_u64().await.unwrap(), d);
            assert_eq!(r.read_u64_le().await.unwrap(), d);
            assert_eq!(r.read_i128().await.unwrap(), e);
            assert_eq!(r.read_i128_le().await.unwrap(), e);
            assert_eq!(r.read_f32().await.unwrap().to_bits(), f.to_bits());
            assert_eq!(r.read_f64_le().await.unwrap().to_bits(), g.to_bits());
        });
    }
}
