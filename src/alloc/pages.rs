//! Free pages: one bit for each, set while the page is nobody's. Or whatever else comes in runs.
//!
//! A run is taken word by word, from left to right, each word's part at once, when all of it was seen to be free. If some of a part was lost to
//! somebody else all the same, the rest of it and the parts before are put back. So where two agents want a page at the same moment, others that
//! nobody has may look taken, until whoever has lost has put them back.
//! A run of which somebody else was first to take a page is looked at again from its first page, and after [`TRIES`] of them from its
//! end. So a run may not be found although it is there, if others take and put all the while: then the memory grows.
//!
//! An agent may end at any instruction. The number of free pages and the end of the words are made larger before bits are set, and the
//! number smaller after bits were taken. So neither is ever too small, and all bits can be found.

use core::ops::Deref;

use crate::sys::shim::{AtomicU32, Ordering, array_new, const_new};

/// Bits of a word.
const BITS: u32 = u32::BITS;
/// How often a run is looked at again.
const TRIES: u32 = 4;

/// The free pages among `WORDS * 32`.
pub type Pages<const WORDS: usize> = Runs<[AtomicU32; WORDS]>;

/// The free ones among as many as there are bits in some words. What works on them does not know how many words there are.
#[derive(Debug)]
pub struct Runs<W: ?Sized = [AtomicU32]> {
    /// How many there are at most: bits and number do not change together.
    count: AtomicU32,
    /// No word from here on has ever had a bit.
    end: AtomicU32,
    words: W,
}

/// The bits of a run that lie in the word of its first page, and how many they are.
fn part(first: u32, count: u32) -> (u32, u32) {
    let shift = first % BITS;
    let count = count.min(BITS - shift);
    let ones = u32::MAX >> (BITS - count);
    (ones << shift, count)
}

impl<const WORDS: usize> Pages<WORDS> {
    const_new! {
        /// No free pages.
        #[allow(clippy::new_without_default, reason = "not const")]
        pub fn new() -> Self {
            Self {
                count: AtomicU32::new(0),
                end: AtomicU32::new(0),
                words: array_new!(AtomicU32::new(0)),
            }
        }
    }
}

impl<const WORDS: usize> Deref for Pages<WORDS> {
    type Target = Runs;

    fn deref(&self) -> &Runs {
        self
    }
}

impl Runs {
    fn word(&self, page: u32) -> Option<&AtomicU32> {
        self.words.get((page / BITS) as usize)
    }

    /// Whether a page is free. For pages that are put and never taken.
    pub fn has(&self, page: usize) -> bool {
        let word = self.words.get(page / BITS as usize);
        // Relaxed: says something only to who has been told of the page since it was put.
        word.is_some_and(|word| word.load(Ordering::Relaxed) >> (page % BITS as usize) & 1 != 0)
    }

    /// How many there are, or more: those included that somebody is about to put or has just taken.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Puts a run of pages that are the caller's.
    pub fn put(&self, first: u32, count: u32) {
        if count == 0 {
            return;
        }
        // Both before the bits: see above. Relaxed: who does not see them yet misses pages for that moment. Who takes the pages has
        // acquired their bits, so the number never falls below zero.
        let end = (first + count).div_ceil(BITS);
        self.end.fetch_max(end, Ordering::Relaxed);
        self.count.fetch_add(count, Ordering::Relaxed);
        self.set(first, count);
    }

    #[inline(never)]
    fn set(&self, first: u32, count: u32) {
        let (mut page, end) = (first, first + count);
        while page < end {
            super::steps::step();
            let (mask, bits) = part(page, end - page);
            if let Some(word) = self.word(page) {
                // ORDERING: Release, partner of the exchange in `take_seen`: what was done to the pages before.
                word.fetch_or(mask, Ordering::Release);
            }
            page += bits;
        }
    }

    /// Takes a run of `count` pages.
    #[cfg(any(test, feature = "__test"))]
    pub fn take(&self, count: u32) -> Option<u32> {
        self.take_aligned(count, 0, 1)
    }

    /// Takes a run of `count` pages whose first one is `phase` more than a multiple of `step`, a power of two.
    #[inline(never)]
    pub fn take_aligned(&self, count: u32, phase: u32, step: u32) -> Option<u32> {
        let (mut page, mut again) = (0, TRIES);
        loop {
            let start = self.find(page, count, phase, step)?;
            if self.take_seen(start, count) {
                return Some(start);
            }
            // What is there now? Not for ever: from the end of the run it goes on in any case.
            page = if again > 0 { start } else { start + count };
            again = again.saturating_sub(1);
        }
    }

    /// Whether there is a run of `count` pages.
    pub fn has_run(&self, count: u32) -> bool {
        self.find(0, count, 0, 1).is_some()
    }

