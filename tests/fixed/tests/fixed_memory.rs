//! The allocator over a region, as the allocator of a page whose memory cannot grow.
#![cfg(target_arch = "wasm32")]

use core::arch::wasm32::{memory_grow, memory_size};
use std::alloc::{GlobalAlloc, Layout};

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::alloc::{Arenas, Region};
use web_sync_test_bodies::alloc::{Filled, free_each_others_blocks, work};
use web_sync_testkit::Pool;

const BYTES: usize = 40 << 20;
static HEAP: Region<BYTES> = Region::new();

#[global_allocator]
static ALLOC: Arenas = Arenas::over(&HEAP);

/// What the package is for: the other tests show nothing if it is not so.
#[wasm_bindgen_test]
fn this_memory_cannot_grow() {
    let before = memory_size::<0>();
    assert!(before >= (64 << 20) / 65_536);
    assert_eq!(memory_grow::<0>(1), usize::MAX);
    assert_eq!(memory_size::<0>(), before);
}

/// The first allocation of its size: what nobody has used is known to be zero, and not cleared. The second one is cleared.
#[wasm_bindgen_test]
fn the_region_is_zero() {
    let layout = Layout::from_size_align(10 << 20, 8).unwrap();
    for _ in 0..2 {
        // SAFETY: the block is freed with the layout that it was allocated with.
        unsafe {
            let block = ALLOC.alloc_zeroed(layout);
            assert!(!block.is_null());
            let bytes = std::slice::from_raw_parts_mut(block, layout.size());
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(7);
            ALLOC.dealloc(block, layout);
        }
    }
}

/// Null, and no trap; what has been freed can be had again.
#[wasm_bindgen_test]
fn the_region_ends() {
    for _ in 0..3 {
        let mut kept = Vec::with_capacity(BYTES >> 20);
        loop {
            let mut list = Vec::<u8>::new();
            if list.try_reserve_exact(1 << 20).is_err() {
                break;
            }
            kept.push(list);
        }
        assert!(
            kept.len() > 20 && kept.len() < BYTES >> 20,
            "{}",
            kept.len()
        );
        let all = (&raw const HEAP).addr()..(&raw const HEAP).addr() + BYTES;
        assert!(kept.iter().all(|list| all.contains(&list.as_ptr().addr())));
        drop(kept);
        work(1, 1_000, drop, || None);
    }
    Filled::new(1 << 20, 1).check();
}

/// Workers get their stacks and their thread-local memory from the region as well, and give them back.
#[wasm_bindgen_test]
async fn agents_start_work_and_end() {
    for round in 0..4 {
        let pool = Pool::start(3).await.unwrap();
        let handles = [0, 1, 2].map(|index| {
            pool.run(index, move || {
                work(index as u32 + 3 * round + 1, 2_000, drop, || None);
                ALLOC.thread_exit();
            })
        });
        for handle in handles {
            handle.join_async().await.unwrap();
        }
        pool.end().await.unwrap();
        ALLOC.collect();
    }
    let stats = ALLOC.stats();
    assert!(stats.held <= BYTES && stats.given_up == 0, "{stats:?}");
}

#[wasm_bindgen_test]
async fn agents_allocate_and_free_each_others_blocks() {
    free_each_others_blocks(Pool::start(3).await.unwrap(), 10_000).await;
    assert_eq!(ALLOC.stats().given_up, 0);
}
