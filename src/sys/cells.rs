//! Cells side by side, handed out as slices: what a ring keeps its items in.

use super::shim::{MODEL, UnsafeCell};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr;

/// Room for items, at addresses one after the other. Which of them are there, and whose they are, says the owner; to drop the room drops
/// none.
///
/// LOOM: its cells cannot lie side by side as bare values, so each item has one beside it that is accessed in its place: when a slice is
/// handed out, and again when it is given back.
pub(crate) struct Cells<T> {
    room: *mut [MaybeUninit<T>],
    watched: Box<[UnsafeCell<()>]>,
}

// SAFETY: it is room; the owner says who may use which part of it.
unsafe impl<T: Send> Send for Cells<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Cells<T> {}

impl<T> Cells<T> {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            room: Box::into_raw(Box::new_uninit_slice(count)),
            watched: (0..if MODEL { count } else { 0 })
                .map(|_| UnsafeCell::new(()))
                .collect(),
        }
    }

    /// The items of a range. It accesses none.
    ///
    /// # Safety
    ///
    /// The range is inside, and the caller's.
    #[inline(always)]
    pub(crate) unsafe fn range(&self, range: Range<usize>) -> *mut [MaybeUninit<T>] {
        let first = self.room.cast::<MaybeUninit<T>>();
        // SAFETY: inside the room, by contract.
        ptr::slice_from_raw_parts_mut(unsafe { first.add(range.start) }, range.len())
    }

    /// Tells the model checker that the caller reads what is in a range, now.
    #[inline(always)]
    pub(crate) fn read(&self, range: Range<usize>) {
        if MODEL {
            self.watched[range]
                .iter()
                .for_each(|cell| cell.with(|_| ()));
        }
    }

    /// Tells the model checker that the caller writes, or moves out, what is in a range, now.
    #[inline(always)]
    pub(crate) fn write(&self, range: Range<usize>) {
        if MODEL {
            self.watched[range]
                .iter()
                .for_each(|cell| cell.with_mut(|_| ()));
        }
    }
}

impl<T> Drop for Cells<T> {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and nobody uses it any more.
        drop(unsafe { Box::from_raw(self.room) });
    }
}
