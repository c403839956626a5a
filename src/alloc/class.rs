//! Which way a layout goes, and the size classes of small blocks.
//!
//! | kind | which | from |
//! |---|---|---|
//! | small | at most [`SMALL_MAX`] bytes, aligned as every block is | the agent's magazine of the class |
//! | medium | at most [`MEDIUM_MAX`] bytes, aligned to at most [`MEDIUM_ALIGN`] | an arena |
//! | large | the rest | pages of its own, without a header |
//!
//! The kind follows from the layout alone, so a block that is freed goes back the way it came.

use core::alloc::Layout;

use super::block::{GRAIN, WORD};
use crate::sys::memory::PAGE;

/// The number of size classes.
pub(super) const CLASSES: usize = 63;
/// The largest small block: 508 bytes on wasm32.
pub(super) const SMALL_MAX: usize = capacity(CLASSES - 1);
/// The largest medium block.
pub(super) const MEDIUM_MAX: usize = 256 * 1024;
/// The largest alignment of a medium block.
pub(super) const MEDIUM_ALIGN: usize = 4096;
/// The bytes of a batch, roughly.
const BATCH_BYTES: usize = 1024;

/// The way of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Of this class.
    Small(usize),
    Medium,
    /// So many pages.
    Large(u32),
}

impl Kind {
    #[inline(always)]
    pub(super) fn of(layout: Layout) -> Self {
        let (size, align) = (layout.size(), layout.align());
        if size <= SMALL_MAX && align <= GRAIN {
            return Self::Small(class(size));
        }
        if size <= MEDIUM_MAX && align <= MEDIUM_ALIGN {
            return Self::Medium;
        }
        // A layout's size is at most `isize::MAX`, so this does not overflow; zero bytes at a large alignment are a page.
        Self::Large((size.max(1).div_ceil(PAGE)).min(u32::MAX as usize) as u32)
    }
}

/// The class of a small size.
#[inline(always)]
pub(super) fn class(size: usize) -> usize {
    // The capacities are GRAIN apart and the first is WORD more than GRAIN.
    size.saturating_sub(WORD).div_ceil(GRAIN) - (size > WORD) as usize
}

/// The bytes that a block of a class has.
pub(super) const fn capacity(class: usize) -> usize {
    GRAIN * (class + 1) + WORD
}

/// How many blocks of a class change hands at a time.
pub(super) const fn batch(class: usize) -> u32 {
    let count = BATCH_BYTES / capacity(class);
    if count < 2 {
        2
    } else if count > 16 {
        16
    } else {
        count as u32
    }
}

/// What an agent's magazines hold at most, in bytes: two batches of each class.
const MAGAZINES_MAX: usize = {
    let (mut sum, mut class) = (0, 0);
    while class < CLASSES {
        sum += 2 * batch(class) as usize * (capacity(class) + WORD);
        class += 1;
    }
    sum
};

// What the documentation of `Arenas` says.
const _: () = assert!(WORD != 4 || SMALL_MAX == 508);
const _: () = assert!(MAGAZINES_MAX <= 32 * 1024 * WORD);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_room_and_the_one_before_has_not() {
        for size in 0..=SMALL_MAX {
            let class = class(size);
            assert!(class < CLASSES && capacity(class) >= size, "{size}");
            assert!(class == 0 || capacity(class - 1) < size, "{size}");
        }
    }

    #[test]
    fn the_kind_follows_size_and_alignment() {
        let of = |size, align| Kind::of(Layout::from_size_align(size, align).unwrap());
        assert_eq!(of(0, 1), Kind::Small(0));
        assert_eq!(of(SMALL_MAX, GRAIN), Kind::Small(CLASSES - 1));
        assert_eq!(of(SMALL_MAX + 1, 1), Kind::Medium);
        assert_eq!(of(1, 2 * GRAIN), Kind::Medium);
        assert_eq!(of(MEDIUM_MAX, MEDIUM_ALIGN), Kind::Medium);
        assert_eq!(of(MEDIUM_MAX + 1, 1), Kind::Large(5));
        assert_eq!(of(0, 2 * MEDIUM_ALIGN), Kind::Large(1));
    }

    #[test]
    fn batches_are_small() {
        assert_eq!((batch(0), batch(CLASSES - 1)), (16, 2));
    }
}
