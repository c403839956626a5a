//! The allocator where something has come to an end: the memory, the arenas, the agent that had one. And the bounds of its loops.

use super::arena::Arena;
use super::block::GRAIN;
use super::class::{CLASSES, SMALL_MAX};
use super::engine::{Engine, Span, size_for};
use super::steps;
use super::take::LAST_PASSES;
use super::tests::{Dice, Model, ROUNDS, Step, heap, layout, play, play_on, some_step};
use crate::sys::memory::PAGE;
use core::sync::atomic::Ordering;

/// At every growth, and again after something has been freed.
#[test]
fn memory_that_ends_is_null_and_goes_on_when_something_was_freed() {
    let pages = if cfg!(miri) { 8 } else { 64 };
    for (size, most) in [
        (24, 3),
        (400, 20),
        (3_000, 40),
        (100_000, 40),
        (3 * PAGE, 40),
    ] {
        // An interpreter takes its time for every byte.
        let most = match cfg!(miri) {
            true => 2 * u32::from(size < PAGE),
            false => most,
        };
        for limit in 0..most {
            let heap = heap(pages);
            heap.source.limit.store(limit, Ordering::Relaxed);
            let mut model = Model::default();
            let mut first = 0;
            for round in 0..3 {
                let before = model.used.len();
                while !cfg!(miri) || model.used.len() < 20 {
                    // SAFETY: any layout will do.
                    let block = unsafe { heap.alloc(layout(size, 8)) };
                    if block.is_null() {
                        break;
                    }
                    model.add(block, layout(size, 8));
                }
                assert_eq!(before, 0);
                match round {
                    0 => first = model.used.len(),
                    _ => assert!(model.used.len() + model.used.len() / 8 + 2 >= first),
                }
                model.free_all(&heap);
            }
            // Memory that may grow again does.
            heap.source.limit.store(pages, Ordering::Relaxed);
            play(&heap, &mut model, Step::Alloc(size, 8));
            assert_eq!(model.used.len(), 1);
            model.free_all(&heap);
        }
    }
}

/// What one kind of block has filled and given back, another kind can have.
#[test]
fn memory_that_small_blocks_have_filled_can_be_had_as_pages() {
    let heap = heap(if cfg!(miri) { 8 } else { 64 });
    let mut model = Model::default();
    loop {
        let before = model.used.len();
        play(&heap, &mut model, Step::Alloc(SMALL_MAX, 8));
        if model.used.len() == before {
            break;
        }
    }
    model.free_all(&heap);
    model.free_all(&heap);
    let most = heap.source.pages as usize - 1;
    // The pages at the end may have belonged to single blocks, and the arena has its own.
    play(&heap, &mut model, Step::Alloc(most * PAGE * 3 / 4, 8));
    assert_eq!(model.used.len(), 1);
}

/// When memory has run out, what lies in magazines and between agents is used for other sizes.
#[test]
#[cfg(not(miri))] // Thousands of blocks take an interpreter minutes, and show it nothing new.
fn the_last_memory_is_what_magazines_hold() {
    let heap = heap(2);
    let mut blocks = Vec::new();
    let small = layout(GRAIN, 8);
    loop {
        // SAFETY: any layout will do.
        let block = unsafe { heap.alloc(small) };
        if block.is_null() {
            break;
        }
        blocks.push(block);
    }
    blocks.sort_unstable();
    for block in blocks.drain(..60) {
        // SAFETY: it is not in use.
        unsafe { heap.dealloc(block, small) };
    }
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(30 * GRAIN, 8));
    assert_eq!(model.used.len(), 1);
}

/// No span is as large as what is asked for, but some lie side by side.
#[test]
fn spans_that_lie_side_by_side_serve_a_larger_block() {
    let heap = heap(4);
    let mut model = Model::default();
    for _ in 0..10 {
        play(&heap, &mut model, Step::Alloc(30_000, 8));
    }
    assert_eq!(heap.stats().pooled, 0);
    model.free_all(&heap);
    play(&heap, &mut model, Step::Alloc(2 * PAGE + 30_000, 8));
    assert_eq!(model.used.len(), 1);
}

