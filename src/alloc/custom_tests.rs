//! An engine as programs bring them, which looks at what it is told, and what there is of tests for such engines only. Most tests of the
//! allocator run with it as well: see `with_engines`.

use super::Engine;
use super::arena::{Arena, Locked};
use super::block::{GRAIN, Header, WORD, at};
use super::choice::Core;
use super::class::{FINE_MAX, MEDIUM_ALIGN, MEDIUM_MAX, SMALL_MAX};
use super::custom::Custom;
use super::engine::Tlsf;
use super::tests::{Dice, Model, ROUNDS, Range, Step, Tested, heap_of, layout, play, play_on};
use crate::sys::memory::PAGE;
use core::alloc::Layout;
use first_fit::FirstFit;

/// The engine of the documentation's example.
mod first_fit {
    use super::Engine;
    use core::alloc::Layout;
    use core::ptr;

    include!("first_fit.rs");

    impl FirstFit {
        /// Bytes of all free blocks.
        pub(super) fn free(&self) -> usize {
            let (mut sum, mut free) = (0, self.0);
            while !free.is_null() {
                // SAFETY: it is in the list.
                unsafe { (sum, free) = (sum + (*free).bytes, (*free).next) };
            }
            sum
        }

        /// Takes so many bytes that begin at an address, if they are free.
        pub(super) fn take_at(&mut self, start: usize, bytes: usize) -> bool {
            let mut link = &raw mut self.0;
            // SAFETY: as in `alloc`.
            unsafe {
                while !(*link).is_null() {
                    let found = *link;
                    if found.addr() == start && (*found).bytes >= bytes {
                        let rest = (*found).bytes - bytes;
                        *link = (*found).next;
                        self.insert(found.cast::<u8>().add(bytes), rest);
                        return true;
                    }
                    link = &raw mut (*found).next;
                }
            }
            false
        }
    }
}

/// [`FirstFit`], with two words behind each block that say which layout it has.
pub(super) struct Checked {
    inner: FirstFit,
    /// Where this lay when memory was first added.
    place: usize,
}

/// Behind an arena.
pub(super) type Brought = Custom<Checked>;

/// What the words behind a block are made unlikely with.
const SEAL: usize = 0x5EA1_ED00;

impl Checked {
    fn check_layout(&self, layout: Layout) {
        assert_eq!(self.place, (&raw const *self).addr(), "it was moved");
        assert!(
            (5 * WORD..=264 * 1024).contains(&layout.size()),
            "{layout:?}"
        );
        assert!((GRAIN..=4096).contains(&layout.align()), "{layout:?}");
    }

    /// The bytes of a block and of what is behind it.
    fn whole(size: usize) -> usize {
        size.next_multiple_of(GRAIN) + GRAIN
    }

    /// What is behind a block.
    unsafe fn seal(block: usize, size: usize) -> *mut [usize; 2] {
        at(block + size.next_multiple_of(GRAIN))
    }
}

// SAFETY: `FirstFit` is one, and what is behind its blocks is in what it was asked for.
unsafe impl Engine for Checked {
    fn new() -> Self {
        Self {
            inner: FirstFit::new(),
            place: 0,
        }
    }

    unsafe fn add(&mut self, start: *mut u8, bytes: usize) {
        let end = start.addr() + bytes;
        assert!(start.addr().is_multiple_of(GRAIN) && end.is_multiple_of(PAGE));
        if self.place == 0 {
            self.place = (&raw const *self).addr();
            assert!((PAGE / 2..PAGE).contains(&bytes), "{bytes}");
        } else {
            assert!(bytes.is_multiple_of(PAGE), "{bytes}");
        }
        // SAFETY: as the caller says.
        unsafe { self.inner.add(start, bytes) };
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.check_layout(layout);
        let (size, align) = (layout.size(), layout.align());
        let whole = super::tests::layout(Self::whole(size), align);
        // SAFETY: the block is as large as the words behind it need.
        unsafe {
            let block = self.inner.alloc(whole);
            if !block.is_null() {
                Self::seal(block.addr(), size).write([size ^ SEAL, align]);
            }
            block
        }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        self.check_layout(layout);
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: the words are there, if the layout is right, which is what this tests.
        unsafe {
            let seal = Self::seal(block.addr(), size);
            assert_eq!(seal.read(), [size ^ SEAL, align], "{layout:?}");
            seal.write([0; 2]);
            let whole = super::tests::layout(Self::whole(size), align);
            self.inner.dealloc(block, whole);
        }
    }

