//! The wrapper over std's allocator, which is watched, and over a memory of the tests' own.

use super::gate::{LATE_TRIES, TRIES};
use super::{NeverWait, guarded::Guarded};
use crate::alloc::steps;
use crate::alloc::tests::{Dice, Range, in_some_try, layout};
use crate::sys::agent::{self, Policy, set_policy};
use crate::sys::futex;
use crate::sys::memory::PAGE;
use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::alloc::System;
use std::collections::BTreeMap;
use std::sync::{Barrier, LazyLock, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// std's allocator: nobody is in it beside somebody else, and what is freed was allocated so.
struct Watched {
    busy: AtomicBool,
    calls: AtomicUsize,
    /// It has no more memory.
    empty: AtomicBool,
    /// Or none as long as more blocks than that are in use.
    most: AtomicUsize,
    used: Mutex<BTreeMap<usize, Layout>>,
}

impl Watched {
    fn new() -> Self {
        Self {
            busy: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            empty: AtomicBool::new(false),
            most: AtomicUsize::new(usize::MAX),
            used: Mutex::default(),
        }
    }

    fn used(&self) -> usize {
        self.used.lock().unwrap().len()
    }

    fn has_none(&self) -> bool {
        self.empty.load(Ordering::Relaxed) || self.used() > self.most.load(Ordering::Relaxed)
    }

    fn alone<R>(&self, act: impl FnOnce() -> R) -> R {
        assert!(!self.busy.swap(true, Ordering::Relaxed), "two are inside");
        self.calls.fetch_add(1, Ordering::Relaxed);
        let result = act();
        self.busy.store(false, Ordering::Relaxed);
        result
    }

    fn add(&self, block: *mut u8, layout: Layout) {
        let before = self.used.lock().unwrap().insert(block.addr(), layout);
        assert_eq!(before, None);
    }

    fn remove(&self, block: *mut u8, layout: Layout) {
        let before = self.used.lock().unwrap().remove(&block.addr());
        assert_eq!(before, Some(layout), "not allocated so");
    }
}

// SAFETY: std's allocator does it.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.alone(|| {
            if self.has_none() {
                return core::ptr::null_mut();
            }
            // SAFETY: as the caller says.
            let block = unsafe { System.alloc(layout) };
            self.add(block, layout);
            block
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.alone(|| {
            self.remove(block, layout);
            // SAFETY: as the caller says.
            unsafe { System.dealloc(block, layout) };
        });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.alone(|| {
            if self.has_none() {
                return core::ptr::null_mut();
            }
            self.remove(block, layout);
            // SAFETY: as the caller says.
            let moved = unsafe { System.realloc(block, layout, size) };
            self.add(
                moved,
                Layout::from_size_align(size, layout.align()).unwrap(),
            );
            moved
        })
    }
}

type Tested = Guarded<Watched, Range>;

fn wrapped(pages: u32) -> Tested {
    Guarded::new(Watched::new(), Range::new(pages))
}

/// With a reserve that gets no pages.
fn without_reserve() -> Tested {
    let heap = wrapped(1);
    heap.reserve.source.limit.store(0, Ordering::Relaxed);
    heap
}

/// A block in use, filled with a pattern of its own.
#[derive(Debug)]
struct Block {
    start: *mut u8,
    layout: Layout,
    fill: u8,
}

// SAFETY: a block is whoever's has this.
unsafe impl Send for Block {}

impl Block {
    fn new(heap: &Tested, layout: Layout, fill: u8) -> Self {
        let start = heap.alloc(layout);
        assert!(!start.is_null() && start.addr().is_multiple_of(layout.align()));
        let block = Self {
            start,
            layout,
            fill,
        };
        block.fill(0);
        block
    }

    fn fill(&self, from: usize) {
        let bytes = self.layout.size() - from;
        // SAFETY: a block of that size.
        unsafe { self.start.add(from).write_bytes(self.fill, bytes) };
    }

