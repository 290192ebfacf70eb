//! The default runtime: it serves code that is outside every runtime, on all threads of the process.
//!
//! 1. The rules are those of `base::fallback`, where it is kept.
//! 2. A simulated world is nobody's default: its time and order are those of one thread.
//!
//! `current` asks when a thread has no current runtime.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use unstuck_base::fallback::{self, Fallback, Provider};

use crate::handle::{Handle, Parts};

impl Fallback for Parts {}

/// A runtime is the default one, for code outside every runtime, as long as this lives.
#[must_use = "the runtime is the default only while the guard lives"]
pub struct DefaultGuard {
    _provider: Option<Provider>,
}

impl DefaultGuard {
    pub(crate) fn new(handle: &Handle) -> Self {
        let serves = handle.parts().scheduler.serves_outside();
        DefaultGuard { _provider: serves.then(|| fallback::provide(handle.to_parts())) }
    }
}

/// The default runtime, for a thread that has no current one.
pub(crate) fn find() -> Option<Handle> {
    let found: Arc<dyn Any + Send + Sync> = fallback::find()?;
    found.downcast().ok().map(Handle::from_parts)
}

impl fmt::Debug for DefaultGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultGuard").finish_non_exhaustive()
    }
}
