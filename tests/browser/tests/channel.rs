//! Channels between workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::channel as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn many_send() {
    body::many_send(&Pool::start(3).await.unwrap(), 2_000).await;
}

#[wasm_bindgen_test]
async fn many_receive() {
    body::many_receive(&Pool::start(3).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn round_trips() {
    body::round_trips(&Pool::start(2).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn cancelled_receives_lose_nothing() {
    body::cancelled_receives_lose_nothing(&Pool::start(3).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn cancelled_sends_end_once() {
    body::cancelled_sends_end_once(&Pool::start(2).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn time_outs_lose_nothing() {
    body::time_outs_lose_nothing(&Pool::start(2).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn ends_go_at_any_moment() {
    body::ends_go_at_any_moment(&Pool::start(2).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn questions_and_answers() {
    body::questions_and_answers(&Pool::start(2).await.unwrap(), 500).await;
}
