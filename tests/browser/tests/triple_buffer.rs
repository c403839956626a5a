//! The latest-value cell between workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::triple_buffer as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn never_torn_never_older() {
    body::never_torn_never_older(&Pool::start(2).await.unwrap(), 5_000).await;
}

#[wasm_bindgen_test]
async fn ends_go_at_any_moment() {
    body::ends_go_at_any_moment(&Pool::start(1).await.unwrap(), 2_000).await;
}
