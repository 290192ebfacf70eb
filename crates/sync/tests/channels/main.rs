//! Channels, as their users see them, by situation. One program, so that it is linked once.

mod broadcast;
mod memory;
mod model;
mod mpsc;
mod mpsc_weak;
mod oneshot;
mod support;
mod traits;
mod watch;
