//! An audio worklet: an agent that must never wait, without a clock, a timer or a `TextDecoder`.
#![cfg(target_arch = "wasm32")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync::{Condvar, Mutex, RwLock, agent, thread};
use web_sync_browser_tests as _;
use web_sync_testkit::{AudioWorklet, Pool};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn the_kit_runs_jobs_in_a_worklet() {
    let worklet = AudioWorklet::start().await.unwrap();
    let word = Arc::new(AtomicU32::new(1));
    let theirs = word.clone();
    let run = worklet.run(move || theirs.fetch_add(1, Ordering::Relaxed));
    assert_eq!(run.join_async().await.unwrap(), 1);
    let theirs = word.clone();
    let run = worklet.run_async(async move || theirs.fetch_add(1, Ordering::Relaxed));
    assert_eq!(run.join_async().await.unwrap(), 2);
    let text = worklet.run(|| panic!("seven")).join_async().await;
    let text = text.unwrap_err();
    assert!(text.text().contains("seven"), "{text}");
    let theirs = word.clone();
    let run = worklet.process(move || theirs.fetch_add(1, Ordering::Relaxed));
    assert_eq!(run.await.unwrap(), 3);
    assert_eq!(word.load(Ordering::Relaxed), 4);
}

#[wasm_bindgen_test]
async fn it_must_not_block() {
    let worklet = AudioWorklet::start().await.unwrap();
    assert!(!worklet.run(agent::may_block).join_async().await.unwrap());
    assert!(!worklet.process(agent::may_block).await.unwrap());
}

#[wasm_bindgen_test]
async fn locks_are_taken_and_released() {
    let worklet = AudioWorklet::start().await.unwrap();
    let run = worklet.process(|| {
        let mutex = Mutex::new(1);
        *mutex.lock().unwrap() += 1;
        let held = mutex.try_lock().unwrap();
        let busy = mutex.try_lock().is_err();
        let lock = RwLock::new(*held);
        *lock.write().unwrap() += 1;
        Condvar::new().notify_all();
        (busy, *lock.read().unwrap() + *lock.read().unwrap())
    });
    assert_eq!(run.await.unwrap(), (true, 6));
}

#[wasm_bindgen_test]
async fn it_gets_a_lock_that_a_worker_hammers() {
    struct Shared {
        lock: Mutex<[u32; 2]>,
        over: AtomicBool,
    }
    let shared = Arc::new(Shared {
        lock: Mutex::default(),
        over: AtomicBool::new(false),
    });
    let pool = Pool::start(1).await.unwrap();
    let theirs = shared.clone();
    let worker = pool.spawn(move || {
        while !theirs.over.load(Ordering::Relaxed) {
            theirs.lock.lock().unwrap()[0] += 1;
        }
    });
    worker.started().await.unwrap();
    let worklet = AudioWorklet::start().await.unwrap();
    let theirs = shared.clone();
    let run = worklet.process(move || {
        for _ in 0..1_000 {
            theirs.lock.lock().unwrap()[1] += 1;
        }
    });
    run.await.unwrap();
    shared.over.store(true, Ordering::Relaxed);
    worker.join_async().await.unwrap();
    assert_eq!(shared.lock.lock().unwrap()[1], 1_000);
}

#[wasm_bindgen_test]
async fn a_task_in_it_waits_for_a_lock() {
    let worklet = AudioWorklet::start().await.unwrap();
    let lock = Arc::new(Mutex::new(0));
    let held = lock.lock_async().await.unwrap();
    let theirs = lock.clone();
    let run = worklet.run_async(async move || *theirs.lock_async().await.unwrap() += 1);
    run.started().await.unwrap();
    drop(held);
    run.join_async().await.unwrap();
    assert_eq!(*lock.lock().unwrap(), 1);
}

#[wasm_bindgen_test]
async fn it_parks_and_sleeps_without_sleeping() {
    let worklet = AudioWorklet::start().await.unwrap();
    let here = worklet.run(thread::current).join_async().await.unwrap();
    let pool = Pool::start(1).await.unwrap();
    let unpark = pool.spawn(move || {
        for _ in 0..50 {
            web_sync_testkit::time::block(Duration::from_millis(1));
            here.unpark();
        }
    });
    unpark.started().await.unwrap();
    let run = worklet.process(|| {
        thread::park();
        thread::park_timeout(Duration::from_millis(1));
        thread::sleep(Duration::from_millis(2));
    });
    run.await.unwrap();
    unpark.join_async().await.unwrap();
}