    unsafe fn resize(&mut self, block: *mut u8, layout: Layout, size: usize) -> bool {
        self.check_layout(layout);
        self.check_layout(super::tests::layout(size, layout.align()));
        let (was, is) = (Self::whole(layout.size()), Self::whole(size));
        // SAFETY: as above. What lies behind the smaller size is the engine's.
        unsafe {
            let seal = Self::seal(block.addr(), layout.size());
            assert_eq!(seal.read(), [layout.size() ^ SEAL, layout.align()]);
            if is > was && !self.inner.take_at(block.addr() + was, is - was) {
                return false;
            }
            seal.write([0; 2]);
            Self::seal(block.addr(), size).write([size ^ SEAL, layout.align()]);
            if is < was {
                let rest = super::tests::layout(was - is, GRAIN);
                self.inner.dealloc(block.add(is), rest);
            }
            true
        }
    }
}

/// An engine of which it is known what it keeps when nothing is in use.
pub(super) trait Accounted: Core {
    /// What the arenas of a heap keep of its memory, when nothing is in use, in bytes.
    fn kept(heap: &Tested<Self>) -> usize;
}

impl Accounted for Tlsf {
    fn kept(heap: &Tested<Self>) -> usize {
        // Not every number that was given has become an arena's.
        let numbers = 0..heap.arenas.count();
        numbers
            .filter(|number| heap.arenas.get(*number).is_some())
            .count()
            * PAGE
    }
}

impl Accounted for Brought {
    fn kept(heap: &Tested<Self>) -> usize {
        let kept = |number| {
            let mut arena = heap.arenas.get(number)?.try_lock()?;
            let engine = arena.engine();
            assert_eq!(engine.engine.inner.free(), engine.held());
            Some(engine.held().next_multiple_of(PAGE))
        };
        (0..heap.arenas.count()).filter_map(kept).sum()
    }
}

fn brought(pages: u32) -> Tested<Brought> {
    heap_of(pages)
}

fn locked(heap: &Tested<Brought>) -> Locked<'_, Brought> {
    heap.arenas.get(0).and_then(Arena::try_lock).unwrap()
}

/// At every alignment of medium blocks, and through each way back: freed, freed while the arena is taken, and resized before either.
#[test]
fn the_engine_gets_back_what_it_gave() {
    let heap = brought(64);
    let aligns = (0..=MEDIUM_ALIGN.ilog2()).step_by(if cfg!(miri) { 4 } else { 1 });
    for align in aligns.map(|shift| 1 << shift) {
        for size in [0, 1, FINE_MAX + 1, SMALL_MAX, SMALL_MAX + 1, MEDIUM_MAX] {
            if cfg!(miri) && size == MEDIUM_MAX {
                continue;
            }
            for resized in [size, size + 40, size.saturating_sub(40), size / 3] {
                let mut model = Model::default();
                play(&heap, &mut model, Step::Alloc(size, align));
                play(&heap, &mut model, Step::Resize(0, resized));
                play(&heap, &mut model, Step::Alloc(size, align));
                assert_eq!(model.used.len(), 2);
                play(&heap, &mut model, Step::Free(0));
                let taken = locked(&heap);
                model.free_all(&heap);
                drop(taken);
            }
        }
    }
    assert!(heap.stats().deferred > 0);
    heap.thread_exit();
    heap.collect();
    assert_eq!(
        heap.stats().pooled,
        heap.stats().held - Brought::kept(&heap)
    );
}

/// What `realloc` keeps in place is what the engine does, or what shrinks by less than half.
#[test]
fn a_block_that_the_engine_resizes_stays() {
    let heap = brought(8);
    // SAFETY: blocks are resized and freed with the layouts that they have.
    unsafe {
        let block = heap.alloc(layout(4_000, 8));
        assert_eq!(heap.realloc(block, layout(4_000, 8), 9_000), block);
        assert_eq!(heap.realloc(block, layout(9_000, 8), 2_000), block);
        // The engine has got the rest.
        let next = heap.alloc(layout(1_500, 8));
        assert!(next > block && next.addr() - block.addr() < 3_000);
        let moved = heap.realloc(block, layout(2_000, 8), 3_000);
        assert_ne!(moved, block);
        heap.dealloc(next, layout(1_500, 8));
        heap.dealloc(moved, layout(3_000, 8));
    }
}

