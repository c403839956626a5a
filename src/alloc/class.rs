//! Which way a layout goes, and the size classes of small blocks.
//!
//! | kind | which | from |
//! |---|---|---|
//! | small | at most [`SMALL_MAX`] bytes, aligned as every block is | the agent's magazine of the class |
//! | medium | at most [`MEDIUM_MAX`] bytes, aligned to at most [`MEDIUM_ALIGN`] | an arena |
//! | large | the rest | pages of its own, without a header |
//!
//! The kind follows from the layout alone, so a block that is freed goes back the way it came.
//!
//! *Fine* classes, up to [`FINE_MAX`], are a grain apart. The *coarse* ones above are four for each power of two: a block has at most a quarter
//! more than was asked for, and less where the sizes are powers of two. They are there since a visit to an arena takes as long as twenty
//! to a magazine, and since an agent that is interrupted in an arena keeps it from the others: medians of nanoseconds per block with blocks of 16
//! bytes to 32 KiB ("larson" of the benchmarks; Node 24 on two busy cores, 1, 2 and 4 workers) were 246, 153, 132 without them,
//! and 61, 44, 47 with them.

use core::alloc::Layout;

use super::block::{GRAIN, WORD};
use crate::sys::memory::PAGE;

/// Classes that are a grain apart.
const FINE: usize = 63;
/// The largest block of those: 508 bytes on wasm32.
pub(super) const FINE_MAX: usize = GRAIN * FINE + WORD;
/// The logarithm of the first power of two that is a coarse class.
const COARSE_LOG: u32 = (GRAIN * (FINE + 1)).ilog2();
/// Coarse classes for each power of two.
const STEPS: u32 = 1 << STEPS_LOG;
/// The logarithm of that.
const STEPS_LOG: u32 = 2;
/// Powers of two that are divided so.
const DOUBLINGS: usize = 5;
/// The number of size classes.
pub(super) const CLASSES: usize = FINE + 1 + DOUBLINGS * STEPS as usize;
/// The largest small block: 16 KiB on wasm32.
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

    /// The bytes that a block of this kind needs for so many.
    pub(super) fn room(self, size: usize) -> usize {
        match self {
            Self::Small(class) => capacity(class),
            _ => size,
        }
    }
}

/// The class of a layout, if it is a fine one.
#[inline(always)]
pub(super) fn fine(layout: Layout) -> Option<usize> {
    let fine = layout.size() <= FINE_MAX && layout.align() <= GRAIN;
    fine.then(|| class(layout.size()))
}

/// The class of a small size.
#[inline(always)]
pub(super) fn class(size: usize) -> usize {
    if size <= FINE_MAX {
        // The capacities are GRAIN apart and the first is WORD more than GRAIN.
        return size.saturating_sub(WORD + 1) / GRAIN;
    }
    let last = size - 1;
    let log = last.ilog2();
    let step = (last >> (log - STEPS_LOG)) as u32 & (STEPS - 1);
    // The first is the last step below its power of two.
    FINE + ((log + 1 - COARSE_LOG) * STEPS + step + 1 - STEPS) as usize
}

/// The bytes that a block of a class has.
pub(super) const fn capacity(class: usize) -> usize {
    if class < FINE {
        return GRAIN * (class + 1) + WORD;
    }
    let at = (class - FINE) as u32 + STEPS - 1;
    let log = COARSE_LOG - 1 + at / STEPS;
    ((STEPS + at % STEPS + 1) as usize) << (log - STEPS_LOG)
}

/// How many blocks of a class change hands at a time.
pub(super) fn batch(class: usize) -> u32 {
    BATCHES.get(class).copied().map_or(1, u32::from)
}

/// Two to sixteen of a fine class, one to four of a coarse one. A table: there is nothing in it to divide by.
const BATCHES: [u8; CLASSES] = {
    let (mut batches, mut class) = ([0; CLASSES], 0);
    while class < CLASSES {
        let (bytes, least) = if class < FINE {
            (BATCH_BYTES, 2)
        } else {
            (2 * BATCH_BYTES, 1)
        };
        let count = bytes / capacity(class);
        batches[class] = if count < least {
            least as u8
        } else if count > 16 {
            16
        } else {
            count as u8
        };
        class += 1;
    }
    batches
};

/// What an agent's magazines hold at most, in bytes: two batches of each class.
const MAGAZINES_MAX: usize = {
    let (mut sum, mut class) = (0, 0);
    while class < CLASSES {
        sum += 2 * BATCHES[class] as usize * (capacity(class) + WORD);
        class += 1;
    }
    sum
};

// What the documentation of `Arenas` and of this module says.
const _: () = assert!(WORD != 4 || (FINE_MAX == 508 && SMALL_MAX == 16 << 10));
const _: () = assert!(MAGAZINES_MAX <= 84 * 1024 * WORD);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_room_and_the_one_before_has_not() {
        for size in (0..=SMALL_MAX).step_by(if cfg!(miri) { 37 } else { 1 }) {
            let class = class(size);
            assert!(class < CLASSES && capacity(class) >= size, "{size}");
            assert!(class == 0 || capacity(class - 1) < size, "{size}");
        }
    }

    #[test]
    fn the_kind_follows_size_and_alignment() {
        let of = |size, align| Kind::of(Layout::from_size_align(size, align).unwrap());
        assert_eq!(of(0, 1), Kind::Small(0));
        assert_eq!(of(FINE_MAX, GRAIN), Kind::Small(FINE - 1));
        assert_eq!(of(FINE_MAX + 1, GRAIN), Kind::Small(FINE));
        assert_eq!(of(SMALL_MAX, GRAIN), Kind::Small(CLASSES - 1));
        assert_eq!(of(SMALL_MAX + 1, 1), Kind::Medium);
        assert_eq!(of(1, 2 * GRAIN), Kind::Medium);
        assert_eq!(of(MEDIUM_MAX, MEDIUM_ALIGN), Kind::Medium);
        assert_eq!(of(MEDIUM_MAX + 1, 1), Kind::Large(5));
        assert_eq!(of(0, 2 * MEDIUM_ALIGN), Kind::Large(1));
    }

    #[test]
    fn batches_are_small() {
        assert_eq!((batch(0), batch(FINE - 1)), (16, 2));
        assert_eq!(batch(CLASSES - 1), 1);
    }

    #[test]
    fn powers_of_two_are_classes() {
        let mut size = FINE_MAX.next_power_of_two();
        while size <= SMALL_MAX {
            assert_eq!(capacity(class(size)), size);
            size *= 2;
        }
    }
}
