//! The allocator where something has come to an end: the memory, the arenas, the agent that had one. And the bounds of its loops.

use super::arena::Arena;
use super::block::GRAIN;
use super::choice::Core;
use super::class::{CLASSES, FINE_MAX};
use super::custom_tests::Accounted;
use super::engine::{Span, Tlsf};
use super::exchange::PLACES;
use super::heap::Heap;
use super::lists::size_for;
use super::steps;
use super::supply::Supply;
use super::take::{LAST_PASSES, LAST_PAUSES};
use super::tests::{
    Dice, Model, ROUNDS, Range, Step, Tested, heap, heap_of, in_some_try, layout, play, play_on,
    some_step, with_engines,
};
use crate::sys::memory::{Memory, PAGE};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Barrier, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

with_engines! {
    memory_that_ends_is_null_and_goes_on_when_something_was_freed;
    any_growth_may_fail;
    agents_that_died_inside_stop_nobody;
    without_arenas_blocks_have_pages;
}

/// At every growth, and again after something has been freed.
fn memory_that_ends_is_null_and_goes_on_when_something_was_freed<C: Accounted>() {
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
            let heap = heap_of::<C>(pages);
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

/// Plays over a memory that refuses those growths; it, and how often it was asked to grow. The agent is a new one.
fn play_refused<C: Accounted>(mut range: Range, refused: core::ops::Range<u32>) -> (Range, u32) {
    range.refused = refused;
    let mut heap = Tested::<C>::new(range);
    let (mut model, mut dice) = (Model::default(), Dice(17));
    let rounds = if cfg!(miri) { 25 } else { 1_000 };
    for round in 0..rounds {
        match some_step(&mut dice) {
            // More and more at first.
            Step::Free(_) if round < rounds / 2 => {}
            step => play(&heap, &mut model, step),
        }
    }
    if cfg!(miri) {
        // So few blocks find room in the first growth.
        play(&heap, &mut model, Step::Alloc(17 * PAGE, 8));
    }
    let asked = heap.source.asked.load(Ordering::Relaxed);
    // To free needs no memory, whatever becomes of it.
    heap.source.refused = 0..u32::MAX;
    model.free_all(&heap);
    assert_eq!(heap.source.asked.load(Ordering::Relaxed), asked);
    heap.source.refused = 0..0;
    play(&heap, &mut model, Step::Alloc(100 * GRAIN, 8));
    play(
        &heap,
        &mut model,
        Step::Zeroed(if cfg!(miri) { 5 } else { 12 } * PAGE, 8),
    );
    assert_eq!(model.used.len(), 2);
    model.free_all(&heap);
    // A block that was just grown for may lie at the end, and cannot grow there. Somebody else comes next.
    if cfg!(not(miri)) {
        play(&heap, &mut model, Step::Alloc(100 * PAGE, 8));
        heap.source.refused = 0..u32::MAX;
        play(&heap, &mut model, Step::Resize(0, 120 * PAGE));
        heap.source.refused = 0..0;
        play(&heap, &mut model, Step::Alloc(40 * PAGE, 8));
        assert_eq!(model.used.len(), 2);
        model.free_all(&heap);
    }
    heap.thread_exit();
    heap.collect();
    let stats = heap.stats();
    assert_eq!(stats.pooled, stats.held - C::kept(&heap), "{stats:?}");
    (heap.source, asked)
}

/// One growth is refused, or some in a row, or all for the rest: whichever it is that they begin with. What was allocated keeps its
/// contents, everything can be freed while none is granted, nothing is lost, and later growths work.
fn any_growth_may_fail<C: Accounted>() {
    let widths = match cfg!(miri) {
        true => &[4][..],
        false => &[1, 2, 3, 4, 6, 9, u32::MAX][..],
    };
    let mut range = Range::new(if cfg!(miri) { 48 } else { 512 });
    for &width in widths {
        let mut from = 0;
        loop {
            let asked;
            let refused = from..u32::saturating_add(from, width);
            range.renew();
            (range, asked) = thread::scope(|scope| {
                let played = scope.spawn(|| play_refused::<C>(range, refused));
                played.join().unwrap()
            });
            if asked <= from {
                break;
            }
            from += if cfg!(miri) { 3 } else { 1 };
        }
        println!("{width} in a row refused, from each of {from}");
        assert!(from > if cfg!(miri) { 1 } else { 8 }, "{from}");
    }
}

/// What one kind of block has filled and given back, another kind can have.
#[test]
fn memory_that_small_blocks_have_filled_can_be_had_as_pages() {
    let heap = heap(if cfg!(miri) { 8 } else { 64 });
    let mut model = Model::default();
    loop {
        let before = model.used.len();
        play(&heap, &mut model, Step::Alloc(FINE_MAX, 8));
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
        let block = layout(FINE_MAX + 1, 2 * GRAIN);
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
    let mut engine = Tlsf::new(0);
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

/// The only free memory is in an arena that somebody is in, for longer than a moment: that is no reason for null.
#[test]
fn who_has_no_memory_looks_for_longer() {
    let heap = heap(4);
    let mut model = Model::default();
    // No block of a magazine.
    let block = layout(3_000, 2 * GRAIN);
    let mut last = core::ptr::null_mut::<u8>();
    loop {
        // SAFETY: any layout will do.
        let next = unsafe { heap.alloc(block) };
        if next.is_null() {
            break;
        }
        if !last.is_null() {
            model.add(last, block);
        }
        last = next;
    }
    // SAFETY: it is in use no more.
    unsafe { heap.dealloc(last, block) };
    let last = last.addr();
    let ready = Barrier::new(2);
    in_some_try(|| {
        thread::scope(|scope| {
            let inside = heap.arenas.get(0).and_then(Arena::try_lock);
            assert!(inside.is_some());
            let found = scope.spawn(|| {
                ready.wait();
                // SAFETY: any layout will do.
                let again = unsafe { heap.alloc(block) };
                again.addr() == last
            });
            ready.wait();
            thread::sleep(Duration::from_millis(1));
            drop(inside);
            found.join().unwrap()
        })
    });
    model.free_all(&heap);
}

/// Who has made the memory end has pages in hand that it does not want: another agent waits for them.
#[test]
fn pages_in_hand_are_waited_for() {
    for wanted in [layout(1_000, 2 * GRAIN), layout(1, PAGE)] {
        in_some_try(|| {
            let mut range = Range::new(4);
            range.stay = 2;
            let heap = Tested::<Tlsf>::new(range);
            // SAFETY: any layout will do.
            let alloc = || !unsafe { heap.alloc(wanted) }.is_null();
            thread::scope(|scope| {
                scope.spawn(|| assert!(alloc()));
                while heap.source.used.load(Ordering::Relaxed) == 0 {
                    thread::yield_now();
                }
                alloc()
            })
        });
    }
}

/// To ask whether there are pages takes none of them from others.
#[test]
fn what_is_reserved_can_be_had_all_the_while() {
    let heap = heap(4);
    assert!(heap.reserve(4 * PAGE));
    let done = AtomicBool::new(false);
    let missed = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                heap.reserve(PAGE);
            }
        });
        let all = |_| heap.pages.take(4).map(|page| heap.pages.put(page, 4));
        let tries = 0..if cfg!(miri) { 20 } else { 50_000 };
        let missed = tries.map(all).position(|taken| taken.is_none());
        done.store(true, Ordering::Relaxed);
        missed
    });
    assert_eq!(missed, None);
}

