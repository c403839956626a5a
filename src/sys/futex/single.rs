//! The web without threads: one agent, which must not wait for itself, and a table for its tasks.

use super::clock::Deadline;
use super::futex::Outcome;
use super::shim::AtomicU32;
use super::tasks;

pub(crate) use super::tasks::WaitAsync;

/// Never reached: `platform::ability` is never `Sleeps` in this build, so `futex::wait` spins or panics before.
pub(crate) fn wait(_: &AtomicU32, _: u32, _: Option<Deadline>) -> Outcome {
    unreachable!("an agent that is alone does not sleep")
}

/// Nobody sleeps.
pub(crate) const NAPS: bool = false;

pub(crate) fn nap(_: &AtomicU32, _: u32) -> Outcome {
    Outcome::TimedOut
}

pub(crate) fn wake_napper(_: *const AtomicU32) {}

pub(crate) fn wake(word: *const AtomicU32) {
    if tasks::any() {
        tasks::wake(word);
    }
}
