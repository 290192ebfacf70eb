//! The key that ends programs.

use std::future::Future;
use std::io;

use super::unix::{SignalKind, heard_by};
use crate::called_at::called_from;
use crate::kernel::kernel_at;

/// Waits for Ctrl-C (on Unix: for `SIGINT`).
///
/// It listens from its first poll on, and only once: for another Ctrl-C call it again, or listen all the time with
/// [`signal`](super::unix::signal). From the first call on, Ctrl-C does not end the process by itself any more.
///
/// # Errors
///
/// When the system does not let us listen.
///
/// # Panics
///
/// When polled outside a runtime, or in one that was built without [`enable_io`](crate::runtime::Builder::enable_io).
///
/// # Cancel safety
///
/// Cancel safe, but a Ctrl-C that comes while no such future lives is not seen.
///
/// # Examples
///
/// ```no_run
/// #[unstuck::main]
/// async fn main() -> std::io::Result<()> {
///     println!("waiting for Ctrl-C");
///     unstuck::signal::ctrl_c().await?;
///     println!("goodbye");
///     Ok(())
/// }
/// ```
#[track_caller]
pub fn ctrl_c() -> impl Future<Output = io::Result<()>> {
    called_from(|at| async move {
        heard_by(&*kernel_at(at), SignalKind::interrupt())?.recv().await;
        Ok(())
    })
}
