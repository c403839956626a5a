//! Blocks that were freed while their arena was busy: any agent pushes, whoever has the arena takes all of them.
//!
//! A push is one try, and its caller decides what to do when it was lost to another push. A take is one swap. So nobody loops, and
//! no address is compared with one that may have come back meanwhile: a push that finds the head that it has read links its node
//! before that head, whatever has become of it in between, and that is right.

use core::ptr;

use super::block::Node;
use crate::sys::shim::{AtomicPtr, Ordering, const_new};

/// A list of freed blocks.
#[derive(Debug)]
pub struct Deferred {
    head: AtomicPtr<Node>,
}

impl Deferred {
    const_new! {
        /// An empty list.
        #[allow(clippy::new_without_default, reason = "not const")]
        pub fn new() -> Self {
            Self {
                head: AtomicPtr::new(ptr::null_mut()),
            }
        }
    }

    /// Tries once to add a block; false if another agent's push or take came in between.
    ///
    /// # Safety
    ///
    /// The node is the caller's, and no longer when this returns true (I5).
    pub unsafe fn push(&self, node: *mut Node) -> bool {
        // Relaxed: the head is linked, not looked into.
        let head = self.head.load(Ordering::Relaxed);
        // SAFETY: the node is the caller's.
        unsafe { Node::set_next(node, head) };
        // ORDERING: Release, partner of the swap in `take`: the link, and what the agent has done to the block before it freed it.
        // Pushes after this one are in its release sequence.
        self.head
            .compare_exchange(head, node, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Takes all of them, linked; null if there are none.
    pub fn take(&self) -> *mut Node {
        if self.head.load(Ordering::Relaxed).is_null() {
            return ptr::null_mut();
        }
        // ORDERING: Acquire, partner of the exchanges in `push`.
        self.head.swap(ptr::null_mut(), Ordering::Acquire)
    }
}
