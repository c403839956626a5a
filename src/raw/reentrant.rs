//! The lock that its holder may take again.
//!
//! A mutex, whose state word says which agent holds it, and a number that only the holder looks at.
//!
//! # Invariants
//!
//! - **N1** An agent that finds its own id in the mutex's state holds the mutex. It alone has written it there (L5), and has taken it
//!   away if it has unlocked since; its own stores are in the order in which it made them, so a Relaxed load is enough.
//! - **N2** `again` is touched by the holder only. It is how often the holder has locked beside the first time: 0 whenever the mutex is
//!   free. The mutex's Release and Acquire hand it on.
//! - **N3** An agent for which no id was left does not lock: it could not be told from another one.

use super::mutex::RawMutex;
use crate::sys::Call;
use crate::sys::agent;
use crate::sys::clock::Deadline;
use crate::sys::shim::{UnsafeCell, const_new};

/// Why an agent could not lock again.
#[derive(Debug)]
struct TooOften;

/// A reentrant lock without data.
pub(crate) struct RawReentrant {
    mutex: RawMutex,
    again: UnsafeCell<u32>,
}

// SAFETY: the number is touched by the holder of the mutex only (N2).
unsafe impl Sync for RawReentrant {}

impl RawReentrant {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { mutex: RawMutex::new(), again: UnsafeCell::new(0) }
        }
    }

    /// Locks, waiting as the agent may until the deadline. False: that has passed.
    #[inline]
    #[track_caller]
    pub(crate) fn lock(&self, deadline: impl FnOnce() -> Option<Deadline>, call: &Call) -> bool {
        if self.is_mine() {
            // SAFETY: just seen.
            unsafe { self.lock_again() }.expect("lock count overflow in reentrant mutex");
            return true;
        }
        self.mutex.try_lock() || self.mutex.lock_until_for(deadline(), call)
    }

    /// False: another agent holds it, or this one too often.
    #[inline]
    #[track_caller]
    pub(crate) fn try_lock(&self) -> bool {
        if self.is_mine() {
            // SAFETY: just seen.
            return unsafe { self.lock_again() }.is_ok();
        }
        self.mutex.try_lock()
    }

    /// Gives back one lock of as many as the caller has.
    ///
    /// # Safety
    ///
    /// The caller's agent holds it.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: held (N2).
        let last = unsafe {
            self.count(|again| match again.checked_sub(1) {
                Some(fewer) => {
                    *again = fewer;
                    false
                }
                None => true,
            })
        };
        if last {
            // SAFETY: held, by contract.
            unsafe { self.mutex.unlock() };
        }
    }

    /// Whether this agent holds it (N1).
    #[inline]
    #[track_caller]
    fn is_mine(&self) -> bool {
        let id = agent::id();
        assert!(
            id != 0,
            "ReentrantLock: this agent has no id of its own, 16777215 others have had one"
        );
        self.mutex.owner() == id
    }

    /// # Safety
    ///
    /// The caller's agent holds it.
    unsafe fn lock_again(&self) -> Result<(), TooOften> {
        // SAFETY: held (N2).
        unsafe {
            self.count(|again| {
                *again = again.checked_add(1).ok_or(TooOften)?;
                Ok(())
            })
        }
    }

    /// # Safety
    ///
    /// The caller's agent holds it (N2).
    #[inline]
    unsafe fn count<R>(&self, change: impl FnOnce(&mut u32) -> R) -> R {
        // SAFETY: by contract; `change` gets no way back to the cell.
        self.again.with_mut(|again| change(unsafe { &mut *again }))
    }
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawReentrant>() == 12);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_locked_more_often_than_it_can_count() {
        let lock = RawReentrant::new();
        assert!(lock.try_lock() && lock.try_lock());
        // SAFETY: held, twice.
        unsafe {
            lock.count(|again| *again = u32::MAX);
            assert!(!lock.try_lock());
            lock.unlock();
            assert!(lock.try_lock());
            lock.count(|again| *again = 1);
            lock.unlock();
            lock.unlock();
        }
        assert!(lock.mutex.try_lock());
    }

    #[cfg(panic = "unwind")]
    #[test]
    #[should_panic = "lock count overflow in reentrant mutex"]
    fn one_lock_too_many_panics() {
        let lock = RawReentrant::new();
        let call = Call {
            name: "",
            instead: "",
            caller: core::panic::Location::caller(),
        };
        assert!(lock.lock(|| None, &call));
        // SAFETY: held.
        unsafe { lock.count(|again| *again = u32::MAX) };
        lock.lock(|| None, &call);
    }
}
