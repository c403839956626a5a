//! The same locks without poisoning: what `lock` returns is the guard itself.
//!
//! A panic that drops a guard releases the lock, and whoever locks next finds the data as the panic left it.
//! The types at the root of the crate are these with a check for that; see [`poison`](crate::poison).
//!
//! # Examples
//! ```
//! use web_sync::nonpoison::Mutex;
//!
//! let mutex = Mutex::new(1);
//! *mutex.lock() += 1;
//! assert_eq!(mutex.into_inner(), 2);
//! ```

use core::error::Error;
use core::fmt;

mod condvar;
mod mutex;
mod rwlock;

pub use condvar::Condvar;
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
pub(crate) use rwlock::{
    downgrade, downgrade_to_upgradable, downgrade_upgradable, try_upgrade, upgrade, upgrade_async,
    upgrade_deadline, upgrade_deadline_async,
};

/// What an attempt to lock gives: a guard, or the news that somebody else holds the lock.
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{Mutex, MutexGuard, TryLockResult};
///
/// let mutex = Mutex::new(1);
/// let locked: TryLockResult<MutexGuard<'_, i32>> = mutex.try_lock();
/// assert_eq!(locked.ok().as_deref(), Some(&1));
/// ```
pub type TryLockResult<Guard> = Result<Guard, WouldBlock>;

/// The lock is held by somebody else, and still was when the time was over if there was a time-out.
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{Mutex, WouldBlock};
///
/// let mutex = Mutex::new(());
/// let guard = mutex.lock();
/// assert_eq!(mutex.try_lock().unwrap_err(), WouldBlock);
/// # drop(guard);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WouldBlock;

impl fmt::Display for WouldBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held by somebody else")
    }
}

impl Error for WouldBlock {}
