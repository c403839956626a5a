//! Time, and work that takes time.

use std::hint::black_box;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Milliseconds since this agent began; steps of 5 us in Chromium, 20 us in Firefox.
    #[wasm_bindgen(js_namespace = performance)]
    pub fn now() -> f64;

    #[wasm_bindgen(js_namespace = performance, js_name = timeOrigin, thread_local_v2)]
    static ORIGIN: f64;
}

/// What to add to [`now`] to compare it with other agents' time.
pub fn origin() -> f64 {
    ORIGIN.with(|origin| *origin)
}

/// Loop steps that neither the compiler nor the engine can shorten.
#[inline(always)]
pub fn work(steps: u32) {
    let mut value = steps;
    for _ in 0..steps {
        value = black_box(value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    }
}

/// How fast this machine is.
#[derive(Clone, Copy)]
pub struct Speed {
    /// Nanoseconds of one step of [`work`].
    pub step: f64,
    /// Nanoseconds of one call of [`now`].
    pub now: f64,
}

impl Speed {
    /// Measures both.
    pub fn measure() -> Self {
        Self {
            step: per_iteration(work_loop) * 1e6,
            now: per_iteration(clock_loop) * 1e6,
        }
    }

    /// The shorter of each.
    pub fn faster(self, other: Self) -> Self {
        Self {
            step: self.step.min(other.step),
            now: self.now.min(other.now),
        }
    }

    /// The steps of work that take so long, after `calls` of [`now`].
    pub fn steps(self, microseconds: f64, calls: f64) -> u32 {
        let left = microseconds * 1e3 - calls * self.now;
        (left / self.step).round().max(1.0) as u32
    }
}

#[inline(never)]
fn work_loop(iterations: u32) -> f64 {
    let start = now();
    work(iterations);
    now() - start
}

#[inline(never)]
fn clock_loop(iterations: u32) -> f64 {
    let start = now();
    for _ in 0..iterations {
        black_box(now());
    }
    now() - start
}

/// Milliseconds per iteration of a loop: the mean of the faster half of some short runs, since a run that another program
/// interrupts says nothing about the loop.
pub fn per_iteration(timed: impl Fn(u32) -> f64) -> f64 {
    /// Long enough for a coarse clock, too short to be interrupted often.
    const RUN: f64 = 0.5;
    const RUNS: usize = 12;
    let mut iterations = 4;
    // Interrupted three times in a row is not likely.
    while (0..3).any(|_| timed(iterations) < RUN) {
        iterations *= 2;
    }
    let mut runs = [0.0; RUNS];
    runs.fill_with(|| timed(iterations));
    runs.sort_by(f64::total_cmp);
    let faster = &runs[..RUNS / 2];
    faster.iter().sum::<f64>() / faster.len() as f64 / f64::from(iterations)
}
