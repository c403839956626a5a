//! The mutex: the lock's exclusive mode.

use super::future::LockFuture;
use super::lock::Lock;
use super::state::{LOCKED, Mode};
use crate::sys::Call;
use crate::sys::agent;
use crate::sys::clock::Deadline;
use crate::sys::shim::const_new;
use core::panic::Location;

/// A mutex without data.
pub(crate) struct RawMutex(Lock);

impl RawMutex {
    const_new! {
        pub(crate) fn new() -> Self {
            Self(Lock::new())
        }
    }

    /// The lock itself, for the condvar.
    pub(super) fn lock_ref(&self) -> &Lock {
        &self.0
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        self.0.take_free() || self.0.try_take(Mode::Exclusive, 0)
    }

    /// Locks, waiting as the agent may. Panics if this agent holds the mutex already, where that can be known.
    #[inline]
    #[track_caller]
    pub(crate) fn lock(&self) {
        if !self.0.take_free() {
            lock_slow(&self.0, None, Location::caller());
        }
    }

    /// Locks for a primitive that is built on the mutex, and that a report is to name. Never panics.
    #[inline]
    pub(crate) fn lock_for(&self, call: &Call) {
        if !self.0.take_free() {
            self.0.take_queued(Mode::Exclusive, None, call);
        }
    }

    /// Locks after a try was in vain, for a primitive that is built on the mutex. False: the deadline passed first.
    pub(crate) fn lock_until_for(&self, deadline: Option<Deadline>, call: &Call) -> bool {
        self.0.take_slow(Mode::Exclusive, deadline, call)
    }

    /// The id of the agent that holds the mutex; 0 if there is none or it is not known.
    #[inline]
    pub(super) fn owner(&self) -> u32 {
        self.0.state().owner()
    }

    /// False: the deadline passed first.
    #[inline]
    #[track_caller]
    pub(crate) fn lock_until(&self, deadline: Deadline) -> bool {
        self.0.take_free() || lock_slow(&self.0, Some(deadline), Location::caller())
    }

    /// The lock as a future; when it is ready the mutex is held.
    pub(crate) fn lock_async(&self) -> LockFuture<'_> {
        LockFuture::new(&self.0, Mode::Exclusive)
    }

    /// The caller, who holds the mutex, leaves it to a future. If another agent may poll that, it is not this agent's lock any more: a lock of
    /// this agent's waits then, and is no deadlock.
    pub(crate) fn leave_to_future(&self) {
        if !agent::keeps_tasks() {
            self.0.disown();
        }
    }

    /// A future that the mutex was left to is polled, here.
    pub(crate) fn take_from_future(&self) {
        self.0.own();
    }

    /// # Safety
    ///
    /// The caller holds the mutex.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: by contract.
        unsafe { self.0.release_exclusive() };
    }

    /// Unlocks and, if somebody waits, lets the first waiter have the mutex before anybody else.
    ///
    /// # Safety
    ///
    /// The caller holds the mutex.
    pub(crate) unsafe fn unlock_fair(&self) {
        self.0.favour_first();
        // SAFETY: by contract.
        unsafe { self.0.release_exclusive() };
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.state().has(LOCKED)
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    pub(crate) fn poison(&self) {
        self.0.poison();
    }

    pub(crate) fn clear_poison(&self) {
        self.0.clear_poison();
    }
}

#[cold]
fn lock_slow(lock: &Lock, deadline: Option<Deadline>, caller: &'static Location<'static>) -> bool {
    let call = Call {
        name: "Mutex::lock",
        instead: "Mutex::lock_async",
        caller,
    };
    lock.take_slow(Mode::Exclusive, deadline, &call)
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawMutex>() == 8);
