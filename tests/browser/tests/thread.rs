//! `thread` on a page: parking and sleeping on workers and on the agent that runs the tests, a window among others.
#![cfg(target_arch = "wasm32")]

use std::time::Duration;

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::thread;
use web_sync_browser_tests as _;
use web_sync_test_bodies::thread as body;
use web_sync_testkit::{Pool, time};

#[wasm_bindgen_test]
async fn one_token_goes_round() {
    body::one_token_goes_round(&Pool::start(3).await.unwrap(), 1_000).await;
}

#[wasm_bindgen_test]
async fn threads_and_tasks() {
    body::threads_and_tasks(&Pool::start(3).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn time_outs_lose_nothing() {
    body::time_outs_lose_nothing(&Pool::start(2).await.unwrap(), 500).await;
}

#[wasm_bindgen_test]
async fn cancelled_tasks_lose_nothing() {
    body::cancelled_tasks_lose_nothing(&Pool::start(2).await.unwrap(), 500).await;
}

/// std's `park` would trap on a window.
#[wasm_bindgen_test]
async fn this_agent_parks_until_a_worker_unparks_it() {
    let pool = Pool::start(1).await.unwrap();
    let here = thread::current();
    let handle = pool.spawn(move || {
        time::block(Duration::from_millis(50));
        here.unpark();
    });
    handle.started().await.unwrap();
    thread::park();
    handle.join_async().await.unwrap();
}

/// The clock of a browser is coarse: by as much as a millisecond.
fn sleeps(asked: Duration) -> Duration {
    let begin = time::now();
    thread::sleep(asked);
    time::now() - begin + Duration::from_millis(1)
}

#[wasm_bindgen_test]
async fn every_agent_sleeps() {
    let asked = Duration::from_millis(50);
    let here = sleeps(asked);
    let pool = Pool::start(1).await.unwrap();
    let there = pool
        .spawn(move || sleeps(asked))
        .join_async()
        .await
        .unwrap();
    assert!(here >= asked && there >= asked, "{here:?} {there:?}");
}

#[wasm_bindgen_test]
async fn a_sleeping_task_leaves_the_event_loop_alone() {
    let begin = time::now();
    let asked = Duration::from_millis(50);
    thread::sleep_async(asked).await;
    thread::park_timeout_async(asked).await;
    let took = time::now() - begin + Duration::from_millis(1);
    assert!(took >= 2 * asked, "{took:?}");
}

/// A worker that has ended, with its stack and its thread-local memory, may still be unparked.
#[wasm_bindgen_test]
async fn a_handle_outlives_its_agent() {
    let pool = Pool::start(1).await.unwrap();
    let there = pool.spawn(thread::current).join_async().await.unwrap();
    drop(pool);
    time::sleep(Duration::from_millis(50)).await;
    for _ in 0..100 {
        there.unpark();
    }
}
