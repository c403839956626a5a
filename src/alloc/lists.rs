//! Sizes of blocks, and the lists of free ones by size: [`SECONDS`] lists for each power of two.
//!
//! A block that is wanted gets a size that is the smallest of some list ([`size_for`]). So when it is free again it is in the very list
//! that serves the next one of its kind, and no list has to be searched.

use super::block::{GRAIN, SMALLEST, WORD};

/// Lists for each power of two.
pub(super) const SECONDS: u32 = 16;
/// The logarithm of that.
const SECONDS_LOG: u32 = SECONDS.ilog2();
/// Powers of two: up to the grains that a header can tell.
pub(super) const FIRSTS: usize = 16;

/// The list of a size: the power of two and the place in it.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) first: u32,
    pub(super) second: u32,
}

impl List {
    /// The list that holds blocks of this size.
    pub(super) fn of(size: usize) -> Self {
        let grains = (size / GRAIN) as u32 - 1;
        if grains < SECONDS {
            return Self {
                first: 0,
                second: grains,
            };
        }
        let log = grains.ilog2();
        Self {
            first: log + 1 - SECONDS_LOG,
            second: (grains >> (log - SECONDS_LOG)) & (SECONDS - 1),
        }
    }

    /// The first list whose blocks all have this size.
    pub(super) fn serving(size: usize) -> Self {
        Self::of(rounded(size))
    }

    pub(super) fn index(self) -> usize {
        (self.first * SECONDS + self.second) as usize
    }
}

/// The smallest size of the first list whose blocks all have this size.
fn rounded(size: usize) -> usize {
    let grains = size / GRAIN - 1;
    if grains < SECONDS as usize {
        return size;
    }
    let step = 1 << (grains.ilog2() - SECONDS_LOG);
    (grains.next_multiple_of(step) + 1) * GRAIN
}

/// The size of a block that has room for so many bytes: the smallest of some list, so that such a block is found again when it is
/// free. The rounding is at most a sixteenth, and nothing for a power of two.
pub(super) fn size_for(bytes: usize) -> usize {
    rounded((bytes + WORD).next_multiple_of(GRAIN).max(SMALLEST))
}

/// The bytes that a block of this size has.
pub(super) fn room(size: usize) -> usize {
    size - WORD
}

/// What an allocation may take at most, when the block has to be cut out to be aligned.
pub(super) fn worst(size: usize, align: usize) -> usize {
    if align > GRAIN {
        size + align + GRAIN
    } else {
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_serves_has_no_smaller_block() {
        for grains in (2..100_000_usize).step_by(if cfg!(miri) { 997 } else { 1 }) {
            let size = grains * GRAIN;
            let (of, serving) = (List::of(size), List::serving(size));
            assert!(of.index() <= serving.index());
            assert!(serving.index() < FIRSTS * SECONDS as usize);
            // The largest block of the list before the serving one is too small, or there would be no need to skip that list.
            if serving.index() == of.index() {
                assert_eq!(List::of(size - GRAIN).index() + 1, of.index());
            }
        }
    }
}
