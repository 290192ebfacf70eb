//! One round: a runtime, some scenarios at once, its end, and what the oracles say.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use unstuck::runtime::Runtime;
use unstuck::task::{JoinHandle, LocalSet};
use unstuck::time::timeout;

use crate::findings;
use crate::oracle::Lives;
use crate::rng::Rng;
use crate::scenarios;
use crate::shape::{Ending, Shape};
use crate::stage::{Outcome, Round, Scenario, Stage, Stop};
use crate::watchdog;

/// How long what was left in the background may take to end. Generous: it is waited for only where something is wrong.
const LIMIT: Duration = Duration::from_secs(20);

/// What a round was.
pub(crate) struct Report {
    pub(crate) text: String,
    /// How much was begun that had to end.
    pub(crate) begun: usize,
}

/// Runs the `number`th round of `seed`, with scenarios of these names, or of all.
pub(crate) fn run(seed: u64, number: u64, only: &[String]) -> Report {
    let mut rng = Rng::nth(seed, number);
    let shape = Shape::random(&mut rng);
    let ending = Ending::random(&mut rng);
    let all: Vec<&Scenario> =
        scenarios::ALL.iter().filter(|one| only.is_empty() || only.iter().any(|name| name == one.name)).collect();
    // Each has its turn, whatever else is picked.
    let mut picked = vec![all[number as usize % all.len()]];
    picked.extend((0..rng.pick(0..=6)).map(|_| rng.among(&all)));
    let in_local_set = rng.one_in(4);
    let names: Vec<_> = picked.iter().map(|scenario| scenario.name).collect();
    let mut text =
        format!("round {number} of seed {seed}: {names:?}\n  {shape:?}, {ending:?}, local set: {in_local_set}");
    watchdog::note(text.clone());

    let round = Round::new(shape);
    let runtime = match round.shape.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            findings::report(format!("a runtime can't be built: {error}"));
            return Report { text, begun: 0 };
        }
    };
    let lives: Vec<Arc<Lives>> = picked.iter().map(|scenario| Lives::new(scenario.name)).collect();
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
            waits.until_done(handles, None);
            drop(runtime);
        }
        Ending::Cut(after, farewell) => {
            waits.until_done(handles, Some(after));
            round.close();
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
    fn until_done(&self, handles: Vec<JoinHandle<Outcome>>, limit: Option<Duration>) {
        let all = async {
            match limit {
                None => join(handles, true).await,
                Some(limit) => drop(timeout(limit, join(handles, false)).await),
            }
        };
        match self.in_local_set {
            true => LocalSet::new().block_on(self.runtime, all),
            false => self.runtime.block_on(all),
        }
    }
}

/// Waits for all. Those of a round that is not cut short must succeed.
async fn join(handles: Vec<JoinHandle<Outcome>>, must_succeed: bool) {
    let mut handles: Vec<_> = handles.into_iter().map(Some).collect();
    poll_fn(|cx| {
        for slot in &mut handles {
            let Some(handle) = slot else { continue };
            let Poll::Ready(joined) = Pin::new(handle).poll(cx) else { continue };
            *slot = None;
            match joined {
                Ok(Ok(())) => {}
                Ok(Err(Stop)) if !must_succeed => {}
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
