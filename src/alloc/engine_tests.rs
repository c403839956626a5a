//! The engine alone, over some pages of the tests' own.

use super::*;
use crate::alloc::lists::{room, size_for};
use crate::alloc::tests::Range;
use crate::sys::memory::Source;

/// An engine with so many pages, in one span.
fn engine(range: &Range, pages: u32) -> Tlsf {
    let mut engine = Tlsf::new(3);
    let span = Span {
        start: range.base() + range.grow(pages).unwrap() as usize * PAGE,
        len: pages as usize * PAGE,
    };
    // SAFETY: the pages are nobody else's.
    unsafe { engine.add(span) };
    engine
}

/// The blocks of a batch.
fn many(engine: &mut Tlsf, size: usize, count: u32) -> Vec<usize> {
    let mut blocks = Vec::new();
    // SAFETY: the size comes from `size_for`.
    unsafe { engine.take_many(size, count, |block| blocks.push(block)) };
    blocks
}

/// What is free is so much, and one block.
fn only_block(engine: &mut Tlsf, free: usize) {
    assert_eq!(engine.free, free);
    // SAFETY: the size comes from `size_for`. Lists are a sixteenth apart.
    unsafe {
        let most = engine.take(size_for(free - free / 8), GRAIN);
        assert_ne!(most, 0, "not in one block");
        assert!(engine.put(most).is_none());
    }
}

#[test]
fn a_batch_lies_in_a_row_and_goes_back_as_one() {
    let range = Range::new(1);
    let mut engine = engine(&range, 1);
    let all = engine.free;
    let size = size_for(5 * GRAIN);
    // From the last to the first, from the first to the last, and from the middle.
    for order in [[3, 2, 1, 0], [0, 1, 2, 3], [1, 2, 0, 3]] {
        let blocks = many(&mut engine, size, 4);
        assert_eq!(blocks.len(), 4);
        assert!(blocks.windows(2).all(|two| two[1] - two[0] == size));
        assert_eq!(engine.free, all - 4 * size);
        // SAFETY: the blocks are in use, and ours.
        unsafe {
            for block in &blocks {
                let header = Header::of(*block);
                assert_eq!((header.size(), header.arena()), (size, 3));
                block::at::<u8>(*block).write_bytes(7, room(size));
            }
            let mut row = Row::of(blocks[order[0]]);
            assert!(order[1..].iter().all(|at| row.extend(blocks[*at])));
            assert_eq!((row.block(), row.size()), (blocks[0], 4 * size));
            assert!(engine.put_row(row).is_none());
        }
        only_block(&mut engine, all);
    }
}

/// Blocks that have just the size first, and then a row.
#[test]
fn a_batch_begins_with_what_fits() {
    let range = Range::new(1);
    let mut engine = engine(&range, 1);
    let size = size_for(5 * GRAIN);
    let blocks = many(&mut engine, size, 8);
    // SAFETY: the blocks are in use, and ours.
    unsafe {
        assert!(engine.put(blocks[1]).is_none());
        assert!(engine.put(blocks[3]).is_none());
    }
    let again = many(&mut engine, size, 4);
    let mut holes = again[..2].to_vec();
    holes.sort_unstable();
    assert_eq!(holes, [blocks[1], blocks[3]]);
    assert_eq!(again[2], blocks[7] + size);
    assert_eq!(again[3], again[2] + size);
}

/// A span of which all blocks were a row is free as a whole when the last one is, and not before.
#[test]
fn a_row_may_be_a_span() {
    let range = Range::new(6);
    let mut engine = engine(&range, 4);
    let span = Span {
        start: range.base() + range.grow(1).unwrap() as usize * PAGE,
        len: PAGE,
    };
    // The smallest span that has a row.
    let size = size_for(PAGE / 5);
    for together in [false, true] {
        // SAFETY: the page is nobody else's; the blocks are in use, and ours.
        unsafe {
            engine.add(span);
            let blocks = many(&mut engine, size, 4);
            assert_eq!(blocks[0], span.start + SPAN_COST);
            let given = if together {
                let mut row = Row::of(blocks[0]);
                assert!(blocks[1..].iter().all(|block| row.extend(*block)));
                engine.put_row(row)
            } else {
                for block in &blocks[1..] {
                    assert_eq!(engine.put(*block), None);
                }
                engine.put(blocks[0])
            };
            assert_eq!(given, Some(span));
        }
    }
}

/// Where there is no row left, as many as there are.
#[test]
fn a_batch_is_shorter_where_memory_ends() {
    let range = Range::new(1);
    let mut engine = engine(&range, 1);
    let size = size_for(PAGE / 3);
    assert_eq!(many(&mut engine, size, 8).len(), 2);
    assert!(many(&mut engine, size, 8).is_empty());
}

/// A block that was wanted is found by who wants such a one next, so that memory in which kinds of blocks change is used again.
#[test]
fn a_block_that_is_free_serves_the_next_of_its_kind() {
    let range = Range::new(4);
    let mut engine = engine(&range, 4);
    for bytes in (1..PAGE / 2).step_by(if cfg!(miri) { 4_001 } else { 97 }) {
        let size = size_for(bytes);
        assert!(room(size) >= bytes && room(size) <= bytes + bytes / 16 + 4 * GRAIN);
        // SAFETY: the size comes from `size_for`; the blocks are ours.
        unsafe {
            let block = engine.take(size, GRAIN);
            // So that it does not merge with what is behind.
            let next = engine.take(size_for(1), GRAIN);
            assert_eq!(Header::of(block).size(), size);
            engine.put(block);
            assert_eq!(engine.take(size, GRAIN), block);
            engine.put(block);
            engine.put(next);
        }
    }
}

/// A block that is aligned is found again where it was, and is no other's place.
#[test]
fn an_aligned_block_that_is_free_serves_the_next_of_its_kind() {
    let range = Range::new(1);
    let mut engine = engine(&range, 1);
    let all = engine.free;
    // SAFETY: the sizes come from `size_for`; the blocks are ours.
    unsafe {
        for (bytes, align) in [(100, 64), (1_000, 1_024), (10_000, 4_096)] {
            let size = size_for(bytes);
            let block = engine.take(size, align);
            assert!(block.is_multiple_of(align));
            let mut others = Vec::new();
            for least in [PAGE / 8, PAGE / 64, SMALLEST] {
                let next = || Some(engine.take(least, GRAIN)).filter(|block| *block != 0);
                others.extend(core::iter::from_fn(next));
            }
            assert_eq!(engine.take(size, align), 0);
            engine.put(block);
            assert_eq!(
                engine.take(
                    size,
                    2 * Header::of(block).size().next_power_of_two().max(align)
                ),
                0
            );
            assert_eq!(engine.take(size, align), block, "{align}");
            engine.put(block);
            for other in others {
                engine.put(other);
            }
            only_block(&mut engine, all);
        }
    }
}

/// What programs ask for most.
#[test]
fn powers_of_two_lose_a_header_and_no_more() {
    for bytes in (5..17).map(|log| 1_usize << log) {
        assert!(size_for(bytes) <= bytes + GRAIN);
    }
}
