//! The current runtime's timers, for layers that know no clock.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use unstuck_base::alarm::Alarms;
use unstuck_driver::timer::Timer;

use crate::handle::Parts;

/// Far enough for anybody, and no overflow: about thirty years.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);

impl Alarms for Parts {
    fn after(&self, delay: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let timers = match self.time() {
            Ok(timers) => timers,
            Err(disabled) => panic!("{disabled}"),
        };
        let now = self.kernel.now();
        let deadline = now.checked_add(delay.min(FAR)).unwrap_or(now);
        Box::pin(Alarm(Timer::new(timers, deadline)))
    }

    fn forced_yield(&self) {
        self.scheduler.forced_yield();
    }
}

struct Alarm(Timer);

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the field is pinned when we are, and never moved out.
        let timer = unsafe { self.map_unchecked_mut(|alarm| &mut alarm.0) };
        // After a shutdown nothing is waited for any more.
        timer.poll(cx).map(|_fired_or_shut_down| ())
    }
}
