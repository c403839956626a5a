//! What this crate takes from JS: globals only, no snippets, no eval.
//!
//! - A global may be missing (worklets have neither `performance` nor `setTimeout`, old browsers no `Atomics.waitAsync`), so each is
//!   asked for as a property of the global object, or of another one that is there, and checked. Imported functions are resolved
//!   when they are called, so a missing one can not stop the module from loading.
//! - No text crosses the border: wasm-bindgen needs `TextDecoder` and `TextEncoder` for that, which worklets do not have. The
//!   console gets its text as character codes.
//! - js-sys has most of this, and would add the trampolines of all its closures, 3.5 kB, to every module.
//! - Nothing throws into wasm: what may throw is `catch`.

use core::panic::AssertUnwindSafe;
use core::sync::atomic::AtomicU32;

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The global object of this agent.
    #[derive(Clone)]
    pub(crate) type Global;

    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: Global;

    #[wasm_bindgen(method, getter)]
    fn performance(this: &Global) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = setTimeout)]
    fn set_timeout_or_nothing(this: &Global) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = console)]
    fn console_or_nothing(this: &Global) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = WorkletGlobalScope)]
    fn worklet_scope(this: &Global) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = AudioWorkletGlobalScope)]
    fn audio_worklet_scope(this: &Global) -> JsValue;

    pub(crate) type Performance;

    #[wasm_bindgen(method)]
    pub(crate) fn now(this: &Performance) -> f64;
    #[wasm_bindgen(method, getter, js_name = timeOrigin)]
    pub(crate) fn time_origin(this: &Performance) -> f64;

    #[wasm_bindgen(variadic, js_namespace = String, js_name = fromCharCode)]
    fn from_char_code(codes: &[u16]) -> JsValue;
    #[wasm_bindgen(catch, js_namespace = console, js_name = warn)]
    fn console_warn(text: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub(crate) fn date_now() -> f64;

    type Memory;

    /// Another object each time that the memory has grown.
    #[wasm_bindgen(method, getter)]
    fn buffer(this: &Memory) -> JsValue;

    type ArrayBuffer;
    type Int32Array;

    #[wasm_bindgen(constructor)]
    fn new(buffer: &JsValue) -> Int32Array;

    /// Returns a number in browsers; Node's and Bun's object becomes the number that `clearTimeout` takes as well.
    #[wasm_bindgen(catch, js_name = setTimeout)]
    pub(crate) fn set_timeout(
        callback: &JsValue,
        millis: i32,
        argument: u32,
    ) -> Result<f64, JsValue>;
    #[wasm_bindgen(catch, js_name = clearTimeout)]
    pub(crate) fn clear_timeout(handle: f64) -> Result<(), JsValue>;

    /// What `Atomics.waitAsync` returns.
    type Waiting;

    #[wasm_bindgen(method, getter, js_name = async)]
    fn is_async(this: &Waiting) -> bool;
    /// The promise, when `is_async`.
    #[wasm_bindgen(method, getter)]
    fn value(this: &Waiting) -> JsValue;

    type AtomicsObject;

    #[wasm_bindgen(method, getter, js_name = Atomics)]
    fn atomics(this: &Global) -> AtomicsObject;
    #[wasm_bindgen(method, getter, js_name = waitAsync)]
    fn wait_async_or_nothing(this: &AtomicsObject) -> JsValue;

    #[wasm_bindgen(catch, js_namespace = Atomics, js_name = wait)]
    fn atomics_wait(
        view: &Int32Array,
        index: u32,
        value: i32,
        millis: f64,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Atomics, js_name = waitAsync)]
    fn atomics_wait_async(
        view: &Int32Array,
        index: u32,
        value: i32,
        millis: f64,
    ) -> Result<Waiting, JsValue>;

    type Thenable;

    #[wasm_bindgen(catch, method)]
    fn then(this: &Thenable, callback: &JsValue) -> Result<JsValue, JsValue>;
}

pub(crate) fn global() -> Global {
    GLOBAL.with(Global::clone)
}

/// `performance`, where it exists.
pub(crate) fn performance_of_agent() -> Option<Performance> {
    let performance = global().performance();
    performance
        .is_object()
        .then(|| performance.unchecked_into())
}

/// Whether this agent is a worklet.
pub(crate) fn is_worklet() -> bool {
    let global = global();
    global.worklet_scope().is_function() || global.audio_worklet_scope().is_function()
}

pub(crate) fn has_set_timeout() -> bool {
    global().set_timeout_or_nothing().is_function()
}

/// Writes a line of warning, in UTF-16, to the console, where there is one.
pub(crate) fn warn(text: &[u16]) {
    if global().console_or_nothing().is_object() {
        // A console that throws has lost the report; that must not end the wait.
        let _ = console_warn(&from_char_code(text));
    }
}

/// This module's memory, as it is now.
fn buffer() -> JsValue {
    wasm_bindgen::memory().unchecked_into::<Memory>().buffer()
}

/// The words of this module's memory.
fn words() -> Int32Array {
    Int32Array::new(&buffer())
}

/// Whether other agents can have this module's memory.
pub(crate) fn memory_is_shared() -> bool {
    // Not by `SharedArrayBuffer`: without cross-origin isolation there is no such global.
    !buffer().is_instance_of::<ArrayBuffer>()
}

/// The index of a word in [`words`].
fn index(word: &AtomicU32) -> u32 {
    (core::ptr::from_ref(word).addr() / size_of::<AtomicU32>()) as u32
}

/// Whether JS lets this agent wait, on its own memory.
pub(crate) fn may_wait() -> bool {
    static PROBE: AtomicU32 = AtomicU32::new(0);
    // Returns "timed-out" at once, or throws where the agent must not block.
    atomics_wait(&words(), index(&PROBE), 0, 0.0).is_ok()
}

/// How [`wait_async`] began.
pub(crate) enum Armed {
    /// The callback will be called.
    Waiting,
    /// The word did not have the expected value.
    Mismatch,
    /// There is no `Atomics.waitAsync`, or not for this memory.
    Missing,
}

/// Calls `callback` when the word is woken or `millis` have passed.
pub(crate) fn wait_async(
    word: &'static AtomicU32,
    expected: u32,
    millis: f64,
    callback: impl FnOnce() + 'static,
) -> Armed {
    if !global().atomics().wait_async_or_nothing().is_function() {
        return Armed::Missing;
    }
    let Ok(waiting) = atomics_wait_async(&words(), index(word), expected.cast_signed(), millis)
    else {
        return Armed::Missing;
    };
    if !waiting.is_async() {
        return Armed::Mismatch;
    }
    let promise: Thenable = waiting.value().unchecked_into();
    // Where panics unwind, wasm-bindgen turns one that leaves the callback into an exception.
    let callback = AssertUnwindSafe(callback);
    match promise.then(&Closure::once_into_js(callback)) {
        Ok(_) => Armed::Waiting,
        Err(_) => Armed::Missing,
    }
}
