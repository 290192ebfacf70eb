//! The set's side of its members.
//!
//! 1. A member counts from when it is spawned until its output is given out, or the set lets it go.
//! 2. Of a member that is over the set keeps the output and the id, in its [`Store`]; the task is freed.
//! 3. Only the set takes members in and gives outputs out, and whoever has it has it alone. So a number of members that run
//!    does not grow behind its back.
//! 4. In a forked child the parent's store may be locked for ever, so it is left alone: an empty set gets another one.
//!
//! [`JoinSet`](super::JoinSet) calls in.

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use unstuck_base::fork::Process;
use unstuck_base::local::{self, WaitKind};
use unstuck_task::drop_output;

use super::store::{Contents, Joined, Store};
use crate::task::{AbortHandle, JoinHandle};

/// The members; see the module's rules.
pub(super) struct Members<T> {
    store: Arc<Store<T>>,
    len: usize,
    limit: usize,
    process: Process,
}

impl<T> Members<T> {
    pub(super) fn new(limit: usize) -> Self {
        Members { store: Arc::default(), len: 0, limit, process: Process::this() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many are over.
    pub(super) fn over(&self) -> usize {
        // In a forked child the parent's may be locked for ever.
        if self.process.is_this() { self.store.over() } else { 0 }
    }

    /// Takes a task in.
    pub(super) fn insert(&mut self, task: JoinHandle<T>) -> AbortHandle
    where
        T: 'static,
    {
        let abort = task.abort_handle();
        if !self.process.is_this() {
            self.assert_has_none_of_the_parent();
            std::mem::forget(std::mem::replace(self, Members::new(self.limit)));
        }
        // Counted first: who waited for the set may be woken, and that may panic.
        self.len += 1;
        self.store.insert(task);
        abort
    }

    /// The output of a member that is over now, which leaves the set.
    pub(super) fn next(&mut self) -> Option<Joined<T>> {
        if self.len == 0 {
            return None;
        }
        self.assert_has_none_of_the_parent();
        let output = self.store.next()?;
        self.len -= 1;
        Some(output)
    }

    /// The output of the next member that is over, which leaves the set; `Ready(None)`: there is no member. It is waited for at
    /// the line `at` of the user's code.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
    ) -> Poll<Option<Joined<T>>> {
        if self.len == 0 {
            return Poll::Ready(None);
        }
        let output = ready!(self.poll_for(cx, at, Contents::next));
        self.len -= 1;
        Poll::Ready(Some(output))
    }

    /// Fewer members run than the limit says; waited for as in [`poll_next`](Members::poll_next).
    pub(super) fn poll_free(&self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<()> {
        let limit = self.limit;
        if self.len < limit {
            return Poll::Ready(());
        }
        self.poll_for(cx, at, |contents| (contents.running.len() < limit).then_some(()))
    }

    /// Waits for what `look` finds when a member has ended.
    fn poll_for<R>(
        &self,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
        look: impl FnMut(&mut Contents<T>) -> Option<R>,
    ) -> Poll<R> {
        self.assert_has_none_of_the_parent();
        let charge = ready!(local::poll_budget(cx));
        match self.store.look_or_wait(cx.waker(), look) {
            Some(found) => {
                charge.made_progress();
                Poll::Ready(found)
            }
            None => {
                local::wait_for(WaitKind::Join, self.key(), at);
                Poll::Pending
            }
        }
    }

    /// Aborts those that run. They stay.
    pub(super) fn abort_all(&self) {
        if self.process.is_this() {
            self.store.abort_all();
        }
    }

    /// Lets all of them go, those that run after `farewell`. Members can't be taken in any more.
    pub(super) fn let_go(&mut self, farewell: impl Fn(&JoinHandle<T>)) {
        if !self.process.is_this() {
            // Never the last count: it is not freed.
            return std::mem::forget(self.store.clone());
        }
        let Contents { mut running, over, waiting: _waiting } = self.store.take();
        running.drain().for_each(|task| farewell(&task));
        over.into_iter().for_each(|joined| match joined {
            Ok((id, output)) => drop_output(id, output),
            // What a task panicked with is a value of the user's too.
            Err(error) => drop_output(error.id(), error),
        });
    }

    /// Lets all of them go on by themselves.
    pub(super) fn detach_all(&mut self) {
        if self.len > 0 {
            let mut all = std::mem::replace(self, Members::new(self.limit));
            all.let_go(|_| {});
        }
    }

    /// A member of the parent ends in the parent, and nobody tells us.
    fn assert_has_none_of_the_parent(&self) {
        if self.len > 0 {
            self.process.assert_is_this();
        }
    }

    /// The address, as an opaque key for [`local::wait_for`].
    pub(super) fn key(&self) -> usize {
        Arc::as_ptr(&self.store).addr()
    }
}