    fn check(&self, bytes: usize) {
        // SAFETY: a block of that size, filled.
        let found = unsafe { core::slice::from_raw_parts(self.start, bytes) };
        assert!(found.first().is_none_or(|first| *first == self.fill));
        // All are the first one: a comparison of the slice with itself, shifted, is fast without optimisation.
        assert!(found.len() < 2 || found[1..] == found[..bytes - 1]);
    }

    fn resize(&mut self, heap: &Tested, size: usize) {
        let kept = self.layout.size().min(size);
        // SAFETY: the block is ours, with this layout.
        self.start = unsafe { heap.realloc(self.start, self.layout, size) };
        assert!(!self.start.is_null() && self.start.addr().is_multiple_of(self.layout.align()));
        self.layout = layout(size, self.layout.align());
        self.check(kept);
        self.fill(kept);
    }

    fn free(self, heap: &Tested) {
        self.check(self.layout.size());
        // SAFETY: the block is ours, with this layout.
        unsafe { heap.dealloc(self.start, self.layout) };
    }
}

/// Mostly small, at times pages. (An interpreter is slow to fill them.)
fn some_size(dice: &mut Dice) -> usize {
    match dice.roll(64) {
        0 => dice.roll(if cfg!(miri) { 2 * PAGE } else { 4 * PAGE }),
        1..8 => dice.roll(if cfg!(miri) { 2_000 } else { PAGE / 2 }),
        _ => dice.roll(300),
    }
    .max(1)
}

fn some_layout(dice: &mut Dice) -> Layout {
    let align = match dice.roll(16) {
        0 => 1 << dice.roll(18),
        _ => 1 << dice.roll(4),
    };
    layout(some_size(dice), align)
}

/// One step of somebody who allocates, resizes and frees.
fn step(heap: &Tested, dice: &mut Dice, blocks: &mut Vec<Block>) {
    match dice.roll(4) {
        0 if !blocks.is_empty() => {
            let at = dice.roll(blocks.len());
            let size = some_size(dice);
            blocks[at].resize(heap, size);
        }
        1 if blocks.len() > 20 => {
            let at = dice.roll(blocks.len());
            blocks.swap_remove(at).free(heap);
        }
        _ if blocks.len() > 60 => blocks.swap_remove(0).free(heap),
        _ => blocks.push(Block::new(heap, some_layout(dice), dice.roll(256) as u8)),
    }
}

/// Frees what was left at the gate: each that enters takes some.
fn drain(heap: &Tested) {
    for _ in 0..if cfg!(miri) { 20 } else { 10_000 } {
        Block::new(heap, layout(1, 1), 0).free(heap);
    }
}

const STEPS: usize = if cfg!(miri) { 60 } else { 100_000 };

/// Runs `act` on an agent that must not sleep.
fn urgent<R: Send>(act: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let urgent = scope.spawn(|| {
            set_policy(Policy::Spin);
            act()
        });
        urgent.join().unwrap()
    })
}

#[test]
fn alone_it_is_the_inner_allocator() {
    let heap = wrapped(1);
    let (mut dice, mut blocks) = (Dice(1), Vec::new());
    for _ in 0..STEPS / 10 {
        step(&heap, &mut dice, &mut blocks);
    }
    assert_eq!(heap.inner.used(), blocks.len());
    blocks.into_iter().for_each(|block| block.free(&heap));
    assert_eq!((heap.inner.used(), heap.reserve.held()), (0, 0));
}

/// Somebody has the inner allocator, and does nothing any more.
#[test]
fn nobody_waits_for_who_is_frozen() {
    let heap = wrapped(if cfg!(miri) { 200 } else { 2_000 });
    // Some blocks of the inner allocator, that are resized and freed when it cannot be had.
    let mut dice = Dice(2);
    let mut blocks: Vec<_> = (0..50)
        .map(|fill| Block::new(&heap, some_layout(&mut dice), fill))
        .collect();
    let frozen = heap.gate.try_enter().unwrap();
    let calls = heap.inner.calls.load(Ordering::Relaxed);
    let mut blocks = urgent(|| {
        let mut most = 0;
        for _ in 0..STEPS {
            steps::taken();
            step(&heap, &mut dice, &mut blocks);
            most = most.max(steps::taken());
        }
        // The looks at the gate; and eight chunks, each with a free unit beside a used one, and every other page of the pool.
        let looks = 64;
        assert!(
            (looks..3 * looks + 8 * 1_024 + 1_000).contains(&most),
            "{most}"
        );
        blocks
    });
    assert_eq!(heap.inner.calls.load(Ordering::Relaxed), calls);
    assert!(heap.inner.used() > 40);
    drop(frozen);
    blocks.drain(..).for_each(|block| block.free(&heap));
    drain(&heap);
    assert_eq!(heap.inner.used(), 0);
    heap.reserve.check_free();
}

