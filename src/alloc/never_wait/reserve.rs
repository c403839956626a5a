//! The memory of those who could not have the inner allocator: pages of the wrapper's own, and small blocks in some of them.
//!
//! ```text
//! large, or much aligned    a run of pages                    begins with a page
//! small                     a run of units in a chunk         never does: there the chunk has its bitmap
//! ```
//!
//! So an address says what a block is: `owned` has a bit for each page that the reserve has ever got, and the rest is the inner allocator's.
//! There are no locks and no lists, but bits that are set while a page or a unit is free (`pages`): whoever dies in the middle costs
//! what it was about to take. To free is to set bits. A chunk stays one; what is free in it serves small blocks only.
//!
//! A small block is looked for in [`LOOKS`] chunks: the newest, and others in turn. If it is in none of these there is one more chunk. So
//! every chunk is looked at again some time, and an allocation looks at all of them only where there is no page for one more. Chunks are a
//! list that grows at its head.
//!
//! Who has got pages from the memory, and not put down yet what others may have of them, says so ([`Hands`]). Who finds nothing meanwhile
//! looks again.

use core::alloc::Layout;
use core::ptr;

use super::gate::LATE_TRIES;
use crate::alloc::block::at;
use crate::alloc::hands::Hands;
use crate::alloc::pages::{Pages, Runs};
use crate::alloc::steps;
use crate::alloc::supply::Supply;
use crate::sys::memory::{MAX_PAGES, PAGE, Source};
use crate::sys::shim::{AtomicPtr, Ordering, const_new};
use crate::sys::spin::Spin;

/// The memory grows by so many pages at least, as in `heap`, unless it ends before.
const GROWTH: u32 = 16;
/// Bytes of a unit of a chunk.
const UNIT: usize = 32;
/// Words of a chunk's bitmap.
const WORDS: usize = PAGE / UNIT / 32;
/// The first unit of a chunk that blocks may have.
const FIRST: u32 = size_of::<Chunk>().div_ceil(UNIT) as u32;
/// How often a chunk is tried to be made the newest, before the rest of it is given up.
const TRIES: u32 = 64;
/// How many chunks are looked at for one block.
const LOOKS: u32 = 8;
/// How often it is looked for memory again that others had in hand.
const LATE_LOOKS: u32 = 64;
/// Pauses after each of them: some ten milliseconds in all.
const PAUSES: u32 = if LATE_TRIES > LATE_LOOKS {
    LATE_TRIES / LATE_LOOKS
} else {
    1
};
/// The largest block of a chunk.
const SMALL_MAX: usize = PAGE / 4;
/// Its largest alignment.
const SMALL_ALIGN: usize = 4096;

const _: () = assert!(SMALL_MAX + SMALL_ALIGN + FIRST as usize * UNIT <= PAGE);

/// What a page begins with that has small blocks.
struct Chunk {
    free: Pages<WORDS>,
    /// The one that was made before; null for the first.
    next: AtomicPtr<Chunk>,
}

/// See the module.
pub(super) struct Reserve<S> {
    pub(super) source: S,
    /// Free pages.
    pages: Pages<{ MAX_PAGES as usize / 32 }>,
    /// Of those who have got pages from the source and not put them into `pages`, or into a chunk that others know of, yet.
    hands: Hands,
    /// Pages that this has got from the source.
    owned: Pages<{ MAX_PAGES as usize / 32 }>,
    /// The newest chunk.
    newest: AtomicPtr<Chunk>,
    /// Whose turn it is to be looked at after the newest; null at first.
    cursor: AtomicPtr<Chunk>,
}

/// How many units a size takes.
fn units(size: usize, unit: usize) -> u32 {
    size.div_ceil(unit).min(u32::MAX as usize) as u32
}

/// Whether it comes from a chunk.
fn is_small(layout: Layout) -> bool {
    layout.size() <= SMALL_MAX && layout.align() <= SMALL_ALIGN
}

impl<S> Reserve<S> {
    const_new! {
        pub(super) fn new(source: S) -> Self {
            Self {
                source,
                pages: Pages::new(),
                hands: Hands::new(),
                owned: Pages::new(),
                newest: AtomicPtr::new(ptr::null_mut()),
                cursor: AtomicPtr::new(ptr::null_mut()),
            }
        }
    }

