//! `Mutex` under contention from workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::mutex as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn mutual_exclusion() {
    body::mutual_exclusion(&Pool::start(3).await.unwrap(), 2_000).await;
}

#[wasm_bindgen_test]
async fn threads_and_tasks() {
    body::threads_and_tasks(&Pool::start(3).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn cancelled_tasks_lose_nothing() {
    body::cancelled_tasks_lose_nothing(&Pool::start(2).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn timed_out_waiters_lose_nothing() {
    body::timed_out_waiters_lose_nothing(&Pool::start(2).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn no_waiter_starves() {
    body::no_waiter_starves(&Pool::start(2).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn lost_races_are_bounded() {
    body::lost_races_are_bounded(&Pool::start(2).await.unwrap(), 8).await;
}
