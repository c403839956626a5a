//! macOS, Windows and the rest: a futex on parking_lot_core's table of parked threads.
//!
//! Why this crate: it is kept well, it has time-outs, its key is a number, so that a wake does not touch the word (contract, K2),
//! it compares under the same lock as it wakes, and one source serves every target with threads. The systems' own calls would be
//! three backends of which this project could run none; this one runs on Linux too (`--cfg web_sync_portable`).
//!
//! Its locks add happens-before edges between waker and waiter, which the contract does not promise: judge orderings on Linux.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::time::Instant;

use parking_lot_core::{DEFAULT_PARK_TOKEN, DEFAULT_UNPARK_TOKEN, ParkResult};

use super::futex::Outcome;
use super::shim::AtomicU32;

/// The longest sleep that is asked for at once: an `Instant` that far away exists everywhere.
pub(crate) const LONGEST: Duration = Duration::from_secs(1 << 30);

/// parking_lot_core makes its table, and enlarges it for each new thread, by the global allocator, under its own locks.
pub(crate) const ALLOCATES: bool = true;

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Outcome {
    // Relaxed: the table's lock orders this load after the store of any waker that has been in it; see also the contract.
    let still_expected = || word.load(Ordering::Relaxed) == expected;
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    // SAFETY: the key is ours (see `key`); the closures neither panic nor call into parking_lot_core.
    let result = unsafe {
        parking_lot_core::park(
            key(word),
            still_expected,
            || {},
            |_, _| {},
            DEFAULT_PARK_TOKEN,
            deadline,
        )
    };
    match result {
        ParkResult::Unparked(_) => Outcome::Woken,
        ParkResult::Invalid => Outcome::Mismatch,
        ParkResult::TimedOut => Outcome::TimedOut,
    }
}

pub(crate) fn wake(word: *const AtomicU32) {
    // SAFETY: the key is ours (see `key`); the callback neither panics nor calls into parking_lot_core.
    unsafe { parking_lot_core::unpark_one(key(word), |_| DEFAULT_UNPARK_TOKEN) };
}

/// The key of a word: its address with all bits flipped, which is no address of a user's object.
///
/// The table is shared with parking_lot's locks, whose keys are their addresses. A late wake of a word that is gone must not reach
/// a lock that has its address now.
fn key(word: *const AtomicU32) -> usize {
    !word.addr()
}
