//! The allocator in an audio worklet, beside workers that allocate as fast as they can.
#![cfg(target_arch = "wasm32")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync::alloc::Arenas;
use web_sync_testkit::{AudioWorklet, Pool};

wasm_bindgen_test_configure!(run_in_browser);

#[global_allocator]
static ALLOC: Arenas = Arenas::new();

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
