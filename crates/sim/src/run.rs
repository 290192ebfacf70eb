//! One seed, one run: the loop, what goes into it and what comes out.
//!
//! 1. A step picks one of the ready ones and runs it, lets a little time pass, and delivers what is due. When nothing is
//!    ready, the time jumps.
//! 2. A run always ends: with the output of its main future, with that one's panic, because nothing would ever happen, or
//!    at the limit of steps. The last two are panics that tell who waits for what.
//! 3. However it ends, every future is dropped inside the run's context, then timers and sockets are told.
//! 4. A run that panics says its seed.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use unstuck_base::prng::Prng;
use unstuck_base::{WakeBatch, entered, local};
use unstuck_context::{Enabled, Handle, Parts};
use unstuck_driver::{Driver, Kernel, Timers};
use unstuck_task::Schedule;

use crate::blocking::Inline;
use crate::driver::SimDriver;
use crate::kernel::SimKernel;
use crate::main_future::Main;
use crate::pick::{Pick, Picked};
use crate::report::report;
use crate::settings::Settings;
use crate::trace::Trace;
use crate::world::{Entered, World};

/// What a run came to.
#[derive(Clone)]
pub struct Run<T> {
    /// The output of the main future.
    pub output: T,
    /// How much simulated time passed.
    pub elapsed: Duration,
    /// A number that stands for everything that was decided and everything that happened: the same for every run of the same
    /// program with the same seed.
    pub digest: u64,
    /// How many steps it took: polls, pieces of blocking work, and jumps of the time.
    pub steps: u64,
    /// What was decided.
    pub trace: Trace,
}

/// Runs what `main` returns in a simulated world of this seed, with default settings; see [`Builder::run`].
///
/// # Panics
/// As [`Builder::run`].
///
/// # Example
/// ```
/// # use unstuck_sim as sim;
/// let run = sim::run(7, || async { 6 * 7 });
/// assert_eq!((run.output, run.steps), (42, 1));
/// ```
#[track_caller]
pub fn run<F: Future>(seed: u64, main: impl FnOnce() -> F) -> Run<F::Output> {
    Builder::new().run(seed, main)
}

/// Settings of a simulated world.
///
/// # Example
/// ```
/// # use unstuck_sim as sim;
/// use std::time::Duration;
///
/// let builder = sim::Builder::new()
///     .latency(Duration::from_millis(10)..=Duration::from_millis(50))
///     .host("db.internal", [10, 0, 0, 7].into())
///     .step_limit(100_000);
/// assert!(builder.run(1, || async { true }).output);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// Default settings: packets take between 100 microseconds and 2 milliseconds, a poll takes 100 nanoseconds, a run has
    /// at most 10 million steps, and the only name is `localhost`.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// How long packets take: each any time between these, in whole microseconds from the shorter one.
    ///
    /// # Panics
    /// If the range is empty.
    #[track_caller]
    #[must_use = "this returns the changed settings"]
    pub fn latency(mut self, latency: RangeInclusive<Duration>) -> Builder {
        assert!(!latency.is_empty(), "the latency needs a least value that is not above its greatest");
        self.settings.latency = latency;
        self
    }

    /// How much time a poll takes. With zero, only waiting takes time, and durations come out exact; but then a task that
    /// yields again and again until some time has passed never sees it pass.
    #[must_use = "this returns the changed settings"]
    pub fn poll_time(mut self, poll_time: Duration) -> Builder {
        self.settings.poll_time = poll_time;
        self
    }

    /// After how many steps a run is taken not to end any more.
    #[must_use = "this returns the changed settings"]
    pub fn step_limit(mut self, steps: u64) -> Builder {
        self.settings.step_limit = steps;
        self
    }

    /// Gives an address a name that programs can look up. A name may have several addresses.
    #[must_use = "this returns the changed settings"]
    pub fn host(mut self, name: impl Into<String>, address: IpAddr) -> Builder {
        self.settings.hosts.entry(name.into().to_ascii_lowercase()).or_default().push(address);
        self
    }

    /// Runs what `main` returns, in a simulated world of this seed, until its end: one thread, the order of tasks as the
    /// seed says, the time simulated, the network in memory. Tasks that are still there are dropped then.
    ///
    /// # Panics
    /// If the main future panics; if every task waits and nothing will happen; at the limit of steps; inside a runtime.
    #[track_caller]
    pub fn run<F: Future>(&self, seed: u64, main: impl FnOnce() -> F) -> Run<F::Output> {
        let Some(_entered) = entered::enter() else {
            panic!(
                "a simulation can't be run inside a runtime: call `sim::run` on a thread of its own, as in a `#[test]`"
            )
        };
        let (world, random) = World::new(seed, self.settings.clone());
        let kernel: Arc<dyn Kernel> = Arc::new(SimKernel(world.clone()));
        let timers = Timers::new(kernel.clone(), 0);
        let pick = Pick::new(world.clone());
        let blocking = Inline::new(pick.clone());
        let parts = Parts {
            scheduler: pick.clone(),
            kernel,
            timers: timers.clone(),
            blocking,
            clock: None,
            name: None,
            enabled: Enabled::ALL,
        };
        let handle = Handle::new(parts);
        let _context = handle.enter();
        let _thread = ThisThread::enter(&world, &pick, random);
        let driver = SimDriver::new(world.clone());
        let mut simulation =
            Simulation { seed, world: world.clone(), pick, timers, driver, main: Main::new(), steps: 0 };
        // The main future goes before the simulation, also by a panic.
        let output = simulation.drive(pin!(main()));
        let trace = world.lock().fabric.choices.trace.clone();
        Run { output, elapsed: world.elapsed(), digest: trace.digest(), steps: simulation.steps, trace }
    }

    /// Runs `main` twice with the same seed, and returns the second run: checks that the program is decided by its seed.
    ///
    /// # Panics
    /// If the runs differ: the message names the first decision in which they do. Something is not decided by the seed
    /// then: addresses, the order of a `HashMap`, a clock of std, state that is kept in a static. Else as
    /// [`run`](Builder::run).
    ///
    /// # Example
    /// ```
    /// # use unstuck_sim as sim;
    /// sim::Builder::new().run_twice(7, || async { 6 * 7 });
    /// ```
    #[track_caller]
    pub fn run_twice<F: Future>(&self, seed: u64, main: impl Fn() -> F) -> Run<F::Output> {
        let (first, second) = (self.run(seed, &main), self.run(seed, &main));
        let came_to = |run: &Run<F::Output>| (run.digest, run.steps, run.elapsed);
        if came_to(&first) != came_to(&second) {
            let place = match first.trace.first_difference(&second.trace) {
                Some(difference) => format!("they part at decision {}: {difference:?}", difference.at),
                None => "all decisions are the same, but what happened is not".to_owned(),
            };
            panic!("two runs with seed {seed} differ: {place}\n  {first:?}\n  {second:?}");
        }
        second
    }
}

