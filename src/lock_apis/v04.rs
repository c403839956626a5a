//! The raw locks for `lock_api` 0.4: what `web_sync::lock_api` has for 0.5.
//!
//! Needs the feature `lock_api_04`.
//!
//! # Examples
//! ```
//! use web_sync::lock_api_04::RwLock;
//!
//! let lock: RwLock<i32> = RwLock::new(1);
//! *lock.write() += 1;
//! assert_eq!(*lock.read(), 2);
//! ```

use core::time::Duration;

use lock_api_04::GuardNoSend;
use web_time::Instant;

pub use super::{RawMutex, RawRwLock};
use crate::raw;
use crate::sys::clock::Deadline;

macro_rules! guards {
    (+ $Guard:ident) => {};
    ($($Guard:ident)+) => {
        type GuardMarker = GuardNoSend;
    };
}

macro_rules! take {
    (fn $name:ident(&$self:ident) -> $Guard:ident $body:block) => {
        #[inline]
        #[track_caller]
        fn $name(&$self) $body
    };
}

macro_rules! attempt {
    (fn $name:ident(&$self:ident $(, $arg:ident: $Arg:ty)?) -> $Guard:ident $body:block) => {
        #[inline]
        #[track_caller]
        fn $name(&$self $(, $arg: $Arg)?) -> bool $body
    };
}

macro_rules! release {
    (fn $name:ident(&$self:ident, $Guard:ident) $body:block) => {
        #[inline]
        unsafe fn $name(&$self) {
            // SAFETY: the caller's promise is the same.
            unsafe { $body }
        }
    };
}

macro_rules! turn {
    (fn $name:ident(&$self:ident, $From:ident) -> $To:ident $body:block) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&$self) {
            // SAFETY: the caller's promise is the same.
            unsafe { $body }
        }
    };
    (fn $name:ident(&$self:ident, $From:ident $(, $arg:ident: $Arg:ty)?) -> Option<$To:ident> $body:block) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&$self $(, $arg: $Arg)?) -> bool {
            // SAFETY: the caller's promise is the same.
            unsafe { $body }
        }
    };
}

raw_locks!(lock_api_04);
