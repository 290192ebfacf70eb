//! When to stop, elsewhere than on Unix: Ctrl-C.

use std::future::pending;
use std::io;

use unstuck::signal::ctrl_c;

/// The future completes at Ctrl-C; never, if the system does not tell us about it.
pub(crate) fn requested() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    })
}
