//! Which blocks of an arena are free: two-level segregated fit (Masmano, Ripoll, Crespo, Real: "TLSF: a new dynamic memory allocator for
//! real-time systems", 2004). To allocate, to free and to resize take a constant number of steps, however many blocks there are.
//!
//! Free blocks are in lists by size, [`SECONDS`] lists for each power of two, and bitmaps tell which lists have any. A block that is
//! freed is merged with its free neighbours, so two free blocks never lie side by side, and a list serves any size that is not larger
//! than the smallest in it.
//!
//! Memory comes in *spans*: whole pages, with one block at first and a header of size zero at the end. A span that has become one
//! free block again can be given back.
//!
//! Whoever calls has the arena (I4).

use super::block::{self, BEFORE_FREE, FIRST, FREE, GRAIN, Header, SMALLEST, WORD};
use super::choice::Core;
use super::lists::{FIRSTS, List, SECONDS, worst};
use super::row::Row;
use super::steps;
use crate::sys::memory::{MAX_PAGES, PAGE};

/// What a span loses to the header at its end, and to alignment.
pub(super) const SPAN_COST: usize = GRAIN;

/// The first address in a free block that is aligned so, and leaves room for a block before it, or for none.
fn aligned(found: usize, align: usize) -> usize {
    let block = (found + align - 1) & !(align - 1);
    if block != found && block - found < SMALLEST {
        block + align
    } else {
        block
    }
}

/// A run of whole pages that an engine no longer needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The address.
    pub(super) start: usize,
    /// Bytes.
    pub(super) len: usize,
}

/// The engine that [`Arenas`](super::Arenas) has if nothing else is said: two-level segregated fit.
///
/// There is nothing to do with it but to name it, where a type alias chooses the engine.
///
/// # Examples
///
/// ```
/// use web_sync::alloc::{Arenas, Tlsf};
///
/// static ALLOC: Arenas<Tlsf> = Arenas::new();
/// let same: &Arenas = &ALLOC;
/// # same.stats();
/// ```
#[derive(Debug)]
pub struct Tlsf {
    /// The arena's number, for headers.
    arena: u32,
    /// Which of `seconds` are not zero.
    firsts: u32,
    /// Which lists of each power of two are not empty.
    seconds: [u32; FIRSTS],
    /// The first block of each list; 0 for none.
    lists: [usize; FIRSTS * SECONDS as usize],
    /// The block with which the span begins that is never given back: the arena itself lies in its first page.
    home: usize,
    /// Bytes of all spans.
    held: usize,
    /// Bytes of the free blocks.
    free: usize,
}

// SAFETY: blocks are cut out of spans, and are in a list or in use; headers tell which. Only free blocks and headers are written to.
unsafe impl Core for Tlsf {
    fn new(arena: u32) -> Self {
        Self {
            arena,
            firsts: 0,
            seconds: [0; FIRSTS],
            lists: [0; FIRSTS * SECONDS as usize],
            home: 0,
            held: 0,
            free: 0,
        }
    }

    fn least(size: usize, align: usize) -> usize {
        let least = worst(size, align);
        // The lists are a sixteenth apart.
        least + least / 16 + SPAN_COST + GRAIN
    }

    fn held(&self) -> usize {
        self.held
    }

    unsafe fn add(&mut self, span: Span) {
        let block = span.start + SPAN_COST;
        let size = span.len - SPAN_COST;
        let header = Header::new(self.arena, size, FIRST);
        // SAFETY: both headers lie in the span, which is the caller's: the block's before `block`, the end's in the last word.
        unsafe {
            Header::new(self.arena, 0, 0).write(block + size);
            self.insert(block, header);
        }
        if self.home == 0 {
            self.home = block;
        }
        self.held += span.len;
    }

    unsafe fn take(&mut self, size: usize, align: usize) -> usize {
        // Where no block is so large that one can be cut out wherever it begins, there may be one that begins in the right place.
        let Some(found) = self
            .find(worst(size, align))
            .or_else(|| self.find_aligned(size, align))
        else {
            return 0;
        };
        // SAFETY: what is in a list is a free block of this engine, at least as large as was asked for.
        unsafe {
            let header = Header::of(found);
            self.remove(found, header);
            let block = aligned(found, align);
            let gap = block - found;
            let mut whole = header.without(FREE);
            if gap > 0 {
                whole = Header::new(self.arena, header.size() - gap, BEFORE_FREE);
                whole.write(block);
                let flags = if header.has(FIRST) { FIRST } else { 0 };
                self.insert(found, Header::new(self.arena, gap, flags));
            }
            self.cut(block, whole, size);
            block
        }
    }

