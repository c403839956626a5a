//! `Barrier` between workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::barrier as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn nobody_is_ahead() {
    body::nobody_is_ahead(&Pool::start(3).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn threads_and_tasks() {
    body::threads_and_tasks(&Pool::start(3).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn who_leaves_has_not_arrived() {
    body::who_leaves_has_not_arrived(&Pool::start(2).await.unwrap(), 200).await;
}
