//! Waiting for time to pass, and giving up after some: [`sleep`], [`timeout`], [`interval`].
//!
//! All of it follows the clock of the runtime that it is used in. A test may stop that clock ([`pause`]): then hours of
//! sleep take no time at all, and every measured duration is exact.
//!
//! | to do | use |
//! |---|---|
//! | wait once | [`sleep`], [`sleep_until`] |
//! | give up waiting for something | [`timeout`], [`timeout_at`] |
//! | do something again and again | [`interval`], [`interval_at`]: they make up for the time that the work takes |
//! | test code that waits | [`pause`], [`advance`], or `#[unstuck::test(start_paused = true)]` |
//!
//! Deadlines are kept to the nanosecond; how late a task really runs is up to the system and its load, never early.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use unstuck::time;
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() {
//! let slow = async {
//!     time::sleep(Duration::from_secs(3600)).await;
//!     "done"
//! };
//! let answer = time::timeout(Duration::from_millis(10), slow).await;
//! assert!(answer.is_err());
//! # }
//! ```
//!
//! Rules of this folder: a deadline that can't be computed is one in thirty years, never a panic; nothing is registered
//! anywhere before a poll has found that it must wait; no file here reads a clock but through the current kernel.

mod clock;
pub mod error;
mod instant;
mod interval;
mod sleep;
mod timeout;

pub use clock::{advance, pause, resume};
pub use instant::Instant;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Timeout, timeout, timeout_at};

#[doc(no_inline)]
pub use std::time::Duration;
