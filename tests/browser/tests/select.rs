//! Select between workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::select as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn many_channels() {
    body::many_channels(&Pool::start(3).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn all_exchange() {
    body::all_exchange(&Pool::start(2).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn cancelled_selects_lose_nothing() {
    body::cancelled_selects_lose_nothing(&Pool::start(3).await.unwrap(), 300).await;
}

#[wasm_bindgen_test]
async fn work_until_told() {
    body::work_until_told(&Pool::start(2).await.unwrap(), 500).await;
}
