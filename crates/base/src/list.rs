//! Intrusive doubly linked lists: the node lives where its owner wants it, and linking allocates nothing.
//!
//! 1. A linked node does not move and is not freed until it is unlinked. Whoever links it promises that (`unsafe fn`).
//! 2. The [`Links`] of the nodes of one list are touched only through `&mut List` (or `&List` for reading): a list
//!    behind a lock makes its nodes' links belong to that lock.
//! 3. A node is in at most one list at a time, and [`List::remove`] is given the list that the node is in.
//! 4. Only raw pointers are kept, never references: so other code may hold references to the rest of a node, and
//!    stacked borrows (miri) hold.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::{PhantomData, PhantomPinned};
use std::ptr::NonNull;

/// What a node embeds, once per list that it can be in. Two words.
pub struct Links<T> {
    pointers: UnsafeCell<Pointers<T>>,
    _pinned: PhantomPinned,
}

struct Pointers<T> {
    /// Null at the front of a list; [`unlinked`] in a node that is in no list.
    previous: *mut T,
    /// Null at the back of a list.
    next: *mut T,
}

/// The `previous` of a node that is in no list: an address that no node has.
const fn unlinked<T>() -> *mut T {
    std::ptr::without_provenance_mut(1)
}

// SAFETY: rule 2: only whoever has the list touches the pointers.
unsafe impl<T> Send for Links<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Links<T> {}

impl<T> Links<T> {
    /// Links that are in no list.
    pub const fn new() -> Self {
        Links {
            pointers: UnsafeCell::new(Pointers { previous: unlinked(), next: std::ptr::null_mut() }),
            _pinned: PhantomPinned,
        }
    }

    /// Whether the node is in a list.
    ///
    /// # Safety
    /// Nobody changes the list that the node is in (if any) meanwhile: hold its lock.
    pub unsafe fn is_linked(&self) -> bool {
        // SAFETY: the caller vouches that nobody writes; the read is of one word.
        unsafe { (*self.pointers.get()).previous != unlinked() }
    }
}

impl<T> Default for Links<T> {
    fn default() -> Self {
        Links::new()
    }
}

impl<T> fmt::Debug for Links<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pointers belong to whoever holds the list: nothing can be read here.
        f.write_str("Links")
    }
}

/// A type that can be in a list. `K` tells apart the lists that one type can be in at the same time.
///
/// # Safety
/// `links` returns the address of a [`Links`] inside the node, always the same one for the same node, and does not
/// make a reference to the node (use `&raw`).
pub unsafe trait Node<K = ()>: Sized {
    /// Where the node keeps its links.
    ///
    /// # Safety
    /// `node` points at a live node.
    unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>>;
}

/// A list of nodes that live elsewhere; see the module's rules.
pub struct List<T: Node<K>, K = ()> {
    front: *mut T,
    back: *mut T,
    _kind: PhantomData<fn(K)>,
}

// SAFETY: the list only holds addresses; rule 1 says who vouches for the nodes, and `T: Send` lets another thread
// reach them.
unsafe impl<T: Node<K> + Send, K> Send for List<T, K> {}

impl<T: Node<K>, K> Default for List<T, K> {
    fn default() -> Self {
        List::new()
    }
}

impl<T: Node<K>, K> fmt::Debug for List<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("is_empty", &self.is_empty()).finish()
    }
}

impl<T: Node<K>, K> List<T, K> {
    /// An empty list.
    pub const fn new() -> Self {
        List { front: std::ptr::null_mut(), back: std::ptr::null_mut(), _kind: PhantomData }
    }

    /// Whether no node is in the list.
    pub const fn is_empty(&self) -> bool {
        self.front.is_null()
    }

    /// The node at the front.
    pub const fn front(&self) -> Option<NonNull<T>> {
        NonNull::new(self.front)
    }

    /// The node at the back.
    pub const fn back(&self) -> Option<NonNull<T>> {
        NonNull::new(self.back)
    }

