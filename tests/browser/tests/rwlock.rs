//! `RwLock` under contention from workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::rwlock as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn readers_and_writers() {
    body::readers_and_writers(&Pool::start(3).await.unwrap(), 2_000).await;
}

#[wasm_bindgen_test]
async fn upgrades_and_downgrades() {
    body::upgrades_and_downgrades(&Pool::start(3).await.unwrap(), 1_000).await;
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
async fn hundreds_of_readers() {
    body::hundreds_of_readers(&Pool::start(2).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn no_writer_starves() {
    body::no_writer_starves(&Pool::start(2).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn upgrades_wait_for_readers() {
    body::upgrades_wait_for_readers(&Pool::start(1).await.unwrap(), 20).await;
}
