//! The raw locks for both versions of `lock_api`. Users see `v05` as `web_sync::lock_api` and `v04` as `web_sync::lock_api_04`.

#[macro_use]
mod impls;
#[cfg(feature = "lock_api_04")]
pub mod v04;
#[cfg(feature = "lock_api")]
pub mod v05;

use crate::raw;

/// A mutex without data, for `lock_api`.
///
/// `RawMutexFair` unlocks by handing the mutex to the first who waits (for a task it is kept), unless another agent is at work on the list of those
/// who wait just then: no release waits for that.
pub struct RawMutex(raw::RawMutex);

/// A reader-writer lock without data, for `lock_api`. `RawRwLockFair` releases it as fairly as [`RawMutex`] is unlocked.
pub struct RawRwLock(raw::RawRwLock);
