//! `ReentrantLock` between workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::reentrant_lock as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn agents_exclude_each_other() {
    body::agents_exclude_each_other(&Pool::start(3).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn timed_out_waiters_lose_nothing() {
    body::timed_out_waiters_lose_nothing(&Pool::start(2).await.unwrap(), 500).await;
}
