//! What is always ready makes its task yield; what is merely in memory does not.

use std::future::Future;
use std::io::IoSlice;

use unstuck_base::local::{self, BUDGET, TaskRef};
use unstuck_io::*;

use crate::support::*;

/// Whether a loop over `operation` ends a poll by itself, as one of a thousand rounds.
async fn thousand_times<F: Future>(mut operation: impl FnMut() -> F) {
    for _ in 0..1000 {
        operation().await;
    }
}

#[track_caller]
fn polls_of(future: impl Future<Output = ()>) -> usize {
    let mut running = task(future);
    for polls in 1.. {
        let outer = local::begin_poll(TaskRef { id: local::next_task_id(), poll: polls as u32, root: false });
        let polled = running.poll();
        assert_eq!(local::end_poll(outer).len, 0, "a task that yields waits for nothing");
        if polled.is_ready() {
            return polls;
        }
        assert!(running.wakes() >= polls, "a task that yields is woken");
    }
    unreachable!()
}

/// The fewest polls in which a thousand rounds of at least one charge can be done.
const YIELDS: usize = 1000_usize.div_ceil(BUDGET as usize);

#[test]
fn the_trivial_ones_yield() {
    assert_eq!(polls_of(thousand_times(async || empty().read(&mut [0]).await.unwrap())), YIELDS);
    assert_eq!(polls_of(thousand_times(async || empty().read_line(&mut String::new()).await.unwrap())), YIELDS);
    assert_eq!(polls_of(thousand_times(async || empty().write(b"x").await.unwrap())), YIELDS);
    assert_eq!(polls_of(thousand_times(async || sink().write_all(b"x").await.unwrap())), YIELDS);
    let slices = [IoSlice::new(b"hello"), IoSlice::new(b"world")];
    assert_eq!(polls_of(thousand_times(async || sink().write_vectored(&slices).await.unwrap())), YIELDS);
    assert_eq!(polls_of(thousand_times(async || sink().flush().await.unwrap())), YIELDS);
    assert_eq!(polls_of(thousand_times(async || sink().shutdown().await.unwrap())), YIELDS);
    assert_eq!(polls_of(thousand_times(async || repeat(1).read_exact(&mut [0; 64]).await.unwrap())), YIELDS);
}

#[test]
fn copies_of_ready_data_yield() {
    assert!(polls_of(thousand_times(async || copy(&mut &b"hello"[..], &mut Vec::new()).await.unwrap())) >= YIELDS);
    assert!(polls_of(thousand_times(async || copy_buf(&mut &b"hello"[..], &mut Vec::new()).await.unwrap())) >= YIELDS);
    let both = async || {
        let (mut a, mut b) = (reads([bytes("a")]), reads([bytes("b")]));
        copy_bidirectional(&mut a, &mut b).await.unwrap()
    };
    assert!(polls_of(thousand_times(both)) >= YIELDS);
}

#[test]
fn one_long_copy_yields() {
    let long = vec![0; 1 << 20];
    // 128 rounds of 8 KiB, and one that finds the end.
    assert_eq!(polls_of(async { assert_eq!(copy(&mut &long[..], &mut Vec::new()).await.unwrap(), 1 << 20) }), 2);
}

#[test]
fn pipes_yield() {
    let (mut a, mut b) = duplex(8192);
    let both = async {
        for _ in 0..500 {
            a.write_all(&[3; 4096]).await.unwrap();
            b.read_exact(&mut [0; 4096]).await.unwrap();
        }
    };
    assert_eq!(polls_of(both), YIELDS);
    let mut pipe = SimplexStream::new_unsplit(1);
    let both = async {
        for _ in 0..500 {
            pipe.write_u8(1).await.unwrap();
            pipe.read_u8().await.unwrap();
        }
    };
    assert_eq!(polls_of(both), YIELDS);
}

#[test]
fn waiting_for_a_pipe_costs_nothing() {
    let (mut a, _b) = duplex(1);
    let outer = local::begin_poll(TaskRef { id: local::next_task_id(), poll: 1, root: false });
    for _ in 0..2 * usize::from(BUDGET) {
        cancel(a.read_u8());
    }
    assert!(local::has_budget());
    let _ = local::end_poll(outer);
}

#[test]
fn memory_does_not_yield() {
    let bytes = vec![0; 1000];
    let mut slice = &bytes[..];
    assert_eq!(polls_of(async { while slice.read_u8().await.is_ok() {} }), 1);
    let mut cursor = std::io::Cursor::new(bytes);
    assert_eq!(polls_of(async { while cursor.read_u8().await.is_ok() {} }), 1);
    let mut vec = Vec::new();
    let mut writes = async || {
        for n in 0..1000 {
            vec.write_u16(n).await.unwrap();
        }
    };
    assert_eq!(polls_of(writes()), 1);
}
