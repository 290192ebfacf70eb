//! Which members of a set are over, in the order in which they ended.
//!
//! 1. Whoever ends a task rings its [`Bell`], from any thread: the member is queued, then who waits for the set is woken.
//! 2. The set looks at the queue and leaves its waker under one lock: it misses nobody.
//! 3. No waker is cloned, dropped or woken under the lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

use unstuck_base::sync::Mutex;

/// The members that are over; see the module's rules.
#[derive(Default)]
pub(super) struct Arrivals {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    arrived: VecDeque<Arrival>,
    /// Who waits for the set.
    waiting: Option<Waker>,
}

/// One member that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) place: usize,
    pub(super) ticket: u64,
}

/// Rings when a member's task ends: it is the waker of its join handle.
pub(super) struct Bell {
    arrivals: Arc<Arrivals>,
    arrival: Arrival,
}

impl Arrivals {
    /// The bell of a member.
    pub(super) fn bell(self: &Arc<Self>, arrival: Arrival) -> Waker {
        Waker::from(Arc::new(Bell { arrivals: self.clone(), arrival }))
    }

    /// A member is over.
    pub(super) fn push(&self, arrival: Arrival) {
        let waiting = {
            let mut queue = self.queue.lock();
            queue.arrived.push_back(arrival);
            queue.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// The member that arrived first.
    pub(super) fn next(&self) -> Option<Arrival> {
        self.queue.lock().arrived.pop_front()
    }

    /// The member that arrived first; when there is none, `waker` is woken by the next one.
    pub(super) fn next_or_wait(&self, waker: &Waker) -> Option<Arrival> {
        let mut ours = None;
        loop {
            let mut queue = self.queue.lock();
            if let Some(arrival) = queue.arrived.pop_front() {
                drop(queue);
                return Some(arrival);
            }
            if queue.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(waker)) {
                drop(queue);
                return None;
            }
            if ours.is_some() {
                std::mem::swap(&mut queue.waiting, &mut ours);
                drop(queue);
                return None;
            }
            drop(queue);
            ours = Some(waker.clone());
        }
    }

    /// Forgets who has arrived.
    pub(super) fn clear(&self) {
        self.queue.lock().arrived.clear();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.arrivals.push(self.arrival);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn arrivals_come_in_their_order_and_wake_who_waits_once() {
        let arrivals = Arc::<Arrivals>::default();
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let arrival = |place| Arrival { place, ticket: 0 };
        assert_eq!(arrivals.next_or_wait(&waker), None);
        assert_eq!(arrivals.next_or_wait(&waker), None);
        let bells = [1, 2].map(|place| arrivals.bell(arrival(place)));
        bells.into_iter().for_each(Waker::wake);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(arrivals.next_or_wait(&waker), Some(arrival(1)));
        assert_eq!(arrivals.next(), Some(arrival(2)));
        assert_eq!(arrivals.next(), None);
    }
}
