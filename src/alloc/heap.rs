//! An allocator: its parts, the four entries, the caches of its agents and its pages.

use core::alloc::Layout;
use core::ops::RangeInclusive;
use core::ptr;

use super::arena::Arenas;
use super::block::{GRAIN, Header, Node, OWN, at};
use super::cache::Cache;
use super::choice::Core;
use super::class::{CLASSES, FINE_MAX, Kind, MEDIUM_ALIGN, MEDIUM_MAX, fine};
use super::engine::Span;
use super::exchange::Exchange;
use super::hands::Hands;
use super::lists::size_for;
use super::pages::{Pages, Runs};
use super::slot;
use super::stats::{Counters, Stats};
use super::supply::Supply;
use super::take::LAST_PASSES;
use crate::sys::memory::{MAX_PAGES, PAGE, Source};
use crate::sys::shim::{AtomicU32, Ordering, const_new};

/// The memory grows by so many pages at least, 256 KiB to 1 MiB, if it can: by an eighth of what it has. WASM: growth stops every agent of the
/// memory for a moment.
const GROWTH: RangeInclusive<u32> = 4..=16;
const _: () = assert!(align_of::<Cache>() <= GRAIN);
// A medium block with pages of its own, rounded up by a sixteenth, fits into the smallest large one of its alignment.
const _: () = assert!(
    MEDIUM_ALIGN + MEDIUM_MAX + MEDIUM_MAX / 16 + GRAIN <= (MEDIUM_MAX + 1).next_multiple_of(PAGE)
);

/// An allocator over some memory, with some engine.
pub(super) struct Heap<S, C> {
    /// Unlike any other allocator's; 0 as long as nobody has asked.
    number: AtomicU32,
    pub(super) source: S,
    pub(super) pages: Pages<{ MAX_PAGES as usize / 32 }>,
    /// Of those who have got pages from the source and not put them into the pool yet.
    pub(super) hands: Hands,
    pub(super) exchange: Exchange<CLASSES>,
    pub(super) arenas: Arenas<C>,
    pub(super) counters: Counters,
}

/// The number of the last allocator that has asked for one.
static NUMBERS: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);

impl<S, C: Core> Heap<S, C> {
    const_new! {
        pub(super) fn new(source: S) -> Self {
            Self {
                number: AtomicU32::new(0),
                source,
                pages: Pages::new(),
                hands: Hands::new(),
                exchange: Exchange::new(),
                arenas: Arenas::new(),
                counters: Counters::new(),
            }
        }
    }
}

impl<S: Source, C: Core> Supply for Heap<S, C> {
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
        let first = self.source.grow(pages)?;
        self.counters.grown(pages);
        Some(first)
    }

    fn growth(&self) -> u32 {
        (self.counters.pages() / 8).clamp(*GROWTH.start(), *GROWTH.end())
    }
}

impl<S: Source, C: Core> Heap<S, C> {
    // Caches

