//! Threads on the web: the two instructions of the threads proposal, and `Atomics.waitAsync` for tasks.
//!
//! [`sleep`] holds the one wait instruction of this crate. It is never inlined, so that a look at the finished module can tell.

use core::arch::wasm32;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use super::clock::Deadline;
use super::futex::{NAP, Outcome};
use super::js::{self, Armed};
use super::platform::Pulse;
use super::shim::AtomicU32;
use super::signal::Signal;

/// The longest sleep that is asked for at once: an engine may count in milliseconds of 32 bits.
const LONGEST: Duration = Duration::from_secs(1 << 20);
/// The time-out that means none.
const FOR_EVER: i64 = -1;
/// Where there is no `Atomics.waitAsync`: how often a task looks at the word.
const LOOK_AGAIN: Duration = Duration::from_millis(4);

pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Deadline>) -> Outcome {
    let Some(deadline) = deadline else {
        return sleep(word, expected, FOR_EVER);
    };
    loop {
        // Zero for a deadline that has passed: the engine still compares first (W4).
        let left = deadline.remaining().unwrap_or_default().min(LONGEST);
        match sleep(word, expected, left.as_nanos() as i64) {
            // Too early, or the longest sleep there is: sleep on.
            Outcome::TimedOut if !deadline.passed() => {}
            outcome => return outcome,
        }
    }
}

/// [`nap`] needs nothing.
pub(crate) const NAPS: bool = true;

pub(crate) fn nap(word: &AtomicU32, expected: u32) -> Outcome {
    sleep(word, expected, NAP.as_nanos() as i64)
}

pub(crate) fn wake_napper(word: *const AtomicU32) {
    wake(word);
}

/// The only function of this crate that waits.
#[inline(never)]
fn sleep(word: &AtomicU32, expected: u32, nanos: i64) -> Outcome {
    // SAFETY: the word is aligned and the reference keeps it alive. WASM: traps on an agent that must not block, or if the memory is
    // not shared; `futex::wait` and `futex::nap` send only agents here that JS has said yes to, about this memory.
    let result = unsafe {
        wasm32::memory_atomic_wait32(word.as_ptr().cast(), expected.cast_signed(), nanos)
    };
    match result {
        0 => Outcome::Woken,
        1 => Outcome::Mismatch,
        _ => Outcome::TimedOut,
    }
}

pub(crate) fn wake(word: *const AtomicU32) {
    // SAFETY: the address is of an aligned word inside the memory, which never shrinks; notify does not read it.
    unsafe { wasm32::memory_atomic_notify(word.cast_mut().cast(), 1) };
}

/// The future of `wait_async`.
#[derive(Debug)]
pub(crate) struct WaitAsync {
    word: &'static AtomicU32,
    expected: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not polled yet.
    Fresh,
    /// Armed in JS; the signal completes on a wake.
    Armed(Arc<Signal>),
    /// There is no `Atomics.waitAsync`: looks at the word from time to time.
    Looking(Pulse),
}

impl WaitAsync {
    pub(crate) fn new(word: &'static AtomicU32, expected: u32) -> Self {
        Self {
            word,
            expected,
            state: State::Fresh,
        }
    }

    fn differs(&self) -> bool {
        // Relaxed: the future never synchronises, its user re-reads the word.
        self.word.load(Ordering::Relaxed) != self.expected
    }

    /// Arms; false when the word differs.
    fn arm(&mut self) -> bool {
        let signal = Arc::new(Signal::new());
        let callback = {
            let signal = Arc::clone(&signal);
            move || signal.complete()
        };
        self.state = match js::wait_async(self.word, self.expected, f64::INFINITY, callback) {
            Armed::Mismatch => return false,
            Armed::Waiting => State::Armed(signal),
            Armed::Missing => State::Looking(Pulse::default()),
        };
        true
    }
}

impl Future for WaitAsync {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        if matches!(self.state, State::Fresh) && (self.differs() || !self.arm()) {
            return Poll::Ready(Outcome::Mismatch);
        }
        if let State::Armed(signal) = &self.state {
            return signal.poll(context).map(|()| Outcome::Woken);
        }
        if self.differs() {
            return Poll::Ready(Outcome::Woken);
        }
        if let State::Looking(pulse) = &mut self.state {
            pulse.poll_after(LOOK_AGAIN, context);
        }
        Poll::Pending
    }
}
