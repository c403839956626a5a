//! Native threads: the operating system's futex for threads, a table for tasks.
//!
//! `wake` looks into the table first and asks the system only when no task has been waiting for that address.

use core::sync::atomic::{Ordering, fence};

use super::clock::Deadline;
use super::futex::{NAP, Outcome};
use super::shim::AtomicU32;
use super::{os, tasks};

pub(crate) use super::tasks::WaitAsync;

pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Deadline>) -> Outcome {
    let Some(deadline) = deadline else {
        return os::wait(word, expected, None);
    };
    loop {
        // Zero for a deadline that has passed: the system still compares first (W4).
        let left = deadline.remaining().unwrap_or_default();
        match os::wait(word, expected, Some(left.min(os::LONGEST))) {
            // Too early, or the longest sleep the system has: sleep on.
            Outcome::TimedOut if !deadline.passed() => {}
            outcome => return outcome,
        }
    }
}

/// Whether the system's futex needs no memory. The table of tasks does, but no task waits for a word of [`nap`]'s.
pub(crate) const NAPS: bool = !os::ALLOCATES;

pub(crate) fn nap(word: &AtomicU32, expected: u32) -> Outcome {
    os::wait(word, expected, Some(NAP))
}

pub(crate) fn wake_napper(word: *const AtomicU32) {
    os::wake(word);
}

pub(crate) fn wake(word: *const AtomicU32) {
    // ORDERING: SeqCst fence A; fence B is in `tasks::WaitAsync::poll`. A task counts itself, fence B, compares; a waker stores,
    // fence A, reads the count. In the order of the two fences, either B comes first, then this load sees the count; or A does,
    // then the task sees the store and does not wait.
    fence(Ordering::SeqCst);
    if tasks::any() && tasks::wake(word) {
        return;
    }
    os::wake(word);
}
