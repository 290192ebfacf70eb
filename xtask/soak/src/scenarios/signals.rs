//! Signals that the process sends to itself: every listener hears each that comes after it began to listen.
//!
//! 1. A signal that ends a process by default is sent only while somebody listens, and stays caught for good. What is given
//!    back when nobody listens is a signal that does nothing by default.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use unstuck::signal::unix::{Signal, SignalKind, restore_when_unused, signal};
use unstuck::task::yield_now;
use unstuck::time::timeout;

use crate::rng::Rng;
use crate::stage::{Outcome, Stage, step};

/// Generous: it is waited for only where something is wrong.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn run(stage: Stage, mut rng: Rng) -> Outcome {
    for _ in 0..rng.pick(1..=4) {
        let kind = rng.among(&[SignalKind::user_defined1(), SignalKind::user_defined2()]);
        heard(&stage, &mut rng, kind).await?;
    }
    // Whether it was given back can be seen only where nobody else listens to it.
    let Some(_alone) = Alone::claim() else { return Ok(()) };
    let kind = rng.among(&[SignalKind::window_change(), SignalKind::from_raw(libc::SIGURG)]);
    stage.must(restore_when_unused(kind), "a signal that is given back")?;
    for _ in 0..rng.pick(1..=3) {
        heard(&stage, &mut rng, kind).await?;
        stage.check(is_default(kind), "it is given back when nobody listens")?;
    }
    Ok(())
}

/// Some listen, and the signal comes a few times.
async fn heard(stage: &Stage, rng: &mut Rng, kind: SignalKind) -> Outcome {
    let mut listeners = Vec::new();
    for _ in 0..rng.pick(1..=5) {
        listeners.push(stage.must(signal(kind), "listen")?);
    }
    for _ in 0..rng.pick(1..=4) {
        // Given up: what comes later is heard all the same.
        drop(timeout(rng.micros(100), listeners[0].recv()).await);
        let waits = rng.one_in(2).then(|| {
            let (stage2, last) = (stage.clone(), listeners.pop());
            stage.spawn(async move {
                let mut last = last?;
                hears(&stage2, &mut last).await.ok().map(|()| last)
            })
        });
        if rng.one_in(2) {
            yield_now().await;
        }
        send(kind, rng.one_in(2));
        for listener in &mut listeners {
            hears(stage, listener).await?;
        }
        if let Some(waits) = waits {
            listeners.extend(stage.must(waits.await, "who waits for a signal")?);
        }
        // All of them, or the one that gives up next.
        let Some(_any) = listeners.first() else { return Ok(()) };
        step();
    }
    Ok(())
}

async fn hears(stage: &Stage, listener: &mut Signal) -> Outcome {
    let heard = stage.must(timeout(LIMIT, listener.recv()).await, "a signal is heard")?;
    stage.check(heard == Some(()), "there are more to come")
}

/// To this process, or to this thread of it.
fn send(kind: SignalKind, to_this_thread: bool) {
    let number = kind.as_raw_value();
    // SAFETY: all of them take and return numbers; rule 1: the signal is caught, or does nothing.
    unsafe {
        match to_this_thread {
            true => libc::raise(number),
            false => libc::kill(libc::getpid(), number),
        }
    };
}

/// Whether the process does what it does by default.
fn is_default(kind: SignalKind) -> bool {
    // SAFETY: zeroes are a value of this type, and the call only writes to it.
    let (asked, action) = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(kind.as_raw_value(), std::ptr::null(), &mut action), action)
    };
    asked == 0 && action.sa_sigaction == libc::SIG_DFL
}

/// At most one at a time has it.
struct Alone;

static ALONE: AtomicBool = AtomicBool::new(false);

impl Alone {
    fn claim() -> Option<Alone> {
        (!ALONE.swap(true, Ordering::SeqCst)).then(|| Alone)
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        ALONE.store(false, Ordering::SeqCst);
    }
}
