//! The allocator as the allocator of a page: workers that start, end and die, and a main thread beside them.
#![cfg(target_arch = "wasm32")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::alloc::{Arenas, Region};
use web_sync_browser_tests::ALLOC;
use web_sync_test_bodies::alloc::{Filled, free_each_others_blocks, work};
use web_sync_testkit::{Pool, time};

#[wasm_bindgen_test]
async fn agents_allocate_and_free_each_others_blocks() {
    let pool = Pool::start(3).await.unwrap();
    free_each_others_blocks(pool, 20_000).await;
    assert_eq!(ALLOC.stats().given_up, 0);
}

/// The real start path calls the allocator before there is thread-local memory, on eight agents at once; the real end frees that memory, and
/// then the stack. Nothing is corrupted, and nothing is lost.
#[wasm_bindgen_test]
async fn eight_agents_start_at_once_and_end() {
    let mut held = Vec::new();
    for round in 0..6 {
        let pool = Pool::start(8).await.unwrap();
        let handles: Vec<_> = (0..8)
            .map(|index| {
                pool.run(index, move || {
                    work(index as u32 + 8 * round + 1, 500, drop, || None);
                    ALLOC.thread_exit();
                })
            })
            .collect();
        for handle in handles {
            handle.join_async().await.unwrap();
        }
        pool.end().await.unwrap();
        ALLOC.collect();
        let stats = ALLOC.stats();
        held.push(stats.held);
    }
    // On an agent whose `__tls_base` is not set yet, thread-local values are at addresses from 0 on, the far end of the first agent's stack.
    // Whatever is written there would be the same for all that start.
    let touched = (1..1_024).map(|word| word * 4).filter(|address| {
        // SAFETY: memory of this module, which has it all from 0 on, read as bytes are.
        unsafe { std::ptr::with_exposed_provenance::<u32>(*address).read_volatile() != 0 }
    });
    assert_eq!(touched.count(), 0);
    // The first rounds find out how much is needed at a time; an agent's stack is a megabyte.
    assert!(held[5] <= held[2] + 3 * (1 << 20), "{held:?}");
}

/// Workers end without a word too.
#[wasm_bindgen_test]
async fn a_worker_may_end_without_giving_its_cache_back() {
    for round in 0..3 {
        let pool = Pool::start(2).await.unwrap();
        for index in 0..2 {
            let job = move || work(round * 2 + index + 1, 1_000, drop, || None);
            let handle = pool.run(index as usize, job);
            handle.join_async().await.unwrap();
        }
        pool.end().await.unwrap();
        work(round + 1, 1_000, drop, || None);
    }
}

/// Workers are terminated while they do nothing but allocate and free: the others go on.
#[wasm_bindgen_test]
async fn terminated_workers_stop_nobody() {
    for round in 0..12 {
        let pool = Pool::start(2).await.unwrap();
        let handles = [0, 1].map(|index| {
            pool.run(index, move || {
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
    let last = pool.spawn(|| work(1, 2_000, drop, || None));
    last.join_async().await.unwrap();
}

/// JS grows the memory too; std's allocator, of which std's own parts still use some, does as well.
#[wasm_bindgen_test]
async fn others_grow_the_memory_meanwhile() {
    let memory = wasm_bindgen::memory();
    let grow = Reflect::get(&memory, &"grow".into()).unwrap();
    let grow: Function = grow.dyn_into().unwrap();
    let pool = Pool::start(1).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let theirs = stop.clone();
    let handle = pool.spawn(move || {
        let mut seed = 1;
        while !theirs.load(Ordering::Relaxed) {
            work(seed, 500, drop, || None);
            seed += 1;
        }
    });
    handle.started().await.unwrap();
    let mut kept = Vec::new();
    for round in 0..20_u8 {
        grow.call1(&memory, &1.into()).unwrap();
        kept.push(Filled::new(300_000, round));
    }
    stop.store(true, Ordering::Relaxed);
    handle.join_async().await.unwrap();
    kept.iter().for_each(Filled::check);
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

/// A block that ends with what has been taken of a region grows there, or moves: it does not take pages elsewhere in vain.
#[wasm_bindgen_test]
fn a_block_grows_at_the_end_of_a_region_or_moves() {
    const PAGE: usize = 1 << 16;
    static HEAP: Region<{ 24 * PAGE }> = Region::new();
    static OVER: Arenas = Arenas::over(&HEAP);
    let layout = |pages: usize| Layout::from_size_align(pages * PAGE, 8).unwrap();
    let held = || OVER.stats().held / PAGE;
    // SAFETY: the block is resized and freed with the layouts that it has.
    unsafe {
        let block = OVER.alloc(layout(20));
        assert_eq!((block.addr() % PAGE, held()), (0, 20));
        assert_eq!(OVER.realloc(block, layout(20), 23 * PAGE), block);
        assert_eq!(held(), 23);
        let moved = OVER.realloc(block, layout(23), 30 * PAGE);
        assert!(!moved.is_null() && moved != block);
        assert_eq!(held(), 23 + 30);
        // At the end of the memory that has grown, if nobody else has grown it.
        assert!(!OVER.realloc(moved, layout(30), 40 * PAGE).is_null());
        assert!(held() == 23 + 40 || held() == 23 + 30 + 40);
    }
}

#[wasm_bindgen_test]
fn alignment_beyond_a_page_and_zeros() {
    for align in (0..=21).map(|shift| 1_usize << shift) {
        for size in [1, 300, 70_000] {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the block is freed with the layout that it was allocated with.
            unsafe {
                let block = ALLOC.alloc_zeroed(layout);
                assert!(!block.is_null() && block.addr().is_multiple_of(align));
                let bytes = std::slice::from_raw_parts_mut(block, size);
                assert!(bytes.iter().all(|byte| *byte == 0));
                bytes.fill(7);
                ALLOC.dealloc(block, layout);
            }
        }
    }
}

#[wasm_bindgen_test]
fn what_is_reserved_needs_no_growth() {
    assert!(ALLOC.reserve(8 << 20));
    let before = ALLOC.stats().held;
    drop(vec![1_u8; 7 << 20]);
    assert_eq!(ALLOC.stats().held, before);
}
