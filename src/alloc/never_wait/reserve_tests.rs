//! The reserve alone, over a memory of the tests' own.

use super::reserve::Reserve;
use crate::alloc::tests::{Dice, Range, in_some_try, layout};
use crate::sys::memory::{Memory, PAGE};
use core::sync::atomic::Ordering;
use std::sync::LazyLock;
use std::thread;

/// Another agent has got pages of which this one does not know yet: what it has is not in them.
#[test]
fn who_knows_no_page_has_no_block_of_the_reserve() {
    let reserve = Reserve::new(Memory::new());
    // As if the memory's range, whose pages these are, had not been seen.
    reserve.own(1, 16);
    assert!(!reserve.owns(core::ptr::without_provenance_mut(2 * PAGE + 8)));
    // A static, since a memory does not give its range back.
    static RESERVE: LazyLock<Reserve<Memory>> = LazyLock::new(|| Reserve::new(Memory::new()));
    assert!(RESERVE.owns(RESERVE.alloc(layout(8, 8))));
}

/// Fewer pages than the memory mostly grows by.
#[test]
fn the_reserve_uses_the_last_pages_too() {
    for pages in (1..16).step_by(if cfg!(miri) { 7 } else { 1 }) {
        let reserve = Reserve::new(Range::new(pages));
        let blocks: Vec<_> = (0..pages).map(|_| reserve.alloc(layout(PAGE, 8))).collect();
        assert!(blocks.iter().all(|block| !block.is_null()));
        assert!(reserve.alloc(layout(1, 1)).is_null());
        for block in blocks {
            // SAFETY: the block is ours, with this layout.
            unsafe { reserve.dealloc(block.addr(), layout(PAGE, 8)) };
        }
        assert!(!reserve.alloc(layout(1, 1)).is_null());
        assert_eq!(reserve.held(), pages as usize * PAGE);
    }
}

/// Where no page is left for one more chunk, all chunks are looked at.
#[test]
fn the_last_memory_is_found_in_whichever_chunk_it_is() {
    let pages = 20;
    let reserve = Reserve::new(Range::new(pages));
    // Three of them are a chunk.
    let third = layout(PAGE / 4, 8);
    let all = core::iter::repeat_with(|| reserve.alloc(third)).take_while(|block| !block.is_null());
    let blocks: Vec<_> = all.collect();
    assert_eq!(blocks.len(), 3 * pages as usize);
    for block in blocks.iter().step_by(3) {
        // SAFETY: the block is ours, with this layout, and then so again.
        unsafe { reserve.dealloc(block.addr(), third) };
        assert_eq!(reserve.alloc(third).addr(), block.addr());
    }
    for block in blocks {
        // SAFETY: as above.
        unsafe { reserve.dealloc(block.addr(), third) };
    }
    reserve.check_free();
}

/// Who has made the memory end has pages in hand that it does not want: another agent waits for them.
#[test]
fn pages_in_hand_are_waited_for() {
    for wanted in [layout(1_000, 8), layout(PAGE, 8)] {
        in_some_try(|| {
            let mut range = Range::new(16);
            range.stay = 2;
            let reserve = Reserve::new(range);
            let alloc = || !reserve.alloc(wanted).is_null();
            thread::scope(|scope| {
                scope.spawn(|| assert!(alloc()));
                while reserve.source.used.load(Ordering::Relaxed) == 0 {
                    thread::yield_now();
                }
                alloc()
            })
        });
    }
}

/// Where memory has ended, what was aligned can be had again where it was.
#[test]
fn an_aligned_block_finds_its_place_again() {
    for wanted in [layout(3_000, 4_096), layout(3 * PAGE, 4 * PAGE)] {
        let reserve = Reserve::new(Range::new(16));
        let first = reserve.alloc(wanted).addr();
        assert!(first.is_multiple_of(wanted.align()));
        for size in [PAGE, 3_200, 1_000] {
            let next = || reserve.alloc(layout(size, 8)).addr();
            assert!(
                core::iter::repeat_with(next)
                    .take(3_000)
                    .any(|block| block == 0)
            );
        }
        // SAFETY: the block is ours, with this layout.
        unsafe { reserve.dealloc(first, wanted) };
        assert_eq!(reserve.alloc(wanted).addr(), first, "{wanted:?}");
    }
}

/// The reserve finds again what was freed in it, wherever it is.
#[test]
fn the_reserve_does_not_grow_without_need() {
    let reserve = Reserve::new(Range::new(600));
    let (count, rounds) = if cfg!(miri) { (100, 1) } else { (10_000, 10) };
    let mut dice = Dice(3);
    let mut blocks: Vec<_> = (0..count)
        .map(|_| reserve.alloc(layout(1_000, 8)))
        .collect();
    let held = reserve.held();
    for _ in 0..count * rounds {
        let at = dice.roll(blocks.len());
        // SAFETY: the block is ours, with this layout.
        unsafe { reserve.dealloc(blocks[at].addr(), layout(1_000, 8)) };
        blocks[at] = reserve.alloc(layout(1_000, 8));
    }
    // When one in 630 is free, the eight chunks that are looked at may have none of them.
    assert!(
        reserve.held() <= held + held / 4 + 16 * PAGE,
        "{held} {}",
        reserve.held()
    );
    let grown = reserve.held();
    // A tenth is free: that is found.
    for start in blocks.drain(..count / 10) {
        // SAFETY: as above.
        unsafe { reserve.dealloc(start.addr(), layout(1_000, 8)) };
    }
    blocks.extend((0..count / 10).map(|_| reserve.alloc(layout(1_000, 8))));
    assert_eq!(reserve.held(), grown);
    for start in blocks {
        // SAFETY: as above.
        unsafe { reserve.dealloc(start.addr(), layout(1_000, 8)) };
    }
    reserve.check_free();
}
