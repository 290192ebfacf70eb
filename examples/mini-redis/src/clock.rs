//! Wall-clock time in milliseconds, as `EXPIREAT` and the append-only file need it, derived from the runtime's clock.
//!
//! 1. The wall clock is read once, at the start; from then on time is what [`Instant`] says. So a paused or simulated
//!    clock moves every deadline, and a wall clock that is set back revives no key.

use std::time::{Duration, SystemTime};

use unstuck::time::Instant;

/// Milliseconds since 1970, of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnixMillis(pub(crate) i64);

impl UnixMillis {
    /// Before everything: at this time no key has lapsed.
    pub(crate) const MIN: UnixMillis = UnixMillis(i64::MIN);
}

/// Ties the runtime's clock to the wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    start_unix: UnixMillis,
}

impl Clock {
    /// # Panics
    ///
    /// If the wall clock says that it is before 1970.
    pub(crate) fn start() -> Clock {
        let since_1970 =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the wall clock is before 1970; set it");
        Clock { start: Instant::now(), start_unix: UnixMillis(since_1970.as_millis() as i64) }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis(self.start_unix.0 + self.start.elapsed().as_millis() as i64)
    }

    /// The earliest instant at which [`Clock::now`] has reached `time`. What lies further ahead than a timer can be set
    /// is brought nearer: whoever waits looks again anyway.
    pub(crate) fn instant(&self, time: UnixMillis) -> Instant {
        let after_start = time.0.saturating_sub(self.start_unix.0).max(0) as u64;
        let horizon = self.start.elapsed() + FARTHEST_TIMER;
        self.start + Duration::from_millis(after_start).min(horizon)
    }
}

const FARTHEST_TIMER: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[unstuck::test(start_paused = true)]
    async fn the_wall_clock_follows_the_runtimes_clock() {
        let clock = Clock::start();
        let before = clock.now();
        unstuck::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), UnixMillis(before.0 + 5_000));
    }

    #[unstuck::test(start_paused = true)]
    async fn a_timer_set_for_a_time_finds_that_it_has_come() {
        let clock = Clock::start();
        let deadline = UnixMillis(clock.now().0 + 1_234);
        unstuck::time::sleep_until(clock.instant(deadline)).await;
        assert_eq!(clock.now(), deadline);
        assert!(clock.instant(UnixMillis(i64::MAX)) > Instant::now());
        assert!(clock.instant(UnixMillis::MIN) <= Instant::now());
    }
}
