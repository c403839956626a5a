//! The allocator of a page that terminates its workers while they allocate, a thousand of them. None of the others hangs, nothing is
//! corrupted, and what is lost has a bound.
#![cfg(target_arch = "wasm32")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync::thread;
use web_sync_browser_tests::ALLOC;
use web_sync_test_bodies::alloc::{Dice, Filled, work};
use web_sync_testkit::{Pool, TIMEOUT, time};

wasm_bindgen_test_configure!(run_in_browser);

/// So many are terminated, or as many as there is time for: a worker takes some ten milliseconds of processor time to start.
const DEATHS: u32 = 1_000;
const TIME: Duration = Duration::from_secs(50);
/// So many die at the same moment.
const AT_ONCE: u32 = 4;

/// What one takes with it, in bytes: its stack,
const STACK: u32 = 128 << 10;
/// its magazines and their own memory (see the documentation of `alloc`),
const MAGAZINES: u32 = 128 << 10;
/// the blocks that it was using,
const IN_USE: u32 = KEPT * 4_000 + 300_000;
const KEPT: u32 = 20;

/// Allocates and frees without a pause, and keeps little.
fn churn(seed: u32) {
    let mut dice = Dice(seed);
    let mut kept: Vec<Filled> = Vec::new();
    loop {
        let size = match dice.roll(64) {
            0 => 300_000,
            1..16 => dice.roll(4_000),
            _ => dice.roll(500),
        };
        let block = Filled::new(size as usize, seed as u8);
        if size < 4_000 {
            kept.push(block);
        }
        if kept.len() as u32 > KEPT {
            kept.swap_remove(dice.roll(KEPT) as usize).check();
        }
    }
}

#[wasm_bindgen_test]
async fn a_thousand_terminated_workers_stop_nobody() {
    // One worker goes on all the while.
    let survivors = Pool::start(1).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicU32::new(0));
    let survivor = survivors.spawn({
        let (over, rounds) = (over.clone(), rounds.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                let seed = rounds.fetch_add(1, Ordering::Relaxed) + 1;
                work(seed, 100, drop, || None);
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    survivor.started().await.unwrap();
    let kept: Vec<_> = (0..100).map(|n| Filled::new(n * n, n as u8)).collect();
    let (begin, before) = (time::now(), ALLOC.stats());
    let mut dice = Dice(7);
    let mut deaths = 0;
    while deaths < DEATHS && time::now() - begin < TIME {
        let pool = Pool::start_with_stacks(AT_ONCE as usize, STACK)
            .await
            .unwrap();
        let handles: Vec<_> = (0..AT_ONCE)
            .map(|index| pool.run(index as usize, move || churn(deaths + index + 1)))
            .collect();
        for handle in &handles {
            handle.started().await.unwrap();
        }
        time::sleep(Duration::from_millis(u64::from(dice.roll(4)))).await;
        work(deaths + 1, 100, drop, || None);
        drop(pool);
        deaths += AT_ONCE;
        work(deaths + 1, 100, drop, || None);
        // The other one gets on.
        let (now, seen) = (time::now(), rounds.load(Ordering::Relaxed));
        while rounds.load(Ordering::Relaxed) == seen {
            assert!(time::now() - now < TIMEOUT, "the survivor hangs");
            time::sleep(Duration::from_millis(1)).await;
        }
    }
    over.store(true, Ordering::Relaxed);
    survivor.join_async().await.unwrap();
    kept.iter().for_each(Filled::check);
    ALLOC.collect();
    let (after, took) = (ALLOC.stats(), time::now() - begin);
    console_log!("{deaths} deaths in {took:?}: {before:?}, {after:?}");

    let arenas = (after.arenas - before.arenas) as u32;
    assert!(arenas <= deaths, "{arenas} arenas for {deaths} deaths");
    let lost = (after.held - after.pooled) - (before.held - before.pooled);
    let each = lost as u32 / deaths;
    console_log!("each took {each} bytes with it");
    assert!(each < STACK + MAGAZINES + IN_USE);
    assert!(deaths > 50, "only {deaths}");
}
