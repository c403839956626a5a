//! A wait of the main thread that a worker ends: how long after that does the main thread go on?
//!
//! The main thread tells the worker to go when its wait is armed, the worker works for a while so that the main thread is back
//! in its event loop by then, measures that on its own clock, and unlocks, notifies or sends. A sample is the time from "go" until the
//! main thread goes on, less what the worker has measured; since clocks are coarse, what counts are means of [`BATCH`] waits.

use crate::clock::{Speed, now, work};
use crate::rivals::Alone;
use crate::rounds::{Workers, finish};
use js_sys::Float64Array;
use std::arch::wasm32::memory_atomic_notify;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sync_testkit::Error;

/// Waits of one measurement.
pub const WAITS: u32 = 160;
/// Waits of one sample.
const BATCH: usize = 10;
/// How long the worker works, in microseconds: longer than a task takes to get back to the event loop.
const DELAY: f64 = 40.0;

/// Microseconds of each wait, or why there are none.
pub type Waits = Result<Vec<f64>, Error>;
/// Measures [`WAITS`] waits, for which the worker works so many steps each.
pub type Measure = for<'a> fn(&'a Workers, u32) -> Pin<Box<dyn Future<Output = Waits> + 'a>>;

/// What no task can be faster than, and what it costs as a future.
pub const FLOOR: [(&str, Measure); 2] = [("raw", floor), ("web-sync futex", futex)];

/// The steps that the worker works.
pub fn steps(speed: Speed) -> u32 {
    speed.steps(DELAY, 2.0)
}

/// The samples: means of some waits each.
pub fn samples(waits: &[f64]) -> Vec<f64> {
    let mean = |batch: &[f64; BATCH]| batch.iter().sum::<f64>() / batch.len() as f64;
    waits.as_chunks().0.iter().map(mean).collect()
}

/// How the two sides keep step. The number of a wait is one more than that of the wait before it, beginning with 1.
#[repr(align(128))]
pub struct Step {
    /// The wait for which the main thread is ready: it holds nothing.
    pub ready: AtomicU32,
    /// The wait for which the worker holds the lock.
    pub held: AtomicU32,
    /// The wait that is armed.
    pub go: AtomicU32,
    /// Nanoseconds that the worker has worked since it saw `go`.
    delay: AtomicU32,
}

impl Step {
    /// A new one.
    pub const fn new() -> Self {
        Self {
            ready: AtomicU32::new(0),
            held: AtomicU32::new(0),
            go: AtomicU32::new(0),
            delay: AtomicU32::new(0),
        }
    }

    /// The worker's side: waits for "go", works, leaves what that took.
    pub fn work_after(&self, wait: u32, steps: u32) {
        reach(&self.go, wait);
        let start = now();
        work(steps);
        let delay = (now() - start) * 1e6;
        // Relaxed: published by what wakes the task.
        self.delay.store(delay as u32, Ordering::Relaxed);
    }

    /// The main thread's side: polls `future` until it waits, says "go", and measures until it is ready.
    pub async fn measure<F: Future>(&self, wait: u32, future: F) -> (f64, F::Output) {
        let mut future = pin!(future);
        let mut start = None;
        let output = poll_fn(|context| {
            let poll = future.as_mut().poll(context);
            if start.is_none() {
                assert!(poll.is_pending(), "there was nothing to wait for");
                start = Some(now());
                // ORDERING: Release, partner of the load in `reach`.
                self.go.store(wait, Ordering::Release);
                return Poll::Pending;
            }
            poll
        })
        .await;
        (self.since(start.expect("it was polled")), output)
    }

    /// The same for a call that blocks, or spins.
    pub fn measure_call<R>(&self, wait: u32, call: impl FnOnce() -> R) -> (f64, R) {
        let start = now();
        // ORDERING: Release, partner of the load in `reach`.
        self.go.store(wait, Ordering::Release);
        let result = call();
        (self.since(start), result)
    }

    /// Microseconds since then, less the worker's.
    fn since(&self, start: f64) -> f64 {
        let total = (now() - start) * 1e3;
        total - f64::from(self.delay.load(Ordering::Relaxed)) / 1e3
    }
}

/// Spins until the other side has come that far.
pub fn reach(word: &AtomicU32, wait: u32) {
    // ORDERING: Acquire, partner of whoever stores the number of the wait.
    while word.load(Ordering::Acquire) != wait {
        std::hint::spin_loop();
    }
}

/// A word for each side of [`floor`] and [`futex`]; static because an armed waitAsync can not be withdrawn.
static WORD: Alone<AtomicU32> = Alone(AtomicU32::new(0));
static STEP: Step = Step::new();

/// The worker's side of both.
fn notify_word(steps: u32) {
    for wait in 1..=WAITS {
        STEP.work_after(wait, steps);
        // ORDERING: Release, partner of the task's load.
        WORD.store(wait, Ordering::Release);
        // SAFETY: a static.
        unsafe { memory_atomic_notify(WORD.as_ptr().cast(), 1) };
    }
}

fn reset() {
    WORD.store(0, Ordering::Relaxed);
    STEP.go.store(0, Ordering::Relaxed);
}

fn futex(workers: &Workers, steps: u32) -> Pin<Box<dyn Future<Output = Waits> + '_>> {
    Box::pin(async move {
        reset();
        let handle = workers.run(0, move || notify_word(steps));
        handle.started().await?;
        let mut samples = Vec::new();
        for wait in 1..=WAITS {
            let future = async {
                // ORDERING: Acquire, partner of the store in `notify_word`.
                while WORD.load(Ordering::Acquire) != wait {
                    web_sync::futex::wait_async(&WORD, wait - 1).await;
                }
            };
            samples.push(STEP.measure(wait, future).await.0);
        }
        finish(handle).await?;
        Ok(samples)
    })
}

#[wasm_bindgen(module = "/src/bare.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn bare(
        memory: JsValue,
        word: u32,
        go: u32,
        delay: u32,
        waits: u32,
    ) -> Result<Float64Array, JsValue>;
}

fn floor(workers: &Workers, steps: u32) -> Pin<Box<dyn Future<Output = Waits> + '_>> {
    Box::pin(async move {
        reset();
        let handle = workers.run(0, move || notify_word(steps));
        handle.started().await?;
        let index = |word: &AtomicU32| word.as_ptr() as u32 / 4;
        let [word, go, delay] = [index(&WORD), index(&STEP.go), index(&STEP.delay)];
        let samples = bare(wasm_bindgen::memory(), word, go, delay, WAITS).await;
        finish(handle).await?;
        Ok(samples.expect("the agent has waitAsync").to_vec())
    })
}