    /// The running agent's cache, if it has one.
    #[expect(
        clippy::mut_from_ref,
        reason = "it is the agent's, not the allocator's"
    )]
    #[inline(always)]
    pub(super) fn cache(&self) -> Option<&mut Cache> {
        // Relaxed: an agent whose slot has the number has asked for it.
        let cache = slot::cache(self.number.load(Ordering::Relaxed));
        // SAFETY: null, or made by `make_cache` on this agent and not given back; nobody else knows of it, and no function that has it
        // calls one that asks for it again.
        unsafe { cache.as_mut() }
    }

    /// Makes the running agent a cache, if it may have one and there is memory.
    #[expect(clippy::mut_from_ref, reason = "as above")]
    #[cold]
    pub(super) fn make_cache(&self) -> Option<&mut Cache> {
        if slot::state() != slot::State::Fresh {
            return None;
        }
        // It is no reason to look for the last memory.
        let mut home = self.newest();
        let (_, block) = self.take_of_some(&mut home, size_for(size_of::<Cache>()), GRAIN)?;
        let cache = at::<Cache>(block);
        // SAFETY: the block is ours, and large enough.
        unsafe { Cache::make(cache, self.newest()) };
        slot::set(self.own_number(), cache);
        self.cache()
    }

    /// This allocator's number.
    fn own_number(&self) -> u32 {
        // Relaxed throughout: only agents that have written it to their slot compare it.
        let own = self.number.load(Ordering::Relaxed);
        if own != 0 {
            return own;
        }
        let new = NUMBERS.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let set = self
            .number
            .compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
        set.map_or_else(|theirs| theirs, |_| new)
    }

    /// The arena that was made last: the one to begin with.
    pub(super) fn newest(&self) -> u32 {
        self.arenas.count().wrapping_sub(1)
    }

    // The four entries

    /// See `GlobalAlloc`.
    ///
    /// # Safety
    ///
    /// None.
    #[inline]
    pub(super) unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match fine(layout) {
            Some(class) => self.alloc_of(class),
            None => self.alloc_larger(layout),
        }
    }

    #[inline(always)]
    fn alloc_of(&self, class: usize) -> *mut u8 {
        if let Some(cache) = self.cache() {
            let node = cache.pop(class);
            if !node.is_null() {
                return node.cast();
            }
        }
        at(self.small(class))
    }

    /// Out of line, so that what is most frequent is short.
    #[inline(never)]
    fn alloc_larger(&self, layout: Layout) -> *mut u8 {
        match Kind::of(layout) {
            Kind::Small(class) => self.alloc_of(class),
            Kind::Medium => at(self.medium(layout)),
            Kind::Large(pages) => at(self.large(pages, layout.align()).0),
        }
    }

    /// See `GlobalAlloc`.
    ///
    /// # Safety
    ///
    /// The block is from this allocator, with this layout, and nobody uses it any more.
    #[inline]
    pub(super) unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe {
            match fine(layout) {
                Some(class) => self.dealloc_of(block, class),
                None => self.dealloc_larger(block, layout),
            }
        }
    }

    /// # Safety
    ///
    /// As for [`Heap::dealloc`]; the block is of that class.
    #[inline(always)]
    unsafe fn dealloc_of(&self, block: *mut u8, class: usize) {
        let Some(cache) = self.cache() else {
            // SAFETY: as the caller says; small blocks have a header.
            return unsafe { self.free(block.addr()) };
        };
        // SAFETY: as the caller says. The memory may be the thread-local memory itself: nothing is read there afterwards.
        unsafe {
            let over = cache.push(class, Node::make(block.addr()));
            if !over.is_null() {
                self.overflow(class, over);
            }
        }
    }

    /// # Safety
    ///
    /// As for [`Heap::dealloc`].
    #[inline(never)]
    unsafe fn dealloc_larger(&self, block: *mut u8, layout: Layout) {
        match Kind::of(layout) {
            // SAFETY: as the caller says.
            Kind::Small(class) => unsafe { self.dealloc_of(block, class) },
            // SAFETY: as the caller says; medium blocks have a header.
            Kind::Medium => unsafe { self.free(block.addr()) },
            Kind::Large(pages) => self.pages.put(self.page(block.addr()), pages),
        }
    }

    /// See `GlobalAlloc`.
    ///
    /// # Safety
    ///
    /// None.
    pub(super) unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let mut fresh = false;
        let block = if let Kind::Large(pages) = Kind::of(layout) {
            let block;
            (block, fresh) = self.large(pages, layout.align());
            at(block)
        } else {
            // SAFETY: asks for nothing.
            unsafe { self.alloc(layout) }
        };
        if !block.is_null() && !fresh {
            // SAFETY: a block of that size, and ours.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    /// See `GlobalAlloc`.
    ///
    /// # Safety
    ///
    /// As for [`Heap::dealloc`]; `size`, rounded up to the layout's alignment, is at most `isize::MAX`.
    pub(super) unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the alignment is a layout's, the size as the caller says.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let fits = match (Kind::of(layout), Kind::of(new)) {
            (Kind::Large(from), Kind::Large(to)) => self.resize_run(block.addr(), from, to),
            (Kind::Large(_), _) | (_, Kind::Large(_)) => false,
            (Kind::Small(class), Kind::Small(other)) if class == other => true,
            // To copy so little takes less than a visit to the arena.
            (Kind::Small(_), _) | (_, Kind::Small(_)) if layout.size().min(size) <= FINE_MAX => {
                false
            }
            // SAFETY: as the caller says.
            (_, to) => unsafe { self.resize(block.addr(), to.room(size)) },
        };
        if fits {
            return block;
        }
        // SAFETY: as the caller says; two blocks do not overlap, and the smaller size is in both.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            } else if size <= layout.size() {
                // Where there is no memory what is there will do: its header says how large it is, whatever class it is in from now on.
                return match Kind::of(layout) {
                    Kind::Large(pages) => self.lessen(block.addr(), pages, new),
                    _ => block,
                };
            }
            moved
        }
    }

    /// Makes a large block a smaller one of another kind, with what is left of its pages for its own: moves it up, to have room for a header.
    ///
    /// # Safety
    ///
    /// The block is the caller's, has so many pages, and is of no other layout from now on.
    #[cold]
    unsafe fn lessen(&self, block: usize, pages: u32, layout: Layout) -> *mut u8 {
        let (size, offset) = (layout.size(), layout.align().max(GRAIN));
        let whole = size_for(Kind::of(layout).room(size));
        let kept = (offset + whole).div_ceil(PAGE) as u32;
        let (old, new) = (at::<u8>(block), at::<u8>(block + offset));
        // SAFETY: as the caller says. A block that is large for its size only, as this one is, has more pages than the largest medium one fills.
        // The header lies where the first bytes were, which are copied before.
        unsafe {
            new.copy_from(old, size);
            Header::new(OWN, whole, 0).write(block + offset);
        }
        self.pages.put(self.page(block) + kept, pages - kept);
        new
    }

    // Pages

    pub(super) fn page(&self, address: usize) -> u32 {
        ((address - self.source.base()) / PAGE) as u32
    }

    /// Gives a span back that an engine no longer needs, if there is one.
    pub(super) fn give_back(&self, span: Option<Span>) {
        if let Some(span) = span {
            self.pages
                .put(self.page(span.start), (span.len / PAGE) as u32);
        }
    }

    // What users ask for

    /// See `Arenas::collect`.
    pub(super) fn collect(&self) {
        self.flush(self.cache());
        for _ in 0..LAST_PASSES {
            if !self.round(|_| None::<()>).freed {
                break;
            }
        }
    }

    /// See `Arenas::thread_exit`.
    pub(super) fn thread_exit(&self) {
        let Some(cache) = self.cache() else {
            return;
        };
        self.flush(Some(cache));
        slot::leave();
        // SAFETY: it lies in a block of its own, and the slot no longer names it.
        unsafe { self.free(ptr::from_mut(cache).addr()) };
    }

    /// See `Arenas::reserve`.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        u32::try_from(bytes.div_ceil(PAGE)).is_ok_and(|pages| self.reserve_pages(pages))
    }

    pub(super) fn stats(&self) -> Stats {
        self.counters.stats(self.arenas.count(), self.pages.count())
    }
}