    /// The node behind `node`.
    ///
    /// # Safety
    /// `node` is in this list.
    pub unsafe fn next(&self, node: NonNull<T>) -> Option<NonNull<T>> {
        // SAFETY: the caller vouches that `node` is in this list, so its links are ours to read (rule 2).
        NonNull::new(unsafe { (*Self::pointers(node)).next })
    }

    /// The node before `node`.
    ///
    /// # Safety
    /// `node` is in this list.
    pub unsafe fn previous(&self, node: NonNull<T>) -> Option<NonNull<T>> {
        // SAFETY: as in `next`.
        NonNull::new(unsafe { (*Self::pointers(node)).previous })
    }

    /// Puts `node` at the back.
    ///
    /// # Safety
    /// `node` is in no list, and it stays alive and in place until it is unlinked (rule 1).
    pub unsafe fn push_back(&mut self, node: NonNull<T>) {
        // SAFETY: forwarded.
        unsafe { self.insert_between(self.back, node, std::ptr::null_mut()) }
    }

    /// Puts `node` at the front.
    ///
    /// # Safety
    /// As [`push_back`](List::push_back).
    pub unsafe fn push_front(&mut self, node: NonNull<T>) {
        // SAFETY: forwarded.
        unsafe { self.insert_between(std::ptr::null_mut(), node, self.front) }
    }

    /// Puts `node` right before `position`.
    ///
    /// # Safety
    /// As [`push_back`](List::push_back), and `position` is in this list.
    pub unsafe fn insert_before(&mut self, position: NonNull<T>, node: NonNull<T>) {
        // SAFETY: forwarded; `position` is in this list.
        unsafe {
            let previous = (*Self::pointers(position)).previous;
            self.insert_between(previous, node, position.as_ptr());
        }
    }

    /// Takes the node at the front out.
    pub fn pop_front(&mut self) -> Option<NonNull<T>> {
        let node = self.front()?;
        // SAFETY: the front is in this list.
        unsafe { self.remove(node) };
        Some(node)
    }

    /// Takes the node at the back out.
    pub fn pop_back(&mut self) -> Option<NonNull<T>> {
        let node = self.back()?;
        // SAFETY: the back is in this list.
        unsafe { self.remove(node) };
        Some(node)
    }

    /// Takes `node` out.
    ///
    /// # Safety
    /// `node` is in this list (rule 3).
    pub unsafe fn remove(&mut self, node: NonNull<T>) {
        // SAFETY: the caller vouches that `node` is in this list, hence so are its neighbours, and all their links
        // are ours (rule 2).
        unsafe {
            let pointers = Self::pointers(node);
            let (previous, next) = ((*pointers).previous, (*pointers).next);
            debug_assert!(previous != unlinked(), "a node that is in no list can't be removed");
            match NonNull::new(previous) {
                Some(previous) => (*Self::pointers(previous)).next = next,
                None => {
                    debug_assert!(std::ptr::eq(self.front, node.as_ptr()), "the node is in another list");
                    self.front = next;
                }
            }
            match NonNull::new(next) {
                Some(next) => (*Self::pointers(next)).previous = previous,
                None => self.back = previous,
            }
            (*pointers).previous = unlinked();
            (*pointers).next = std::ptr::null_mut();
        }
    }

    /// Moves all nodes of `other` behind ours, in their order.
    pub fn append(&mut self, other: &mut Self) {
        let Some(first) = other.front() else { return };
        match self.back() {
            // SAFETY: `back` is in this list, `first` in the other; both are borrowed mutably.
            Some(back) => unsafe {
                (*Self::pointers(back)).next = first.as_ptr();
                (*Self::pointers(first)).previous = back.as_ptr();
            },
            None => self.front = other.front,
        }
        self.back = other.back;
        other.front = std::ptr::null_mut();
        other.back = std::ptr::null_mut();
    }

    /// Where the pointers of `node` are.
    ///
    /// # Safety
    /// `node` points at a live node.
    unsafe fn pointers(node: NonNull<T>) -> *mut Pointers<T> {
        // SAFETY: `links` gives the address of live links; no reference is made (rule 4).
        unsafe { UnsafeCell::raw_get(&raw const (*T::links(node).as_ptr()).pointers) }
    }

