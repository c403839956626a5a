//! An agent's magazines: for each size class two short stacks of free blocks that no other agent sees.
//!
//! Blocks are taken from and added to the first stack. When it is empty, or full, the stacks change places, so that an agent that
//! allocates and frees in turn comes back to others only after a whole batch of either. The second stack is empty, or a whole batch: what
//! overflows leaves as a batch, and need not be counted.
//!
//! The cache lies in a block of an arena, not in thread-local memory: that is freed through the allocator itself.

use core::ptr;

use super::block::Node;
use super::class::{CLASSES, batch};

/// The magazines of one agent.
#[derive(Debug)]
pub(super) struct Cache {
    /// The number of the arena that the agent had last.
    pub(super) home: u32,
    stacks: [Stacks; CLASSES],
}

#[derive(Clone, Copy, Debug)]
struct Stacks {
    /// The stack that is used.
    top: *mut Node,
    /// How many more blocks it takes.
    room: u32,
    /// A batch, or null.
    other: *mut Node,
}

impl Cache {
    /// Makes the memory at `place` an empty cache.
    ///
    /// # Safety
    ///
    /// The memory is the caller's, large enough and aligned.
    pub(super) unsafe fn make(place: *mut Self, home: u32) {
        // SAFETY: as the caller says. In place, so that it does not go over the stack.
        unsafe {
            (&raw mut (*place).home).write(home);
            let stacks = (&raw mut (*place).stacks).cast::<Stacks>();
            for class in 0..CLASSES {
                stacks.add(class).write(Stacks {
                    top: ptr::null_mut(),
                    room: batch(class),
                    other: ptr::null_mut(),
                });
            }
        }
    }

    /// Takes a block; null when there is none.
    #[inline(always)]
    pub(super) fn pop(&mut self, class: usize) -> *mut Node {
        let Some(stacks) = self.stacks.get_mut(class) else {
            return ptr::null_mut();
        };
        if stacks.top.is_null() {
            if stacks.other.is_null() {
                return ptr::null_mut();
            }
            stacks.top = stacks.other;
            stacks.other = ptr::null_mut();
            stacks.room = 0;
        }
        let node = stacks.top;
        // SAFETY: in a stack of ours, so ours (I5).
        stacks.top = unsafe { Node::next(node) };
        stacks.room += 1;
        node
    }

    /// Adds a block. What overflows is a batch, the caller's; null if there is room.
    ///
    /// # Safety
    ///
    /// The node is the caller's, and no longer afterwards.
    #[inline(always)]
    pub(super) unsafe fn push(&mut self, class: usize, node: *mut Node) -> *mut Node {
        let mut over = ptr::null_mut();
        let Some(stacks) = self.stacks.get_mut(class) else {
            return node;
        };
        if stacks.room == 0 {
            over = stacks.other;
            stacks.other = stacks.top;
            stacks.top = ptr::null_mut();
            stacks.room = batch(class);
        }
        // SAFETY: the caller's.
        unsafe { Node::set_next(node, stacks.top) };
        stacks.top = node;
        stacks.room -= 1;
        over
    }

    /// Makes a batch the stack of a class that has run out.
    ///
    /// # Safety
    ///
    /// The batch is the caller's, and no longer afterwards; [`Self::pop`] has just found nothing.
    pub(super) unsafe fn refill(&mut self, class: usize, nodes: *mut Node) {
        if let Some(stacks) = self.stacks.get_mut(class) {
            stacks.top = nodes;
            stacks.room = 0;
        }
    }

    /// Takes everything of a class: two lists, either of which may be null.
    pub(super) fn take_all(&mut self, class: usize) -> [*mut Node; 2] {
        let Some(stacks) = self.stacks.get_mut(class) else {
            return [ptr::null_mut(); 2];
        };
        let all = [stacks.top, stacks.other];
        *stacks = Stacks {
            top: ptr::null_mut(),
            room: batch(class),
            other: ptr::null_mut(),
        };
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::MaybeUninit;

    #[test]
    fn two_batches_fit_and_the_third_leaves_as_one() {
        let mut place = MaybeUninit::<Cache>::uninit();
        // SAFETY: the place is ours; the nodes as well, and outlive the cache.
        unsafe {
            Cache::make(place.as_mut_ptr(), 0);
            let cache = place.assume_init_mut();
            let size = batch(0) as usize;
            let mut nodes: Vec<Box<Node>> = (0..=2 * size).map(|_| Box::new(Node::new())).collect();
            let mut nodes = nodes.iter_mut().map(|node| &raw mut **node);
            for node in nodes.by_ref().take(2 * size) {
                assert!(cache.push(0, node).is_null());
            }
            let mut over = cache.push(0, nodes.next().unwrap());
            for _ in 0..size {
                assert!(!over.is_null());
                over = Node::next(over);
            }
            assert!(over.is_null());
            for _ in 0..=size {
                assert!(!cache.pop(0).is_null());
            }
            assert!(cache.pop(0).is_null());
        }
    }
}
