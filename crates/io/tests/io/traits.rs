//! Which type is what: the auto traits and the objects.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;

use unstuck_io::*;

fn send_sync_unpin<T: Send + Sync + Unpin>() {}
fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}

/// A type that is not Unpin as long as `T` does not say so by itself, by the rule that two matching impls are ambiguous.
trait NotUnpin<Ambiguous> {
    fn check(&self) {}
}
impl<T: ?Sized> NotUnpin<()> for T {}
struct Invalid;
impl<T: ?Sized + Unpin> NotUnpin<Invalid> for T {}

fn send_sync<T: Send + Sync>(value: T) -> T {
    value
}

type Stream = DuplexStream;

#[test]
fn types_are_send_sync_and_unpin() {
    send_sync_unpin::<BufReader<Stream>>();
    send_sync_unpin::<BufWriter<Stream>>();
    send_sync_unpin::<BufStream<Stream>>();
    send_sync_unpin::<Chain<Stream, Stream>>();
    send_sync_unpin::<Take<Stream>>();
    send_sync_unpin::<Lines<Stream>>();
    send_sync_unpin::<Split<Stream>>();
    send_sync_unpin::<Join<Stream, Stream>>();
    send_sync_unpin::<ReadHalf<Stream>>();
    send_sync_unpin::<WriteHalf<Stream>>();
    send_sync_unpin::<DuplexStream>();
    send_sync_unpin::<SimplexStream>();
    send_sync_unpin::<ReadBuf<'static>>();
    send_sync_unpin::<(Empty, Sink, Repeat)>();
}

#[test]
fn types_are_unwind_safe() {
    unwind_safe::<ReadHalf<std::cell::Cell<u8>>>();
    unwind_safe::<WriteHalf<std::cell::Cell<u8>>>();
    unwind_safe::<BufStream<SimplexStream>>();
    unwind_safe::<(Empty, Sink, Repeat)>();
}

type BoxRead = Pin<Box<dyn AsyncBufRead + Send + Sync>>;
type BoxWrite = Pin<Box<dyn AsyncWrite + Send + Sync>>;
type BoxSeek = Pin<Box<dyn AsyncSeek + Send + Sync>>;

#[test]
fn futures_are_send_and_sync_but_not_unpin() {
    let mut r: BoxRead = Box::pin(empty());
    let mut w: BoxWrite = Box::pin(sink());
    let mut s: BoxSeek = Box::pin(empty());
    let (mut bytes, mut text) = (Vec::new(), String::new());
    send_sync(r.read(&mut bytes)).check();
    send_sync(r.read_buf(&mut bytes)).check();
    send_sync(r.read_exact(&mut bytes)).check();
    send_sync(r.read_to_end(&mut bytes)).check();
    send_sync(r.read_to_string(&mut text)).check();
    send_sync(r.read_u8()).check();
    send_sync(r.read_f64_le()).check();
    send_sync(r.fill_buf()).check();
    send_sync(r.read_until(0, &mut bytes)).check();
    send_sync(r.read_line(&mut text)).check();
    send_sync(w.write(b"")).check();
    send_sync(w.write_vectored(&[])).check();
    send_sync(w.write_buf(&mut &b""[..])).check();
    send_sync(w.write_all(b"")).check();
    send_sync(w.write_all_buf(&mut &b""[..])).check();
    send_sync(w.write_u8(0)).check();
    send_sync(w.write_i128_le(0)).check();
    send_sync(w.flush()).check();
    send_sync(w.shutdown()).check();
    send_sync(s.seek(SeekFrom::Start(0))).check();
    send_sync(BufReader::new(empty()).lines().next_line()).check();
    send_sync(BufReader::new(empty()).split(0).next_segment()).check();
    send_sync(copy(&mut empty(), &mut sink())).check();
    send_sync(copy_buf(&mut empty(), &mut sink())).check();
    send_sync(copy_bidirectional(&mut empty(), &mut empty())).check();
}

#[test]
fn debug_tells_the_type_and_not_the_bytes() {
    assert_eq!(format!("{:?}", BufReader::new(empty())), "BufReader { reader: Empty { .. }, buffer: 0/8192 }");
    let mut writer = BufWriter::with_capacity(8, sink());
    crate::support::now(writer.write_all(b"secret")).unwrap();
    assert_eq!(format!("{writer:?}"), "BufWriter { writer: Sink { .. }, buffer: 6/8 }");
    assert_eq!(format!("{:?}", ReadBuf::new(&mut [1, 2])), "ReadBuf { filled: 0, initialized: 2, capacity: 2 }");
    let (a, _) = duplex(1);
    assert_eq!(format!("{a:?}"), "DuplexStream { .. }");
    let (r, w) = split(a);
    assert_eq!(format!("{r:?} {w:?}"), "ReadHalf { .. } WriteHalf { .. }");
}
