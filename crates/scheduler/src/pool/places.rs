//! The array of places: one per configured worker, and room for spares, made on first use.
//!
//! 1. A place never moves and lives as long as the pool. It can be visited whether or not a worker has it: then its ring
//!    and slot are empty.
//! 2. Places below `visible` exist, and all that workers have are among them. It shrinks when spares at its end have gone:
//!    the lowest free place is given out first, so that those to be visited are as few as can be.

use std::sync::OnceLock;

use unstuck_base::CachePadded;
use unstuck_base::sync::Mutex;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};

use super::place::Place;

/// The places; see the module's rules.
pub(crate) struct Places {
    places: Box<[OnceLock<Box<CachePadded<Place>>>]>,
    visible: AtomicUsize,
    workers: usize,
    /// Which of the places for spares are taken, in the order of the places. Changes together with `visible`.
    taken: Mutex<Vec<bool>>,
}

impl Places {
    /// Places for so many workers, which have theirs from the start, and at most so many spares.
    pub(crate) fn new(workers: usize, spares: usize) -> Self {
        let places = Places {
            places: (0..workers + spares).map(|_| OnceLock::new()).collect(),
            visible: AtomicUsize::new(workers),
            workers,
            taken: Mutex::new(Vec::new()),
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
        let mut taken = self.taken.lock();
        let spare = taken.iter().position(|taken| !taken).unwrap_or(taken.len());
        let place = self.places.get(self.workers + spare)?;
        place.get_or_init(|| Box::new(CachePadded::new(Place::new())));
        if spare == taken.len() {
            taken.push(true);
        } else {
            taken[spare] = true;
        }
        self.publish(&taken);
        Some(self.workers + spare)
    }

    /// How many of the places for spares are taken.
    pub(crate) fn spares(&self) -> usize {
        self.taken.lock().iter().filter(|taken| **taken).count()
    }

    /// Gives a spare's place back, empty.
    pub(crate) fn give_back(&self, index: usize) {
        let mut taken = self.taken.lock();
        taken[index - self.workers] = false;
        while taken.last() == Some(&false) {
            taken.pop();
        }
        self.publish(&taken);
    }

    fn publish(&self, taken: &[bool]) {
        // Release: pairs with the Acquire in `visible`.
        self.visible.store(self.workers + taken.len(), Ordering::Release);
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    #[test]
    fn spares_take_the_lowest_place_and_only_places_up_to_the_last_taken_are_visited() {
        let places = Places::new(2, 3);
        assert_eq!(places.visible(), 2);
        assert_eq!([(); 3].map(|()| places.take_spare()), [Some(2), Some(3), Some(4)]);
        assert_eq!(places.take_spare(), None);
        assert_eq!((places.visible(), places.spares()), (5, 3));
        places.give_back(3);
        assert_eq!((places.visible(), places.spares()), (5, 2));
        assert_eq!(places.take_spare(), Some(3));
        places.give_back(3);
        places.give_back(4);
        assert_eq!(places.visible(), 3);
        // Whoever still knows the old number finds a place there.
        assert!(places.get(4).ring.is_empty());
        places.give_back(2);
        assert_eq!(places.visible(), 2);
    }
}
