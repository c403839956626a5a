//! The allocator over a memory of the tests' own, which can be made to end.

use super::block::{GRAIN, WORD};
use super::choice::Core;
use super::class::{FINE_MAX, MEDIUM_ALIGN, MEDIUM_MAX, SMALL_MAX};
use super::custom_tests::Accounted;
use super::engine::Tlsf;
use super::heap::Heap;
use crate::sys::memory::{PAGE, Source};
use core::alloc::Layout;
use core::sync::atomic::{AtomicU32, Ordering};
use std::alloc::{GlobalAlloc, System};
use std::collections::BTreeMap;
use std::sync::mpsc::{self, TrySendError};
use std::thread;
use std::time::Duration;

/// A range of pages, of which some have been handed out.
pub(super) struct Range {
    base: usize,
    pub(super) pages: u32,
    /// How many have been handed out.
    pub(super) used: AtomicU32,
    /// No page from here on is handed out, for now.
    pub(super) limit: AtomicU32,
    /// How often pages were asked for.
    pub(super) asked: AtomicU32,
    /// Those that are refused, counted from 0.
    pub(super) refused: core::ops::Range<u32>,
    /// Who has got pages stays here with them, for a millisecond from when so many more have been asked for.
    pub(super) stay: u32,
}

impl Range {
    fn layout(pages: u32) -> Layout {
        Layout::from_size_align(pages as usize * PAGE, PAGE).unwrap()
    }

    /// Zeros again, for another heap: what is touched for the first time takes far longer.
    pub(super) fn renew(&mut self) {
        let used = self.used.swap(0, Ordering::Relaxed) as usize;
        // SAFETY: pages of the range, which nobody uses: the heap over it is gone.
        unsafe { super::block::at::<u8>(self.base).write_bytes(0, used * PAGE) };
        self.asked.store(0, Ordering::Relaxed);
    }

    pub(super) fn new(pages: u32) -> Self {
        // SAFETY: the size is not zero.
        let base = unsafe { System.alloc_zeroed(Self::layout(pages)) };
        assert!(!base.is_null());
        Self {
            base: base.expose_provenance(),
            pages,
            used: AtomicU32::new(0),
            limit: AtomicU32::new(pages),
            asked: AtomicU32::new(0),
            refused: 0..0,
            stay: 0,
        }
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; the heap over it is gone, and its blocks are not used any more.
        unsafe { System.dealloc(super::block::at(self.base), Self::layout(self.pages)) };
    }
}

// SAFETY: each page is handed out once, zeroed, from one range whose provenance is exposed.
unsafe impl Source for Range {
    fn grow(&self, pages: u32) -> Option<u32> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if self.refused.contains(&asked) {
            return None;
        }
        let limit = self.limit.load(Ordering::Relaxed);
        let used = self
            .used
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(pages).filter(|end| *end <= limit)
            });
        if used.is_ok() && self.stay > 0 {
            while self.asked.load(Ordering::Relaxed) <= asked + self.stay {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(1));
        }
        used.ok()
    }

    fn grow_at(&self, page: u32, pages: u32) -> Option<u32> {
        if self.used.load(Ordering::Relaxed) != page {
            return None;
        }
        self.grow(pages)
    }

    fn base(&self) -> usize {
        self.base
    }
}

pub(super) type Tested<C = Tlsf> = Heap<Range, C>;

pub(super) fn heap(pages: u32) -> Tested {
    heap_of(pages)
}

/// With some engine.
pub(super) fn heap_of<C: Core>(pages: u32) -> Tested<C> {
    Heap::new(Range::new(pages))
}

