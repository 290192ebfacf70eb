//! The array of places: one per configured worker, and room for spares, made on first use.
//!
//! 1. A place never moves and lives as long as the pool. It can be visited whether or not a worker has it: then its ring
//!    and slot are empty.
//! 2. `visible` only grows: places below it exist.

use std::sync::OnceLock;

use unstuck_base::CachePadded;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};

use super::place::Place;

/// The places; see the module's rules.
pub(crate) struct Places {
    places: Box<[OnceLock<Box<CachePadded<Place>>>]>,
    visible: AtomicUsize,
    /// Places of spares that have ended.
    free: Mutex<Vec<usize>>,
}

impl Places {
    /// Places for so many workers, which have theirs from the start, and at most so many spares.
    pub(crate) fn new(workers: usize, spares: usize) -> Self {
        let places = Places {
            places: (0..workers + spares).map(|_| OnceLock::new()).collect(),
            visible: AtomicUsize::new(workers),
            free: Mutex::new(Vec::new()),
        };
        for place in &places.places[..workers] {
            let _is_new = place.set(Box::new(CachePadded::new(Place::new())));
        }
        places
    }

    /// How many places there are to visit.
    #[inline]
    pub(crate) fn visible(&self) -> usize {
        // Acquire: pairs with the Release in `take_spare`: the places below exist.
        self.visible.load(Ordering::Acquire)
    }

    /// One of the places that there are to visit.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &Place {
        self.places[index].get().expect("rule 2: a visible place exists")
    }

    /// A place for a spare; `None` when all are taken.
    pub(crate) fn take_spare(&self) -> Option<usize> {
        let mut free = self.free.lock();
        if let Some(index) = free.pop() {
            return Some(index);
        }
        // Relaxed: changes only under the lock.
        let index = self.visible.load(Ordering::Relaxed);
        let place = self.places.get(index)?;
        let _is_new = place.set(Box::new(CachePadded::new(Place::new())));
        // Release: pairs with the Acquire in `visible`.
        self.visible.store(index + 1, Ordering::Release);
        Some(index)
    }

    /// Gives a spare's place back, empty.
    pub(crate) fn give_back(&self, index: usize) {
        self.free.lock().push(index);
    }
}