/// A block that no region has room for is served from the one that is added for it, whatever the engine keeps beside it: its
/// pages are just full without that.
#[test]
fn what_is_added_for_a_block_serves_it() {
    let mut range = Range::new(8);
    for align in [1, GRAIN, 2 * GRAIN, MEDIUM_ALIGN] {
        for pages in 1..=3 {
            let heap = Tested::<Brought>::new(range);
            // With its prefix it is a word less than so many pages.
            let wanted = layout(pages * PAGE - align.max(GRAIN) - WORD, align);
            // SAFETY: any layout will do, and a medium block has a header.
            unsafe {
                // What is added does not lie beside the first region.
                heap.dealloc(
                    heap.alloc(layout(2_000, 2 * GRAIN)),
                    layout(2_000, 2 * GRAIN),
                );
                heap.alloc(layout(PAGE, PAGE));
                let block = heap.alloc(wanted);
                assert_eq!(Header::of(block.addr()).arena(), 0, "{wanted:?}");
                heap.dealloc(block, wanted);
            }
            Brought::kept(&heap);
            range = heap.source;
            range.renew();
        }
    }
}

/// An engine that never resizes, has nothing for what is larger than half a page, and says that it needs no memory.
struct Stubborn(FirstFit);

// SAFETY: `FirstFit` is one.
unsafe impl Engine for Stubborn {
    fn new() -> Self {
        Self(FirstFit::new())
    }

    fn region_for(layout: Layout) -> usize {
        if layout.size() > 2 * PAGE {
            usize::MAX
        } else {
            0
        }
    }

    unsafe fn add(&mut self, start: *mut u8, bytes: usize) {
        assert_ne!(bytes, 0);
        // SAFETY: as the caller says.
        unsafe { self.0.add(start, bytes) };
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        if layout.size() > PAGE / 2 {
            return core::ptr::null_mut();
        }
        // SAFETY: as the caller says.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.0.dealloc(block, layout) };
    }
}

#[test]
fn an_engine_that_finds_nothing_costs_pages_and_one_that_does_not_resize_moves() {
    let heap: Tested<Custom<Stubborn>> = heap_of(64);
    // SAFETY: blocks are resized and freed with the layouts that they have.
    unsafe {
        let block = heap.alloc(layout(4_000, 8));
        assert_eq!(heap.realloc(block, layout(4_000, 8), 2_500), block);
        let next = heap.alloc(layout(1_500, 8));
        assert!(next.addr() - block.addr() > 4_000, "its size was forgotten");
        let moved = heap.realloc(block, layout(2_500, 8), 1_100);
        assert_ne!(moved, block);
        let large = heap.alloc(layout(PAGE, 8));
        assert!(!large.is_null());
        large.write_bytes(1, PAGE);
        heap.dealloc(large, layout(PAGE, 8));
        heap.dealloc(next, layout(1_500, 8));
        heap.dealloc(moved, layout(1_100, 8));
    }
    heap.thread_exit();
    heap.collect();
    let mut arena = heap.arenas.get(0).and_then(Arena::try_lock).unwrap();
    assert_eq!(arena.engine().engine.0.free(), arena.engine().held());
    let held = arena.engine().held();
    drop(arena);
    // It has said that no region would do: none is added.
    // SAFETY: any layout will do.
    let huge = unsafe { heap.alloc(layout(3 * PAGE, 8)) };
    assert!(!huge.is_null());
    let arena = heap.arenas.get(0).and_then(Arena::try_lock);
    assert_eq!(arena.unwrap().engine().held(), held);
}

/// A heap whose every call finds blocks of other agents in its arenas' lists.
#[test]
fn what_is_deferred_finds_its_engine() {
    let heap = brought(if cfg!(miri) { 24 } else { 256 });
    let (mut model, mut dice) = (Model::default(), Dice(29));
    play(&heap, &mut model, Step::Alloc(2_000, 64));
    let taken = locked(&heap);
    play(&heap, &mut model, Step::Alloc(2_000, 64));
    model.free_all(&heap);
    drop(taken);
    assert_eq!((heap.stats().deferred, heap.stats().arenas), (1, 2));
    for round in 0..ROUNDS / 10 {
        let taken = (round % 2 == 0).then(|| locked(&heap));
        play_on(&heap, &mut model, &mut dice);
        drop(taken);
    }
    model.free_all(&heap);
    heap.thread_exit();
    heap.collect();
    assert_eq!(
        heap.stats().pooled,
        heap.stats().held - Brought::kept(&heap)
    );
}
