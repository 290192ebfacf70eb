//! What blocks when it is dropped: whoever ends a runtime with a limit does not wait for it.
//!
//! 1. Some nap, some are held until [`SlowDrops::let_go`]; at the latest they end after [`LONGEST`], so that a call that
//!    waits for them is late, and does not stand still.
//! 2. Each ends once, like every other life.

use std::future::pending;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use unstuck::runtime::Runtime;

use crate::oracle::{Life, Lives};
use crate::rng::Rng;
use crate::shape::{Farewell, Shape};

/// Above what a call with a limit may be late by, below the patience of the watchdog.
const LONGEST: Duration = Duration::from_secs(15);

/// Those of one runtime.
pub(crate) struct SlowDrops {
    gate: Arc<Gate>,
    lives: Arc<Lives>,
}

/// Closed until somebody opens it.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

/// One of them.
struct Slow {
    takes: Takes,
    _life: Life,
}

enum Takes {
    Nap(Duration),
    Until(Arc<Gate>),
}

impl SlowDrops {
    /// Gives the runtime some tasks that wait for ever and some blocking work, of which what finds no thread is queued.
    ///
    /// Where a runtime waits for all of it, nobody could let go: then all of it naps. So do the tasks of a current-thread
    /// runtime, which are dropped by the thread that ends it.
    pub(crate) fn begin(runtime: &Runtime, shape: &Shape, farewell: Farewell, rng: &mut Rng) -> SlowDrops {
        let drops = SlowDrops { gate: Arc::default(), lives: Lives::new("slow drops") };
        let closures_may_hold = farewell.limit().is_some();
        let tasks_may_hold = closures_may_hold && shape.workers.is_some();
        for _ in 0..rng.pick(1..=6) {
            let slow = drops.one(rng, tasks_may_hold);
            drop(runtime.spawn(async move {
                let _slow = slow;
                pending::<()>().await;
            }));
        }
        for _ in 0..rng.pick(0..=20) {
            let (slow, nap) = (drops.one(rng, closures_may_hold), rng.micros(3000));
            drop(runtime.spawn_blocking(move || {
                thread::sleep(nap);
                drop(slow);
            }));
        }
        drops
    }

    fn one(&self, rng: &mut Rng, may_hold: bool) -> Slow {
        let longest = if rng.one_in(4) { 50_000 } else { 2000 };
        let takes = match may_hold && rng.one_in(2) {
            true => Takes::Until(self.gate.clone()),
            false => Takes::Nap(rng.micros(longest)),
        };
        Slow { takes, _life: self.lives.begin() }
    }

    /// Those that are held end now.
    pub(crate) fn let_go(&self) {
        *self.gate.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.gate.opened.notify_all();
    }

    pub(crate) fn lives(&self) -> &Arc<Lives> {
        &self.lives
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        match &self.takes {
            Takes::Nap(nap) => thread::sleep(*nap),
            Takes::Until(gate) => gate.wait(),
        }
    }
}

impl Gate {
    fn wait(&self) {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_timeout_while(is_open, LONGEST, |is_open| !*is_open));
    }
}
