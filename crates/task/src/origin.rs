//! What is known of a task from its spawn on, and where the part of it is that few tasks have.
//!
//! 1. An [`Extra`] lies right before the header, so that a pointer to the header finds it. Only a task with a name has one,
//!    and one whose scheduler wants to know how long it was queued; the others are no larger for it. The header says which.
//! 2. The name never changes. The time belongs to whoever holds the [`Runnable`](crate::Runnable), as the queue link does.

use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;

use unstuck_base::sync::UnsafeCell;

use crate::header::Header;
use crate::id::Id;

/// What is known of a task from its spawn on.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Its id.
    pub id: Id,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// What its spawner called it.
    pub name: Option<&'a str>,
}

impl Origin<'static> {
    /// Of a task without a name.
    #[inline]
    pub fn new(id: Id, spawned_at: &'static Location<'static>) -> Self {
        Origin { id, spawned_at, name: None }
    }
}

/// What few tasks have; see the module's rules.
pub(crate) struct Extra {
    name: Option<Arc<str>>,
    queued_at: UnsafeCell<u64>,
}

// Rule 1: what is that far before a header is aligned if the header is.
const _: () = assert!(align_of::<Header>() >= align_of::<Extra>());

impl Extra {
    pub(crate) fn new(name: Option<&str>) -> Self {
        Extra { name: name.map(Arc::from), queued_at: UnsafeCell::new(0) }
    }

    /// That of a task, if it has one.
    ///
    /// # Safety
    /// The task is live, for as long as the reference is used.
    #[inline]
    pub(crate) unsafe fn of<'a>(task: NonNull<Header>) -> Option<&'a Extra> {
        // SAFETY: the caller's; rule 1.
        unsafe { task.as_ref().has_extra.then(|| Extra::place(task).as_ref()) }
    }

    /// Where that of a task is.
    ///
    /// # Safety
    /// There is room for one before the header.
    pub(crate) unsafe fn place(task: NonNull<Header>) -> NonNull<Extra> {
        // SAFETY: the caller's.
        unsafe { task.cast::<Extra>().sub(1) }
    }

    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// # Safety
    /// Rule 2: the caller has the runnable.
    pub(crate) unsafe fn set_queued_at(&self, nanos: u64) {
        // SAFETY: the caller's.
        self.queued_at.with_mut(|queued_at| unsafe { *queued_at = nanos });
    }

    /// # Safety
    /// Rule 2: the caller has the runnable.
    pub(crate) unsafe fn queued_at(&self) -> u64 {
        // SAFETY: the caller's.
        self.queued_at.with(|queued_at| unsafe { *queued_at })
    }
}
