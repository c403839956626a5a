//! The kit itself: workers start, share memory with the main thread, and report what goes wrong instead of hanging.
#![cfg(target_arch = "wasm32")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_testkit::{Pool, time};

#[wasm_bindgen_test]
async fn workers_share_memory_with_this_agent() {
    const STEPS: u32 = 100_000;
    let pool = Pool::start(2).await.unwrap();
    let counter = Arc::new(AtomicU32::new(0));
    let handles = [0, 1].map(|index| {
        let counter = counter.clone();
        pool.run(index, move || {
            for _ in 0..STEPS {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            STEPS
        })
    });
    for _ in 0..STEPS {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    for handle in handles {
        assert_eq!(handle.join_async().await.unwrap(), STEPS);
    }
    assert_eq!(counter.load(Ordering::Relaxed), 3 * STEPS);
}

#[wasm_bindgen_test]
async fn a_spinning_main_thread_sees_what_workers_store() {
    let pool = Pool::start(1).await.unwrap();
    let word = Arc::new(AtomicU32::new(0));
    let theirs = word.clone();
    let handle = pool.spawn(move || {
        while theirs.load(Ordering::Acquire) != 1 {}
        theirs.store(2, Ordering::Release);
    });
    handle.started().await.unwrap();
    word.store(1, Ordering::Release);
    let deadline = time::now() + Duration::from_secs(5);
    while word.load(Ordering::Acquire) != 2 {
        assert!(time::now() < deadline, "the worker did not see the store");
    }
    handle.join_async().await.unwrap();
}

#[wasm_bindgen_test]
async fn an_async_job_runs_on_the_event_loop_of_its_worker() {
    let pool = Pool::start(1).await.unwrap();
    let handle = pool.spawn_async(|| async {
        time::sleep(Duration::from_millis(5)).await;
        "slept"
    });
    assert_eq!(handle.join_async().await.unwrap(), "slept");
}

#[wasm_bindgen_test]
async fn a_panic_is_an_error_with_its_message() {
    let pool = Pool::start(1).await.unwrap();
    let error = pool.spawn(|| panic!("seven")).join_async().await;
    let text = error.unwrap_err().to_string();
    assert!(text.contains("seven"), "{text}");
    let error = pool.spawn_async(|| async {
        time::sleep(Duration::from_millis(1)).await;
        panic!("eight")
    });
    let text = error.join_async().await.unwrap_err().to_string();
    assert!(text.contains("eight"), "{text}");
    assert_eq!(
        pool.spawn(|| 9).join_async().await.unwrap(),
        9,
        "the worker lives on"
    );
}

#[wasm_bindgen_test]
async fn a_trap_is_an_error_with_its_message() {
    let pool = Pool::start(1).await.unwrap();
    let handle = pool.spawn(|| core::arch::wasm32::unreachable());
    let text = handle.join_async().await.unwrap_err().to_string();
    // WebKit begins a sentence with the word.
    assert!(text.to_lowercase().contains("unreachable"), "{text}");
}

#[wasm_bindgen_test]
async fn a_stuck_worker_is_an_error() {
    let pool = Pool::start(1).await.unwrap();
    let handle = pool.spawn(|| {
        let mut turns = 0_u64;
        while time::now().as_secs() > 0 {
            turns += 1;
        }
        turns
    });
    let late = handle.join_within(Duration::from_millis(100)).await;
    let text = late.unwrap_err().to_string();
    assert!(text.contains("did not finish in time"), "{text}");
}

#[wasm_bindgen_test]
async fn a_worker_blocks_without_stopping_this_agent() {
    let pool = Pool::start(1).await.unwrap();
    let handle = pool.spawn(|| {
        let begin = time::now();
        time::block(Duration::from_millis(50));
        time::now() - begin
    });
    let slept = handle.join_async().await.unwrap();
    assert!(slept >= Duration::from_millis(49), "{slept:?}");
}
