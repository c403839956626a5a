//! `OnceLock` under contention from workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::once_lock as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn made_once() {
    body::made_once(&Pool::start(3).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn threads_and_tasks() {
    body::threads_and_tasks(&Pool::start(3).await.unwrap(), 300).await;
}

#[wasm_bindgen_test]
async fn cancelled_tasks_lose_nothing() {
    body::cancelled_tasks_lose_nothing(&Pool::start(3).await.unwrap(), 500).await;
}
