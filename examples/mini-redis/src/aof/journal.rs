//! Writes changes to the append-only file and then sends the replies that waited for it.
//!
//! 1. Replies leave after the write (and under `always` after the sync) that covers their changes.
//! 2. All that queued up while the disk was busy goes in one write and one sync.
//! 3. The disk is touched on blocking threads alone. Under `everysec` a sync runs beside the writes.
//! 4. The first error is the end: the replies that wait are dropped, and the server stops. Whether a failed write or
//!    sync left anything behind can't be known; reading the file at the next start is the way to find out.
//!
//! The keeper sends groups; the connections wait for their exchanges.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use unstuck::select;
use unstuck::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use unstuck::task::{self, JoinHandle};
use unstuck::time::{MissedTickBehavior, interval};

use crate::cli::Fsync;
use crate::exchange::Delivery;

/// The keeper's end: the queue to the task that writes, and the task.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Unbounded, and bounded all the same: a connection waits for its delivery before it changes anything again.
    groups: UnboundedSender<Group>,
    task: JoinHandle<io::Result<()>>,
}

/// The changes of one turn of the keeper, and who waits for them.
#[derive(Debug)]
struct Group {
    records: Vec<u8>,
    waiting: Vec<Delivery>,
}

impl Journal {
    /// Starts the task that writes to the end of `file`.
    pub(crate) fn start(file: File, fsync: Fsync) -> Journal {
        let (groups, queue) = mpsc::unbounded_channel();
        let disk = Disk { file: Arc::new(file), fsync, unsynced: false, syncing: None };
        Journal { groups, task: task::spawn(disk.run(queue)) }
    }

    /// Writes `records`, then delivers `waiting`.
    pub(crate) fn write(&self, records: Vec<u8>, waiting: Vec<Delivery>) {
        // If the task is gone, so is the server in a moment; `failed` says it to the keeper.
        let _ = self.groups.send(Group { records, waiting });
    }

    /// Returns when the file can't be written any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(crate) async fn failed(&self) {
        self.groups.closed().await;
    }

    /// Writes what is queued, syncs, and ends.
    ///
    /// # Errors
    ///
    /// The first write or sync that failed, be it long ago.
    pub(crate) async fn finish(self) -> io::Result<()> {
        drop(self.groups);
        self.task.await?
    }
}

/// The task's state.
struct Disk {
    file: Arc<File>,
    fsync: Fsync,
    /// Something was written since the last sync began.
    unsynced: bool,
    syncing: Option<JoinHandle<io::Result<()>>>,
}

impl Disk {
    async fn run(mut self, mut queue: UnboundedReceiver<Group>) -> io::Result<()> {
        let mut every_second = interval(Duration::from_secs(1));
        every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut groups = Vec::with_capacity(GROUPS);
        loop {
            let is_sync_due = self.fsync == Fsync::Everysec && self.unsynced && self.syncing.is_none();
            select! {
                biased;
                synced = finished(&mut self.syncing), if self.syncing.is_some() => {
                    self.syncing = None;
                    synced?;
                }
                _ = every_second.tick(), if is_sync_due => self.begin_sync(),
                received = queue.recv_many(&mut groups, GROUPS) => match received {
                    0 => break,
                    _ => self.write(&mut groups).await?,
                },
            }
        }
        if self.syncing.is_some() {
            finished(&mut self.syncing).await?;
        }
        let file = self.file;
        task::spawn_blocking(move || file.sync_data()).await?
    }

    async fn write(&mut self, groups: &mut Vec<Group>) -> io::Result<()> {
        let mut records = std::mem::take(&mut groups[0].records);
        groups[1..].iter().for_each(|group| records.extend_from_slice(&group.records));
        let file = self.file.clone();
        let sync = self.fsync == Fsync::Always;
        let written = task::spawn_blocking(move || {
            (&*file).write_all(&records)?;
            if sync { file.sync_data() } else { Ok(()) }
        });
        written.await??;
        self.unsynced = !sync;
        groups.drain(..).flat_map(|group| group.waiting).for_each(Delivery::deliver);
        Ok(())
    }

    fn begin_sync(&mut self) {
        self.unsynced = false;
        let file = self.file.clone();
        self.syncing = Some(task::spawn_blocking(move || file.sync_data()));
    }
}

/// Waits for a sync that is under way.
async fn finished(syncing: &mut Option<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    match syncing {
        Some(syncing) => syncing.await?,
        None => Ok(()),
    }
}

/// How many groups of changes one write takes.
const GROUPS: usize = 64;
