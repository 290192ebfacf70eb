//! How a world is made; see [`Builder`](crate::Builder) for what each setting means.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) latency: RangeInclusive<Duration>,
    pub(crate) poll_time: Duration,
    pub(crate) step_limit: u64,
    pub(crate) hosts: BTreeMap<String, Vec<IpAddr>>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            latency: Duration::from_micros(100)..=Duration::from_millis(2),
            poll_time: Duration::from_nanos(100),
            step_limit: 10_000_000,
            hosts: BTreeMap::new(),
        }
    }
}
