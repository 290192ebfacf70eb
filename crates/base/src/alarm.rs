//! A timer for layers that know no clock: `send_timeout` of a channel finds it through the thread's [`local`] words.
//!
//! 1. Whoever makes a runtime current provides its alarms with [`set`], and takes them back before they die.
//! 2. Outside any runtime they are those of the [`fallback`]. Without one there is none: [`after`] says so with `None`, and
//!    the caller panics with its own words.
//! 3. The runtime is also told when a poll has used up its budget, for its counts: once a poll.

use std::future::Future;
use std::pin::Pin;
use std::ptr::NonNull;
use std::time::Duration;

use crate::{fallback, local};

/// What a runtime provides: futures that end after some time.
pub trait Alarms: Send + Sync {
    /// A future that ends `delay` from now, on the runtime's clock.
    fn after(&self, delay: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// A poll on this thread has used up its budget, and its task will yield.
    fn forced_yield(&self) {}
}

/// Provides this thread's alarms, or takes them back; returns what was there.
///
/// # Safety
/// The alarms stay alive until another call on this thread has replaced them.
pub unsafe fn set(alarms: Option<NonNull<dyn Alarms>>) -> Option<NonNull<dyn Alarms>> {
    local::replace_alarms(alarms)
}

/// Whether code on this thread has alarms: whether [`after`] gives a future.
pub fn is_provided() -> bool {
    local::alarms().is_some() || fallback::find().is_some()
}

/// A future that ends `delay` from now; `None` where there are no alarms.
pub fn after(delay: Duration) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
    match local::alarms() {
        // SAFETY: whoever set them vouches that they live as long as they are set.
        Some(alarms) => Some(unsafe { alarms.as_ref() }.after(delay)),
        None => fallback::find().map(|alarms| alarms.after(delay)),
    }
}

/// Tells the runtime that a poll has used up its budget.
#[cold]
pub(crate) fn tell_forced_yield() {
    if let Some(alarms) = local::alarms() {
        // SAFETY: as in `after`.
        unsafe { alarms.as_ref() }.forced_yield();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct AtOnce;
    impl Alarms for AtOnce {
        fn after(&self, _delay: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(std::future::ready(()))
        }
    }

    #[test]
    fn there_is_an_alarm_only_while_one_is_provided() {
        assert!(after(Duration::ZERO).is_none() && !is_provided());
        let alarms: &dyn Alarms = &AtOnce;
        // SAFETY: a constant lives for ever.
        let before = unsafe { set(Some(NonNull::from(alarms))) };
        assert!(before.is_none());
        assert!(after(Duration::ZERO).is_some() && is_provided());
        // SAFETY: taking back needs no promise.
        unsafe { set(before) };
        assert!(after(Duration::ZERO).is_none());
    }
}
