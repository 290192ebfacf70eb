//! What a file is doing, and what it keeps meanwhile.
//!
//! 1. One operation that depends on the place at which the file is read and written is under way at a time. Whoever wants
//!    another one *settles* it first. One whose future was dropped is under way until then, and its result is not lost.
//! 2. Bytes that were read and not taken yet are *ahead*: the system's place is behind them, the user's before them. Whatever
//!    needs the system's place to be the user's takes it back first, and then they are forgotten. A file that has no such
//!    place (a terminal, a pipe) keeps them.
//! 3. A write is under way when its caller has been told that it is done: it is promised, and its error is told once, by the
//!    next write, flush or sync.
//! 4. The buffers go along with the operation and come back with its result: a file has one for reading and one for
//!    writing, whose memory is used again, and which are never filled with zeros.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_context::current;
use unstuck_driver::Disk;
use unstuck_driver::disk::FileChange;

use super::super::on_disk::{Trip, begin, not_done, promise};
use crate::called_at::{Line, current_at};

/// See the module's rules.
pub(super) struct Work {
    under_way: UnderWay,
    ahead: Ahead,
    /// The buffer for writing, when no write is under way.
    spare: Vec<u8>,
    write_failed: Option<io::Error>,
    /// Where the last move ended.
    position: u64,
}

enum UnderWay {
    Nothing,
    Read(Trip<(Vec<u8>, io::Result<usize>)>),
    Write(Trip<(Vec<u8>, io::Result<Place>)>),
    Seek(Trip<io::Result<u64>>),
    Change(Trip<io::Result<Place>>),
}

/// What came of taking the system's place back.
enum Place {
    /// It is where the user's is.
    TakenBack,
    /// The file has none.
    None,
}

/// What was under way and is over.
enum Settled {
    Nothing,
    Read(io::Result<usize>),
    /// Its error, if there is one, is in `write_failed`.
    Write,
    Seek(io::Result<u64>),
    Change(io::Result<()>),
}

/// Bytes that were read and not taken.
#[derive(Default)]
struct Ahead {
    bytes: Vec<u8>,
    taken: usize,
}

impl Work {
    pub(super) fn new() -> Self {
        Work {
            under_way: UnderWay::Nothing,
            ahead: Ahead::default(),
            spare: Vec::new(),
            write_failed: None,
            position: 0,
        }
    }

    /// Reads once if nothing is ahead, at most `most` bytes, and gives what then is ahead: nothing at the end of the file.
    pub(super) fn poll_ahead(
        &mut self,
        cx: &mut Context<'_>,
        file: &Arc<File>,
        most: usize,
    ) -> Poll<io::Result<&[u8]>> {
        loop {
            match ready!(self.poll_settle(cx)) {
                Settled::Read(Ok(0)) => return Poll::Ready(Ok(&[])),
                Settled::Read(Err(error)) => return Poll::Ready(Err(error)),
                _ if self.ahead.left() > 0 => return Poll::Ready(Ok(self.ahead.as_slice())),
                _ => self.begin_read(file.clone(), most),
            }
        }
    }

    /// Takes `count` bytes of what is ahead.
    pub(super) fn take(&mut self, count: usize) {
        self.ahead.taken += count;
    }

    /// Waits until a write can begin, and gives the buffer for it, which is empty.
    pub(super) fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Vec<u8>>> {
        let _settled = ready!(self.poll_settle(cx));
        if let Some(error) = self.write_failed.take() {
            return Poll::Ready(Err(error));
        }
        self.spare.clear();
        Poll::Ready(Ok(&mut self.spare))
    }