/// Tests of functions that take an engine: with our own, and with one that a program might bring.
macro_rules! with_engines {
    ($($(#[$meta:meta])* $test:ident;)*) => {
        mod with_tlsf {
            $(#[test] $(#[$meta])* fn $test() { super::$test::<crate::alloc::engine::Tlsf>(); })*
        }

        // An interpreter has `custom_tests` for it, and takes minutes for these.
        #[cfg(not(miri))]
        mod with_another {
            $(#[test] $(#[$meta])* fn $test() { super::$test::<crate::alloc::custom_tests::Brought>(); })*
        }
    };
}
pub(super) use with_engines;

with_engines! {
    nothing_overlaps_and_everything_keeps_its_contents;
    all_that_was_freed_becomes_pages_again;
    zero_sizes_and_huge_alignments;
    within_a_class_a_block_stays;
    blocks_go_round_between_threads;
    after_its_exit_an_agent_still_allocates_and_frees;
}

pub(super) fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// For what is waited for ten milliseconds: the system may take the processor from who brings it for longer, but not each time.
pub(super) fn in_some_try(mut act: impl FnMut() -> bool) {
    assert!((0..8).any(|_| act()));
}

/// Numbers that are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// A block in use, filled with a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    address: usize,
    layout: Layout,
    fill: u8,
}

impl Used {
    fn new(block: *mut u8, layout: Layout, fill: u8) -> Self {
        let used = Self {
            address: block.expose_provenance(),
            layout,
            fill,
        };
        // SAFETY: a block of that size.
        unsafe { block.write_bytes(fill, layout.size()) };
        used
    }

    fn pointer(&self) -> *mut u8 {
        super::block::at(self.address)
    }

    fn check(&self, bytes: usize) {
        // SAFETY: a block of that size, filled.
        let found = unsafe { core::slice::from_raw_parts(self.pointer(), bytes) };
        // All are the first one: a comparison of the slice with itself, shifted, is fast without optimisation.
        assert!(found.first().is_none_or(|first| *first == self.fill));
        assert!(
            found.is_empty() || found[1..] == found[..bytes - 1],
            "{self:?}"
        );
    }
}

/// What is in use according to what was returned: nothing overlaps, everything is aligned and keeps its contents.
#[derive(Default)]
pub(super) struct Model {
    pub(super) used: BTreeMap<usize, Used>,
    fills: u8,
}

impl Model {
    pub(super) fn add(&mut self, block: *mut u8, layout: Layout) {
        let address = block.addr();
        assert!(address.is_multiple_of(layout.align()), "{layout:?}");
        let end = address + layout.size().max(1);
        if let Some((_, before)) = self.used.range(..end).next_back() {
            assert!(before.address + before.layout.size().max(1) <= address);
        }
        self.fills = self.fills.wrapping_add(1);
        let used = Used::new(block, layout, self.fills);
        self.used.insert(address, used);
    }

    fn remove(&mut self, at: usize) -> Option<Used> {
        let key = *self.used.keys().nth(at % self.used.len().max(1))?;
        self.used.remove(&key)
    }

    pub(super) fn free_all<C: Core>(&mut self, heap: &Tested<C>) {
        for used in std::mem::take(&mut self.used).into_values() {
            used.check(used.layout.size());
            // SAFETY: it is in use no more.
            unsafe { heap.dealloc(used.pointer(), used.layout) };
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Alloc(usize, usize),
    Zeroed(usize, usize),
    Free(usize),
    Resize(usize, usize),
    Collect,
}

/// As [`play`], with as many blocks in use as there are on average in a program that goes on for long.
pub(super) fn play_on<C: Core>(heap: &Tested<C>, model: &mut Model, dice: &mut Dice) {
    let step = match some_step(dice) {
        Step::Alloc(..) | Step::Zeroed(..) if model.used.len() > 300 => Step::Free(dice.roll(300)),
        step => step,
    };
    play(heap, model, step);
}

pub(super) fn play<C: Core>(heap: &Tested<C>, model: &mut Model, step: Step) {
    match step {
        Step::Alloc(size, align) => {
            // SAFETY: any layout will do.
            let block = unsafe { heap.alloc(layout(size, align)) };
            if !block.is_null() {
                model.add(block, layout(size, align));
            }
        }
        Step::Zeroed(size, align) => {
            // SAFETY: any layout will do.
            let block = unsafe { heap.alloc_zeroed(layout(size, align)) };
            if !block.is_null() {
                // SAFETY: a block of that size.
                let bytes = unsafe { core::slice::from_raw_parts(block, size) };
                assert!(bytes.first().is_none_or(|first| *first == 0));
                assert!(bytes.is_empty() || bytes[1..] == bytes[..size - 1]);
                model.add(block, layout(size, align));
            }
        }
        Step::Free(at) => {
            if let Some(used) = model.remove(at) {
                used.check(used.layout.size());
                // SAFETY: it is in use no more.
                unsafe { heap.dealloc(used.pointer(), used.layout) };
            }
        }
        Step::Resize(at, size) => {
            if let Some(used) = model.remove(at) {
                // SAFETY: a block in use.
                let block = unsafe { heap.realloc(used.pointer(), used.layout, size) };
                if block.is_null() {
                    used.check(used.layout.size());
                    model.used.insert(used.address, used);
                } else {
                    let same = Used {
                        address: block.addr(),
                        ..used
                    };
                    same.check(used.layout.size().min(size));
                    model.add(block, layout(size, used.layout.align()));
                }
            }
        }
        Step::Collect => heap.collect(),
    }
}

/// Sizes of every kind, more of the small ones.
fn some_size(dice: &mut Dice) -> usize {
    // An interpreter takes its time for every byte.
    match dice.roll(if cfg!(miri) { 14 } else { 16 }) {
        0..8 => dice.roll(FINE_MAX + 8),
        8..13 => dice.roll(if cfg!(miri) { 2_000 } else { 20_000 }),
        13 | 14 => dice.roll(MEDIUM_MAX + 2),
        _ => dice.roll(6 * PAGE),
    }
}

pub(super) fn some_step(dice: &mut Dice) -> Step {
    let align = 1
        << if dice.roll(4) == 0 {
            dice.roll(18)
        } else {
            dice.roll(5)
        };
    match dice.roll(32) {
        0..11 => Step::Alloc(some_size(dice), align),
        11..14 => Step::Zeroed(some_size(dice), align),
        14..26 => Step::Free(dice.roll(1 << 20)),
        26..31 => Step::Resize(dice.roll(1 << 20), some_size(dice)),
        _ if dice.roll(50) == 0 => Step::Collect,
        _ => Step::Free(0),
    }
}

pub(super) const ROUNDS: usize = if cfg!(miri) { 40 } else { 10_000 };

fn nothing_overlaps_and_everything_keeps_its_contents<C: Core>() {
    for seed in 1..=if cfg!(miri) { 2 } else { 4 } {
        let heap = heap_of::<C>(if cfg!(miri) { 24 } else { 512 });
        let mut model = Model::default();
        let mut dice = Dice(seed);
        for _ in 0..ROUNDS {
            play_on(&heap, &mut model, &mut dice);
        }
        assert!(cfg!(miri) || heap.stats().held > 100 * PAGE);
        model.free_all(&heap);
    }
}

/// Everything that has been freed can be had again as whole pages, but for what the arena itself takes.
fn all_that_was_freed_becomes_pages_again<C: Accounted>() {
    let heap = heap_of::<C>(if cfg!(miri) { 24 } else { 128 });
    let mut model = Model::default();
    let mut dice = Dice(7);
    for _ in 0..ROUNDS / 4 {
        play_on(&heap, &mut model, &mut dice);
    }
    model.free_all(&heap);
    heap.thread_exit();
    heap.collect();
    let stats = heap.stats();
    assert_eq!(stats.arenas, 1);
    assert_eq!(stats.pooled, stats.held - C::kept(&heap));
}

fn zero_sizes_and_huge_alignments<C: Core>() {
    let heap = heap_of::<C>(if cfg!(miri) { 40 } else { 128 });
    let mut model = Model::default();
    let shifts = (0..=20).step_by(if cfg!(miri) { 5 } else { 1 });
    for align in shifts.map(|shift| 1_usize << shift) {
        for size in [
            0,
            1,
            GRAIN,
            FINE_MAX,
            FINE_MAX + 1,
            SMALL_MAX,
            SMALL_MAX + 1,
            PAGE + 1,
        ] {
            play(&heap, &mut model, Step::Alloc(size, align));
            play(&heap, &mut model, Step::Zeroed(size, align));
        }
        model.free_all(&heap);
    }
}

fn within_a_class_a_block_stays<C: Core>() {
    let heap = heap_of::<C>(8);
    let (small, class) = (layout(GRAIN + 1, 1), GRAIN + WORD);
    // SAFETY: blocks are resized and freed with the layouts that they have.
    unsafe {
        let block = heap.alloc(small);
        assert_eq!(heap.realloc(block, small, class), block);
        let other = heap.realloc(block, layout(class, 1), class + 1);
        assert_ne!(other, block);
        heap.dealloc(other, layout(class + 1, 1));
    }
}

#[test]
fn with_a_free_neighbour_a_block_grows_where_it_lies() {
    // SAFETY: blocks are resized and freed with the layouts that they have.
    unsafe {
        for (size, more, less) in [
            (5_000, 12_000, 7_000),
            (SMALL_MAX / 2 + 1, SMALL_MAX + 1, SMALL_MAX - 1),
            (5 * PAGE, 9 * PAGE, 6 * PAGE + 1),
        ] {
            let heap = heap(64);
            let block = heap.alloc(layout(size, 1));
            block.write_bytes(3, size);
            assert_eq!(heap.realloc(block, layout(size, 1), more), block);
            assert_eq!(heap.realloc(block, layout(more, 1), less), block);
            let next = heap.alloc(layout(size, 1));
            let moved = heap.realloc(block, layout(less, 1), 2 * more);
            let same = Used {
                address: moved.addr(),
                layout: layout(size, 1),
                fill: 3,
            };
            same.check(size);
            heap.dealloc(moved, layout(2 * more, 1));
            heap.dealloc(next, layout(size, 1));
        }
    }
}

/// Also a block that is aligned to more than others, however small.
#[test]
fn an_aligned_block_grows_where_it_lies() {
    let heap = heap(8);
    let of = |size| layout(size, 4 * GRAIN);
    // SAFETY: blocks are resized and freed with the layouts that they have.
    unsafe {
        let block = heap.alloc(of(100));
        assert_eq!(heap.realloc(block, of(100), 300), block);
        assert_eq!(heap.realloc(block, of(300), 50), block);
        heap.dealloc(block, of(50));
    }
}

/// To become smaller needs no memory.
#[test]
fn a_block_that_cannot_move_shrinks_where_it_lies() {
    let heap = heap(8);
    let mut model = Model::default();
    // SAFETY: blocks are resized and freed with the layouts that they have.
    unsafe {
        let block = heap.alloc(layout(SMALL_MAX, 1));
        block.write_bytes(7, SMALL_MAX);
        for size in [PAGE, 3_000, FINE_MAX, GRAIN] {
            loop {
                let next = heap.alloc(layout(size, 1));
                if next.is_null() {
                    break;
                }
                model.add(next, layout(size, 1));
            }
        }
        let mut size = SMALL_MAX;
        for less in [FINE_MAX, FINE_MAX / 2, 1] {
            assert_eq!(heap.realloc(block, layout(size, 1), less), block);
            size = less;
        }
        assert_eq!(block.read(), 7);
        heap.dealloc(block, layout(size, 1));
    }
    model.free_all(&heap);
}

/// Also a large one, which becomes one of another kind; the pages that it no longer needs are free.
#[test]
fn a_large_block_that_cannot_move_becomes_a_smaller_one() {
    for align in [1, 2 * GRAIN, MEDIUM_ALIGN] {
        for less in [1, FINE_MAX, SMALL_MAX, 100_000, MEDIUM_MAX] {
            if cfg!(miri) && less != SMALL_MAX {
                continue;
            }
            let heap = heap(8);
            let (large, other) = (layout(6 * PAGE, align), layout(2 * PAGE, 2 * MEDIUM_ALIGN));
            let mut model = Model::default();
            play(&heap, &mut model, Step::Alloc(6 * PAGE, align));
            play(&heap, &mut model, Step::Alloc(other.size(), other.align()));
            assert_eq!(model.used.len(), 2);
            let used = *model
                .used
                .values()
                .find(|used| used.layout == large)
                .unwrap();
            model.used.remove(&used.address);
            // SAFETY: a block in use, of which the bytes that it becomes were written.
            let block = unsafe { heap.realloc(used.pointer(), large, less) };
            assert!(!block.is_null(), "{less} at {align}");
            let smaller = Used {
                address: block.addr(),
                ..used
            };
            smaller.check(less);
            model.add(block, layout(less, align));
            let before = model.used.len();
            play(&heap, &mut model, Step::Alloc(1, PAGE));
            assert_eq!(model.used.len(), before + 1, "{less} at {align}");
            model.free_all(&heap);
            heap.thread_exit();
            heap.collect();
            assert_eq!(heap.stats().pooled, 8 * PAGE - heap.stats().arenas * PAGE);
        }
    }
}

#[test]
fn pages_of_fresh_memory_are_not_cleared() {
    let heap = heap(64);
    let large = layout(20 * PAGE, 1);
    // SAFETY: the range is zero until somebody writes there: this does, before it is handed out, and takes it back.
    unsafe {
        let first = super::block::at::<u8>(heap.source.base);
        first.write(1);
        let block = heap.alloc_zeroed(large);
        assert_eq!((block, block.read()), (first, 1), "it has been cleared");
        heap.dealloc(block, large);
        let again = heap.alloc_zeroed(large);
        assert_eq!((again, again.read()), (first, 0));
    }
}

/// Agents that free what others have allocated, all at once.
fn blocks_go_round_between_threads<C: Core>() {
    let heap = heap_of::<C>(if cfg!(miri) { 100 } else { 1024 });
    let threads = 4;
    let rounds = if cfg!(miri) { 30 } else { 30_000 };
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..threads)
        .map(|_| mpsc::sync_channel::<Used>(100))
        .unzip();
    thread::scope(|scope| {
        for (index, receiver) in receivers.into_iter().enumerate() {
            let next = senders[(index + 1) % threads].clone();
            let heap = &heap;
            scope.spawn(move || {
                let mut dice = Dice(index as u64 + 1);
                for round in 0..rounds {
                    let size = match dice.roll(20) {
                        0 => dice.roll(2 * PAGE),
                        1..4 => dice.roll(5_000),
                        _ => dice.roll(FINE_MAX),
                    };
                    // SAFETY: any layout will do.
                    let block = unsafe { heap.alloc(layout(size, 8)) };
                    assert!(!block.is_null());
                    let used = Used::new(block, layout(size, 8), round as u8);
                    if let Err(unsent) = next.try_send(used) {
                        let (TrySendError::Full(used) | TrySendError::Disconnected(used)) = unsent;
                        // SAFETY: nobody has got it.
                        unsafe { heap.dealloc(used.pointer(), used.layout) };
                    }
                    if dice.roll(3) > 0 {
                        for used in receiver.try_iter() {
                            used.check(used.layout.size());
                            // SAFETY: its user has sent it here to be freed.
                            unsafe { heap.dealloc(used.pointer(), used.layout) };
                        }
                    }
                }
                drop(next);
                heap.thread_exit();
                receiver
            });
        }
        drop(senders);
    });
    assert_eq!(heap.stats().given_up, 0);
}

/// An agent that has given its cache back goes on without.
fn after_its_exit_an_agent_still_allocates_and_frees<C: Accounted>() {
    let heap = heap_of::<C>(32);
    let mut model = Model::default();
    for size in 0..200 {
        play(&heap, &mut model, Step::Alloc(size, 8));
    }
    heap.thread_exit();
    for size in 0..200 {
        play(&heap, &mut model, Step::Alloc(size, 8));
    }
    heap.thread_exit();
    model.free_all(&heap);
    heap.collect();
    assert_eq!(heap.stats().pooled, heap.stats().held - C::kept(&heap));
}

/// A second allocator on the same agent has no cache, and does not touch the first one's.
#[test]
fn two_allocators_keep_apart() {
    let (one, two) = (heap(32), heap(32));
    let (mut ones, mut twos) = (Model::default(), Model::default());
    // Elsewhere the second one has caches.
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut model = Model::default();
            play(&two, &mut model, Step::Alloc(100, 8));
            model.free_all(&two);
            two.thread_exit();
        });
    });
    let mut dice = Dice(3);
    for _ in 0..if cfg!(miri) { 10 } else { 100 } {
        let size = dice.roll(FINE_MAX);
        play(&one, &mut ones, Step::Alloc(size, 8));
        play(&two, &mut twos, Step::Alloc(size, 8));
        if dice.roll(3) > 0 {
            play(&two, &mut twos, Step::Free(size));
            play(&one, &mut ones, Step::Free(size));
        }
    }
    ones.free_all(&one);
    twos.free_all(&two);
    one.thread_exit();
    for heap in [&one, &two] {
        heap.collect();
        assert_eq!(heap.stats().pooled, heap.stats().held - PAGE);
    }
}