    // Those first that have just this size, then the others in one piece if there is one that large.
    unsafe fn take_many(&mut self, size: usize, count: u32, mut keep: impl FnMut(usize)) {
        let mut left = count as usize;
        while left > 0 {
            steps::step();
            // SAFETY: as the caller says.
            unsafe {
                let row = if self.has(List::of(size)) {
                    0
                } else {
                    self.take(left * size, GRAIN)
                };
                if row == 0 {
                    let one = self.take(size, GRAIN);
                    if one == 0 {
                        return;
                    }
                    keep(one);
                    left -= 1;
                    continue;
                }
                let header = Header::of(row);
                let (mut block, mut flags, mut rest) = (row, header.flags(), header.size());
                for _ in 1..left {
                    steps::step();
                    Header::new(self.arena, size, flags).write(block);
                    keep(block);
                    (block, flags, rest) = (block + size, 0, rest - size);
                }
                Header::new(self.arena, rest, flags).write(block);
                keep(block);
                return;
            }
        }
    }

    // A span that has become free as a whole, and that will not be missed, is the caller's.
    unsafe fn put(&mut self, block: usize) -> Option<Span> {
        // SAFETY: the block and its neighbours are this engine's; flags tell which of them are free, and in a list.
        unsafe {
            let header = Header::of(block);
            let (block, header) = self.merge(block, header);
            self.insert(block, header);
            // What is left free then is as much again: who frees and allocates in turn does not take and give pages in turn.
            let spare = self.free >= 2 * header.size();
            if spare { self.give_up(block) } else { None }
        }
    }

    const ROWS: bool = true;

    unsafe fn put_row(&mut self, row: Row) -> Option<Span> {
        // SAFETY: as the caller says; the first block's flags tell what is before the row.
        unsafe {
            let flags = Header::of(row.block()).flags();
            Header::new(self.arena, row.size(), flags).write(row.block());
            self.put(row.block())
        }
    }

    #[inline]
    unsafe fn resize(&mut self, block: usize, size: usize) -> bool {
        // SAFETY: as in `put`; a neighbour that is free is in a list.
        unsafe {
            let mut header = Header::of(block);
            let next = block + header.size();
            let after = Header::of(next);
            let mut whole = header.size();
            if after.has(FREE) {
                whole += after.size();
            }
            if whole < size {
                return false;
            }
            if after.has(FREE) {
                self.remove(next, after);
                header = Header::new(self.arena, whole, header.flags());
            }
            self.cut(block, header, size);
            true
        }
    }

    // But the one that stays. It looks at each free block that is as large as a page, of which a memory has no more than pages.
    unsafe fn spare(&mut self, mut give: impl FnMut(Span)) -> bool {
        let mut any = false;
        for list in List::of(PAGE - SPAN_COST).index()..self.lists.len() {
            let mut block = self.lists.get(list).copied().unwrap_or(0);
            for _ in 0..MAX_PAGES {
                steps::step();
                if block == 0 {
                    break;
                }
                // SAFETY: it is in a list; the next one stays there when this one does not.
                unsafe {
                    let next = block::read(block);
                    if let Some(span) = self.give_up(block) {
                        any = true;
                        give(span);
                    }
                    block = next;
                }
            }
        }
        any
    }
}

impl Tlsf {
    /// Whether there is a block in a list.
    fn has(&self, list: List) -> bool {
        let seconds = self.seconds.get(list.first as usize);
        seconds.is_some_and(|seconds| seconds >> list.second & 1 != 0)
    }

    /// Makes a block that is in no list one that is used, and returns what it has beyond `size` to the lists.
    ///
    /// # Safety
    ///
    /// The block is this engine's and in no list, `header` is what it should have, and it has that size at least.
    unsafe fn cut(&mut self, block: usize, header: Header, size: usize) {
        let rest = header.size() - size;
        let flags = header.without(FREE).flags();
        // SAFETY: both parts, and the header behind them, are this engine's.
        unsafe {
            if rest < SMALLEST {
                Header::new(self.arena, header.size(), flags).write(block);
                Header::mark(block + header.size(), false);
                return;
            }
            Header::new(self.arena, size, flags).write(block);
            self.insert(block + size, Header::new(self.arena, rest, 0));
        }
    }

