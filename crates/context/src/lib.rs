//! Layer 2: which runtime is this thread in, and what does it offer?
//!
//! 1. A [`Handle`] is one reference-counted pointer to what a runtime is made of. Resources keep the narrowest part that
//!    they need, never a handle.
//! 2. The one thread-local of this layer holds borrowed pointers only: the guard that set one keeps what it points at
//!    alive. So there is nothing to drop when a thread ends, and [`try_current`] works in any thread-local's destructor.
//! 3. Guards are dropped in reverse order. One that is not keeps its runtime's memory for ever and panics: a pointer to
//!    freed memory is never left behind.
//! 4. A thread that has no current runtime is given the default one, if the program has made one so; it is counted, since
//!    its guard may go at any time.
//! 5. Nothing here decides who runs next, or waits for anything.
//!
//! The user-facing crate calls in; schedulers enter, and implement [`Scheduler`].

mod alarms;
mod blocking;
mod current;
mod default;
mod handle;
mod nest;

pub use blocking::ClockStands;
pub use current::{
    EnterGuard, LocalGuard, TryCurrentError, current, enter_local, spawn_local, spawn_local_from, try_current,
    with_current, with_current_once,
};
pub use default::DefaultGuard;
pub use handle::{Blocking, CantBlock, Disabled, Enabled, Flavor, Handle, Parts, Scheduler, Spawner, WorkerCounts};
