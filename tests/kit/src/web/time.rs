use std::panic::AssertUnwindSafe;
use std::time::Duration;

use js_sys::futures::JsFuture;
use js_sys::{Function, Int32Array, Promise};
use wasm_bindgen::{JsCast, JsValue};

use super::js;

pub(crate) fn now() -> Duration {
    let performance = js::global("performance");
    let milliseconds = if performance.is_undefined() {
        js_sys::Date::now()
    } else {
        // Agents have different origins; the sum is the time of the day for all of them.
        let origin = js::get(&performance, "timeOrigin").as_f64();
        let now = js::call(&performance, "now", &[]).ok();
        origin.unwrap_or(0.0) + now.and_then(|now| now.as_f64()).unwrap_or(0.0)
    };
    Duration::from_secs_f64(milliseconds / 1e3)
}

/// A promise that resolves later; dropping it clears the timer.
pub(crate) struct Timer {
    id: JsValue,
    promise: Promise,
}

impl Timer {
    pub(crate) fn start(after: Duration, value: JsValue) -> Self {
        let mut id = JsValue::UNDEFINED;
        let mut slot = AssertUnwindSafe(&mut id);
        let promise = Promise::new(&mut move |resolve: Function, _| {
            let milliseconds = after.as_secs_f64() * 1e3;
            let args = [resolve.into(), milliseconds.into(), value.clone()];
            **slot = js::call(&js_sys::global(), "setTimeout", &args).expect("setTimeout");
        });
        Self { id, promise }
    }

    pub(crate) fn promise(&self) -> &Promise {
        &self.promise
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let _ = js::call(
            &js_sys::global(),
            "clearTimeout",
            core::slice::from_ref(&self.id),
        );
    }
}

pub(crate) async fn sleep(duration: Duration) {
    let timer = Timer::start(duration, JsValue::UNDEFINED);
    let _ = JsFuture::from(timer.promise().clone()).await;
}

pub(crate) fn block(duration: Duration) {
    static WORD: core::sync::atomic::AtomicI32 = core::sync::atomic::AtomicI32::new(0);
    let deadline = now() + duration;
    let memory = js::get(&wasm_bindgen::memory(), "buffer");
    let words = Int32Array::new(memory.unchecked_ref::<js_sys::Object>());
    let index = WORD.as_ptr() as usize as u32 / 4;
    while let Some(left) = deadline.checked_sub(now()).filter(|left| !left.is_zero()) {
        let milliseconds = left.as_secs_f64() * 1e3;
        if js_sys::Atomics::wait_with_timeout(&words, index, 0, milliseconds).is_err() {
            core::hint::spin_loop(); // an agent that must not block
        }
    }
}
