//! What only the web has: clocks of several kinds, timers of several kinds, globals that are missing, a console.

use core::panic::Location;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use js_sys::{Array, Reflect};
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::sys::Call;
use crate::sys::agent::{Policy, set_policy};
use crate::sys::futex::{self, Outcome};
use crate::sys::timer::Timer;

fn in_ms(millis: u64) -> Deadline {
    Deadline::after(Duration::from_millis(millis))
}

/// A property of an object that has another value for the length of a test.
struct Replaced {
    object: JsValue,
    key: JsValue,
    original: JsValue,
}

impl Replaced {
    fn new(object: &JsValue, key: &str, value: &JsValue) -> Self {
        let key = JsValue::from_str(key);
        let original = Reflect::get(object, &key).unwrap();
        assert!(Reflect::set(object, &key, value).unwrap());
        Self {
            object: object.clone(),
            key,
            original,
        }
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        Reflect::set(&self.object, &self.key, &self.original).unwrap();
    }
}

fn global_property(key: &str) -> JsValue {
    Reflect::get(&js_sys::global(), &key.into()).unwrap()
}

#[wasm_bindgen_test]
fn an_instant_can_be_read_without_a_clock() {
    for past in [0, 1, 999_999_999] {
        let (a, b) = (web_time::Instant::now(), web_time::Instant::now());
        assert!(b >= a);
        let span = Duration::from_nanos(past);
        let read = since_origin(a + span) - since_origin(a);
        assert_eq!(read, past);
    }
}

#[cfg(target_feature = "atomics")]
#[wasm_bindgen_test]
fn the_clock_counts_from_the_epoch_as_web_time_and_date_do() {
    let slack = 2_000_000_000;
    let by_web_time = since_origin(web_time::Instant::now());
    assert!(now().abs_diff(by_web_time) < slack);
    // Performance's clock does not follow corrections of the system's: a rough comparison.
    assert!(now().abs_diff(nanos(js_sys::Date::now())) < 60 * slack);
}

#[wasm_bindgen_test]
fn the_longest_wait_fits_into_a_timer() {
    assert_eq!(millis(Duration::MAX), i32::MAX);
    assert_eq!(millis(Duration::from_nanos(1)), 1);
    assert_eq!(millis(Duration::from_millis(3)), 3);
    assert_eq!(millis(Duration::ZERO), 0);
}

#[wasm_bindgen_test]
async fn a_timer_moved_between_polls_and_dropped_is_withdrawn() {
    for _ in 0..100 {
        let mut timer = Box::pin(Timer::new(in_ms(200)));
        let mut context = Context::from_waker(core::task::Waker::noop());
        assert!(timer.as_mut().poll(&mut context).is_pending());
        let signal = timer.pulse.beat.as_ref().unwrap().signal.clone();
        assert_eq!(Arc::strong_count(&signal), 3, "this one, the beat's, JS's");
        drop(timer);
        assert_eq!(Arc::strong_count(&signal), 1, "JS has given its count back");
    }
    // Whatever was not withdrawn would complete a freed signal now.
    Timer::new(in_ms(210)).await;
}

#[wasm_bindgen_test]
async fn without_set_timeout_a_timer_still_completes() {
    // WASM: a pending `waitAsync` does not keep Node alive, a timer does.
    let mut alive = Box::pin(Timer::new(in_ms(10_000)));
    let polled = alive
        .as_mut()
        .poll(&mut Context::from_waker(core::task::Waker::noop()));
    assert!(polled.is_pending());
    let deadline = in_ms(100);
    let mut timer = Box::pin(Timer::new(deadline));
    {
        let _gone = Replaced::new(&js_sys::global(), "setTimeout", &JsValue::UNDEFINED);
        let mut context = Context::from_waker(core::task::Waker::noop());
        assert!(timer.as_mut().poll(&mut context).is_pending());
        // A memory that is not shared knows no `waitAsync` either: then the task is to poll again by itself.
        let armed = timer.pulse.beat.as_ref().map(|beat| beat.handle);
        assert_eq!(
            matches!(armed, Some(Handle::WaitAsync)),
            js::memory_is_shared()
        );
    }
    timer.await;
    assert!(deadline.passed());
}

