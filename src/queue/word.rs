//! The word that one thread sleeps on, and others write when it is to go on.
//!
//! ```text
//! 0 WAITING   nothing has come; its owner looks at the word by itself
//! 1 SLEEPING  the owner sleeps, or is about to: the signaller must wake the word's address. Set by the owner (legal to fail).
//! 2 RETRY     signal: the lock was free, compete for it
//! 3 GRANTED   signal: the lock is yours, or what the thread has waited for may have come
//! ```

use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::futex;
use crate::sys::shim::{AtomicU32, Ordering};
use crate::sys::spin::Spin;
use core::mem;
use std::process;

const WAITING: u32 = 0;
const SLEEPING: u32 = 1;
const RETRY: u32 = 2;
const GRANTED: u32 = 3;

/// What a thread is told when it is taken out of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Signal {
    /// The lock was free a moment ago: compete for it.
    Retry = RETRY,
    /// The lock has been handed over.
    Granted = GRANTED,
}

/// Ends the program when it is dropped.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        process::abort();
    }
}

/// What one thread sleeps on.
#[repr(transparent)]
pub(crate) struct Word(AtomicU32);

impl Word {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(WAITING))
    }

    /// Makes it fit to be waited on again, before anybody may signal anew.
    pub(super) fn reset(&self) {
        // ORDERING: Relaxed, the queue's lock publishes the waiter when it is linked.
        self.0.store(WAITING, Ordering::Relaxed);
    }

    /// Makes a bell fit to be waited on again, while others may ring it: who has rung it before has done so for what the owner looks at
    /// afterwards.
    pub(crate) fn silence(&self) {
        // ORDERING: Acquire, partner of the Release in `send`: whoever rang has taken the waiter out, and the owner sees that.
        self.0.swap(WAITING, Ordering::Acquire);
    }

    /// Waits until there is a signal, or until the deadline (`None`).
    pub(crate) fn wait(&self, deadline: Option<Deadline>, call: &Call) -> Option<Signal> {
        let expected = if futex::sleeps() { SLEEPING } else { WAITING };
        loop {
            if let Some(signal) = self.signal() {
                return Some(signal);
            }
            if expected == SLEEPING {
                // ORDERING: Relaxed, nothing is published; a failure means a signal, which `signal` reads with Acquire.
                let _ = self.0.compare_exchange(
                    WAITING,
                    SLEEPING,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
            }
            // The stack may not unwind while its waiter is linked (Q2), whatever panics in there.
            let bomb = AbortOnUnwind;
            let outcome = futex::wait(&self.0, expected, deadline, call);
            mem::forget(bomb);
            if outcome == futex::Outcome::TimedOut {
                return self.signal();
            }
        }
    }

    /// The signal, if it has come.
    fn signal(&self) -> Option<Signal> {
        // ORDERING: Acquire, partner of the Release in `send`: what the signaller handed over, and its last use of the waiter.
        match self.0.load(Ordering::Acquire) {
            RETRY => Some(Signal::Retry),
            GRANTED => Some(Signal::Granted),
            _ => None,
        }
    }

    /// The signal that is about to come: a matter of a few instructions, so it spins on every agent.
    pub(super) fn signal_soon(&self) -> Signal {
        loop {
            if let Some(signal) = self.signal() {
                return signal;
            }
            Spin::pause();
        }
    }

    /// Stores the signal. Whether the owner has to be woken.
    ///
    /// # Safety
    ///
    /// `this` is alive; it may be gone as soon as this has stored the signal.
    pub(super) unsafe fn send(this: *const Self, signal: Signal) -> bool {
        // ORDERING: Release, partner of the Acquire in `signal`. The old value is only compared.
        // SAFETY: alive, by contract; no reference outlives the store.
        unsafe { (*this).0.swap(signal as u32, Ordering::Release) == SLEEPING }
    }

    /// Wakes the owner. The word may be gone already: only its address is used.
    pub(super) fn wake(this: *const Self) {
        futex::wake(this.cast());
    }
}
