//! `Semaphore` between workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::semaphore as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn never_more_than_there_are() {
    body::never_more_than_there_are(&Pool::start(3).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn threads_and_tasks() {
    body::threads_and_tasks(&Pool::start(3).await.unwrap(), 300).await;
}

#[wasm_bindgen_test]
async fn cancelled_tasks_lose_nothing() {
    body::cancelled_tasks_lose_nothing(&Pool::start(2).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn timed_out_waiters_lose_nothing() {
    body::timed_out_waiters_lose_nothing(&Pool::start(2).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn made_and_used_up() {
    body::made_and_used_up(&Pool::start(3).await.unwrap(), 1_000).await;
}