    /// Takes a free block that is a span, and not the one that stays, out of the lists.
    ///
    /// # Safety
    ///
    /// The block is this engine's and free.
    unsafe fn give_up(&mut self, block: usize) -> Option<Span> {
        // SAFETY: as the caller says; after a block there is a header.
        unsafe {
            let header = Header::of(block);
            let whole = header.has(FIRST) && Header::of(block + header.size()).size() == 0;
            if !whole || block == self.home {
                return None;
            }
            self.remove(block, header);
            let span = Span {
                start: block - SPAN_COST,
                len: header.size() + SPAN_COST,
            };
            self.held -= span.len;
            Some(span)
        }
    }

    /// Merges a block that is in no list with its free neighbours, which are taken out of theirs.
    ///
    /// # Safety
    ///
    /// As for [`Tlsf::put`].
    unsafe fn merge(&mut self, mut block: usize, header: Header) -> (usize, Header) {
        let mut size = header.size();
        let mut first = header.has(FIRST);
        // SAFETY: as the caller says.
        unsafe {
            let next = block + size;
            let after = Header::of(next);
            if after.has(FREE) {
                self.remove(next, after);
                size += after.size();
            }
            if header.has(BEFORE_FREE) {
                let before = block - block::read(block - GRAIN);
                let its = Header::of(before);
                self.remove(before, its);
                first = its.has(FIRST);
                size += its.size();
                block = before;
            }
        }
        let flags = if first { FIRST } else { 0 };
        (block, Header::new(self.arena, size, flags))
    }

    /// The first block of the first list that serves a size.
    fn find(&self, size: usize) -> Option<usize> {
        let List { first, second } = List::serving(size);
        let here = self.seconds.get(first as usize)? & (u32::MAX << second);
        let (first, seconds) = if here != 0 {
            (first, here)
        } else {
            let larger = self.firsts & (u32::MAX << (first + 1));
            let first = larger.trailing_zeros();
            (first, *self.seconds.get(first as usize)?)
        };
        let second = seconds.trailing_zeros() % SECONDS;
        self.lists.get(List { first, second }.index()).copied()
    }

    /// The same block, if one that is aligned can be cut out of it: exactly its place, when such a one has been freed.
    fn find_aligned(&self, size: usize, align: usize) -> Option<usize> {
        if align <= GRAIN {
            return None;
        }
        let found = self.find(size)?;
        // SAFETY: what is in a list is a free block of this engine.
        let end = found + unsafe { Header::of(found) }.size();
        (aligned(found, align) + size <= end).then_some(found)
    }

    /// Puts a block into its list and marks it as free.
    ///
    /// # Safety
    ///
    /// The block is this engine's, in no list, not in use, and the one behind it is not free.
    unsafe fn insert(&mut self, block: usize, header: Header) {
        let size = header.size();
        let list = List::of(size);
        let next = block + size;
        let Some(head) = self.lists.get_mut(list.index()) else {
            return;
        };
        // SAFETY: as the caller says. A free block's first two words are its links, its last one is its size.
        unsafe {
            block::write(block, *head);
            block::write(block + WORD, 0);
            if *head != 0 {
                block::write(*head + WORD, block);
            }
            *head = block;
            block::write(next - GRAIN, size);
            header.with(FREE).write(block);
            Header::mark(next, true);
        }
        self.firsts |= 1 << list.first;
        if let Some(seconds) = self.seconds.get_mut(list.first as usize) {
            *seconds |= 1 << list.second;
        }
        self.free += size;
    }

    /// Takes a block out of its list. Its header, and the next one's, stay as they are.
    ///
    /// # Safety
    ///
    /// The block is in a list.
    unsafe fn remove(&mut self, block: usize, header: Header) {
        let size = header.size();
        let list = List::of(size);
        // SAFETY: as the caller says; the links of a block in a list are of blocks in that list.
        let (next, previous) = unsafe { (block::read(block), block::read(block + WORD)) };
        if next != 0 {
            // SAFETY: as above.
            unsafe { block::write(next + WORD, previous) };
        }
        if previous != 0 {
            // SAFETY: as above.
            unsafe { block::write(previous, next) };
        } else if let Some(head) = self.lists.get_mut(list.index()) {
            *head = next;
            if next == 0
                && let Some(seconds) = self.seconds.get_mut(list.first as usize)
            {
                *seconds &= !(1 << list.second);
                if *seconds == 0 {
                    self.firsts &= !(1 << list.first);
                }
            }
        }
        self.free -= size;
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