#[wasm_bindgen_test]
async fn without_wait_async_a_task_looks_at_the_word_from_time_to_time() {
    static WORD: AtomicU32 = AtomicU32::new(0);
    let mut task = Box::pin(futex::wait_async(&WORD, 0));
    {
        let _gone = Replaced::new(
            &global_property("Atomics"),
            "waitAsync",
            &JsValue::UNDEFINED,
        );
        let mut context = Context::from_waker(core::task::Waker::noop());
        assert!(task.as_mut().poll(&mut context).is_pending());
    }
    WORD.store(1, Ordering::Release);
    futex::wake(&WORD);
    assert_eq!(task.await, Outcome::Woken);
}

#[wasm_bindgen_test]
fn without_performance_the_clock_is_monotonic() {
    let before = now();
    SOURCE.with(|source| source.set(Some(Source::Date)));
    let mut last = now();
    assert!(last >= before);
    for _ in 0..1_000 {
        let now = now();
        assert!(now >= last);
        last = now;
    }
    let instant = web_time::Instant::now() + Duration::from_secs(100);
    let left = until(instant);
    SOURCE.with(|source| source.set(None));
    // Without atomics web-time counts from the start of the page, where no other agent can have an instant from.
    if js::memory_is_shared() {
        assert!(left > Duration::from_secs(30) && left < Duration::from_secs(170));
    }
}

/// The warnings that `act` writes to the console.
fn warnings(act: impl FnOnce()) -> Vec<String> {
    let lines = Array::new();
    let sink = lines.clone();
    let warn = Closure::<dyn Fn(JsValue)>::new(move |text| {
        sink.push(&text);
    });
    let replaced = Replaced::new(&global_property("console"), "warn", warn.as_ref());
    act();
    drop(replaced);
    lines.iter().filter_map(|line| line.as_string()).collect()
}

#[wasm_bindgen_test]
fn a_long_spin_is_reported_once_on_the_console() {
    let word = AtomicU32::new(0);
    let call = Call {
        name: "Mutex::lock",
        instead: "Mutex::lock_async",
        caller: Location::caller(),
    };
    set_policy(Policy::Spin);
    crate::agent::report_spins_after(Duration::from_millis(10));
    let short = warnings(|| {
        futex::wait(&word, 0, Some(in_ms(2)), &call);
    });
    let long = warnings(|| {
        futex::wait(&word, 0, Some(in_ms(500)), &call);
    });
    crate::agent::report_spins_after(Duration::from_secs(1));
    set_policy(Policy::Auto);
    assert!(short.is_empty(), "{short:?}");
    assert_eq!(long.len(), 1, "{long:?}");
    for part in ["`Mutex::lock`", "`Mutex::lock_async`", file!(), "10 ms"] {
        assert!(long[0].contains(part), "{part} is not in {long:?}");
    }
}

#[wasm_bindgen_test]
fn a_console_that_throws_or_is_missing_does_no_harm() {
    let throwing = Closure::once_into_js(|| -> Result<(), JsValue> { Err("no".into()) });
    let replaced = Replaced::new(&global_property("console"), "warn", &throwing);
    warn(&[u16::from(b'x')]);
    drop(replaced);
    let replaced = Replaced::new(&js_sys::global(), "console", &JsValue::UNDEFINED);
    warn(&[u16::from(b'x')]);
    drop(replaced);
}

/// What the platform says of this agent must be what JS does here.
#[wasm_bindgen_test]
fn the_probe_says_what_this_agent_can_do() {
    if !js::memory_is_shared() {
        assert_eq!(ability(), Ability::Alone);
        return;
    }
    let scope = |name: &str| global_property(name).is_function();
    let expected = if scope("ServiceWorkerGlobalScope") {
        Ability::Spins
    } else if scope("DedicatedWorkerGlobalScope") {
        Ability::Sleeps
    } else if scope("Window") && !global_property("document").is_undefined() {
        Ability::Spins
    } else if !global_property("process").is_undefined() {
        Ability::Sleeps
    } else {
        // A shared worker: engines differ.
        return;
    };
    assert_eq!(ability(), expected);
}

#[wasm_bindgen_test]
fn a_worklet_spins_whatever_the_probe_says() {
    let scope = js_sys::Function::from(Closure::once_into_js(|| ()));
    let replaced = Replaced::new(&js_sys::global(), "AudioWorkletGlobalScope", &scope);
    assert_ne!(ability(), Ability::Sleeps);
    drop(replaced);
}

#[cfg(not(target_feature = "atomics"))]
#[wasm_bindgen_test]
#[should_panic(expected = "built without threads")]
fn a_wait_that_nobody_can_end_panics() {
    crate::futex::wait(&AtomicU32::new(0), 0, None);
}
