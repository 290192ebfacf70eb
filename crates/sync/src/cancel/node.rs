//! A token's place in the tree, and what happens to the tree.
//!
//! 1. `cancelled` is set once, while both locks of the node are held: `family` and the wait list. So a child is made,
//!    and a waiter joins, either before (and is found by who cancels) or after (and sees the flag under the lock).
//! 2. A node that is cancelled has no children: who cancelled it took them off, and will cancel them.
//! 3. `children` holds one strong count for each of its nodes. The links of a node belong to the `family` lock of its
//!    parent; once the parent is cancelled, to who cancelled it.
//! 4. Locks are taken from older to younger: a node before its children, `family` before the wait list. A child is
//!    always younger than its parent, also after it went over to its grandparent, so nobody waits in a circle.
//! 5. A node whose last handle is dropped leaves the tree: its children go over to its parent. What is not in use is
//!    not kept, and freeing a node never frees another one: depth costs no stack.
//! 6. `parent` changes when the parent leaves or is cancelled. Whoever locks upwards looks it up, unlocks, locks the
//!    parent first, and then looks again whether it still is the parent.
//!
//! Waiting tasks are woken after all flags are set and all locks released.

use std::ptr::NonNull;

use unstuck_base::list::{Links, List, Node as ListNode};
use unstuck_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use unstuck_base::sync::{Arc, Mutex};
use unstuck_base::wake_batch::WakeBatch;

use crate::wait_list::WaitList;

/// One token, however many handles it has; see the module's rules.
pub(super) struct Node {
    cancelled: AtomicBool,
    handles: AtomicUsize,
    pub(super) waiters: WaitList,
    family: Mutex<Family>,
    links: Links<Node>,
}

struct Family {
    parent: Option<Arc<Node>>,
    children: List<Node>,
}

impl Node {
    /// A node with one handle and no children.
    pub(super) fn new(parent: Option<Arc<Node>>) -> Node {
        Node {
            cancelled: AtomicBool::new(false),
            handles: AtomicUsize::new(1),
            waiters: WaitList::new(),
            family: Mutex::new(Family { parent, children: List::new() }),
            links: Links::new(),
        }
    }

    /// A new child of `parent`, which has a handle (the caller's).
    pub(super) fn child_of(parent: &Arc<Node>) -> Arc<Node> {
        if !parent.is_cancelled() {
            let child = Arc::new(Node::new(Some(parent.clone())));
            let mut family = parent.family.lock();
            // Relaxed: the flag changes under the lock that we have (rule 1).
            if !parent.cancelled.load(Ordering::Relaxed) {
                // SAFETY: the child is in no list; its strong count keeps it in place until it is taken off (rule 3).
                unsafe { family.children.push_back(into_list(child.clone())) };
                return child;
            }
            drop(family);
            child.family.lock().parent = None;
        }
        let child = Node::new(None);
        // Relaxed: nobody else has it yet.
        child.cancelled.store(true, Ordering::Relaxed);
        Arc::new(child)
    }

