//! Stopping the clock of a runtime, for tests.
//!
//! 1. Only a runtime with one thread has a clock that can be stopped: with several, who runs when is not determined.
//! 2. After [`advance`] every timer that became due has fired: its task is queued before the caller goes on.

use std::future::Future;
use std::time::Duration;

use unstuck_base::WakeBatch;
use unstuck_context::{Handle, current};
use unstuck_driver::PausedClock;

use crate::called_at::{Line, called_from, current_at, named};
use crate::task::yield_now;

/// Stops the clock of the current runtime.
///
/// From now on [`Instant::now`](super::Instant::now) stands still, until [`advance`] moves it, or until all tasks wait:
/// then it jumps to the next deadline, at once. So code that sleeps runs as fast as it can, and durations come out exact.
/// [`std::time::Instant`] is not affected.
///
/// While work of [`spawn_blocking`](crate::task::spawn_blocking) runs, the clock does not jump.
///
/// To stop it from the beginning, use `#[unstuck::test(start_paused = true)]` or
/// [`Builder::start_paused`](crate::runtime::Builder::start_paused).
///
/// # Panics
///
/// If it stands still already; outside a runtime; in a runtime with several threads.
///
/// # Examples
///
/// ```
/// use unstuck::time::{self, Duration, Instant};
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// time::pause();
/// let start = Instant::now();
/// time::sleep(Duration::from_secs(86_400)).await;
/// assert_eq!(start.elapsed(), Duration::from_secs(86_400));
/// # }
/// ```
#[track_caller]
pub fn pause() {
    let handle = current();
    let Some(clock) = clock(&handle) else { panic!("{}", needs_one_thread("pause")) };
    assert!(clock.pause(), "time is already frozen");
}

/// Lets the clock go on, from the time that it shows.
///
/// # Panics
///
/// If it does not stand still; outside a runtime; in a runtime with several threads.
///
/// # Examples
///
/// ```
/// use unstuck::time;
///
/// # #[unstuck::main(flavor = "current_thread")]
/// # async fn main() {
/// time::pause();
/// let before = time::Instant::now();
/// time::resume();
/// assert!(time::Instant::now() >= before);
/// # }
/// ```
#[track_caller]
pub fn resume() {
    let handle = current();
    let Some(clock) = clock(&handle) else { panic!("{}", needs_one_thread("resume")) };
    assert!(clock.resume(), "time is not frozen");
}

/// Moves the stopped clock forward by `duration`, in one jump.
///
/// Everything that waits for a moment until then is woken, in no particular order, and this function does not wait for it:
/// it yields once. To let each deadline happen in its turn, [`sleep`](super::sleep()) instead.
///
/// # Panics
///
/// When polled: if the clock does not stand still; outside a runtime; in a runtime with several threads; if the time would
/// be out of range.
///
/// # Cancel safety
///
/// The clock moves in the first poll. Dropped after that, the future has done all it does but yielding.
///
/// # Examples
///
/// ```
/// use unstuck::time::{self, Duration, Instant};
///
/// # #[unstuck::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = Instant::now();
/// time::advance(Duration::from_secs(7)).await;
/// assert_eq!(start.elapsed(), Duration::from_secs(7));
/// # }
/// ```
#[track_caller]
pub fn advance(duration: Duration) -> impl Future<Output = ()> {
    called_from(move |at| async move {
        advance_now(duration, at);
        yield_now().await;
    })
}

fn advance_now(duration: Duration, at: Line) {
    let handle = current_at(at);
    let Some(clock) = clock(&handle) else { panic!("{}{}", needs_one_thread("advance"), named(at)) };
    assert!(clock.advance(duration), "time is not frozen{}", named(at));
    let parts = handle.parts();
    let mut woken = WakeBatch::new();
    parts.timers.expire(parts.kernel.now(), &mut woken);
    woken.wake_all();
}

fn clock(handle: &Handle) -> Option<&PausedClock> {
    handle.parts().clock.as_deref()
}

fn needs_one_thread(what: &str) -> String {
    format!(
        "`time::{what}()` requires the `current_thread` Tokio runtime: build it with `Builder::new_current_thread`, or use \
         `#[unstuck::test]`, whose default it is"
    )
}
