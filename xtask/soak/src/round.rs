//! One round: a runtime, some scenarios at once, its end, and what the oracles say.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use unstuck::runtime::Runtime;
use unstuck::task::{JoinHandle, LocalSet};
use unstuck::time::{sleep, timeout};

use crate::findings::{self, Planned};
use crate::options::Options;
use crate::oracle::Lives;
use crate::rng::Rng;
use crate::scenarios;
use crate::shape::{Ending, Farewell, Shape};
use crate::slow_drops::SlowDrops;
use crate::stage::{Outcome, Round, Scenario, Stage, Stop};
use crate::watchdog;

/// How long what was left in the background may take to end. Generous: it is waited for only where something is wrong.
const LIMIT: Duration = Duration::from_secs(20);

/// What a round was.
pub(crate) struct Report {
    /// With the command that repeats it.
    pub(crate) text: String,
    /// How much was begun that had to end.
    pub(crate) begun: usize,
}

/// Runs the `number`th round of `seed`, with the scenarios that the options name.
pub(crate) fn run(seed: u64, number: u64, options: &Options) -> Report {
    let only = &options.scenarios;
    let mut rng = Rng::nth(seed, number);
    let shape = Shape::random(&mut rng);
    let ending = Ending::random(&mut rng);
    let all: Vec<&Scenario> =
        scenarios::ALL.iter().filter(|one| only.is_empty() || only.iter().any(|name| name == one.name)).collect();
    // Each has its turn, whatever else is picked.
    let mut picked = vec![all[number as usize % all.len()]];
    picked.extend((0..rng.pick(0..=6)).map(|_| rng.among(&all)));
    let in_local_set = rng.one_in(4);
    let slow_drops = rng.one_in(2);
    let names: Vec<_> = picked.iter().map(|scenario| scenario.name).collect();
    let mut text = format!(
        "round {number} of seed {seed}: {names:?}\n  {shape:?}, {ending:?}, local set: {in_local_set}, slow drops: {slow_drops}\n  repeat it with: {}",
        options.repeat(seed, number)
    );
    watchdog::note(text.clone());

    let round = Round::new(shape, options.sanitizer.is_some());
    let built = match ending {
        Ending::Done | Ending::Cut(..) => round.shape.build(),
        Ending::Panic(..) => {
            let round = round.clone();
            round.clone().shape.build_to_end_by_panic(move || round.close())
        }
    };
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => {
            findings::report(format!("a runtime can't be built: {error}"));
            return Report { text, begun: 0 };
        }
    };
    let mut lives: Vec<Arc<Lives>> = picked.iter().map(|scenario| Lives::new(scenario.name)).collect();
    let handles: Vec<_> = picked
        .iter()
        .zip(&lives)
        .map(|(scenario, lives)| {
            let stage = Stage::new(&round, lives);
            let life = lives.begin();
            let run = (scenario.run)(stage, rng.fork());
            runtime.spawn(async move {
                let _life = life;
                run.await
            })
        })
        .collect();
    let waits = Waits { runtime: &runtime, in_local_set };
    match ending {
        Ending::Done => {
            waits.until_done(handles, &round, None);
            drop(runtime);
        }
        Ending::Cut(after, farewell) => {
            waits.until_done(handles, &round, Some(after));
            round.close();
            match slow_drops {
                true => lives.push(end_slowly(runtime, &round.shape, farewell, rng)),
                false => drop(farewell.say(runtime)),
            }
        }
        Ending::Panic(after, farewell) => {
            drop(runtime.spawn(async move {
                sleep(after).await;
                Planned::panic()
            }));
            let ended = catch_unwind(AssertUnwindSafe(|| waits.until_done(handles, &round, None)));
            let told = catch_unwind(AssertUnwindSafe(|| runtime.block_on(pending::<()>())));
            if told.is_ok() || ended.is_err() && !round.is_closing() {
                findings::report("who blocks on a runtime that a panic ended is told so".to_owned());
            }
            farewell.say(runtime);
        }
    }
    watchdog::note(format!("after {text}"));
    let begun = lives.iter().map(|lives| lives.begun()).sum();
    for lives in wait_for(&lives) {
        text += &format!("\n  {}", lives.describe());
        findings::report(format!("futures or messages were lost: {}", lives.describe()));
    }
    Report { text, begun }
}

/// The thread that waits for the scenarios.
struct Waits<'a> {
    runtime: &'a Runtime,
    in_local_set: bool,
}

impl Waits<'_> {
    fn until_done(&self, handles: Vec<JoinHandle<Outcome>>, round: &Round, limit: Option<Duration>) {
        let all = async {
            match limit {
                None => join(handles, round).await,
                Some(limit) => drop(timeout(limit, join(handles, round)).await),
            }
        };
        match self.in_local_set {
            true => LocalSet::new().block_on(self.runtime, all),
            false => self.runtime.block_on(all),
        }
    }
}

/// Ends it where much blocks that is dropped then, and returns what that was.
fn end_slowly(runtime: Runtime, shape: &Shape, farewell: Farewell, mut rng: Rng) -> Arc<Lives> {
    let drops = SlowDrops::begin(&runtime, shape, farewell, &mut rng);
    let has_stopped = farewell.say(runtime);
    if has_stopped && !drops.lives().all_ended() {
        findings::report(format!("{farewell:?} says that all has stopped: {}", drops.lives().describe()));
    }
    drops.let_go();
    drops.lives().clone()
}

/// Waits for all. They must succeed, unless the runtime is going away.
async fn join(handles: Vec<JoinHandle<Outcome>>, round: &Round) {
    let mut handles: Vec<_> = handles.into_iter().map(Some).collect();
    poll_fn(|cx| {
        for slot in &mut handles {
            let Some(handle) = slot else { continue };
            let Poll::Ready(joined) = Pin::new(handle).poll(cx) else { continue };
            *slot = None;
            match joined {
                Ok(Ok(())) => {}
                _ if round.is_closing() => {}
                Ok(Err(Stop)) => findings::report("a scenario gave up".to_owned()),
                Err(error) => findings::report(format!("a scenario did not end: {error}")),
            }
        }
        if handles.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// Waits until all that lived has ended; returns where some has not.
fn wait_for(lives: &[Arc<Lives>]) -> impl Iterator<Item = &Arc<Lives>> {
    let begin = Instant::now();
    while !lives.iter().all(|lives| lives.all_ended()) && begin.elapsed() < LIMIT {
        thread::sleep(Duration::from_millis(1));
    }
    lives.iter().filter(|lives| !lives.all_ended())
}
