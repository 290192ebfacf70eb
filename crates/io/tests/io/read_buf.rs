//! The marks of a `ReadBuf`.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::BufMut;
use unstuck_io::ReadBuf;

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn filling_moves_both_marks_and_clearing_only_one() {
    let mut memory = [MaybeUninit::uninit(); 4];
    let mut buf = ReadBuf::uninit(&mut memory);
    buf.put_slice(b"ab");
    assert_eq!((buf.filled(), buf.initialized(), buf.remaining(), buf.capacity()), (&b"ab"[..], &b"ab"[..], 2, 4));
    buf.clear();
    assert_eq!((buf.filled(), buf.initialized()), (&b""[..], &b"ab"[..]));
    buf.set_filled(1);
    buf.filled_mut()[0] = b'A';
    buf.initialized_mut()[1] = b'B';
    assert_eq!(buf.initialized(), b"AB");
}

#[test]
fn initialising_zeroes_only_what_was_not_known() {
    let mut memory = [MaybeUninit::new(7); 6];
    let mut buf = ReadBuf::uninit(&mut memory);
    buf.put_slice(b"a");
    // SAFETY: the array is initialised.
    unsafe { buf.assume_init(2) };
    assert_eq!(buf.initialize_unfilled_to(3), [7, 7, 0]);
    assert_eq!(buf.initialized().len(), 4);
    assert_eq!(buf.initialize_unfilled(), [7, 7, 0, 0, 0]);
    // SAFETY: fewer than are known: it changes nothing.
    unsafe { buf.assume_init(1) };
    assert_eq!(buf.initialized().len(), 6);
}

#[test]
fn a_part_knows_what_of_it_is_initialised_and_fills_the_whole() {
    let mut memory = [MaybeUninit::uninit(); 6];
    let mut buf = ReadBuf::uninit(&mut memory);
    buf.put_slice(b"a");
    buf.initialize_unfilled_to(2);
    let mut part = buf.take(3);
    assert_eq!((part.capacity(), part.initialized().len()), (3, 2));
    part.put_slice(b"bcd");
    assert_eq!(buf.take(100).capacity(), 5);
    // SAFETY: the part wrote them.
    unsafe { buf.assume_init(3) };
    buf.advance(3);
    assert_eq!(buf.filled(), b"abcd");
}

#[test]
fn unsafe_access_reaches_everything() {
    let mut memory = [MaybeUninit::uninit(); 3];
    let mut buf = ReadBuf::uninit(&mut memory);
    buf.put_slice(b"a");
    // SAFETY: only values are written.
    unsafe {
        assert_eq!(buf.inner_mut().len(), 3);
        buf.unfilled_mut()[0].write(b'b');
        buf.assume_init(1);
    }
    buf.advance(1);
    assert_eq!(buf.filled(), b"ab");
}

#[test]
fn misuse_panics_and_changes_nothing() {
    let mut memory = [MaybeUninit::uninit(); 2];
    let mut buf = ReadBuf::uninit(&mut memory);
    assert!(panics(|| buf.put_slice(b"abc")));
    assert!(panics(|| buf.advance(1)));
    assert!(panics(|| buf.advance(usize::MAX)));
    assert!(panics(|| buf.set_filled(1)));
    assert!(panics(|| _ = buf.initialize_unfilled_to(3)));
    // SAFETY: it panics before it believes us.
    assert!(panics(|| unsafe { buf.advance_mut(3) }));
    assert_eq!((buf.filled().len(), buf.initialized().len()), (0, 0));
}

#[test]
fn it_is_a_buf_mut_of_its_unfilled_part() {
    let mut memory = [0; 8];
    let mut buf = ReadBuf::new(&mut memory);
    buf.put_u32(1);
    assert_eq!((buf.remaining_mut(), buf.chunk_mut().len()), (4, 4));
    buf.put_bytes(9, 4);
    assert_eq!((buf.has_remaining_mut(), buf.chunk_mut().len()), (false, 0));
    assert_eq!(buf.filled(), [0, 0, 0, 1, 9, 9, 9, 9]);
}
