//! The members of a set, and which of them are over.
//!
//! 1. Each member's join handle has a waker of its own, a [`Bell`](super::arrivals::Bell), which queues the member among the
//!    arrivals when its task ends. So the set looks only at tasks that are over, in the order in which they ended.
//! 2. A member leaves the set when its output is given out, or with [`detach_all`](Members::detach_all).
//! 3. An arrival names a place and a ticket: one of a member that has left, whose place another one has now, is ignored.
//!
//! [`JoinSet`](super::JoinSet) calls in.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use slab::Slab;
use unstuck_base::local::{self, WaitKind};

use super::arrivals::{Arrival, Arrivals};
use crate::task::{AbortHandle, Id, JoinError, JoinHandle};

/// The members; see the module's rules.
pub(super) struct Members<T> {
    places: Slab<Member<T>>,
    arrivals: Arc<Arrivals>,
    next_ticket: u64,
}

struct Member<T> {
    ticket: u64,
    id: Id,
    task: Task<T>,
}

enum Task<T> {
    /// Its handle will ring the bell, or has.
    Running(JoinHandle<T>),
    /// It was over before the bell could be left.
    Over(Exclusive<Result<T, JoinError>>),
}

/// A task that is over, and its id.
pub(super) type Joined<T> = Result<(Id, T), JoinError>;

/// What is only reached by value, so that sharing it shares nothing.
struct Exclusive<T>(T);

// SAFETY: no method takes `&self`.
unsafe impl<T> Sync for Exclusive<T> {}

impl<T> Members<T> {
    pub(super) fn new() -> Self {
        Members { places: Slab::new(), arrivals: Arc::default(), next_ticket: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Takes a task in.
    pub(super) fn insert(&mut self, mut task: JoinHandle<T>) -> AbortHandle {
        let abort = task.abort_handle();
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let place = self.places.vacant_entry();
        let arrival = Arrival { place: place.key(), ticket };
        let bell = self.arrivals.bell(arrival);
        let task = match leave_bell(&mut task, &bell) {
            Poll::Pending => Task::Running(task),
            Poll::Ready(output) => {
                self.arrivals.push(arrival);
                Task::Over(Exclusive(output))
            }
        };
        place.insert(Member { ticket, id: abort.id(), task });
        abort
    }

    /// The output of a member that is over now, which leaves the set.
    pub(super) fn next(&mut self) -> Option<Joined<T>> {
        loop {
            let arrival = self.arrivals.next()?;
            if let Some(output) = self.take(arrival) {
                return Some(output);
            }
        }
    }

    /// The output of the next member that is over, which leaves the set; `Ready(None)`: there is no member. It is waited for at
    /// the line `at` of the user's code.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        at: &'static Location<'static>,
    ) -> Poll<Option<Joined<T>>> {
        if self.places.is_empty() {
            return Poll::Ready(None);
        }
        let charge = ready!(local::poll_budget(cx));
        while let Some(arrival) = self.arrivals.next_or_wait(cx.waker()) {
            if let Some(output) = self.take(arrival) {
                charge.made_progress();
                return Poll::Ready(Some(output));
            }
        }
        local::wait_for(WaitKind::Join, self.key(), at);
        Poll::Pending
    }

    /// The output of the member that arrived, which leaves the set.
    fn take(&mut self, arrival: Arrival) -> Option<Joined<T>> {
        let member = self.places.get(arrival.place).filter(|member| member.ticket == arrival.ticket)?;
        if matches!(&member.task, Task::Running(task) if !task.is_finished()) {
            // Nobody rings for it but the task that ends; should anybody ever, the bell is still there.
            return None;
        }
        let Member { id, task, .. } = self.places.remove(arrival.place);
        let output = match task {
            Task::Over(Exclusive(output)) => output,
            Task::Running(mut task) => match poll_handle(&mut task, Waker::noop()) {
                Poll::Ready(output) => output,
                Poll::Pending => unreachable!("the task is over"),
            },
        };
        Some(output.map(|output| (id, output)))
    }

    /// Aborts those that run. They stay.
    pub(super) fn abort_all(&self) {
        self.places.iter().for_each(|(_, member)| member.abort());
    }

    /// Lets all of them go.
    pub(super) fn detach_all(&mut self) {
        self.places.drain().for_each(drop);
        self.arrivals.clear();
    }

    /// The address, as an opaque key for [`local::wait_for`].
    pub(super) fn key(&self) -> usize {
        Arc::as_ptr(&self.arrivals).addr()
    }
}

impl<T> Member<T> {
    fn abort(&self) {
        if let Task::Running(task) = &self.task {
            task.abort();
        }
    }
}

/// Polls a handle, whatever the budget.
fn poll_handle<T>(task: &mut JoinHandle<T>, waker: &Waker) -> Poll<Result<T, JoinError>> {
    local::with_unlimited_budget(|| Pin::new(task).poll(&mut Context::from_waker(waker)))
}

/// Leaves the bell with the handle. The poll in progress does not wait for the task by that, so its record is undone.
fn leave_bell<T>(task: &mut JoinHandle<T>, bell: &Waker) -> Poll<Result<T, JoinError>> {
    let before = local::waits().count();
    let polled = poll_handle(task, bell);
    if polled.is_pending()
        && let Some(wait) = local::waits().nth(before)
    {
        local::forget_wait(wait.kind, wait.key);
    }
    polled
}