/// The bound that counts each time: 64 blocks of those that others have left.
#[test]
fn who_enters_frees_a_few_for_the_others() {
    let heap = wrapped(16);
    let blocks: Vec<_> = (0..200)
        .map(|fill| Block::new(&heap, layout(24, 8), fill))
        .collect();
    let inside = heap.gate.try_enter().unwrap();
    blocks.into_iter().for_each(|block| block.free(&heap));
    drop(inside);
    assert_eq!(heap.inner.used(), 200);
    for left in [136, 72, 8, 0] {
        let block = Block::new(&heap, layout(24, 8), 0);
        assert_eq!(heap.inner.used(), left + 1);
        // By itself, so that this one does not free others.
        heap.inner.empty.store(true, Ordering::Relaxed);
        let inside = heap.gate.try_enter().unwrap();
        // SAFETY: the block is ours, and this agent is inside.
        unsafe { heap.inner.dealloc(block.start, layout(24, 8)) };
        drop(inside);
        heap.inner.empty.store(false, Ordering::Relaxed);
    }
}

/// All that was left is freed before the inner allocator's null counts.
#[test]
fn what_was_left_is_freed_before_memory_has_run_out() {
    // How many are left, how many of them the inner allocator wants, and in how many batches it gets them.
    let (left, wanted, batches) = if cfg!(miri) {
        (70, 66, 2)
    } else {
        (200, 150, 3)
    };
    for grown in [false, true] {
        let heap = without_reserve();
        let mut block = grown.then(|| Block::new(&heap, layout(24, 8), 1));
        let blocks: Vec<_> = (0..left)
            .map(|fill| Block::new(&heap, layout(24, 8), fill))
            .collect();
        let inside = heap.gate.try_enter().unwrap();
        blocks.into_iter().for_each(|block| block.free(&heap));
        drop(inside);
        let most = heap.inner.used() - wanted;
        heap.inner.most.store(most, Ordering::Relaxed);
        match &mut block {
            Some(block) => block.resize(&heap, 1_000),
            None => block = Some(Block::new(&heap, layout(24, 8), 1)),
        }
        assert_eq!(
            heap.inner.used(),
            usize::from(left).saturating_sub(batches * 64) + 1
        );
        block.into_iter().for_each(|block| block.free(&heap));
        assert_eq!(heap.inner.used(), 0);
    }
}

/// The user's pointer may be entitled to fewer bytes than the block has: its address is enough. Miri sees it.
#[test]
fn what_the_inner_allocator_moves_is_the_whole_block() {
    let heap = wrapped(64);
    for empty in [false, true] {
        let mut block = Block::new(&heap, layout(1_000, 8), 1);
        // SAFETY: the block is ours, and written.
        block.start = unsafe { &mut *block.start };
        heap.inner.empty.store(empty, Ordering::Relaxed);
        block.resize(&heap, 5_000);
        assert_eq!(heap.reserve.owns(block.start), empty);
        // SAFETY: as above.
        block.start = unsafe { &mut *block.start };
        block.resize(&heap, 3_000);
        block.free(&heap);
    }
    assert_eq!(heap.inner.used(), 0);
    heap.reserve.check_free();
}

