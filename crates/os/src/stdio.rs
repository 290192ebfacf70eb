//! The standard streams of the process.
//!
//! 1. The input has one thread, started when somebody first asks, which nobody ever joins: so no one waits for a read that
//!    may never end. It reads only while somebody asked for more than was there.
//! 2. What it read is kept until a reader takes it; that the input ended, or failed, until one reader was told.
//! 3. It reads through std's own stdin, so that nothing is lost in std's buffer. Output goes through std's streams.
//! 4. A forked child has a thread of its own, and reads the descriptor itself: the thread of its parent may hold the lock of
//!    std's stdin. What the parent has read and nobody took is the parent's.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use unstuck_base::fork::{self, PerProcess};
use unstuck_base::sync::{Condvar, Mutex};
use unstuck_base::waker_cell::WakerCell;
use unstuck_driver::stdio::{Output, Stdio};

/// How much is read at a time, at most: 64 KiB.
const MOST: usize = 64 * 1024;

static INPUT: PerProcess<Arc<Input>> = PerProcess::new(|| {
    if fork::is_child() { Input::new(read_descriptor) } else { Input::new(|buf| io::stdin().read(buf)) }
});

/// The standard streams; see the module's rules.
#[derive(Debug)]
pub(crate) struct OsStdio;

impl Stdio for OsStdio {
    fn poll_read(
        &self,
        waiter: &Arc<WakerCell>,
        cx: &Context<'_>,
        room: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        INPUT.get().poll_read(waiter, cx, room, take)
    }

    fn write(&self, output: Output, bytes: &[u8]) -> io::Result<()> {
        match output {
            Output::Stdout => io::stdout().write_all(bytes),
            Output::Stderr => io::stderr().write_all(bytes),
        }
    }

    fn flush(&self, output: Output) -> io::Result<()> {
        match output {
            Output::Stdout => io::stdout().flush(),
            Output::Stderr => io::stderr().flush(),
        }
    }
}

/// Reads the standard input past std.
fn read_descriptor(buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the file is not dropped, so the descriptor is not closed; it is the process's for its whole life.
    let mut input = ManuallyDrop::new(unsafe { File::from_raw_fd(libc::STDIN_FILENO) });
    match input.read(buf) {
        // As std has it: a process without an input is one whose input has ended.
        Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(0),
        read => read,
    }
}

/// Reads once.
type Source = Box<dyn FnMut(&mut [u8]) -> io::Result<usize> + Send>;

/// A stream that a thread of its own reads when it is asked.
struct Input {
    state: Mutex<State>,
    asked: Condvar,
}

struct State {
    /// What was read is `bytes[taken..read]`.
    bytes: Vec<u8>,
    taken: usize,
    read: usize,
    /// The end of the input, or an error, of which nobody was told yet.
    end: Option<io::Result<()>>,
    /// How much is to be read; 0: nothing.
    wanted: usize,
    /// Who waits for news.
    waiters: Vec<Weak<WakerCell>>,
    /// What is read, until the thread is started, which takes it.
    source: Option<Source>,
}

impl Input {
    fn new(source: impl FnMut(&mut [u8]) -> io::Result<usize> + Send + 'static) -> Arc<Input> {
        let state = State {
            bytes: Vec::new(),
            taken: 0,
            read: 0,
            end: None,
            wanted: 0,
            waiters: Vec::new(),
            source: Some(Box::new(source)),
        };
        Arc::new(Input { state: Mutex::new(state), asked: Condvar::new() })
    }

    /// See [`Stdio::poll_read`].
    fn poll_read(
        self: &Arc<Self>,
        waiter: &Arc<WakerCell>,
        cx: &Context<'_>,
        room: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        assert!(room > 0, "a reader without room is told nothing: answer it without asking");
        // Before the look at what is there, and outside the lock: cloning a waker is code of others.
        waiter.register(cx.waker());
        let mut state = self.state.lock();
        if state.taken < state.read {
            let count = room.min(state.read - state.taken);
            take(&state.bytes[state.taken..state.taken + count]);
            state.taken += count;
            return Poll::Ready(Ok(count));
        }
        if let Some(end) = state.end.take() {
            return Poll::Ready(end.map(|()| 0));
        }
        state.wait(waiter);
        state.wanted = state.wanted.max(room.min(MOST));
        if let Some(source) = state.source.take() {
            self.start(source, &mut state)?;
        }
        drop(state);
        self.asked.notify_one();
        Poll::Pending
    }

    /// Starts the thread that reads.
    fn start(self: &Arc<Self>, source: Source, state: &mut State) -> io::Result<()> {
        let this = self.clone();
        // If no thread starts, the source comes back, for the next reader to try again.
        let (give, given) = std::sync::mpsc::sync_channel::<Source>(1);
        let started = std::thread::Builder::new().name("unstuck-stdin".into()).spawn(move || {
            if let Ok(source) = given.recv() {
                this.read_when_asked(source);
            }
        });
        match started {
            Ok(_nobody_joins_it) => {
                let _it_waits_for_this = give.send(source);
                Ok(())
            }
            Err(error) => {
                state.source = Some(source);
                Err(error)
            }
        }
    }

    fn read_when_asked(&self, mut source: Source) {
        let mut buffer = Vec::new();
        loop {
            let wanted = self.wait_until_asked();
            if buffer.len() < wanted {
                buffer.resize(wanted, 0);
            }
            let read = read(&mut source, &mut buffer[..wanted]);
            let waiters = {
                let mut state = self.state.lock();
                state.wanted = 0;
                state.put(&mut buffer, read);
                std::mem::take(&mut state.waiters)
            };
            waiters.iter().filter_map(Weak::upgrade).for_each(|waiter| waiter.wake());
        }
    }

