//! The allocator in an audio worklet, beside workers that allocate as fast as they can.
#![cfg(target_arch = "wasm32")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync_browser_tests::ALLOC;
use web_sync_testkit::{AudioWorklet, Pool};

#[path = "common/deadline.rs"]
mod deadline;
use deadline::{Late, Noise, QUANTUM, Schedule, playing};

wasm_bindgen_test_configure!(run_in_browser);

fn churn(rounds: u32) -> u32 {
    let mut kept: Vec<Vec<u32>> = Vec::new();
    for round in 0..rounds {
        kept.push(vec![round; (round % 200) as usize + 1]);
        if kept.len() > 50 {
            let list = kept.swap_remove((round % 50) as usize);
            assert!(list.iter().all(|number| *number == list[0]));
        }
    }
    kept.len() as u32
}

/// A wait would trap in a worklet of Chromium, and a lock that a worker holds would stop the audio.
#[wasm_bindgen_test]
async fn while_audio_is_rendered_a_worklet_allocates() {
    let worklet = AudioWorklet::start().await.unwrap();
    let pool = Pool::start(2).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let handles = [0, 1].map(|index| {
        let stop = stop.clone();
        pool.run(index, move || {
            while !stop.load(Ordering::Relaxed) {
                churn(1_000);
            }
        })
    });
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let kept = worklet.process(|| churn(20_000)).await.unwrap();
    assert_eq!(kept, 50);
    stop.store(true, Ordering::Relaxed);
    for handle in handles {
        handle.join_async().await.unwrap();
    }
    assert_eq!(ALLOC.stats().given_up, 0);
}

/// Calls of `process()` in a row that do the same.
const STRETCH: u32 = 100;
/// Stretches of either kind.
const STRETCHES: u32 = 10;
/// What one delay by the system may make of a difference, in quanta: half a second.
const NOISE: u32 = (44_100 / QUANTUM / 2) as u32;
/// A delay by the system falls on either kind as often. So of so many runs one has no more missed quanta where the calls allocate.
const RUNS: u32 = 6;

/// What a synthesizer may want of `process()`: blocks that the magazines have.
fn allocates() {
    let blocks = [const { Vec::<u8>::new() }; 21];
    for (index, mut block) in blocks.into_iter().enumerate() {
        block.reserve_exact(24 * (index + 1));
        black_box(&mut block);
    }
}

/// Stretches of calls that allocate between stretches of calls that do nothing, beside workers that allocate without a pause: whatever
/// else the machine does, it does to both. A call that has to wait for a worker misses more than a thousand quanta of a thousand (as
/// `audio` measures it with std's allocator).
#[wasm_bindgen_test]
async fn a_worklet_that_allocates_misses_nothing() {
    let pool = Pool::start(3).await.unwrap();
    let noise = Noise::start(&pool).await;
    assert!(ALLOC.reserve(8 << 20));
    let mut excess = u32::MAX;
    for _ in 0..RUNS {
        let Some(worklet) = playing().await else {
            break;
        };
        let (mut late, mut schedule, mut calls) = ([Late::default(); 2], Schedule::default(), 0);
        let late = worklet.process_each(move || {
            let kind = (calls / STRETCH % 2) as usize;
            // A call that comes late follows one of its kind, but for one in a hundred.
            schedule.watch(&mut late[kind], [|| (), allocates][kind]);
            calls += 1;
            (calls == 2 * STRETCH * STRETCHES).then_some(late)
        });
        let [nothing, allocates] = late.await.unwrap();
        console_log!("nothing: {nothing:?}; allocates: {allocates:?}");
        excess = excess.min(allocates.missed.saturating_sub(nothing.missed));
        assert!(allocates.missed <= nothing.missed + NOISE);
        if excess == 0 {
            break;
        }
    }
    assert!(noise.end().await > 0);
    // Nothing was measured where nothing plays.
    assert!(
        excess == 0 || excess == u32::MAX,
        "{excess} more than a call that does nothing"
    );
}