    /// Looks for a run as in [`Self::take_aligned`], from `page` on.
    fn find(&self, mut page: u32, count: u32, phase: u32, step: u32) -> Option<u32> {
        if count == 0 || self.count() < count {
            return None;
        }
        let end = self
            .end
            .load(Ordering::Relaxed)
            .min(self.words.len() as u32)
            * BITS;
        let mut start = None;
        while page < end {
            super::steps::step();
            let word = self.word(page)?.load(Ordering::Relaxed) >> (page % BITS);
            if word & 1 == 0 {
                start = None;
                // What was shifted in is no page's: at most to the end of this word.
                page += word.trailing_zeros().min(BITS - page % BITS);
                continue;
            }
            // The first page of a run that is aligned may lie ahead.
            let first = start.unwrap_or(page + (phase.wrapping_sub(page) & (step - 1)));
            start = Some(first);
            page += word.trailing_ones();
            if page >= first && page - first >= count {
                return Some(first);
            }
        }
        None
    }

    /// Takes these pages; false, and none of them, if one of them is not free.
    pub fn take_at(&self, first: u32, count: u32) -> bool {
        // Before any of them is taken: nobody shall miss pages that were never to be had.
        let (mut page, end) = (first, first.saturating_add(count));
        while page < end {
            super::steps::step();
            let (mask, bits) = part(page, end - page);
            let word = self
                .word(page)
                .map_or(0, |word| word.load(Ordering::Relaxed));
            if word & mask != mask {
                return false;
            }
            page += bits;
        }
        self.take_seen(first, count)
    }

    /// As [`Self::take_at`], of pages that were just seen to be free.
    fn take_seen(&self, first: u32, count: u32) -> bool {
        let (mut page, end) = (first, first.saturating_add(count));
        while page < end {
            super::steps::step();
            let (mask, bits) = part(page, end - page);
            // ORDERING: Acquire, partner of the `fetch_or` in `set`: who had the pages before has done with them.
            let before = self
                .word(page)
                .map_or(0, |word| word.fetch_and(!mask, Ordering::Acquire));
            if before & mask != mask {
                if let Some(word) = self.word(page) {
                    // Relaxed: who takes them next has acquired what their `fetch_or` in `set` has released, since all that came in
                    // between was read-modify-write.
                    word.fetch_or(before & mask, Ordering::Relaxed);
                }
                self.set(first, page - first);
                return false;
            }
            page += bits;
        }
        self.count.fetch_sub(count, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_of_one_word() {
        assert_eq!(part(0, 1), (1, 1));
        assert_eq!(part(30, 5), (0b11 << 30, 2));
        assert_eq!(part(32, 40), (u32::MAX, 32));
    }

    #[test]
    fn runs_are_found_across_words_and_taken_once() {
        let pages = Pages::<4>::new();
        assert_eq!(pages.take(1), None);
        pages.put(10, 100);
        assert_eq!(pages.count(), 100);
        assert_eq!(pages.take(70), Some(10));
        assert_eq!(pages.take(31), None);
        assert_eq!(pages.take(30), Some(80));
        assert_eq!((pages.take(1), pages.count()), (None, 0));
    }

    #[test]
    fn what_is_not_free_is_not_taken_and_nothing_with_it() {
        let pages = Pages::<4>::new();
        pages.put(0, 40);
        pages.put(41, 10);
        assert!(!pages.take_at(30, 20));
        assert!(!pages.take_at(120, 20));
        assert!(pages.take_at(30, 10));
        assert_eq!(pages.take(30), Some(0));
        assert_eq!(pages.take(10), Some(41));
        assert_eq!(pages.count(), 0);
    }

    #[test]
    fn a_run_may_have_to_be_aligned() {
        let pages = Pages::<4>::new();
        pages.put(3, 30);
        assert_eq!(pages.take_aligned(4, 1, 8), Some(9));
        assert_eq!(pages.take_aligned(23, 1, 8), None);
        assert_eq!(pages.take_aligned(16, 1, 8), Some(17));
        assert_eq!(pages.take_aligned(1, 0, 64), None);
        // Exactly its place, and nothing beside it.
        pages.put(64, 5);
        assert_eq!(pages.take_aligned(5, 0, 64), Some(64));
        assert_eq!(pages.take_aligned(1, 31, 1 << 31), None);
        assert!(pages.has_run(6) && !pages.has_run(7));
        assert_eq!((pages.take(6), pages.count()), (Some(3), 4));
    }

    #[test]
    fn every_run_of_a_pool_can_be_taken_and_put_back() {
        let pages = Pages::<3>::new();
        for count in (1..=96).step_by(if cfg!(miri) { 17 } else { 1 }) {
            for first in 0..=96 - count {
                pages.put(first, count);
                assert_eq!(pages.take(count + 1), None);
                assert_eq!(pages.take(count), Some(first));
            }
        }
    }
}