/// An agent of which nothing is known does not sleep.
#[test]
fn who_has_not_been_asked_takes_from_the_reserve() {
    let heap = wrapped(16);
    let inside = heap.gate.try_enter().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(!agent::is_known_to_sleep());
            let start = Instant::now();
            let block = Block::new(&heap, layout(100, 8), 1);
            assert!(heap.reserve.owns(block.start));
            // Whoever sleeps does so for a second.
            assert!(cfg!(miri) || start.elapsed() < Duration::from_millis(900));
            block.free(&heap);
            assert!(!agent::is_known_to_sleep(), "it is not found out");
        });
    });
    drop(inside);
    heap.reserve.check_free();
}

#[test]
fn who_may_sleep_waits_and_is_woken() {
    let heap = wrapped(16);
    let ready = Barrier::new(3);
    thread::scope(|scope| {
        let inside = heap.gate.try_enter().unwrap();
        for _ in 0..2 {
            scope.spawn(|| {
                assert!(agent::may_block());
                ready.wait();
                let start = Instant::now();
                Block::new(&heap, layout(100, 8), 1).free(&heap);
                // A nap takes 100 ms, ten of them make a second.
                assert!(cfg!(miri) || start.elapsed() < Duration::from_millis(900));
            });
        }
        ready.wait();
        thread::sleep(Duration::from_millis(20));
        drop(inside);
    });
    drain(&heap);
    assert_eq!(heap.inner.used(), 0);
    // Where putting an agent to sleep takes memory itself, nobody sleeps: then the reserve was of use.
    assert_eq!(heap.reserve.held() == 0, futex::NAPS);
}

/// Somebody has ended inside: who may sleep finds out, once.
#[test]
fn who_may_sleep_gives_up_after_a_second() {
    let heap = wrapped(16);
    let inside = heap.gate.try_enter().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(agent::may_block());
            let start = Instant::now();
            let block = Block::new(&heap, layout(100, 8), 1);
            assert!(heap.reserve.owns(block.start));
            assert!(start.elapsed() >= Duration::from_millis(900) || !futex::NAPS);
            let again = Instant::now();
            let another = Block::new(&heap, layout(100, 8), 2);
            assert!(heap.reserve.owns(another.start));
            assert!(cfg!(miri) || again.elapsed() < Duration::from_millis(500));
            block.free(&heap);
            another.free(&heap);
        });
    });
    // It was only slow.
    drop(inside);
    let block = Block::new(&heap, layout(100, 8), 1);
    assert!(!heap.reserve.owns(block.start));
    block.free(&heap);
    heap.reserve.check_free();
}

/// The inner allocator is only busy, and there is no other memory: that is no reason for null.
#[test]
fn who_has_no_memory_looks_for_longer() {
    let heap = without_reserve();
    let ready = Barrier::new(2);
    in_some_try(|| {
        thread::scope(|scope| {
            let inside = heap.gate.try_enter().unwrap();
            let asks = scope.spawn(|| {
                set_policy(Policy::Spin);
                ready.wait();
                found(&heap)
            });
            ready.wait();
            thread::sleep(Duration::from_millis(1));
            drop(inside);
            asks.join().unwrap()
        })
    });
    assert_eq!(heap.inner.used(), 0);
}

/// Whether there is memory for a block, which is freed again.
fn found(heap: &Tested) -> bool {
    let wanted = layout(100, 8);
    let start = heap.alloc(wanted);
    if !start.is_null() {
        // SAFETY: the block is ours, with this layout.
        unsafe { heap.dealloc(start, wanted) };
    }
    !start.is_null()
}

/// What others free in the reserve meanwhile is found.
#[test]
fn who_has_looked_for_longer_asks_the_reserve_again() {
    let heap = wrapped(1);
    let inside = heap.gate.try_enter().unwrap();
    let wanted = layout(PAGE / 4, 8);
    let fill = || {
        let next = || heap.reserve.alloc(wanted);
        let all = core::iter::repeat_with(next).take_while(|start| !start.is_null());
        all.map(|start| start.addr()).collect::<Vec<_>>()
    };
    let blocks = fill();
    let ready = Barrier::new(2);
    in_some_try(|| {
        thread::scope(|scope| {
            let asks = scope.spawn(|| {
                set_policy(Policy::Spin);
                ready.wait();
                !heap.alloc(wanted).is_null()
            });
            ready.wait();
            thread::sleep(Duration::from_millis(1));
            // SAFETY: the block is ours, with this layout.
            unsafe { heap.reserve.dealloc(blocks[0], wanted) };
            let found = asks.join().unwrap();
            if !found {
                assert_eq!(heap.reserve.alloc(wanted).addr(), blocks[0]);
            }
            found
        })
    });
    drop(inside);
    for block in blocks {
        // SAFETY: as above; the first one is ours again.
        unsafe { heap.reserve.dealloc(block, wanted) };
    }
    heap.reserve.check_free();
}

