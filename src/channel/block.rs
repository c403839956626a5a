//! A block of the unbounded buffer: slots, and the way to the next block. [`list`](super::list) says who may do what with it.

use super::cell::MessageCell;
use crate::sys::shim::{AtomicPtr, AtomicU32, MODEL, Ordering, set_unshared};
use core::ptr;

/// Slots of a block: with the way to the next one they fill whole cache lines. Few in a model, which has to come to the end of one.
pub(super) const BLOCK: u32 = if MODEL { 2 } else { 31 };

/// The alignment of a block: so many bits of its address are free.
pub(super) const ALIGN: usize = 64;

pub(super) const EMPTY: u32 = 0;
pub(super) const FULL: u32 = 1;
pub(super) const ABANDONED: u32 = 2;

pub(super) struct Slot<T> {
    pub(super) state: AtomicU32,
    pub(super) message: MessageCell<T>,
}

#[repr(align(64))]
pub(super) struct Block<T> {
    pub(super) next: AtomicPtr<Block<T>>,
    slots: [Slot<T>; BLOCK as usize],
}

const _: () = assert!(align_of::<Block<u8>>() == ALIGN);
#[cfg(not(web_sync_loom))]
const _: () = assert!(size_of::<Block<u32>>() == 256);

impl<T> Block<T> {
    /// A block of empty slots. Made where it stays: it may be too large for the stack.
    pub(super) fn new() -> *mut Self {
        let block = Box::into_raw(Box::<Self>::new_uninit()).cast::<Self>();
        // For `at`.
        block.expose_provenance();
        // SAFETY: the block is ours, and each field is written once, without a look at what was there.
        unsafe {
            (&raw mut (*block).next).write(AtomicPtr::new(ptr::null_mut()));
            for offset in 0..BLOCK as usize {
                let slot = &raw mut (*block).slots[offset];
                (&raw mut (*slot).state).write(AtomicU32::new(EMPTY));
                (&raw mut (*slot).message).write(MessageCell::new());
            }
        }
        block
    }

    /// Makes it as new.
    ///
    /// # Safety
    ///
    /// The block exists, and nobody else uses it. What is in its slots is not dropped.
    pub(super) unsafe fn reset(block: *mut Self) {
        // ORDERING: Relaxed, nobody else sees it yet.
        // SAFETY: by contract ours alone, so for now the words are not shared.
        unsafe {
            (*block).next.store(ptr::null_mut(), Ordering::Relaxed);
            for offset in 0..BLOCK as usize {
                set_unshared(&mut (*block).slots[offset].state, EMPTY);
            }
        }
    }

    /// # Safety
    ///
    /// The block came from [`Block::new`] and nobody uses it any more. What is in its slots is not dropped.
    pub(super) unsafe fn free(block: *mut Self) {
        // SAFETY: by contract.
        drop(unsafe { Box::from_raw(block) });
    }

    /// # Safety
    ///
    /// The block exists.
    pub(super) unsafe fn slot<'a>(block: *const Self, offset: u32) -> &'a Slot<T> {
        // SAFETY: by contract; how long the caller may use it the caller knows.
        unsafe { &(*block).slots[offset as usize] }
    }
}
