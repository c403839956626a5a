//! The futex: wait while a word has a value, wake who waits for it.
//!
//! # Contract
//!
//! Each sentence is a promise of every backend, and a body of `sys/conformance` that runs on every backend.
//!
//! Of [`wait`]:
//! - W1. When the word differs from `expected`, it returns [`Outcome::Mismatch`] at once and touches nothing else.
//! - W2. A store that changes the word, followed by a [`wake`] of its address, ends a wait that compared before the store.
//! - W3. With a deadline it returns [`Outcome::TimedOut`] when the deadline has passed, and never before.
//! - W4. A deadline that has passed already still compares first: `Mismatch` goes before `TimedOut`.
//! - W5. A time-out that is too long saturates; it does not end early, nor fail.
//! - W6. On an agent that must not block it executes no wait instruction and spins: it sees the store itself, no wake is needed.
//! - It may return [`Outcome::Woken`] although nobody woke it: callers loop.
//! - It never synchronises: whatever it returns, the caller re-reads the word with Acquire. (loom's table and the engines'
//!   waiter lists do synchronise, Linux promises nothing; ThreadSanitizer sees no edge in the system call.)
//!
//! Of [`wake`]:
//! - K1. It ends the wait of one waiter of that address, if there is one: a thread in `wait` or a task in [`wait_async`].
//!   One that spins sees the store, needs no wake and takes none.
//! - K2. It never reads the word: the address may have been freed, or be somebody else's by now. (A wake that comes late may end
//!   a wait of whoever has the address now; that is why `Woken` may be nobody's.)
//! - A wake without a change of the word may be lost.
//! - It never waits, and does not allocate.
//!
//! Of [`wait_async`]:
//! - A1. When the word differs from `expected` at the first poll, it is ready with `Mismatch`.
//! - A2. Otherwise a store that changes the word, followed by a wake of its address, completes it.
//! - It can not be withdrawn: a future that is dropped while it waits may still take a wake, so the word outlives the program.
//!
//! Of [`nap`], where [`may_nap`] says yes, and of [`wake_napper`]:
//! - N1. W1 and W2 hold for them, and a nap ends by itself when about [`NAP`] has passed.
//! - N2. They need no memory, no clock and no JS: they may be called from within an allocator.
//!
//! # Where agents must not block
//!
//! [`wait`] is the one function through which every blocking wait of this crate goes, so there is one place that decides between
//! sleeping and spinning. The spin loop takes no lock and allocates nothing. It runs no user code but one: the report of a long spin
//! calls `console.warn`, in whose place a program can put a function of its own, which may call anything. So a caller must not
//! rely on what such a function can change: what was true before the wait is to be asked again after it.

use core::future::Future;
use core::sync::atomic::Ordering;
use core::time::Duration;

use super::agent::{self, Ability};
use super::clock::Deadline;
use super::shim::AtomicU32;
use super::spin::Spin;
use super::{Call, backend, platform, report};

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// Somebody woke the address, or nobody did: look at the word again.
    Woken,
    /// The word did not have the expected value.
    Mismatch,
    /// The deadline has passed.
    TimedOut,
}

/// Waits until the word is woken, no longer has the value `expected`, or the deadline has passed.
///
/// An agent that may block sleeps. One that must not spins until the word differs, and says so on the console when that takes
/// long. See the module for the contract.
pub(crate) fn wait(
    word: &AtomicU32,
    expected: u32,
    deadline: Option<Deadline>,
    call: &Call,
) -> Outcome {
    match agent::ability() {
        Ability::Sleeps => backend::wait(word, expected, deadline),
        Ability::Spins => spin(word, expected, deadline, call),
        Ability::Alone => {
            // Relaxed: `wait` never synchronises.
            if Deadline::is_endless(deadline) && word.load(Ordering::Relaxed) == expected {
                report::would_wait_for_ever(call);
            }
            spin(word, expected, deadline, call)
        }
    }
}

/// Panics where a wait without a deadline could never end, for callers that must know before they queue: what they have linked
/// must not be unwound.
pub(crate) fn refuse_endless(call: &Call) {
    if agent::ability() == Ability::Alone {
        report::would_wait_for_ever(call);
    }
}

/// Wakes one waiter of that address, if there is one. The word may be gone already.
pub(crate) fn wake(word: *const AtomicU32) {
    backend::wake(word);
}

/// The longest [`nap`].
#[allow(dead_code, reason = "nobody naps where there is one agent")]
pub(crate) const NAP: Duration = Duration::from_millis(100);

/// Whether agents that sleep may [`nap`] on this platform.
pub(crate) const NAPS: bool = backend::NAPS;

/// Whether the running agent may [`nap`]: it is known to be able to sleep, and to put it to sleep needs no memory.
pub(crate) fn may_nap() -> bool {
    NAPS && agent::is_known_to_sleep()
}

/// Waits as [`wait`] does, for [`NAP`] at most, on an agent that [`may_nap`].
///
/// For an allocator, and for nobody else. A module that allocates and does nothing else has no use for what comes with `wait`: the
/// question what the agent may do, the clock, the report.
pub(crate) fn nap(word: &AtomicU32, expected: u32) -> Outcome {
    backend::nap(word, expected)
}

/// Wakes one agent that is in [`nap`]. The word may be gone already.
pub(crate) fn wake_napper(word: *const AtomicU32) {
    backend::wake_napper(word);
}

/// Whether a waiter on this agent needs a [`wake`]; otherwise it spins and sees the store itself.
pub(crate) fn sleeps() -> bool {
    agent::may_block()
}

/// Waits as a task does, see [`super::public::futex::wait_async`].
pub(crate) fn wait_async(
    word: &'static AtomicU32,
    expected: u32,
) -> impl Future<Output = Outcome> + Send + Unpin {
    backend::WaitAsync::new(word, expected)
}

/// Waits without sleeping.
fn spin(word: &AtomicU32, expected: u32, deadline: Option<Deadline>, call: &Call) -> Outcome {
    let mut report_at = None;
    let mut reported = false;
    loop {
        for _ in 0..platform::SPIN_ROUND {
            // Relaxed: `wait` never synchronises, the caller re-reads the word.
            if word.load(Ordering::Relaxed) != expected {
                return Outcome::Mismatch;
            }
            Spin::pause();
        }
        if deadline.is_some_and(Deadline::passed) {
            return Outcome::TimedOut;
        }
        if !reported {
            reported = report_when_due(&mut report_at, call);
        }
        platform::relax(deadline);
    }
}

/// Reports a spin that has become long; true when it has. The first call only starts the clock.
fn report_when_due(report_at: &mut Option<(Deadline, u32)>, call: &Call) -> bool {
    let (at, millis) = *report_at.get_or_insert_with(|| {
        let millis = report::after_millis();
        (
            Deadline::after(Duration::from_millis(millis.into())),
            millis,
        )
    });
    let due = at.passed();
    if due {
        report::spinning(call, millis);
    }
    due
}