/// So does who has found out that somebody has ended inside, or was very slow.
#[test]
fn who_has_given_up_looks_for_longer_as_well() {
    let heap = without_reserve();
    let ready = Barrier::new(2);
    in_some_try(|| {
        thread::scope(|scope| {
            let inside = heap.gate.try_enter().unwrap();
            let asks = scope.spawn(|| {
                assert!(agent::may_block());
                assert!(heap.alloc(layout(100, 8)).is_null());
                // From now on it does not sleep. The looks are what there is of loops.
                steps::taken();
                assert!(heap.alloc(layout(100, 8)).is_null());
                let taken = steps::taken();
                ready.wait();
                let looks = TRIES + LATE_TRIES;
                assert!((looks..looks + 10).contains(&taken), "{taken}");
                found(&heap)
            });
            ready.wait();
            thread::sleep(Duration::from_millis(1));
            drop(inside);
            asks.join().unwrap()
        })
    });
    assert_eq!(heap.inner.used(), 0);
}

/// Some sleep, some must not, and everybody frees what others have allocated.
#[test]
fn threads_allocate_and_free_each_others_blocks() {
    let agents = if cfg!(miri) { 3 } else { 6 };
    let heap = wrapped(if cfg!(miri) { 400 } else { 4_000 });
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..agents).map(|_| mpsc::channel()).unzip();
    thread::scope(|scope| {
        for (number, inbox) in receivers.into_iter().enumerate() {
            let next = senders[(number + 1) % agents].clone();
            let heap = &heap;
            scope.spawn(move || {
                match number % 3 {
                    0 => set_policy(Policy::Auto),
                    1 => set_policy(Policy::Spin),
                    _ => {}
                }
                let (mut dice, mut blocks) = (Dice(number as u64 + 1), Vec::new());
                for _ in 0..STEPS / 4 {
                    step(heap, &mut dice, &mut blocks);
                    if dice.roll(8) == 0 {
                        // Who has heard nothing for long is gone.
                        let sent = blocks.pop().map_or(Ok(()), |block| next.send(block));
                        sent.unwrap_or_else(|mpsc::SendError(block)| block.free(heap));
                    }
                    if let Ok(block) = inbox.try_recv() {
                        block.free(heap);
                    }
                }
                blocks.into_iter().for_each(|block| block.free(heap));
                drop(next);
                // Until the one before has ended: all but the first wait for somebody.
                while let Ok(block) = inbox.recv_timeout(Duration::from_millis(200)) {
                    block.free(heap);
                }
            });
        }
        drop(senders);
    });
    drain(&heap);
    assert_eq!(heap.inner.used(), 0);
    heap.reserve.check_free();
}

#[test]
fn what_the_inner_allocator_has_not_comes_from_the_reserve() {
    let heap = wrapped(64);
    let mut block = Block::new(&heap, layout(1_000, 8), 1);
    heap.inner.empty.store(true, Ordering::Relaxed);
    block.resize(&heap, 100_000);
    assert!(heap.reserve.owns(block.start));
    assert_eq!(heap.inner.used(), 0, "it was freed");
    heap.inner.empty.store(false, Ordering::Relaxed);
    block.resize(&heap, 1_000);
    assert!(!heap.reserve.owns(block.start));
    block.free(&heap);
    heap.reserve.check_free();
}