    /// Waits until somebody asks for more; returns how much.
    fn wait_until_asked(&self) -> usize {
        let mut state = self.state.lock();
        while state.wanted == 0 {
            state = self.asked.wait(state);
        }
        state.wanted
    }
}

impl State {
    /// Adds one who waits, and forgets those that are gone.
    fn wait(&mut self, waiter: &Arc<WakerCell>) {
        self.waiters.retain(|other| other.strong_count() > 0);
        if !self.waiters.iter().any(|other| std::ptr::eq(other.as_ptr(), &raw const **waiter)) {
            self.waiters.push(Arc::downgrade(waiter));
        }
    }

    /// Takes what was read into `buffer`, and gives the buffer of before in exchange, of which all was taken.
    fn put(&mut self, buffer: &mut Vec<u8>, read: io::Result<usize>) {
        assert_eq!(self.taken, self.read, "more is read only when all was taken");
        match read {
            Ok(0) => self.end = Some(Ok(())),
            Ok(read) => {
                std::mem::swap(&mut self.bytes, buffer);
                (self.taken, self.read) = (0, read);
            }
            Err(error) => self.end = Some(Err(error)),
        }
    }
}

fn read(source: &mut Source, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match source(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::task::{Wake, Waker};
    use std::thread::Thread;

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    /// What a read gives.
    type Read = io::Result<&'static [u8]>;

    /// A source of which each read is sent by the test, which is told how much room it had.
    fn sent_by_the_test() -> (mpsc::Sender<Read>, mpsc::Receiver<usize>, Arc<Input>) {
        let (send, reads) = mpsc::channel::<Read>();
        let (tell, rooms) = mpsc::channel();
        let input = Input::new(move |buf| {
            // The test has ended when nobody listens.
            let _ended = tell.send(buf.len());
            let bytes = reads.recv().unwrap_or(Ok(b""))?;
            buf[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        });
        (send, rooms, input)
    }

    fn poll(input: &Arc<Input>, waiter: &Arc<WakerCell>, room: usize) -> Poll<io::Result<Vec<u8>>> {
        let waker: Waker = Arc::new(Unpark(std::thread::current())).into();
        let mut taken = Vec::new();
        let polled = input.poll_read(waiter, &Context::from_waker(&waker), room, &mut |bytes| taken.extend(bytes));
        polled.map_ok(|count| {
            assert_eq!(count, taken.len());
            taken
        })
    }

    /// Reads as a task would, and sleeps until it is woken.
    fn read(input: &Arc<Input>, room: usize) -> io::Result<Vec<u8>> {
        let waiter = Arc::new(WakerCell::new());
        loop {
            match poll(input, &waiter, room) {
                Poll::Ready(read) => return read,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    #[test]
    fn nothing_is_read_before_somebody_asks_and_no_more_than_that() {
        let (send, rooms, input) = sent_by_the_test();
        send.send(Ok(b"abc")).unwrap();
        assert!(rooms.try_recv().is_err());
        assert_eq!(read(&input, 3).unwrap(), b"abc");
        assert_eq!(rooms.recv().unwrap(), 3);
        assert!(rooms.try_recv().is_err());
    }

    #[test]
    fn what_a_reader_that_gave_up_had_asked_for_is_the_next_ones() {
        let (send, rooms, input) = sent_by_the_test();
        let gone = Arc::new(WakerCell::new());
        assert!(poll(&input, &gone, 10).is_pending());
        drop(gone);
        assert_eq!(rooms.recv().unwrap(), 10);
        send.send(Ok(b"abcdef")).unwrap();
        assert_eq!(read(&input, 4).unwrap(), b"abcd");
        assert_eq!(read(&input, 4).unwrap(), b"ef");
    }

    #[test]
    fn all_who_wait_are_woken() {
        let (send, _rooms, input) = sent_by_the_test();
        let readers: Vec<_> =
            (0..3).map(|_| input.clone()).map(|input| std::thread::spawn(move || read(&input, 1))).collect();
        for bytes in [b"x", b"y", b"z"] {
            send.send(Ok(bytes)).unwrap();
        }
        let mut all: Vec<_> = readers.into_iter().flat_map(|reader| reader.join().unwrap().unwrap()).collect();
        all.sort();
        assert_eq!(all, b"xyz");
    }

    #[test]
    fn an_end_or_an_error_is_told_once_and_reading_goes_on() {
        let (send, _rooms, input) = sent_by_the_test();
        for read in
            [Ok(&b"a"[..]), Ok(b""), Err(io::ErrorKind::Interrupted.into()), Err(io::ErrorKind::Other.into()), Ok(b"b")]
        {
            send.send(read).unwrap();
        }
        assert_eq!(read(&input, 9).unwrap(), b"a");
        assert_eq!(read(&input, 9).unwrap(), b"");
        assert_eq!(read(&input, 9).unwrap_err().kind(), io::ErrorKind::Other);
        assert_eq!(read(&input, 9).unwrap(), b"b");
    }

    #[test]
    fn readers_that_are_gone_are_forgotten() {
        let (send, _rooms, input) = sent_by_the_test();
        for _ in 0..100 {
            assert!(poll(&input, &Arc::new(WakerCell::new()), 1).is_pending());
        }
        assert!(input.state.lock().waiters.len() <= 1);
        send.send(Ok(b"x")).unwrap();
        assert_eq!(read(&input, 1).unwrap(), b"x");
    }
}