    /// Bytes that the memory has grown by.
    pub(super) fn held(&self) -> usize {
        self.owned.count() as usize * PAGE
    }

    /// Bytes of these in pages that nobody uses.
    pub(super) fn pooled(&self) -> usize {
        self.pages.count() as usize * PAGE
    }
}

impl<S: Source> Supply for Reserve<S> {
    fn source(&self) -> &impl Source {
        &self.source
    }

    fn pages(&self) -> &Runs {
        &self.pages
    }

    fn hands(&self) -> &Hands {
        &self.hands
    }

    fn grow(&self, pages: u32) -> Option<u32> {
        let page = self.source.grow(pages)?;
        // Before anybody has a block in them.
        self.owned.put(page, pages);
        Some(page)
    }

    fn growth(&self) -> u32 {
        GROWTH
    }
}

impl<S: Source> Reserve<S> {
    /// Whether a block that is in use is the reserve's.
    #[inline]
    pub(super) fn owns(&self, block: *mut u8) -> bool {
        // Who has a block of the reserve knows the source's pages. Who knows none has none, whatever others own by now.
        let page = self.source.page_of(block.addr());
        page.is_some_and(|page| self.owned.has(page))
    }

    /// A block; null if there is no memory, and nobody has some in hand for longer than some ten milliseconds.
    ///
    /// The layout has a size.
    #[cold]
    pub(super) fn alloc(&self, layout: Layout) -> *mut u8 {
        for _ in 0..LATE_LOOKS {
            steps::step();
            let before = self.hands.seen();
            let block = self.alloc_soon(layout);
            if !block.is_null() || before.is_empty() && self.hands.seen() == before {
                return block;
            }
            // What others have in hand they may soon put down.
            for _ in 0..PAUSES {
                steps::step();
                Spin::pause_longer();
            }
        }
        self.alloc_soon(layout)
    }

    /// A block; null if there is no memory, or others have some in hand.
    pub(super) fn alloc_soon(&self, layout: Layout) -> *mut u8 {
        self.find(layout).map_or(ptr::null_mut(), at)
    }