/// Holds every arena that there is, as an agent that was terminated does, and lets others go on.
fn agents_that_died_inside_stop_nobody<C: Accounted>() {
    let heap = heap_of::<C>(if cfg!(miri) { 100 } else { 2048 });
    let mut model = Model::default();
    let mut dice = Dice(5);
    let deaths = if cfg!(miri) { 3 } else { 40 };
    for death in 0..deaths {
        for _ in 0..if cfg!(miri) { 8 } else { ROUNDS / 40 } {
            play_on(&heap, &mut model, &mut dice);
        }
        for number in 0..heap.arenas.count() {
            std::mem::forget(heap.arenas.get(number).and_then(Arena::try_lock));
        }
        assert!(heap.stats().arenas <= death + 1);
    }
    // Nor when memory ends, each time after some ten milliseconds.
    heap.source.limit.store(0, Ordering::Relaxed);
    for _ in 0..if cfg!(miri) { 8 } else { 100 } {
        play_on(&heap, &mut model, &mut dice);
    }
    model.free_all(&heap);
    let stats = heap.stats();
    assert!(stats.arenas > deaths / 2 && stats.deferred > 0, "{stats:?}");
    assert_eq!(stats.given_up, 0);
}

/// When there is no memory for another arena either, blocks have pages of their own, and then there are none.
fn without_arenas_blocks_have_pages<C: Accounted>() {
    let heap = heap_of::<C>(16);
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
    assert_eq!(heap.stats().pooled, heap.stats().held - C::kept(&heap));
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

/// What a call may take under I2 on a memory of so many pages, beside others, as long as memory has not run out.
struct Bounds {
    alloc: u32,
    dealloc: u32,
}

impl Bounds {
    fn of(pages: u32) -> Self {
        let words = pages / 32 + 2;
        // A turn for each page at worst; what is found is taken word by word, each with 4 tries, 4 times again and at last, and put back.
        let take = pages + 5 * words * (1 + 4 + 1);
        // 64 deferred blocks, of which each may complete a span: the pages of all spans together are no more than there are.
        let drain = 64 + 64 + words;
        // The home and the others, a page for a new arena, more memory at two sizes, each time taken or put, and a batch.
        let alloc = 50 + 8 * 16 + drain + 4 * (take + words) + 16;
        // A batch, each block with its tries, and another drain.
        let dealloc = 16 * (1 + 64 + drain + words);
        Self { alloc, dealloc }
    }
}

/// Four agents that free each other's blocks at the same time, while now and then an arena is taken for ever.
#[test]
fn every_call_takes_a_bounded_number_of_steps_under_stress() {
    let pages = if cfg!(miri) { 256 } else { 2048 };
    let heap = heap(pages);
    let bounds = Bounds::of(pages);
    let shared = Mutex::new(Vec::<(usize, usize)>::new());
    // How many blocks there are before one is resized, and before one is freed.
    let [few, many] = if cfg!(miri) { [5, 10] } else { [75, 150] };
    let most = [const { AtomicU32::new(0) }; 3];
    let note = |which: usize| most[which].fetch_max(steps::taken(), Ordering::Relaxed);
    thread::scope(|scope| {
        for seed in 1..=4 {
            let (heap, shared, note) = (&heap, &shared, &note);
            scope.spawn(move || {
                let mut dice = Dice(seed);
                for round in 0..if cfg!(miri) { 25 } else { 20_000 } {
                    let size = match dice.roll(20) {
                        0 => dice.roll(2 * PAGE),
                        1..4 => dice.roll(5_000),
                        _ => dice.roll(FINE_MAX),
                    };
                    // SAFETY: blocks are resized and freed with the layouts that they have, by who has taken them off the list.
                    unsafe {
                        steps::taken();
                        let block = heap.alloc(layout(size, 8));
                        note(0);
                        assert!(!block.is_null());
                        shared
                            .lock()
                            .unwrap()
                            .push((block.expose_provenance(), size));
                        let mut some = |least: usize| {
                            let mut shared = shared.lock().unwrap();
                            let at = dice.roll(shared.len().max(1));
                            (shared.len() > least).then(|| shared.swap_remove(at))
                        };
                        if let Some((block, size)) = some(many) {
                            steps::taken();
                            heap.dealloc(super::block::at(block), layout(size, 8));
                            note(1);
                        }
                        if let Some((block, size)) = some(few) {
                            let more = size / 2 + dice.roll(size + 3_000);
                            steps::taken();
                            let block =
                                heap.realloc(super::block::at(block), layout(size, 8), more);
                            note(2);
                            assert!(!block.is_null());
                            let more = (block.expose_provenance(), more);
                            shared.lock().unwrap().push(more);
                        }
                        if seed == 1 && round % 5_000 == 4_999 {
                            // As an agent that is terminated.
                            std::mem::forget(heap.enter(&mut 0));
                        }
                    }
                }
                heap.thread_exit();
            });
        }
    });
    let [alloc, dealloc, realloc] = most.map(AtomicU32::into_inner);
    println!("steps at most: alloc {alloc}, realloc {realloc}, dealloc {dealloc}");
    assert!((1..=bounds.alloc).contains(&alloc), "{alloc}");
    assert!((1..=bounds.dealloc).contains(&dealloc), "{dealloc}");
    assert!(realloc <= bounds.alloc + bounds.dealloc, "{realloc}");
    assert_eq!(heap.stats().given_up, 0);
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
    // More than there are will never be had, whoever leaves the arena: that is found out at once.
    steps::taken();
    // SAFETY: any layout will do.
    assert!(unsafe { heap.alloc(layout(9 * PAGE, 8)) }.is_null());
    assert!(steps::taken() < 16);
    // All eight there are, and one is the arena's.
    assert!(heap.reserve(4 * PAGE));
    assert_eq!(heap.stats().held, 8 * PAGE);
    steps::taken();
    // SAFETY: any layout will do.
    assert!(unsafe { heap.alloc(layout(8 * PAGE, 8)) }.is_null());
    let taken = steps::taken();
    // And the flush: of each class two stacks and the places.
    let flush = ((2 + PLACES) * CLASSES) as u32;
    let rounds = LAST_PASSES * (1 + LAST_PAUSES);
    assert!((rounds..rounds + flush + 16).contains(&taken), "{taken}");
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

/// Who is in an arena gives pages back and goes, after another has looked for them: that one looks again.
#[test]
fn pages_that_who_was_in_an_arena_gave_back_are_found() {
    let heap = heap(8);
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(1_000, 8));
    assert!(heap.reserve(4 * PAGE));
    let run = heap.pages.take(4).unwrap();
    let mut inside = heap.arenas.get(0).and_then(Arena::try_lock);
    assert!(inside.is_some());
    let found = heap.rounds(|arena| match arena {
        Some(_) => None,
        None => {
            let found = heap.pages.take(4);
            if inside.is_some() {
                heap.pages.put(run, 4);
                inside = None;
            }
            found
        }
    });
    assert_eq!(found, Some(run));
    heap.pages.put(run, 4);
    model.free_all(&heap);
}

/// Where another agent is first, its pages may be in the pool before it is known where they are.
#[test]
fn a_page_is_no_aligned_one_before_it_is_known_where_it_is() {
    // A static, since a memory does not give its range back.
    static HEAP: LazyLock<Heap<Memory, Tlsf>> = LazyLock::new(|| Heap::new(Memory::new()));
    HEAP.pages.put(1, 8);
    let (_, fresh) = HEAP.claim(1, 2 * PAGE).unwrap();
    assert!(fresh, "it came out of the pool");
    let (page, fresh) = HEAP.claim(1, 2 * PAGE).unwrap();
    assert!(!fresh && HEAP.address(page).is_multiple_of(2 * PAGE));
}

/// An agent can do without a cache: for that it does not look for the last memory, beside one that has ended.
#[test]
fn a_cache_is_not_worth_the_last_memory() {
    let heap = heap(8);
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(1_000, 8));
    assert!(heap.reserve(4 * PAGE));
    play(&heap, &mut model, Step::Alloc(7 * PAGE, 8));
    assert_eq!((model.used.len(), heap.stats().pooled), (2, 0));
    let held = heap.arenas.get(0).and_then(Arena::try_lock);
    assert!(held.is_some());
    let taken = thread::scope(|scope| {
        let fresh = scope.spawn(|| {
            steps::taken();
            // SAFETY: any layout will do.
            assert!(unsafe { heap.alloc(layout(32, 8)) }.is_null());
            steps::taken()
        });
        fresh.join().unwrap()
    });
    let rounds = LAST_PASSES * (1 + LAST_PAUSES);
    assert!(taken < rounds + rounds / 2, "{taken}");
    drop(held);
    model.free_all(&heap);
}
