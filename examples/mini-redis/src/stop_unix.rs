//! When to stop, on Unix: Ctrl-C in a terminal, or what `kill` and service managers send.

use std::io;

use unstuck::select;
use unstuck::signal::unix::{SignalKind, signal};

/// Listens from now on; the future completes at the first of the two signals.
pub(crate) fn requested() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
