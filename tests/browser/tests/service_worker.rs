//! A service worker: it must not block, and shares memory with nobody.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync::{Condvar, Mutex, RwLock, agent};
use web_sync_browser_tests as _;
use web_sync_testkit::time;

wasm_bindgen_test_configure!(run_in_service_worker);

#[wasm_bindgen_test]
fn it_must_not_block() {
    assert!(!agent::may_block());
}

#[wasm_bindgen_test]
fn locks_are_taken_and_released() {
    let mutex = Mutex::new(1);
    *mutex.lock().unwrap() += 1;
    let held = mutex.try_lock().unwrap();
    assert!(mutex.try_lock().is_err());
    assert!(mutex.try_lock_for(Duration::from_millis(5)).is_err());
    drop(held);
    let lock = RwLock::new(1);
    *lock.write().unwrap() += 1;
    let (one, two) = (lock.read().unwrap(), lock.read().unwrap());
    assert_eq!(*one + *two, 4);
    assert!(lock.try_write_for(Duration::from_millis(5)).is_err());
}

#[wasm_bindgen_test]
fn a_wait_times_out() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let begin = time::now();
    let timeout = Duration::from_millis(20);
    let waited = condvar
        .wait_timeout(mutex.lock().unwrap(), timeout)
        .unwrap();
    assert!(waited.1.timed_out());
    assert!(time::now() - begin >= timeout - Duration::from_millis(1));
}

#[wasm_bindgen_test]
async fn two_tasks_take_turns() {
    let shared = Rc::new((Mutex::new(()), RefCell::new(Vec::new())));
    let held = shared.0.lock_async().await.unwrap();
    let theirs = shared.clone();
    js_sys::futures::spawn_local(async move {
        let _held = theirs.0.lock_async().await.unwrap();
        theirs.1.borrow_mut().push("second");
    });
    time::sleep(Duration::from_millis(5)).await;
    shared.1.borrow_mut().push("first");
    drop(held);
    while shared.1.borrow().len() < 2 {
        time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(*shared.1.borrow(), ["first", "second"]);
}