/// All memory is full of blocks that are freed while their arena is busy, so that many rounds free them: every second one first.
/// A medium and a large block can be had.
#[test]
#[cfg(not(miri))] // Thousands of blocks, as above.
fn what_is_deferred_is_free_memory() {
    for wanted in [layout(4 * PAGE, 8), layout(96 * PAGE, 8)] {
        let heap = heap(128);
        let block = layout(SMALL_MAX + 1, 8);
        let mut blocks = Vec::new();
        loop {
            // SAFETY: any layout will do.
            let next = unsafe { heap.alloc(block) };
            if next.is_null() {
                break;
            }
            blocks.push(next);
        }
        assert_eq!(heap.stats().arenas, 1);
        let held = heap.arenas.get(0).and_then(Arena::try_lock);
        blocks.sort_unstable();
        // What is put in last is taken out first.
        for odd in [1, 0] {
            for freed in blocks.iter().skip(odd).step_by(2) {
                // SAFETY: it is not in use.
                unsafe { heap.dealloc(*freed, block) };
            }
        }
        drop(held);
        // SAFETY: any layout will do.
        assert!(!unsafe { heap.alloc(wanted) }.is_null(), "{wanted:?}");
    }
}

/// The largest free block is no span, but there is one.
#[test]
fn every_span_that_is_free_is_given_up() {
    let heap = heap(32);
    let mut engine = Engine::new(0);
    let span = |pages| Span {
        start: heap.address(heap.grow(pages).unwrap()),
        len: pages as usize * PAGE,
    };
    let mut given = Vec::new();
    // SAFETY: the pages are nobody else's, and the sizes come from `size_for`.
    unsafe {
        engine.add(span(1));
        engine.add(span(16));
        assert_ne!(engine.take(size_for(6 * PAGE), GRAIN), 0);
        let two = [4, 4].map(span);
        engine.add(two[0]);
        engine.add(two[1]);
        assert!(engine.spare(|span| given.push(span)));
        given.sort_unstable_by_key(|span| span.start);
        assert_eq!(given, two);
        assert!(!engine.spare(|_| unreachable!()));
    }
    assert_eq!(engine.held(), 17 * PAGE);
}

/// Before there is said to be no memory, an arena that is busy is tried again.
#[test]
fn a_busy_arena_is_gone_back_to() {
    let heap = heap(4);
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(1_000, 8));
    assert_eq!(heap.stats().hops, 0);
    let mut held = heap.arenas.get(0).and_then(Arena::try_lock);
    assert!(held.is_some());
    let found = heap.rounds(|arena| match arena {
        Some(arena) => Some(arena.number()),
        None => {
            held = None;
            None
        }
    });
    assert_eq!(found, Some(0));
    model.free_all(&heap);
}

/// Holds every arena that there is, as an agent that was terminated does, and lets others go on.
#[test]
fn agents_that_died_inside_stop_nobody() {
    let heap = heap(if cfg!(miri) { 100 } else { 1024 });
    let mut model = Model::default();
    let mut dice = Dice(5);
    let deaths = if cfg!(miri) { 3 } else { 40 };
    for death in 0..deaths {
        for _ in 0..ROUNDS / 40 {
            play_on(&heap, &mut model, &mut dice);
        }
        for number in 0..heap.arenas.count() {
            std::mem::forget(heap.arenas.get(number).and_then(Arena::try_lock));
        }
        assert!(heap.stats().arenas <= death + 1);
    }
    model.free_all(&heap);
    let stats = heap.stats();
    assert!(stats.arenas > deaths / 2 && stats.deferred > 0, "{stats:?}");
    assert_eq!(stats.given_up, 0);
}