    /// Begins to write what is in the buffer.
    ///
    /// # Errors
    /// The runtime has shut down.
    pub(super) fn begin_write(&mut self, file: Arc<File>) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.spare);
        let ahead = self.ahead.left();
        self.under_way = UnderWay::Write(promise(move |kernel| {
            let written = kernel.disk().and_then(|disk| {
                let place = take_back(disk, &file, ahead)?;
                write_all(disk, &file, &bytes)?;
                Ok(place)
            });
            (bytes, written)
        })?);
        Ok(())
    }

    /// Waits until nothing is being written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Reading and moving hold nothing back.
        if matches!(self.under_way, UnderWay::Write(_)) {
            let _settled = ready!(self.poll_settle(cx));
        }
        Poll::Ready(self.tell_write_failed())
    }

    pub(super) fn start_seek(&mut self, file: Arc<File>, to: SeekFrom) -> io::Result<()> {
        if !matches!(self.under_way, UnderWay::Nothing) {
            return Err(io::Error::other("other file operation is pending, call poll_complete before start_seek"));
        }
        let to = match to {
            // The user's place is before what is ahead.
            SeekFrom::Current(offset) => SeekFrom::Current(
                offset
                    .checked_sub_unsigned(self.ahead.left() as u64)
                    .ok_or(io::Error::new(io::ErrorKind::InvalidInput, "the position is out of range"))?,
            ),
            absolute => absolute,
        };
        self.under_way = UnderWay::Seek(begin(current(), move |kernel| kernel.disk()?.seek(&file, to)));
        Ok(())
    }

    /// Waits for a move to end; gives the position where the last one did.
    pub(super) fn poll_position(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match ready!(self.poll_settle(cx)) {
            Settled::Seek(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(self.position)),
        }
    }

    /// Waits for what is under way, then does `change`, with the system's place where the user's is. `None` only moves it
    /// there.
    pub(super) async fn change(&mut self, at: Line, file: &Arc<File>, change: Option<FileChange>) -> io::Result<()> {
        self.settle().await;
        let ahead = self.ahead.left();
        if change.is_none() && ahead == 0 {
            return Ok(());
        }
        let file = file.clone();
        self.under_way = UnderWay::Change(begin(current_at(at), move |kernel| {
            let disk = kernel.disk()?;
            let place = take_back(disk, &file, ahead)?;
            change.map_or(Ok(()), |change| disk.change_file(&file, &change))?;
            Ok(place)
        }));
        match poll_fn(|cx| self.poll_settle(cx)).await {
            Settled::Change(changed) => changed,
            _ => unreachable!("the change was under way, and nothing else could begin"),
        }
    }

    /// Waits for what is under way.
    pub(super) async fn settle(&mut self) {
        let _settled = poll_fn(|cx| self.poll_settle(cx)).await;
    }

    /// Settles what is over. `false`: something is under way.
    pub(super) fn try_settle(&mut self) -> bool {
        self.poll_settle(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    /// The error of a write that its caller was told is done, if there is one and nobody was told.
    pub(super) fn tell_write_failed(&mut self) -> io::Result<()> {
        self.write_failed.take().map_or(Ok(()), Err)
    }

    /// How many bytes are ahead.
    pub(super) fn ahead(&self) -> usize {
        self.ahead.left()
    }

    fn begin_read(&mut self, file: Arc<File>, most: usize) {
        let mut bytes = std::mem::take(&mut self.ahead).bytes;
        bytes.clear();
        self.under_way = UnderWay::Read(begin(current(), move |kernel| {
            let read = kernel.disk().and_then(|disk| uninterrupted(|| disk.read(&file, &mut bytes, most)));
            (bytes, read)
        }));
    }

    /// Waits for what is under way, and takes its result in. Keeps the error of a write for whoever is to be told.
    fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<Settled> {
        let settled = match &mut self.under_way {
            UnderWay::Nothing => return Poll::Ready(Settled::Nothing),
            UnderWay::Read(trip) => {
                let read = ready!(Pin::new(trip).poll(cx)).map_err(not_done);
                Settled::Read(read.and_then(|(bytes, read)| {
                    self.ahead = Ahead { bytes, taken: 0 };
                    read
                }))
            }
            UnderWay::Write(trip) => {
                let written = ready!(Pin::new(trip).poll(cx)).map_err(not_done);
                let written = written.and_then(|(bytes, written)| {
                    self.spare = bytes;
                    written
                });
                match written {
                    Ok(place) => self.ahead.settle(place),
                    Err(error) => self.write_failed = Some(error),
                }
                Settled::Write
            }
            UnderWay::Seek(trip) => {
                let place = ready!(Pin::new(trip).poll(cx)).map_err(not_done).flatten();
                if let Ok(place) = place {
                    self.position = place;
                    self.ahead.settle(Place::TakenBack);
                }
                Settled::Seek(place)
            }
            UnderWay::Change(trip) => {
                let changed = ready!(Pin::new(trip).poll(cx)).map_err(not_done).flatten();
                Settled::Change(changed.map(|place| self.ahead.settle(place)))
            }
        };
        self.under_way = UnderWay::Nothing;
        Poll::Ready(settled)
    }
}

impl Ahead {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// The system's place was to be taken back to the user's (rule 2).
    fn settle(&mut self, place: Place) {
        match place {
            Place::TakenBack => self.taken = self.bytes.len(),
            Place::None => {}
        }
    }
}

/// Takes the system's place back by `ahead` bytes, if the file has one.
fn take_back(disk: &dyn Disk, file: &File, ahead: usize) -> io::Result<Place> {
    if ahead == 0 {
        return Ok(Place::TakenBack);
    }
    match disk.seek(file, SeekFrom::Current(-(ahead as i64))) {
        Ok(_) => Ok(Place::TakenBack),
        Err(error) if error.kind() == io::ErrorKind::NotSeekable => Ok(Place::None),
        Err(error) => Err(error),
    }
}

fn write_all(disk: &dyn Disk, file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match uninterrupted(|| disk.write(file, bytes))? {
            0 => return Err(io::Error::new(io::ErrorKind::WriteZero, "failed to write whole buffer")),
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}

/// Repeats `call` while a signal interrupts it.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
