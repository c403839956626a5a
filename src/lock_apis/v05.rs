//! The raw locks for `lock_api`: main-thread-safe locks for everything that is generic over them.
//!
//! [`Mutex`] and [`RwLock`] are `lock_api` 0.5's types over this crate's locks: they have no poisoning, mapped and `Arc` guards as that
//! crate offers them, and names as `parking_lot`'s. The same for `lock_api` 0.4 is in `web_sync::lock_api_04`, behind the feature
//! `lock_api_04`. The raw types are the same in both, and implement the traits of each version whose feature is on.
//!
//! Reading is not recursive: a thread that reads must not lock again, or it may wait for a writer that waits for it.
//!
//! Needs the feature `lock_api`.
//!
//! # Examples
//! ```
//! use web_sync::lock_api::{Mutex, MutexGuard};
//!
//! let mutex: Mutex<(i32, i32)> = Mutex::new((1, 2));
//! *MutexGuard::map(mutex.lock(), |pair| &mut pair.1) = 3;
//! assert_eq!(mutex.into_inner(), (1, 3));
//! ```

use core::time::Duration;

use ::lock_api::{self as api, GuardNoSend};
use web_time::Instant;

pub use super::{RawMutex, RawRwLock};
use crate::raw;
use crate::sys::clock::Deadline;

macro_rules! guards {
    ($(+)? $($Guard:ident)+) => {
        $(type $Guard = GuardNoSend;)+
    };
}

macro_rules! take {
    (fn $name:ident(&$self:ident) -> $Guard:ident $body:block) => {
        #[inline]
        #[track_caller]
        fn $name(&$self) -> Self::$Guard {
            $body;
            GuardNoSend::new()
        }
    };
}

macro_rules! attempt {
    (fn $name:ident(&$self:ident $(, $arg:ident: $Arg:ty)?) -> $Guard:ident $body:block) => {
        #[inline]
        #[track_caller]
        fn $name(&$self $(, $arg: $Arg)?) -> Option<Self::$Guard> {
            $body.then(GuardNoSend::new)
        }
    };
}

macro_rules! release {
    (fn $name:ident(&$self:ident, $Guard:ident) $body:block) => {
        #[inline]
        unsafe fn $name(&$self, _: Self::$Guard) {
            // SAFETY: the caller's promise is the same.
            unsafe { $body }
        }
    };
}

macro_rules! turn {
    (fn $name:ident(&$self:ident, $From:ident) -> $To:ident $body:block) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&$self, guard: Self::$From) -> Self::$To {
            // SAFETY: the caller's promise is the same.
            unsafe { $body };
            guard
        }
    };
    (fn $name:ident(&$self:ident, $From:ident $(, $arg:ident: $Arg:ty)?) -> Option<$To:ident> $body:block) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&$self, guard: Self::$From $(, $arg: $Arg)?) -> Result<Self::$To, Self::$From> {
            // SAFETY: the caller's promise is the same.
            if unsafe { $body } { Ok(guard) } else { Err(guard) }
        }
    };
}

raw_locks!(api);

/// A condition variable for the guards of [`Mutex`].
pub type Condvar = api::Condvar<RawCondvar>;

/// A condition variable without data, for `lock_api` 0.5.
///
/// A wait may end without a notification of its own, so `notify_one` returns `false` and `notify_all` 0, as the trait asks for then.
pub struct RawCondvar(raw::RawCondvar);

// SAFETY: the raw condvar unlocks the mutex, waits and locks it again.
unsafe impl api::RawCondvar for RawCondvar {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait is made so"
    )]
    const INIT: Self = Self(raw::RawCondvar::new());

    type RawMutex = RawMutex;

    #[track_caller]
    unsafe fn wait(&self, mutex: &RawMutex, _: &mut GuardNoSend) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.0.wait(&mutex.0) };
    }

    #[inline]
    fn notify_one(&self) -> bool {
        self.0.notify_one();
        false
    }

    #[inline]
    fn notify_all(&self) -> usize {
        self.0.notify_all();
        0
    }
}

// SAFETY: as above.
unsafe impl api::RawCondvarTimed for RawCondvar {
    fn checked_duration_to_instant(timeout: &Duration) -> Option<Instant> {
        Instant::now().checked_add(*timeout)
    }

    #[track_caller]
    unsafe fn wait_until(&self, mutex: &RawMutex, _: &mut GuardNoSend, deadline: &Instant) -> bool {
        // SAFETY: the caller's promise is the same.
        unsafe { !self.0.wait_until(&mutex.0, Deadline::at(*deadline)) }
    }

    /// Counts the time itself: works where [`Instant`] does not.
    #[track_caller]
    unsafe fn wait_for(&self, mutex: &RawMutex, _: &mut GuardNoSend, timeout: &Duration) -> bool {
        // SAFETY: the caller's promise is the same.
        unsafe { !self.0.wait_until(&mutex.0, Deadline::after(*timeout)) }
    }
}