#[test]
fn what_is_reserved_is_not_grown_for() {
    let heap = heap(64);
    assert!(heap.reserve(40 * PAGE));
    assert!(heap.reserve(10 * PAGE));
    assert_eq!(heap.stats().held, 40 * PAGE);
    assert_eq!(heap.stats().pooled, 40 * PAGE);
    assert!(!heap.reserve(65 * PAGE));
    let mut model = Model::default();
    play(&heap, &mut model, Step::Alloc(30 * PAGE, 1));
    play(&heap, &mut model, Step::Alloc(100, 1));
    assert_eq!(heap.stats().held, 40 * PAGE);
    model.free_all(&heap);
}

/// Threads that come and go, and give back what they held, leave nothing behind.
#[test]
fn threads_that_exit_leave_nothing_behind() {
    let heap = heap(256);
    for _ in 0..if cfg!(miri) { 2 } else { 20 } {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut model = Model::default();
                    for size in (0..FINE_MAX).step_by(if cfg!(miri) { 200 } else { 5 }) {
                        play(&heap, &mut model, Step::Alloc(size, 8));
                    }
                    model.free_all(&heap);
                    heap.thread_exit();
                });
            }
        });
    }
    heap.collect();
    let stats = heap.stats();
    assert_eq!(stats.pooled, stats.held - stats.arenas * PAGE, "{stats:?}");
}

/// Without anybody's asking for it: what has become whole pages is there for other sizes, but for about as much as stays with the arena.
#[test]
fn pages_of_freed_blocks_go_back_to_the_pool() {
    let heap = heap(256);
    let mut model = Model::default();
    for _ in 0..if cfg!(miri) { 40 } else { 400 } {
        play(&heap, &mut model, Step::Alloc(20_000, 8));
    }
    let before = heap.stats();
    model.free_all(&heap);
    let after = heap.stats();
    assert_eq!(after.held, before.held);
    assert!(after.pooled - before.pooled > before.held / 3, "{after:?}");
}