    /// Links `node` between two neighbours of this list (null: there is none).
    ///
    /// # Safety
    /// `node` is in no list and stays in place (rule 1); `previous` and `next` are neighbours in this list.
    unsafe fn insert_between(&mut self, previous: *mut T, node: NonNull<T>, next: *mut T) {
        // SAFETY: rule 2 for the neighbours; `node` is in no list, so nobody else touches its links.
        unsafe {
            let pointers = Self::pointers(node);
            debug_assert!((*pointers).previous == unlinked(), "the node is in a list already");
            (*pointers).previous = previous;
            (*pointers).next = next;
            match NonNull::new(previous) {
                Some(previous) => (*Self::pointers(previous)).next = node.as_ptr(),
                None => self.front = node.as_ptr(),
            }
            match NonNull::new(next) {
                Some(next) => (*Self::pointers(next)).previous = node.as_ptr(),
                None => self.back = node.as_ptr(),
            }
        }
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    struct Item {
        value: usize,
        links: Links<Item>,
    }
    // SAFETY: always the address of the one field.
    unsafe impl Node for Item {
        unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>> {
            // SAFETY: `node` is live; `&raw` makes no reference.
            unsafe { NonNull::new_unchecked(&raw mut (*node.as_ptr()).links) }
        }
    }

    fn items(n: usize) -> Vec<NonNull<Item>> {
        (0..n).map(|value| NonNull::from(Box::leak(Box::new(Item { value, links: Links::new() })))).collect()
    }

    fn free(items: Vec<NonNull<Item>>) {
        for item in items {
            // SAFETY: made by `Box::leak` in `items`, freed once.
            drop(unsafe { Box::from_raw(item.as_ptr()) });
        }
    }

    fn values(list: &List<Item>) -> Vec<usize> {
        let mut values = Vec::new();
        let mut at = list.front();
        while let Some(node) = at {
            // SAFETY: the node is in this list, which is borrowed.
            unsafe {
                values.push((*node.as_ptr()).value);
                at = list.next(node);
            }
        }
        values
    }

    #[test]
    fn links_are_two_words() {
        assert_eq!(size_of::<Links<Item>>(), 2 * size_of::<usize>());
    }

    #[test]
    fn inserting_before_the_front_makes_a_new_front() {
        let items = items(3);
        let mut list = List::new();
        // SAFETY: the items live until the end of the test and are linked once.
        unsafe {
            list.push_back(items[0]);
            list.insert_before(items[0], items[1]);
            list.insert_before(items[0], items[2]);
            assert_eq!(list.previous(items[1]), None);
        }
        assert_eq!(values(&list), [1, 2, 0]);
        while list.pop_front().is_some() {}
        free(items);
    }

    proptest! {
        #[test]
        fn behaves_like_a_deque(events in prop::collection::vec((0..6u8, 0..8usize), 0..200)) {
            let items = items(8);
            let (mut list, mut other, mut model) = (List::new(), List::new(), VecDeque::new());
            for (event, at) in events {
                let node = items[at];
                // SAFETY: `model` knows what is linked: nodes are pushed only when absent, removed only when present.
                unsafe {
                    let linked = (*node.as_ptr()).links.is_linked();
                    prop_assert_eq!(linked, model.contains(&at));
                    match event {
                        0 if !linked => { list.push_back(node); model.push_back(at) }
                        1 if !linked => { list.push_front(node); model.push_front(at) }
                        2 if linked => { list.remove(node); model.retain(|x| *x != at) }
                        3 => prop_assert_eq!(list.pop_front().map(|n| (*n.as_ptr()).value), model.pop_front()),
                        4 => prop_assert_eq!(list.pop_back().map(|n| (*n.as_ptr()).value), model.pop_back()),
                        5 if !linked => { other.push_back(node); list.append(&mut other); model.push_back(at) }
                        _ => {}
                    }
                }
                prop_assert_eq!(values(&list), model.iter().copied().collect::<Vec<_>>());
            }
            while list.pop_front().is_some() {}
            free(items);
        }
    }
}
