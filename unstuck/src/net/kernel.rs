//! How resources reach the current runtime's kernel.

use std::sync::Arc;

use unstuck_context::{TryCurrentError, with_current};
use unstuck_driver::Kernel;

/// The kernel of the current runtime.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub(super) fn kernel() -> Arc<dyn Kernel> {
    let kernel: Result<_, TryCurrentError> = with_current(|handle| handle.parts().kernel.clone());
    match kernel {
        Ok(kernel) => kernel,
        Err(error) => panic!("{error}"),
    }
}
