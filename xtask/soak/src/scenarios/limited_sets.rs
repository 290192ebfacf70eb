//! Sets with a limit: no more run than that, those who give up spawn nothing, and every output comes out once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use unstuck::sync::Mutex;
use unstuck::task::{JoinError, JoinSet, yield_now};
use unstuck::time::{sleep, timeout};

use crate::oracle::{Letter, Mail};
use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// Counts who runs.
struct Room {
    stage: Stage,
    inside: AtomicUsize,
    limit: usize,
}

/// In the room from its begin to its drop.
struct Guest(Arc<Room>);

impl Room {
    fn enter(self: Arc<Self>) -> Guest {
        let before = self.inside.fetch_add(1, Ordering::SeqCst);
        self.stage.always(before < self.limit, "no more run than the limit says");
        Guest(self)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What became of those that were spawned.
struct Joined {
    stage: Stage,
    mail: Arc<Mail>,
    all: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Joined {
    fn add(&self, joined: Result<Letter, JoinError>) -> Outcome {
        self.all.fetch_add(1, Ordering::SeqCst);
        match joined {
            Ok(letter) => self.mail.arrived(letter),
            Err(error) => {
                self.stage.check(error.is_cancelled(), "a task of the set ends, or was aborted")?;
                self.cancelled.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }
}

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    let (limit, spawners, each) = (rng.count(1..=6), rng.count(1..=4), rng.count(1..=30));
    let mail = stage.mail(spawners * each);
    let room = Arc::new(Room { stage: stage.clone(), inside: AtomicUsize::new(0), limit });
    let set = Arc::new(Mutex::new(JoinSet::with_limit(limit)));
    let (all, cancelled) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let joined = Arc::new(Joined { stage: stage.clone(), mail: mail.clone(), all, cancelled });
    let mut tasks = Vec::new();
    for spawner in 0..spawners {
        let (set, joined, room, mut rng) = (set.clone(), joined.clone(), room.clone(), rng.fork());
        tasks.push(stage.spawn(async move {
            let mut aborted = 0;
            for number in spawner * each..(spawner + 1) * each {
                let mut set = set.lock().await;
                let handle = match rng.one_in(6) {
                    true => {
                        set.until_free().await;
                        let (room, letter) = (room.clone(), joined.mail.letter(number));
                        set.spawn_blocking(move || {
                            let _guest = room.enter();
                            letter
                        })
                    }
                    false => spawn(&mut set, &joined, number, &room, &mut rng).await,
                };
                if rng.one_in(8) {
                    handle.abort();
                    aborted += 1;
                }
                while let Some(one) = set.try_join_next() {
                    joined.add(one)?;
                }
                drop(set);
                step();
            }
            Ok(aborted)
        }));
    }
    let mut aborted = 0;
    for task in tasks {
        aborted += stage.must(task.await, "who spawns")??;
    }
    let mut set = set.lock().await;
    while let Some(one) = set.join_next().await {
        joined.add(one)?;
        step();
    }
    let (all, cancelled) = (joined.all.load(Ordering::SeqCst), joined.cancelled.load(Ordering::SeqCst));
    stage.check(all == spawners * each, "every task comes out once")?;
    stage.check(cancelled <= aborted, "only who was aborted is cancelled")?;
    let missing = (0..spawners * each).filter(|number| !mail.has_arrived(*number)).count();
    stage.check(missing == cancelled, "every output of those that ended arrived")
}

/// Spawns what delivers a letter, and gives up waiting for room at times.
async fn spawn(
    set: &mut JoinSet<Letter>,
    joined: &Joined,
    number: usize,
    room: &Arc<Room>,
    rng: &mut Rng,
) -> unstuck::task::AbortHandle {
    loop {
        let (room, letter, mut inner) = (room.clone(), joined.mail.letter(number), rng.fork());
        let begun = Arc::new(AtomicBool::new(false));
        let runs = begun.clone();
        let work = async move {
            let _guest = room.enter();
            runs.store(true, Ordering::SeqCst);
            match inner.pick(0..=2) {
                0 => sleep(inner.micros(500)).await,
                1 => yield_now().await,
                _ => {}
            }
            letter
        };
        if rng.one_in(2) {
            return set.spawn_when_free(work).await;
        }
        match timeout(rng.micros(200), set.spawn_when_free(work)).await {
            Ok(handle) => return handle,
            Err(_elapsed) => joined.stage.always(!begun.load(Ordering::SeqCst), "who gave up has spawned nothing"),
        }
        while let Some(one) = set.try_join_next() {
            let _told = joined.add(one);
        }
        step();
    }
}
