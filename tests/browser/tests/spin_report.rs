//! A main thread that spins for longer than a second says so on the console, once: what it waits for, from where, what to use.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::agent::{self, Policy};
use web_sync::{Condvar, Mutex, RwLock, thread};
use web_sync_browser_tests as _;
use web_sync_testkit::{Pool, time};

/// What `job` writes by `console.warn`.
fn warnings(job: impl FnOnce()) -> Vec<String> {
    let console = Reflect::get(&js_sys::global(), &"console".into()).unwrap();
    let before = Reflect::get(&console, &"warn".into()).unwrap();
    let lines = Rc::new(RefCell::new(Vec::new()));
    let theirs = lines.clone();
    let listener = Closure::<dyn FnMut(JsValue)>::new(move |line: JsValue| {
        theirs
            .borrow_mut()
            .push(line.as_string().unwrap_or_default());
    });
    Reflect::set(&console, &"warn".into(), listener.as_ref()).unwrap();
    job();
    Reflect::set(&console, &"warn".into(), &before).unwrap();
    lines.take()
}

#[track_caller]
fn says(lines: &[String], call: &str, instead: &str) {
    assert_eq!(lines.len(), 1, "{lines:?}");
    for word in [call, instead, file!()] {
        assert!(lines[0].contains(word), "no {word:?} in {:?}", lines[0]);
    }
}

/// A report comes after a second, and who is to be reported may begin late.
const LONG: Duration = Duration::from_millis(2500);

/// Runs `wait` here while a worker does `hold` for a long time.
async fn while_held<T: Send + Sync + 'static>(
    object: T,
    hold: fn(&T),
    wait: fn(&T),
) -> Vec<String> {
    agent::set_policy(Policy::Spin);
    let pool = Pool::start(1).await.unwrap();
    let object = Arc::new(object);
    let theirs = object.clone();
    let handle = pool.spawn(move || hold(&theirs));
    handle.started().await.unwrap();
    time::sleep(Duration::from_millis(50)).await;
    let lines = warnings(|| wait(&object));
    handle.join_async().await.unwrap();
    lines
}

#[wasm_bindgen_test]
async fn a_mutex() {
    let hold = |mutex: &Mutex<()>| {
        let _held = mutex.lock();
        time::block(LONG);
    };
    let lines = while_held(Mutex::new(()), hold, |mutex| drop(mutex.lock())).await;
    says(&lines, "Mutex::lock", "Mutex::lock_async");
}

#[wasm_bindgen_test]
async fn an_rwlock() {
    let hold = |lock: &RwLock<()>| {
        let _held = lock.write();
        time::block(LONG);
    };
    let lines = while_held(RwLock::new(()), hold, |lock| drop(lock.read())).await;
    says(&lines, "RwLock::read", "RwLock::read_async");
}

#[wasm_bindgen_test]
async fn a_condvar() {
    let hold = |(mutex, condvar): &(Mutex<bool>, Condvar)| {
        time::block(LONG);
        *mutex.lock().unwrap() = true;
        condvar.notify_one();
    };
    let lines = while_held(
        (Mutex::new(false), Condvar::new()),
        hold,
        |(mutex, condvar)| {
            let ready = mutex.lock().unwrap();
            drop(condvar.wait_while(ready, |ready| !*ready));
        },
    );
    says(&lines.await, "Condvar::wait", "Condvar::wait_async");
}

#[wasm_bindgen_test]
async fn a_park() {
    let hold = |here: &thread::Thread| {
        time::block(LONG);
        here.unpark();
    };
    let lines = while_held(thread::current(), hold, |_| thread::park()).await;
    says(&lines, "thread::park", "thread::park_async");
}

#[wasm_bindgen_test]
fn a_sleep() {
    agent::set_policy(Policy::Spin);
    let lines = warnings(|| thread::sleep(LONG));
    says(&lines, "thread::sleep", "thread::sleep_async");
}

#[wasm_bindgen_test]
async fn a_short_wait_is_silent() {
    let hold = |mutex: &Mutex<()>| {
        let _held = mutex.lock();
        time::block(Duration::from_millis(300));
    };
    let lines = while_held(Mutex::new(()), hold, |mutex| drop(mutex.lock())).await;
    assert_eq!(lines, Vec::<String>::new());
}
