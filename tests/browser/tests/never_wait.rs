//! `NeverWait` over std's allocator, as the allocator of a page: a main thread that must not wait beside workers that may.
#![cfg(target_arch = "wasm32")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::agent;
use web_sync::alloc::NeverWait;
use web_sync::mpsc;
use web_sync_testkit::{Pool, time};

#[global_allocator]
static ALLOC: NeverWait<System> = NeverWait::new(System);

/// Bytes that are all the same, and say which.
struct Filled(Vec<u8>);

impl Filled {
    fn new(size: usize, fill: u8) -> Self {
        Self(vec![fill; size + 1])
    }

    fn check(&self) {
        assert!(self.0.iter().all(|byte| *byte == self.0[0]));
    }
}

/// Numbers that are the same in every run.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % sides
    }

    /// Mostly small, at times several pages.
    fn size(&mut self) -> usize {
        let size = match self.roll(64) {
            0 => self.roll(200_000),
            1..8 => self.roll(10_000),
            _ => self.roll(500),
        };
        size as usize
    }
}

/// Allocates, grows and frees for so many rounds; now and then somebody else frees.
fn work(seed: u32, rounds: u32, give: impl Fn(Filled), take: impl Fn() -> Option<Filled>) {
    let mut dice = Dice(seed);
    let mut kept: Vec<Filled> = Vec::new();
    for round in 0..rounds {
        let mut block = Filled::new(dice.size(), round as u8);
        match dice.roll(8) {
            0 => give(block),
            1 => {
                let first = block.0[0];
                block.0.resize(block.0.len() + dice.size(), first);
                block.check();
            }
            _ => kept.push(block),
        }
        if kept.len() > 100 {
            let at = dice.roll(100) as usize;
            kept.swap_remove(at).check();
        }
        if let Some(block) = take() {
            block.check();
        }
    }
    kept.iter().for_each(Filled::check);
}

/// std's allocator, in which an agent can be kept.
struct Sticky;

/// Whoever enters [`Sticky`] stays there.
static STICKY: AtomicBool = AtomicBool::new(false);
/// Somebody is there.
static STUCK: AtomicBool = AtomicBool::new(false);

// SAFETY: std's allocator does it.
unsafe impl GlobalAlloc for Sticky {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        while STICKY.load(Ordering::Relaxed) {
            STUCK.store(true, Ordering::Relaxed);
        }
        STUCK.store(false, Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Beside the program's own.
static OTHER: NeverWait<Sticky> = NeverWait::new(Sticky);

/// Allocates and frees by [`OTHER`].
fn use_other(size: usize) {
    let layout = Layout::from_size_align(size, 8).unwrap();
    // SAFETY: the block is freed with the layout that it was allocated with.
    unsafe {
        let block = OTHER.alloc_zeroed(layout);
        assert!(!block.is_null());
        let block = OTHER.realloc(block, layout, size * 2);
        let layout = Layout::from_size_align(size * 2, 8).unwrap();
        let bytes = std::slice::from_raw_parts_mut(block, size * 2);
        assert!(bytes[..size].iter().all(|byte| *byte == 0));
        bytes.fill(1);
        OTHER.dealloc(block, layout);
    }
}

/// A worker is inside, another one sleeps before the gate: this agent goes on. A wait instruction would trap here.
#[wasm_bindgen_test]
async fn the_main_thread_goes_on_while_a_worker_is_inside() {
    let pool = Pool::start(2).await.unwrap();
    let layout = Layout::new::<u64>();
    // SAFETY: freed below, with this layout.
    let early = unsafe { OTHER.alloc(layout) };
    STICKY.store(true, Ordering::Relaxed);
    let stuck = pool.run(0, || use_other(10));
    while !STUCK.load(Ordering::Relaxed) {
        time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(OTHER.held(), 0);
    let sleeper = pool.run(1, || {
        assert!(agent::may_block());
        use_other(10);
    });
    sleeper.started().await.unwrap();
    for round in 0..2_000 {
        use_other(round % 300 + 1);
        if round % 100 == 0 {
            use_other(100_000);
        }
    }
    // SAFETY: allocated above.
    unsafe { OTHER.dealloc(early, layout) };
    assert!(OTHER.held() > 0);
    STICKY.store(false, Ordering::Relaxed);
    stuck.join_async().await.unwrap();
    sleeper.join_async().await.unwrap();
    let held = OTHER.held();
    use_other(1_000_000);
    assert_eq!(OTHER.held(), held, "the inner allocator can be had again");
}

#[wasm_bindgen_test]
async fn agents_allocate_and_free_each_others_blocks() {
    const WORKERS: usize = 3;
    let pool = Pool::start(WORKERS).await.unwrap();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..=WORKERS).map(|_| mpsc::channel()).unzip();
    let mut ends: Vec<_> = receivers.into_iter().enumerate().collect();
    let (_, here) = ends.pop().unwrap();
    let mut handles = Vec::new();
    for (index, mine) in ends {
        let next = senders[index + 1].clone();
        handles.push(pool.spawn(move || {
            // One has not asked, and does not sleep.
            assert!(index == 0 || agent::may_block());
            let give = |block| next.send(block).unwrap_or(());
            work(index as u32 + 1, 20_000, give, || mine.try_recv().ok());
        }));
    }
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let give = |block| senders[0].send(block).unwrap_or(());
    work(99, 20_000, give, || here.try_recv().ok());
    for handle in handles {
        handle.join_async().await.unwrap();
    }
}

/// The real start path calls the allocator before there is thread-local memory, on eight agents at once; the real end frees that memory, and
/// then the stack.
#[wasm_bindgen_test]
async fn eight_agents_start_at_once_and_end() {
    for round in 0..4 {
        let pool = Pool::start(8).await.unwrap();
        let handles: Vec<_> = (0..8)
            .map(|index| {
                pool.run(index, move || {
                    assert!(index % 2 == 0 || agent::may_block());
                    work(index as u32 + 8 * round + 1, 500, drop, || None);
                })
            })
            .collect();
        for handle in handles {
            handle.join_async().await.unwrap();
        }
        pool.end().await.unwrap();
    }
}

/// Workers are terminated while they do nothing but allocate and free: the others go on, at the latest after a second.
#[wasm_bindgen_test]
async fn terminated_workers_stop_nobody() {
    for round in 0..8 {
        let pool = Pool::start(2).await.unwrap();
        let handles = [0, 1].map(|index| {
            pool.run(index, move || {
                assert!(agent::may_block());
                work(round * 2 + index as u32 + 1, u32::MAX, drop, || None);
            })
        });
        for handle in &handles {
            handle.started().await.unwrap();
        }
        time::sleep(Duration::from_millis(u64::from(round) % 5)).await;
        work(round + 1, 2_000, drop, || None);
        drop(pool);
        work(round + 1, 2_000, drop, || None);
    }
    let pool = Pool::start(1).await.unwrap();
    let last = pool.spawn(|| {
        assert!(agent::may_block());
        work(1, 2_000, drop, || None);
    });
    last.join_async().await.unwrap();
}

/// The maximum of the memory is 1 GiB here.
#[wasm_bindgen_test]
fn memory_that_ends_is_an_error_and_no_trap() {
    let mut list = Vec::<u8>::new();
    assert!(list.try_reserve_exact(1 << 30).is_err());
    assert!(list.try_reserve_exact((1 << 31) - 1).is_err());
    assert!(list.try_reserve_exact(1 << 20).is_ok());
    assert!(!ALLOC.reserve(1 << 30));
    work(1, 1_000, drop, || None);
}
