//! A descriptor of std's or the user's types whose events the current runtime waits for: Unix sockets, pipes, a child's
//! pidfd, and whatever users bring.
//!
//! 1. The registration ends before the object is dropped or given back, so before its descriptor can be closed.
//! 2. The object is in non-blocking mode: whoever makes one sees to it. Its operations go through the readiness.

use std::fmt;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use unstuck_base::WakeBatch;
use unstuck_base::interest::{Interest, Ready};
use unstuck_driver::{Kernel, Readiness, Watch};

use crate::kernel::kernel;

/// An object with a descriptor, and where tasks wait for it; see the rules of the file.
pub(crate) struct Watched<T> {
    // Above `object`: it is dropped first (rule 1).
    watch: Arc<dyn Watch>,
    object: T,
}

impl<T: AsRawFd> Watched<T> {
    /// Begins to wait for events of `object` in the current runtime.
    ///
    /// # Errors
    /// What the system says, and the object.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub(crate) fn new(object: T, interest: Interest) -> Result<Watched<T>, (T, io::Error)> {
        Watched::by(&*kernel(), object, interest)
    }

    /// As [`new`](Watched::new), in the runtime that has this kernel.
    pub(crate) fn by(kernel: &dyn Kernel, object: T, interest: Interest) -> Result<Watched<T>, (T, io::Error)> {
        match kernel.watch(object.as_raw_fd(), interest) {
            Ok(watch) => Ok(Watched { watch, object }),
            Err(error) => Err((object, error)),
        }
    }

    /// As [`new`](Watched::new), for an object that is read and written and that nobody wants back.
    #[track_caller]
    pub(crate) fn both_ways(object: T) -> io::Result<Watched<T>> {
        Watched::new(object, Interest::READABLE | Interest::WRITABLE).map_err(|(_object, error)| error)
    }
}

impl<T> Watched<T> {
    /// Assumes that it is ready for `ready` before any event says so: the first operation is tried at once. Right where it
    /// most likely succeeds.
    pub(crate) fn assumed(self, ready: Ready) -> Watched<T> {
        let mut woken = WakeBatch::new();
        self.readiness().set(ready, &mut woken);
        debug_assert_eq!(woken.len(), 0, "who has it alone has nobody waiting");
        self
    }

    #[inline]
    pub(crate) fn readiness(&self) -> &Readiness {
        self.watch.readiness()
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        &self.object
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        &mut self.object
    }

    /// The object, and at the same time where tasks wait for it.
    #[inline]
    pub(crate) fn parts_mut(&mut self) -> (&Readiness, &mut T) {
        (self.watch.readiness(), &mut self.object)
    }

    /// Ends the waiting and gives the object back.
    pub(crate) fn into_object(self) -> T {
        let Watched { watch, object } = self;
        drop(watch);
        object
    }
}

impl<T: fmt::Debug> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}