/// To make a block of the reserve smaller, or larger within its last unit, needs no memory. What it no longer needs is free.
#[test]
fn without_memory_a_block_is_resized_where_it_is() {
    for (align, from, sizes) in [
        (8, 5_000, [4_000, 100, 120]),
        (8, 20_000, [5_000, 1, 100]),
        (8, 3 * PAGE, [2 * PAGE - 5, 2 * PAGE, 1_000]),
        (8_192, 200, [1, 150, 40_000]),
    ] {
        let heap = wrapped(3);
        heap.inner.empty.store(true, Ordering::Relaxed);
        let mut block = Block::new(&heap, layout(from, align), 1);
        let start = block.start;
        let mut others = Vec::new();
        let mut fill = || {
            let before = others.len();
            for size in [PAGE, 3_200, 32] {
                let next = || heap.reserve.alloc(layout(size, 8));
                let all = core::iter::repeat_with(next).take_while(|start| !start.is_null());
                others.extend(all.map(|start| (start.addr(), layout(size, 8))));
            }
            others.len() > before
        };
        fill();
        let mut given = false;
        for size in sizes {
            block.resize(&heap, size);
            assert_eq!(block.start, start);
            given |= fill();
        }
        assert_eq!(
            given,
            from != 20_000 && from != 200,
            "of one page nothing is left over"
        );
        // SAFETY: the block is ours, with this layout.
        let none = unsafe { heap.realloc(start, block.layout, 5 * PAGE) };
        assert!(none.is_null());
        block.free(&heap);
        for (start, layout) in others {
            // SAFETY: the block is ours, with this layout.
            unsafe { heap.reserve.dealloc(start, layout) };
        }
        heap.reserve.check_free();
    }
}

#[test]
fn without_memory_it_is_null_and_all_is_as_before() {
    let heap = wrapped(17);
    let block = Block::new(&heap, layout(1_000, 8), 1);
    heap.inner.empty.store(true, Ordering::Relaxed);
    for size in [18 * PAGE, isize::MAX as usize - 64, isize::MAX as usize] {
        // SAFETY: the block is ours; the size is a layout's.
        let none = unsafe { heap.realloc(block.start, block.layout, size) };
        assert!(none.is_null() && heap.alloc(layout(size, 1)).is_null());
        block.check(1_000);
    }
    let mut small = Vec::new();
    loop {
        let start = heap.alloc(layout(5_000, 8));
        if start.is_null() {
            break;
        }
        small.push(start);
    }
    // Sixteen pages at once and then one, of which each has room for twelve.
    assert_eq!(small.len(), 17 * 12);
    for start in small {
        // SAFETY: the block is ours, with this layout.
        unsafe { heap.dealloc(start, layout(5_000, 8)) };
    }
    assert!(!heap.alloc(layout(5_000, 8)).is_null());
    block.free(&heap);
    assert_eq!(heap.inner.used(), 0);
}

#[test]
fn zeros_are_zeros_where_others_have_been() {
    // A static, for its pages are nobody's to give back.
    static MADE: LazyLock<NeverWait<System>> = LazyLock::new(|| NeverWait::new(System));
    let alloc = &*MADE;
    let inside = alloc.0.gate.try_enter().unwrap();
    for size in [1, 100, 5_000, 100_000] {
        // SAFETY: the blocks are ours, and freed with the layout that they were allocated with.
        unsafe {
            let dirty = alloc.alloc(layout(size, 8));
            dirty.write_bytes(7, size);
            alloc.dealloc(dirty, layout(size, 8));
            let block = alloc.alloc_zeroed(layout(size, 8));
            assert_eq!(block.addr(), dirty.addr());
            let mut bytes = core::slice::from_raw_parts(block, size).iter();
            assert!(bytes.all(|byte| *byte == 0));
            alloc.dealloc(block, layout(size, 8));
        }
    }
    drop(inside);
    assert!(alloc.held() == 16 * PAGE && alloc.reserve(40 * PAGE) && alloc.held() == 56 * PAGE);
    assert_eq!(
        format!("{alloc:?}"),
        format!(
            "NeverWait {{ held: {}, pooled: {}, .. }}",
            56 * PAGE,
            55 * PAGE
        )
    );
}
