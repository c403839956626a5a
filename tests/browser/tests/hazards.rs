//! What other crates' locks do to a page: each hazard that needs a browser, or Node, to be seen.
#![cfg(target_arch = "wasm32")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sync::agent::{self, Policy};
use web_sync::{Condvar, Mutex, OnceLock, RwLock};
use web_sync_browser_tests as _;
use web_sync_testkit::{Pool, time};

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

/// Puts something else in the place of a global, or of a function of one, for the time of a closure.
struct Replaced {
    object: JsValue,
    name: &'static str,
    before: JsValue,
    calls: Rc<Cell<u32>>,
    _counter: Closure<dyn FnMut()>,
}

impl Replaced {
    fn new(object: JsValue, name: &'static str) -> Self {
        let before = get(&object, name);
        let calls = Rc::new(Cell::new(0));
        let theirs = calls.clone();
        let counter = Closure::new(move || theirs.set(theirs.get() + 1));
        Reflect::set(&object, &name.into(), counter.as_ref()).unwrap();
        Self {
            object,
            name,
            before,
            calls,
            _counter: counter,
        }
    }

    fn calls(&self) -> u32 {
        self.calls.get()
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        Reflect::set(&self.object, &self.name.into(), &self.before).unwrap();
    }
}

/// A peer asks JS on each lock whether the agent may block: 30 us on a main thread, all of it garbage.
#[wasm_bindgen_test]
fn an_uncontended_lock_asks_nothing_of_javascript() {
    let (mutex, lock, place) = (Mutex::new(0), RwLock::new(0), OnceLock::new());
    let work = || {
        place.get_or_init(|| 1);
        *mutex.lock().unwrap() += 1;
        *lock.write().unwrap() += 1;
        *lock.read().unwrap()
    };
    work();
    let global = JsValue::from(js_sys::global());
    let wait = Replaced::new(get(&global, "Atomics"), "wait");
    let now = Replaced::new(get(&global, "performance"), "now");
    let array = Replaced::new(global.clone(), "Int32Array");
    for round in 1..1_000 {
        assert_eq!(work(), round + 1);
    }
    let calls = [&wait, &now, &array].map(Replaced::calls);
    assert_eq!(calls, [0; 3], "Atomics.wait, performance.now, Int32Array");
}

/// A peer starts a worker that sleeps for each timed async wait, and does not stop it.
#[wasm_bindgen_test]
async fn a_timed_async_wait_starts_no_worker() {
    let worker = Replaced::new(js_sys::global().into(), "Worker");
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let held = mutex.lock_async().await.unwrap();
    let timeout = Duration::from_millis(5);
    let (held, result) = condvar.wait_timeout_async(held, timeout).await.unwrap();
    assert!(result.timed_out());
    drop(held);
    assert_eq!(worker.calls(), 0);
}

/// A peer's `wait_timeout_while` returns at once on a main thread, with the condition still true.
#[wasm_bindgen_test]
fn a_timed_wait_here_takes_its_time() {
    agent::set_policy(Policy::Spin);
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let timeout = Duration::from_millis(100);
    let begin = time::now();
    let waited = condvar.wait_timeout_while(mutex.lock().unwrap(), timeout, |()| true);
    assert!(waited.unwrap().1.timed_out());
    let waited = time::now() - begin;
    agent::set_policy(Policy::Auto);
    assert!(waited >= timeout - Duration::from_millis(1), "{waited:?}");
}

/// A peer's timed waits shorter than a millisecond do not wait at all.
#[wasm_bindgen_test]
async fn a_short_timed_wait_waits() {
    let pool = Pool::start(1).await.unwrap();
    let handle = pool.spawn(|| {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let timeout = Duration::from_micros(300);
        let begin = time::now();
        for _ in 0..100 {
            let waited = condvar.wait_timeout_while(mutex.lock().unwrap(), timeout, |()| true);
            assert!(waited.unwrap().1.timed_out());
        }
        time::now() - begin
    });
    let waited = handle.join_async().await.unwrap();
    assert!(waited >= Duration::from_millis(29), "{waited:?}");
}

/// A worker that stays where it is until some time after the agent that runs the tests has got to work.
#[derive(Default)]
struct Stay {
    inside: AtomicBool,
    ends: AtomicBool,
}

impl Stay {
    fn stay(&self) {
        self.inside.store(true, Ordering::SeqCst);
        while !self.ends.load(Ordering::SeqCst) {
            time::block(Duration::from_millis(1));
        }
        time::block(Duration::from_millis(200));
    }

    async fn until_inside(&self) {
        while !self.inside.load(Ordering::SeqCst) {
            time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn end_soon(&self) {
        self.ends.store(true, Ordering::SeqCst);
    }
}

/// A peer's `OnceLock` hangs the main thread on today's std, whether somebody else makes the value or not.
#[wasm_bindgen_test]
async fn a_once_lock_does_not_hang_here() {
    let alone = OnceLock::new();
    assert_eq!(alone.get_or_init(|| 1), alone.wait());

    let shared = Arc::new(OnceLock::new());
    let pool = Pool::start(1).await.unwrap();
    let (theirs, stay) = (shared.clone(), Arc::<Stay>::default());
    let handle = pool.spawn({
        let stay = stay.clone();
        move || {
            theirs.get_or_init(|| {
                stay.stay();
                2
            });
        }
    });
    stay.until_inside().await;
    assert_eq!(shared.get(), None);
    stay.end_soon();
    assert_eq!(shared.get_or_init(|| 3), &2);
    handle.join_async().await.unwrap();
}

/// What happens to `std::sync::Mutex` where it meets a worker on a window, so that the tests here know what they protect from:
/// Chromium and WebKit trap. (Firefox lets the window sleep; workers and Node may.)
#[wasm_bindgen_test]
async fn a_contended_std_mutex_traps_on_a_window_that_must_not_wait() {
    let mutex = Arc::new(std::sync::Mutex::new(()));
    let pool = Pool::start(1).await.unwrap();
    let (theirs, stay) = (mutex.clone(), Arc::<Stay>::default());
    let handle = pool.spawn({
        let stay = stay.clone();
        move || {
            let _held = theirs.lock();
            stay.stay();
        }
    });
    stay.until_inside().await;
    stay.end_soon();
    let lock = Closure::<dyn FnMut()>::new(move || drop(mutex.lock()));
    let lock: &Function = lock.as_ref().unchecked_ref();
    let result = lock.call0(&JsValue::UNDEFINED);
    let navigator = get(&js_sys::global(), "navigator");
    let engine = get(&navigator, "userAgent").as_string();
    let sleeps = agent::may_block() || engine.is_some_and(|engine| engine.contains("Firefox"));
    assert_eq!(result.is_ok(), sleeps, "{result:?}");
    handle.join_async().await.unwrap();
}