    fn find(&self, layout: Layout) -> Option<usize> {
        let (size, align) = (layout.size(), layout.align());
        if is_small(layout) {
            // One of so many units of a chunk is aligned: the first, which begins with a page, and others as far away.
            let (chunk, first) = self.run(units(size, UNIT), units(align, UNIT))?;
            return Some(ptr::from_ref(chunk).addr() + first as usize * UNIT);
        }
        let (first, _) = self.claim(units(size, PAGE), align)?;
        Some(self.address(first))
    }

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// The block is from `alloc`, with this layout, and nobody uses it any more.
    pub(super) unsafe fn dealloc(&self, block: usize, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.cut(block, layout, 0) };
    }

    /// Whether a block lies where one of that layout would: in a chunk, or in pages of its own.
    pub(super) fn is_fit(&self, block: usize, layout: Layout) -> bool {
        is_small(layout) != block.is_multiple_of(PAGE)
    }

    /// Gives a block another size where it is, if that takes no unit more. It is to be freed with the new layout then.
    ///
    /// # Safety
    ///
    /// As for `dealloc`, but for its users: the bytes that are in both stay as they are.
    pub(super) unsafe fn resize(&self, block: usize, from: Layout, to: Layout) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.cut(block, from, to.size()) }
    }

    /// Frees the units of a block that the first so many bytes do not need. False, and nothing is freed, if it has not as many as these need.
    ///
    /// # Safety
    ///
    /// The block is from `alloc`, with this layout, and nobody uses what is behind these bytes.
    unsafe fn cut(&self, block: usize, layout: Layout, bytes: usize) -> bool {
        let start = block & !(PAGE - 1);
        let (free, base, unit) = if block == start {
            (&*self.pages, self.source.base(), PAGE)
        } else {
            // SAFETY: a block that does not begin with a page lies in a chunk, and the chunk at the beginning of its page.
            (unsafe { &*(*at::<Chunk>(start)).free }, start, UNIT)
        };
        let (has, needs) = (units(layout.size(), unit), units(bytes, unit));
        if needs <= has {
            free.put(((block - base) / unit) as u32 + needs, has - needs);
        }
        needs <= has
    }

    /// Makes sure that there are so many bytes in a row.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        self.reserve_pages(units(bytes, PAGE))
    }

    /// Takes a run of units of some chunk, that begins with one of `step`.
    fn run(&self, units: u32, step: u32) -> Option<(&Chunk, u32)> {
        // ORDERING: Acquire, partner of the exchange in `add_chunk`: the chunk, and those before it.
        let newest = self.newest.load(Ordering::Acquire);
        let mut chunk = newest;
        // ORDERING: Acquire, partner of the store below: the same.
        let mut turn = self.cursor.load(Ordering::Acquire);
        for _ in 0..LOOKS {
            steps::step();
            // SAFETY: null, or a chunk, and chunks stay.
            let Some(looked) = (unsafe { chunk.as_ref() }) else {
                break;
            };
            if let Some(first) = looked.free.take_aligned(units, 0, step) {
                return Some((looked, first));
            }
            if turn.is_null() {
                // Relaxed: it was written before the chunk could be found.
                turn = looked.next.load(Ordering::Relaxed);
            }
            chunk = if turn.is_null() { newest } else { turn };
            turn = ptr::null_mut();
            // ORDERING: Release, partner of the load above: what this agent has acquired.
            self.cursor.store(chunk, Ordering::Release);
        }
        self.hands
            .hold(|| self.add_chunk(units, step))
            .or_else(|| self.run_of_any(units, step))
    }

    /// Takes a run of units of whichever chunk has one.
    #[cold]
    fn run_of_any(&self, units: u32, step: u32) -> Option<(&Chunk, u32)> {
        // ORDERING: Acquire, as in `run`.
        let mut chunk = self.newest.load(Ordering::Acquire);
        for _ in 0..MAX_PAGES {
            steps::step();
            // SAFETY: null, or a chunk, and chunks stay.
            let looked = unsafe { chunk.as_ref() }?;
            if let Some(first) = looked.free.take_aligned(units, 0, step) {
                return Some((looked, first));
            }
            // Relaxed: it was written before the chunk could be found.
            chunk = looked.next.load(Ordering::Relaxed);
        }
        None
    }

    /// Makes a chunk, and takes a run of it before others know of it.
    fn add_chunk(&self, units: u32, step: u32) -> Option<(&Chunk, u32)> {
        let (page, _) = self.claim(1, PAGE)?;
        let place = at::<Chunk>(self.address(page));
        // SAFETY: the page is ours, aligned and large enough, and the chunk stays there.
        let chunk = unsafe {
            place.write(Chunk {
                free: Pages::new(),
                next: AtomicPtr::new(ptr::null_mut()),
            });
            &*place
        };
        chunk.free.put(FIRST, (PAGE / UNIT) as u32 - FIRST);
        let first = chunk.free.take_aligned(units, 0, step)?;
        let mut newest = self.newest.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            steps::step();
            chunk.next.store(newest, Ordering::Relaxed);
            // ORDERING: Release, partner of the loads of `newest` and, by what was acquired there, of `next` in `run`: the chunk.
            // Chunks that are added after it are in its release sequence.
            match self
                .newest
                .compare_exchange(newest, place, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => break,
                Err(theirs) => newest = theirs,
            }
        }
        Some((chunk, first))
    }
}

#[cfg(test)]
impl<S: Source> Reserve<S> {
    /// As when another agent has got these pages.
    pub(super) fn own(&self, page: u32, count: u32) {
        self.owned.put(page, count);
    }

    /// Everything is free, each unit of each chunk and each other page.
    pub(super) fn check_free(&self) {
        let mut chunks = 0;
        // ORDERING: Acquire, as in `run`.
        let mut chunk = self.newest.load(Ordering::Acquire);
        // SAFETY: null, or a chunk, and chunks stay.
        while let Some(looked) = unsafe { chunk.as_ref() } {
            let all = (PAGE / UNIT) as u32 - FIRST;
            assert!(looked.free.take_at(FIRST, all));
            assert_eq!(looked.free.count(), 0);
            looked.free.put(FIRST, all);
            chunks += 1;
            chunk = looked.next.load(Ordering::Relaxed);
        }
        assert_eq!(self.owned.count(), self.pages.count() + chunks);
        // The tests' memories are not larger.
        let pages: u32 = (0..if cfg!(miri) { 1 << 8 } else { 1 << 12 })
            .map(|page| u32::from(self.pages.has(page)))
            .sum();
        assert_eq!(pages, self.pages.count());
    }
}
