//! Empty blocks of the unbounded buffer, kept for the senders that need one: so that where messages come and go nobody asks the allocator.
//!
//! A block that is here is nobody's. Who takes it out has it alone.

use super::block::Block;
use crate::sys::shim::{AtomicPtr, MODEL, Ordering};
use core::array;
use core::ptr;

/// The most blocks that are kept: so many that they share a cache line with the tail. One in a model, where which of them is taken makes no
/// difference.
const MOST: usize = if MODEL { 1 } else { 7 };
/// The most bytes that are kept in them, if that is more than one block.
const BYTES: usize = 4096;

/// Empty blocks.
pub(super) struct Spares<T>([AtomicPtr<Block<T>>; MOST]);

impl<T> Spares<T> {
    pub(super) fn new() -> Self {
        Self(array::from_fn(|_| AtomicPtr::new(ptr::null_mut())))
    }

    /// The places of blocks of this size; a null where there is none.
    fn places(&self) -> &[AtomicPtr<Block<T>>] {
        let places = const { BYTES / size_of::<Block<T>>() };
        &self.0[..places.clamp(1, MOST)]
    }

    /// A block as new.
    #[cold]
    pub(super) fn take(&self) -> *mut Block<T> {
        for place in self.places() {
            // ORDERING: Relaxed, a guess; the swap acquires.
            if place.load(Ordering::Relaxed).is_null() {
                continue;
            }
            // ORDERING: Acquire, partner of the Release in `keep_slow`: the block is as new.
            let block = place.swap(ptr::null_mut(), Ordering::Acquire);
            if !block.is_null() {
                return block;
            }
        }
        Block::new()
    }

    /// Keeps a block or frees it. Null is no block.
    ///
    /// # Safety
    ///
    /// It came from [`Spares::take`], nobody uses it any more, and there is no message in it.
    #[inline]
    pub(super) unsafe fn keep(&self, block: *mut Block<T>) {
        if !block.is_null() {
            // SAFETY: by contract.
            unsafe { self.keep_slow(block) };
        }
    }

    /// # Safety
    ///
    /// As above, and it is not null.
    #[cold]
    unsafe fn keep_slow(&self, block: *mut Block<T>) {
        for place in self.places() {
            // ORDERING: Relaxed, a guess; the exchange finds out.
            if !place.load(Ordering::Relaxed).is_null() {
                continue;
            }
            // SAFETY: ours alone, by contract.
            unsafe { Block::reset(block) };
            // ORDERING: Release, partner of the Acquire in `take`: it is as new.
            let kept = place.compare_exchange(
                ptr::null_mut(),
                block,
                Ordering::Release,
                Ordering::Relaxed,
            );
            if kept.is_ok() {
                return;
            }
        }
        // SAFETY: by contract.
        unsafe { Block::free(block) };
    }
}

impl<T> Drop for Spares<T> {
    fn drop(&mut self) {
        for place in &self.0 {
            // ORDERING: Relaxed, the last handle of each side has acquired what all others did.
            let block = place.load(Ordering::Relaxed);
            if !block.is_null() {
                // SAFETY: nobody's, and nobody else is here any more.
                unsafe { Block::free(block) };
            }
        }
    }
}
