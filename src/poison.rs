//! The locks that become *poisoned* by a panic: the same types as at the root of the crate, and their errors.
//!
//! A lock is poisoned when a panic drops a guard that could write, because the data may then be half changed. From then on,
//! acquiring it gives an error that holds the guard, until [`clear_poison`](Mutex::clear_poison) is called. A panic that was
//! already under way when the guard was made does not count: a destructor that runs during unwinding may lock.
//!
//! The error types are std's own, so that `?` converts them wherever it converted std's.
//!
//! Where panics abort, as they do on `wasm32-unknown-unknown` by default, no guard is ever dropped by a panic: nothing is ever
//! poisoned there, the `Err` variants cannot exist, and `unwrap` costs nothing.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//! use std::thread;
//! use web_sync::poison::{Mutex, PoisonError};
//!
//! let mutex = Arc::new(Mutex::new(1));
//! let theirs = Arc::clone(&mutex);
//! let panicked = thread::spawn(move || {
//!     let mut number = theirs.lock().unwrap();
//!     *number = 2;
//!     panic!("before the rest of the change");
//! });
//! assert!(panicked.join().is_err());
//!
//! assert!(mutex.is_poisoned());
//! let number = mutex.lock().unwrap_or_else(PoisonError::into_inner);
//! assert_eq!(*number, 2);
//! ```

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

pub use crate::condvar::Condvar;
pub use crate::mutex::{MappedMutexGuard, Mutex, MutexGuard};
pub use crate::rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};

use crate::nonpoison::WouldBlock;

/// Whether a panic can drop a guard. Where it cannot, std cannot make a [`PoisonError`] either.
pub(crate) const UNWINDS: bool = cfg!(panic = "unwind");

/// Tells whether a panic has begun since it was made.
pub(crate) struct PanicWatch {
    panicking: bool,
}

impl PanicWatch {
    #[inline]
    pub(crate) fn new() -> Self {
        Self {
            panicking: UNWINDS && std::thread::panicking(),
        }
    }

    #[inline]
    pub(crate) fn panic_began(&self) -> bool {
        UNWINDS && !self.panicking && std::thread::panicking()
    }
}

/// What is found in a lock, as an error if the lock is poisoned.
#[inline]
pub(crate) fn checked<G>(poisoned: bool, found: G) -> LockResult<G> {
    if UNWINDS && poisoned {
        Err(PoisonError::new(found))
    } else {
        Ok(found)
    }
}

/// The outcome of an attempt: `check` looks whether what it got is poisoned.
#[inline]
pub(crate) fn checked_try<N, G>(
    attempt: Result<N, WouldBlock>,
    check: impl FnOnce(N) -> LockResult<G>,
) -> TryLockResult<G> {
    match attempt {
        Ok(found) => Ok(check(found)?),
        Err(WouldBlock) => Err(TryLockError::WouldBlock),
    }
}

/// Applies `f` to what was locked, poisoned or not.
#[inline]
pub(crate) fn map_result<G, U>(result: LockResult<G>, f: impl FnOnce(G) -> U) -> LockResult<U> {
    match result {
        Ok(found) => Ok(f(found)),
        Err(poisoned) => Err(PoisonError::new(f(poisoned.into_inner()))),
    }
}

/// What was found, from a lock that cannot be poisoned.
#[inline]
pub(crate) fn unchecked<G>(result: LockResult<G>) -> G {
    result.unwrap_or_else(PoisonError::into_inner)
}
