//! `Condvar` between workers and the agent that runs the tests.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync_browser_tests as _;
use web_sync_test_bodies::condvar as body;
use web_sync_testkit::Pool;

#[wasm_bindgen_test]
async fn ping_pong() {
    body::ping_pong(&Pool::start(1).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn bounded_queue() {
    body::bounded_queue(&Pool::start(2).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn no_lost_wakeup() {
    body::no_lost_wakeup(&Pool::start(3).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn threads_and_tasks() {
    body::threads_and_tasks(&Pool::start(3).await.unwrap(), 300).await;
}

#[wasm_bindgen_test]
async fn cancelled_waits_lose_nothing() {
    body::cancelled_waits_lose_nothing(&Pool::start(3).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn notify_all_wakes_all() {
    body::notify_all_wakes_all(&Pool::start(3).await.unwrap(), 200).await;
}

#[wasm_bindgen_test]
async fn time_outs() {
    body::time_outs(&Pool::start(2).await.unwrap(), 20).await;
}

#[wasm_bindgen_test]
async fn different_mutexes() {
    body::different_mutexes(&Pool::start(2).await.unwrap(), 200).await;
}
