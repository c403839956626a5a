//! A boxed closure that another agent runs: its address travels in a message.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use js_sys::{Promise, futures::future_to_promise};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::agent::promise;
use crate::{Error, slot::Slot};

/// What the worker runs; `Some` when the job goes on in the worker's event loop.
type Job = Box<dyn FnOnce() -> Option<Promise> + Send>;

thread_local! {
    /// The job that this agent is running right now, for the panic hook.
    static CURRENT: Cell<Option<*const dyn Fail>> = const { Cell::new(None) };
    /// What this agent, a worklet, does in each `process()`.
    static STEPS: RefCell<Option<Steps>> = const { RefCell::new(None) };
}

/// False when it is over.
type Steps = Box<dyn FnMut() -> bool>;

trait Fail {
    /// # Safety
    ///
    /// Only the agent that runs the job may call this.
    unsafe fn fail(&self, text: &str);
}

impl<T> Fail for Slot<T> {
    unsafe fn fail(&self, text: &str) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.finish(Err(Error::new(text))) };
    }
}

/// The address of a closure that fills the slot.
pub(crate) fn boxed<T: Send + 'static>(
    slot: &Arc<Slot<T>>,
    job: impl FnOnce() -> T + Send + 'static,
) -> u32 {
    let slot = slot.clone();
    leak(Box::new(move || {
        slot.begin();
        let value = watched(&*slot, job);
        // SAFETY: this agent runs the job.
        unsafe { slot.finish(Ok(value)) };
        None
    }))
}

/// The address of a closure that fills the slot when its future is done.
pub(crate) fn boxed_async<T: Send + 'static, F: Future<Output = T> + 'static>(
    slot: &Arc<Slot<T>>,
    job: impl FnOnce() -> F + Send + 'static,
) -> u32 {
    let slot = slot.clone();
    leak(Box::new(move || {
        slot.begin();
        let future = watched(&*slot, job);
        Some(future_to_promise(AssertUnwindSafe(async move {
            let mut future = pin!(future);
            let step = core::future::poll_fn(|cx| watched(&*slot, || future.as_mut().poll(cx)));
            let value = step.await;
            // SAFETY: this agent runs the job.
            unsafe { slot.finish(Ok(value)) };
            Ok(JsValue::UNDEFINED)
        })))
    }))
}

/// The address of a closure that leaves steps behind, for each `process()`. The slot is filled with what the last one returns.
pub(crate) fn boxed_steps<T: Send + 'static>(
    slot: &Arc<Slot<T>>,
    mut step: impl FnMut() -> Option<T> + Send + 'static,
) -> u32 {
    let slot = slot.clone();
    leak(Box::new(move || {
        slot.begin();
        let (promise, resolve) = promise();
        let steps = move || {
            let Some(value) = watched(&*slot, &mut step) else {
                return true;
            };
            // SAFETY: this agent runs the job.
            unsafe { slot.finish(Ok(value)) };
            let resolved = resolve.call0(&JsValue::UNDEFINED);
            resolved.expect("the resolve function of a promise does not throw");
            false
        };
        STEPS.set(Some(Box::new(steps)));
        Some(promise)
    }))
}

/// Called by the text of the worklet in each `process()`; not for you.
#[wasm_bindgen]
#[doc(hidden)]
pub fn testkit_step() {
    let steps = STEPS.take();
    if let Some(mut steps) = steps
        && steps()
    {
        STEPS.set(Some(steps));
    }
}

/// Runs `work` with the slot known to the panic hook.
fn watched<T: 'static, R>(slot: &Slot<T>, work: impl FnOnce() -> R) -> R {
    let before = CURRENT.replace(Some(slot as &dyn Fail as *const dyn Fail));
    let result = work();
    CURRENT.set(before);
    result
}

fn leak(job: Job) -> u32 {
    Box::into_raw(Box::new(job)) as usize as u32
}

/// Frees a job that no worker will run.
pub(crate) fn discard(address: u32) {
    // SAFETY: `leak` made the address, and the caller says that nobody else has it.
    drop(unsafe { Box::from_raw(address as usize as *mut Job) });
}

/// Called by the text of the worker; not for you.
#[wasm_bindgen]
#[doc(hidden)]
pub fn testkit_run(address: u32) -> Option<Promise> {
    // SAFETY: `leak` made the address, and each is sent to one worker, once.
    let job = unsafe { Box::from_raw(address as usize as *mut Job) };
    job()
}

/// Lets panics of jobs write their message into the slot. Called before the first worker starts, so that no panic can hold the
/// hook's lock of std while the main thread wants it.
pub(crate) fn install_panic_hook() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    // ORDERING: Relaxed, publishes nothing: the hook has a lock of its own.
    if INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        match CURRENT.get() {
            // SAFETY: `watched` keeps the slot alive while it is in CURRENT, which belongs to this agent alone.
            Some(slot) => unsafe { (*slot).fail(&info.to_string()) },
            None => previous(info),
        }
    }));
}
