//! Gathers by how much things came late.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// All that came late, of one kind.
#[derive(Default)]
pub(crate) struct Lateness(Mutex<Vec<Duration>>);

impl Lateness {
    pub(crate) fn add(&self, late: Duration) {
        self.0.lock().expect("nobody panics with it").push(late);
    }

    /// Something was to happen at `due`, and does now.
    pub(crate) fn due(&self, due: Instant) {
        self.add(Instant::now().saturating_duration_since(due));
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = self.0.lock().expect("nobody panics with it").clone();
        all.sort_unstable();
        let Some(most) = all.last() else { return f.write_str("none came") };
        let at = |share: usize| millis(all[all.len() * share / 1000]);
        let (half, p99, most) = (at(500), at(990), millis(*most));
        write!(f, "{half:7.2} {p99:7.2} {most:7.2} ms (median, 99 %, max of {})", all.len())
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