/// A kernel and a driver of a simulated world that nobody runs: for whoever parks the driver by themselves.
pub fn open(seed: u64) -> (Arc<dyn Kernel>, Box<dyn Driver>) {
    let (world, _) = World::new(seed, Settings::default());
    (Arc::new(SimKernel(world.clone())), Box::new(SimDriver::new(world)))
}

/// A run in progress. Dropping it ends the run.
struct Simulation {
    seed: u64,
    world: Arc<World>,
    pick: Arc<Pick>,
    timers: Arc<Timers>,
    driver: SimDriver,
    main: Main,
    steps: u64,
}

impl Simulation {
    #[track_caller]
    fn drive<F: Future>(&mut self, mut future: Pin<&mut F>) -> F::Output {
        let mut batch = WakeBatch::new();
        loop {
            self.count_step();
            match self.pick.next(self.main.is_ready()) {
                Picked::Job(job) => self.pick.run(job),
                Picked::Main => {
                    if let Poll::Ready(output) = self.main.poll(future.as_mut()) {
                        return output;
                    }
                }
                Picked::Nothing => {
                    self.jump(&mut batch);
                    continue;
                }
            }
            self.world.pass(self.world.settings.poll_time);
            self.world.deliver(&mut batch);
            self.expire(&mut batch);
        }
    }

    #[track_caller]
    fn count_step(&mut self) {
        let limit = self.world.settings.step_limit;
        if self.steps >= limit {
            let state = self.state();
            panic!(
                "the run has not ended after {limit} steps; raise `sim::Builder::step_limit` if it should go on. {state}"
            );
        }
        self.steps += 1;
    }

    #[track_caller]
    fn jump(&mut self, batch: &mut WakeBatch) {
        let deadline = self.timers.begin_park();
        let parked = self.driver.park(deadline, batch);
        self.timers.end_park();
        if parked.is_err() {
            panic!(
                "every task waits, and nothing will happen: no packet is on its way and no deadline is set. {}",
                self.state()
            );
        }
        self.expire(batch);
    }

    fn expire(&self, batch: &mut WakeBatch) {
        self.timers.expire(self.world.now(), batch);
        wake(batch);
    }

    fn state(&self) -> String {
        let Simulation { seed, steps, .. } = self;
        let tasks = self.pick.tasks().expect("the list is always there");
        format!("Seed {seed}, step {steps}, after {:?}:{}", self.world.elapsed(), report(&self.main, tasks))
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the simulation with seed {} has panicked; the same seed brings it back", self.seed);
        }
        self.pick.close();
        let mut batch = WakeBatch::new();
        self.timers.shutdown(&mut batch);
        wake(&mut batch);
        self.driver.shut_down(&mut batch);
        wake(&mut batch);
    }
}

/// What this thread is while a run lasts; dropping it restores what it was.
struct ThisThread<'a> {
    home: (*const (), usize),
    random: Option<Prng>,
    _world: Entered<'a>,
}

impl<'a> ThisThread<'a> {
    fn enter(world: &'a World, pick: &Pick, random: Prng) -> Self {
        use unstuck_context::Spawner;
        ThisThread {
            home: local::set_home(pick.home().get().key(), 0),
            random: local::seed_random(Some(random)),
            _world: Entered::new(world),
        }
    }
}

impl Drop for ThisThread<'_> {
    fn drop(&mut self) {
        local::set_home(self.home.0, self.home.1);
        local::seed_random(self.random.take());
    }
}

/// Wakes a batch. The panic of a foreign waker ends here.
fn wake(batch: &mut WakeBatch) {
    if !batch.is_empty() {
        let _panic_of_a_waker = catch_unwind(AssertUnwindSafe(|| batch.wake_all()));
    }
}

impl<T> fmt::Debug for Run<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("elapsed", &self.elapsed)
            .field("digest", &format_args!("{:016x}", self.digest))
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}
