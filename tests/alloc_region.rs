//! The allocator over a region of the program, which ends.
#![cfg(not(target_family = "wasm"))]

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeSet;
use std::thread;

use web_sync::alloc::{Arenas, Region};

const PAGE: usize = 1 << 16;

fn shared<T: Send + Sync + 'static>() {}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

/// Allocates until there is null; the blocks.
fn fill(alloc: &Arenas, size: usize) -> Vec<usize> {
    // SAFETY: any layout will do.
    let blocks = std::iter::repeat_with(|| unsafe { alloc.alloc_zeroed(layout(size)) });
    let blocks = blocks.take_while(|block| !block.is_null());
    blocks
        .map(|block| {
            // SAFETY: a block of that size, zeroed.
            unsafe {
                let bytes = std::slice::from_raw_parts(block, size);
                // All are the first one: to compare the slice with itself, shifted, is fast in an interpreter too.
                assert!(bytes[0] == 0 && bytes[1..] == bytes[..size - 1]);
                block.write_bytes(0xA5, size);
            }
            block.expose_provenance()
        })
        .collect()
}

fn free(alloc: &Arenas, blocks: Vec<usize>, size: usize) {
    for block in blocks {
        // SAFETY: allocated with this layout, and not used any more.
        unsafe { alloc.dealloc(std::ptr::with_exposed_provenance_mut(block), layout(size)) };
    }
}

#[test]
fn a_region_tells_what_is_used() {
    static HEAP: Region<{ 4 * PAGE }> = Region::new();
    static ALLOC: Arenas = Arenas::over(&HEAP);
    shared::<Region<PAGE>>();
    // Natively one page is for alignment, besides.
    assert!((5 * PAGE..=6 * PAGE).contains(&size_of_val(&HEAP)));
    assert_eq!(format!("{HEAP:?}"), "Region { pages: 4, used: 0, .. }");
    assert!(!ALLOC.reserve(5 * PAGE) && ALLOC.reserve(3 * PAGE));
    assert_eq!(format!("{HEAP:?}"), "Region { pages: 4, used: 3, .. }");
    assert_eq!(ALLOC.stats().held, 3 * PAGE);
}

/// All blocks lie in the region, null comes when it is full, and what was freed can be had again, as any size.
#[test]
fn a_region_ends_and_is_used_again() {
    const PAGES: usize = if cfg!(miri) { 6 } else { 40 };
    static HEAP: Region<{ PAGES * PAGE }> = Region::new();
    static ALLOC: Arenas = Arenas::over(&HEAP);
    let start = (&raw const HEAP).addr();
    let mut first = None;
    for size in [20_000, 3 * PAGE, 20_000, PAGE / 2, 20_000] {
        let blocks = fill(&ALLOC, size);
        assert!(!blocks.is_empty());
        for block in &blocks {
            assert!(*block >= start && block + size <= start + (PAGES + 1) * PAGE);
        }
        if size == 20_000 {
            // As many as the first time, but for what the other sizes have left in pieces.
            let count = *first.get_or_insert(blocks.len());
            assert!(
                blocks.len() + count / 8 + 1 >= count,
                "{} of {count}",
                blocks.len()
            );
        }
        assert_eq!(ALLOC.stats().held, PAGES * PAGE);
        free(&ALLOC, blocks, size);
        // Blocks of one size that wait for the next of their kind would leave no room for those of another.
        ALLOC.collect();
    }
    assert!(first.unwrap() * 20_000 > PAGES * PAGE / 2);
}

/// A large block at the end of what has been taken grows where it lies, into the rest of the region.
#[test]
fn a_block_grows_into_the_region() {
    static HEAP: Region<{ 40 * PAGE }> = Region::new();
    static ALLOC: Arenas = Arenas::over(&HEAP);
    // SAFETY: the block is resized and freed with the layouts that it has.
    unsafe {
        let block = ALLOC.alloc(layout(20 * PAGE));
        assert_eq!(ALLOC.realloc(block, layout(20 * PAGE), 40 * PAGE), block);
        assert!(ALLOC.realloc(block, layout(40 * PAGE), 41 * PAGE).is_null());
        ALLOC.dealloc(block, layout(40 * PAGE));
    }
    assert_eq!(ALLOC.stats().pooled, 40 * PAGE);
}

/// Two allocators over one region, each from two threads, never get the same memory.
#[test]
fn two_allocators_share_a_region() {
    const PAGES: usize = if cfg!(miri) { 12 } else { 200 };
    static HEAP: Region<{ PAGES * PAGE }> = Region::new();
    static ONE: Arenas = Arenas::over(&HEAP);
    static TWO: Arenas = Arenas::over(&HEAP);
    let size = PAGE;
    let threads = [&ONE, &TWO, &ONE, &TWO].map(|alloc| {
        thread::spawn(move || {
            let blocks = fill(alloc, size);
            alloc.thread_exit();
            blocks
        })
    });
    let blocks = threads.map(|thread| thread.join().unwrap());
    let all: BTreeSet<_> = blocks.iter().flatten().collect();
    assert_eq!(all.len(), blocks.iter().map(Vec::len).sum::<usize>());
    let pairs = all.iter().zip(all.iter().skip(1));
    assert!(pairs.into_iter().all(|(one, next)| **next - **one >= size));
    let held = ONE.stats().held + TWO.stats().held;
    // With its header a block needs two pages, so that one may be left.
    assert!((PAGES - 1..=PAGES).contains(&(held / PAGE)), "{held}");
}