    /// Whether the node is cancelled.
    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        // Acquire: pairs with the Release in `cancel_one`: who sees the flag sees what was done before the cancel.
        self.cancelled.load(Ordering::Acquire)
    }

    /// Cancels `node` and all its descendants.
    pub(super) fn cancel(node: &Arc<Node>) {
        if node.is_cancelled() {
            return;
        }
        let mut batch = WakeBatch::new();
        // Nodes that were taken off their cancelled parents: ours (rule 3).
        let mut pending = List::new();
        node.cancel_one(&mut pending, &mut batch);
        while let Some(child) = pending.pop_front() {
            // SAFETY: it was in a list of children, and we took it off.
            let child = unsafe { out_of_list(child) };
            child.cancel_one(&mut pending, &mut batch);
            let parent = child.family.lock().parent.take();
            drop(parent);
        }
        batch.wake_all();
    }

    /// Sets the flag, gathers who waits, takes the children off.
    fn cancel_one(&self, pending: &mut List<Node>, batch: &mut WakeBatch) {
        let mut family = self.family.lock();
        // Relaxed: the flag changes under the lock that we have (rule 1).
        if self.cancelled.load(Ordering::Relaxed) {
            return;
        }
        let mut queue = self.waiters.lock();
        // Release: pairs with the Acquire in `is_cancelled`. Before the call: who is called must find the flag.
        self.cancelled.store(true, Ordering::Release);
        queue.call_all(batch);
        drop(queue);
        pending.append(&mut family.children);
    }

    /// Another handle of this node.
    pub(super) fn add_handle(&self) {
        // Relaxed: the new handle is made from one that exists.
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// A handle is gone. The last one takes the node out of the tree (rule 5).
    pub(super) fn drop_handle(node: &Arc<Node>) {
        // Release: what was done through this handle comes before the end.
        if node.handles.fetch_sub(1, Ordering::Release) == 1 {
            // Acquire: pairs with the Releases of the other handles.
            fence(Ordering::Acquire);
            node.leave_tree();
        }
    }

    /// The node has no handles any more: nobody adds children or waiters, or cancels it by itself.
    fn leave_tree(&self) {
        loop {
            let parent = self.family.lock().parent.clone();
            match parent {
                None => return self.leave_as_root(),
                Some(parent) => {
                    if self.leave_to(&parent) {
                        return;
                    }
                }
            }
        }
    }

    /// The children become roots.
    fn leave_as_root(&self) {
        loop {
            let mut family = self.family.lock();
            let Some(child) = family.children.pop_front() else { return };
            // SAFETY: it was in our list of children, and we took it off.
            let child = unsafe { out_of_list(child) };
            let us = child.family.lock().parent.take();
            drop(family);
            drop((us, child));
        }
    }

    /// The children go over to `parent`. `false`: it is not our parent any more.
    fn leave_to(&self, parent: &Arc<Node>) -> bool {
        let mut above = parent.family.lock();
        let mut family = self.family.lock();
        if !family.parent.as_ref().is_some_and(|now| Arc::ptr_eq(now, parent)) {
            return false;
        }
        // Relaxed: the flag changes under the lock that we have (rule 1).
        if parent.cancelled.load(Ordering::Relaxed) {
            // We are off its list already; who took us off cancels us and our children (rule 2).
            return true;
        }
        // Counts are given back under the locks here; none is the last one: our callers have one of us and of the parent.
        family.parent = None;
        // SAFETY: `above` is our parent's, and it is not cancelled, so we are in its list (rule 3).
        drop(unsafe {
            above.children.remove(NonNull::from(self));
            out_of_list(NonNull::from(self))
        });
        while let Some(child) = family.children.pop_front() {
            // SAFETY: the child's strong count stays with the entry, which goes over to the parent's list (rule 3).
            unsafe {
                above.children.push_back(child);
                child.as_ref().family.lock().parent = Some(parent.clone());
            }
        }
        true
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let family = self.family.get_mut();
        debug_assert!(family.parent.is_none() && family.children.is_empty(), "rule 5: a freed node has left the tree");
    }
}

/// Turns one strong count into an entry of a list.
fn into_list(node: Arc<Node>) -> NonNull<Node> {
    // SAFETY: an `Arc` is not null.
    unsafe { NonNull::new_unchecked(Arc::into_raw(node).cast_mut()) }
}

/// Turns an entry that was taken off a list back into its strong count.
///
/// # Safety
/// The entry was made by `into_list`, and is in no list any more.
unsafe fn out_of_list(node: NonNull<Node>) -> Arc<Node> {
    // SAFETY: the caller's promise.
    unsafe { Arc::from_raw(node.as_ptr()) }
}

// SAFETY: always the address of the one field; `&raw` makes no reference.
unsafe impl ListNode for Node {
    unsafe fn links(node: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: the caller vouches that `node` is live.
        unsafe { NonNull::new_unchecked(&raw mut (*node.as_ptr()).links) }
    }
}
