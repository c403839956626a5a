//! The futex's contract inside an audio worklet: no clock but `Date.now()`, no `setTimeout`, no `TextDecoder`.
#![cfg(target_arch = "wasm32")]

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sync::__conformance::bodies::{self, World};
use web_sync_browser_tests as _;
use web_sync_testkit::{AudioWorklet, Pool};

wasm_bindgen_test_configure!(run_in_browser);

/// What is done by "another" agent is done by this one.
struct Alone;

impl World for Alone {
    type Job = ();

    async fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        job();
    }

    async fn join(&self, (): ()) {}

    async fn settle(&self) {}
}

macro_rules! run {
    ($($name:ident $budgets:tt;)*) => {
        $(#[wasm_bindgen_test]
        async fn $name() {
            let worklet = AudioWorklet::start().await.unwrap();
            let run = worklet.run_async(|| async {
                assert!(!web_sync::agent::may_block());
                bodies::$name(&Alone).await;
            });
            run.join_async().await.unwrap();
        })*
    };
}

web_sync::__for_each_lone_body!(run);
run! { a_late_poll_finds_the_timer_ready(); }

/// Firefox (153) and WebKitGTK (2.50) are left out: in their worklets nothing can call a task at a given time, see `sys/timer.rs`.
#[wasm_bindgen_test]
async fn timers_complete_in_time() {
    let window = js_sys::global();
    let property = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).unwrap();
    let agent = property(&property(&window, "navigator"), "userAgent");
    if !agent.as_string().unwrap().contains("Chrome") {
        console_log!("skipped: no timers in this browser's worklets");
        return;
    }
    let worklet = AudioWorklet::start().await.unwrap();
    let run = worklet.run_async(|| bodies::timers_complete_in_time(&Alone));
    run.join_async().await.unwrap();
}

/// The wake of a worker reaches a task of the worklet.
#[wasm_bindgen_test]
async fn a_task_in_the_worklet_is_woken_by_a_worker() {
    use std::sync::atomic::{AtomicU32, Ordering};
    use web_sync::futex;

    static WORD: AtomicU32 = AtomicU32::new(0);
    let worklet = AudioWorklet::start().await.unwrap();
    let run = worklet.run_async(|| async {
        while WORD.load(Ordering::Acquire) == 0 {
            futex::wait_async(&WORD, 0).await;
        }
    });
    let pool = Pool::start(1).await.unwrap();
    let wake = pool.spawn(|| {
        WORD.store(1, Ordering::Release);
        futex::wake(&WORD);
    });
    wake.join_async().await.unwrap();
    run.join_async().await.unwrap();
}
