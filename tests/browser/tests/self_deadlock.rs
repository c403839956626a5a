//! An agent that takes a lock that it holds itself, or needs what it makes itself: a panic that names the place, not a frozen page.
#![cfg(target_arch = "wasm32")]

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Waker};

use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::agent::{self, Policy};
use web_sync::{Mutex, Once, RwLock};
use web_sync_browser_tests as _;
use web_sync_testkit::{Error, Pool};

async fn doomed(job: fn()) -> Error {
    let pool = Pool::start(1).await.unwrap();
    let handle = pool.spawn(move || {
        agent::set_policy(Policy::Spin);
        job();
    });
    handle.join_async().await.expect_err("it deadlocks")
}

#[track_caller]
fn names(error: &Error, call: &str) {
    let text = error.text();
    for word in [call, file!(), "would wait for ever"] {
        assert!(text.contains(word), "no {word:?} in {text:?}");
    }
}

#[wasm_bindgen_test]
async fn locking_a_mutex_twice() {
    let error = doomed(|| {
        let mutex = Mutex::new(());
        let _held = mutex.lock();
        let _never = mutex.lock();
    });
    names(&error.await, "Mutex::lock");
}

#[wasm_bindgen_test]
async fn writing_to_an_rwlock_twice() {
    let error = doomed(|| {
        let lock = RwLock::new(());
        let _held = lock.write();
        let _never = lock.write();
    });
    names(&error.await, "RwLock::write");
}

#[wasm_bindgen_test]
async fn reading_what_one_writes() {
    let error = doomed(|| {
        let lock = RwLock::new(());
        let _held = lock.write();
        let _never = lock.read();
    });
    names(&error.await, "RwLock::read");
}

#[wasm_bindgen_test]
async fn a_once_that_needs_itself() {
    let error = doomed(|| {
        let once = Once::new();
        once.call_once(|| once.call_once(|| ()));
    });
    names(&error.await, "Once::call_once");
}

/// A worker sleeps, and would for ever: its own event loop has the task that runs the initialiser.
#[wasm_bindgen_test]
async fn a_once_that_a_task_of_this_worker_runs() {
    let pool = Pool::start(1).await.unwrap();
    let handle = pool.spawn_async(async || {
        static ONCE: Once = Once::new();
        let mut run = pin!(ONCE.call_once_async(async || pending().await));
        let mut context = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut context).is_pending());
        ONCE.wait();
    });
    names(
        &handle.join_async().await.expect_err("it deadlocks"),
        "Once::wait",
    );
}

/// On the agent that runs the tests: a window spins by itself.
#[wasm_bindgen_test]
#[should_panic(expected = "Mutex::lock")]
async fn locking_a_mutex_twice_here() {
    agent::set_policy(Policy::Spin);
    let mutex = Mutex::new(());
    let _held = mutex.lock();
    let _never = mutex.lock();
}

/// An initialiser that needs what it initialises, likewise.
#[wasm_bindgen_test]
#[should_panic(expected = "Once::call_once")]
async fn a_once_that_needs_itself_here() {
    let once = Once::new();
    once.call_once(|| once.call_once(|| ()));
}