/// When there is no memory for another arena either, blocks have pages of their own, and then there are none.
#[test]
fn without_arenas_blocks_have_pages() {
    let heap = heap(16);
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(100, 8));
    let held = heap.arenas.get(0).and_then(Arena::try_lock);
    // No more arenas: as if all numbers had been given.
    while heap.arenas.number().is_some() {}
    for size in [1, 1_000, 100_000] {
        play(&heap, &mut model, Step::Zeroed(size, 8));
        play(&heap, &mut model, Step::Alloc(size, 2_048));
        play(&heap, &mut model, Step::Resize(1, size + size / 2));
    }
    assert_eq!(model.used.len(), 7);
    model.free_all(&heap);
    drop(held);
    heap.thread_exit();
    heap.collect();
    assert_eq!(heap.stats().pooled, heap.stats().held - PAGE);
}

/// Turns of loops that one call may take: all that is constant, on a memory of 1,024 pages. (I2)
#[test]
fn every_call_takes_a_bounded_number_of_steps() {
    let heap = heap(1024);
    let mut model = Model::default();
    let mut dice = Dice(11);
    let mut most = 0;
    for round in 0..ROUNDS {
        let step = some_step(&mut dice);
        if matches!(step, Step::Collect) {
            continue;
        }
        steps::taken();
        play(&heap, &mut model, step);
        most = most.max(steps::taken());
        if model.used.len() > 300 {
            play(&heap, &mut model, Step::Free(round));
        }
    }
    // The pool's words, and a drain and a batch: nothing that grows with the number of blocks.
    assert!((1..1024 + 256).contains(&most), "{most}");
    model.free_all(&heap);
}

/// With all arenas taken for ever and every list contended, still.
#[test]
fn steps_are_bounded_beside_dead_agents() {
    let heap = heap(256);
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(1_000, 8));
    let held: Vec<_> = (0..16)
        .map(|_| {
            let mut home = 0;
            steps::taken();
            let locked = heap.enter(&mut home);
            assert!(steps::taken() < 50 + 16 * 8 + 64 + 64);
            locked
        })
        .collect();
    assert!(held.iter().all(Option::is_some));
    // Nor is there memory for another one.
    heap.source.limit.store(0, Ordering::Relaxed);
    while heap.reserve(PAGE) {
        // SAFETY: any layout will do; the pages go with the range.
        unsafe { heap.alloc(layout(PAGE, PAGE)) };
    }
    steps::taken();
    assert!(heap.enter(&mut 0).is_none());
    let taken = steps::taken();
    assert!(taken < 50 + 16 * 8 + 64, "{taken}");
    drop(held);
    model.free_all(&heap);
}

/// Where an agent died in an arena, a large block that cannot be had takes all rounds, each a try of that arena, and no more.
#[test]
fn steps_are_bounded_before_null_beside_a_dead_agent() {
    let heap = heap(8);
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(1_000, 8));
    let held = heap.arenas.get(0).and_then(Arena::try_lock);
    assert!(held.is_some());
    steps::taken();
    // SAFETY: any layout will do.
    assert!(unsafe { heap.alloc(layout(9 * PAGE, 8)) }.is_null());
    let taken = steps::taken();
    // And the flush: of each class two stacks and four places.
    let flush = 6 * CLASSES as u32;
    assert!(
        (LAST_PASSES..LAST_PASSES + flush + 16).contains(&taken),
        "{taken}"
    );
    drop(held);
    model.free_all(&heap);
}

#[test]
fn what_cannot_be_is_null() {
    let heap = heap(8);
    for size in [8 * PAGE + 1, isize::MAX as usize / 2, isize::MAX as usize] {
        // SAFETY: any layout will do.
        assert!(unsafe { heap.alloc(layout(size, 1)) }.is_null());
    }
    // SAFETY: any layout will do.
    assert!(unsafe { heap.alloc(layout(1, 1 << 40.min(usize::BITS - 2))) }.is_null());
    play(&heap, &mut Model::default(), Step::Alloc(PAGE, 1));
}
