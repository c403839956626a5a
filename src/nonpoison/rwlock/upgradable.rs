//! The guard of the one reader that may become a writer.

use core::future::Future;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use web_time::Instant;

use super::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::guard::{
    Access, Away, Hold, ReadLocked, Shared, UpgradableLocked, WriteLocked, guard_traits,
};
use crate::raw::in_time;
use crate::sys::clock::Deadline;

/// Access for reading, until this is dropped, with the right to become a writer without letting another writer in between.
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
///
/// let lock = RwLock::new(5);
/// let guard: RwLockUpgradableReadGuard<'_, i32> = lock.upgradable_read();
/// assert_eq!(*guard + *lock.read(), 10);
/// ```
#[must_use = "if unused, the lock is released at once"]
#[clippy::has_significant_drop]
pub struct RwLockUpgradableReadGuard<'a, T: ?Sized + 'a> {
    pub(crate) access: Access<'a, UpgradableLocked<'a>, T>,
}

impl<T: ?Sized> UnwindSafe for RwLockUpgradableReadGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for RwLockUpgradableReadGuard<'_, T> {}

guard_traits!(RwLockUpgradableReadGuard);

impl<'a, T: ?Sized> RwLockUpgradableReadGuard<'a, T> {
    /// Goes on with writing, after waiting for the other readers to finish.
    ///
    /// # Blocking
    /// Sleeps while there are other readers; on an agent that must not sleep, as a page's main thread, it spins. No new readers get
    /// in meanwhile. [`upgrade_async`](Self::upgrade_async) does neither.
    ///
    /// # Panics
    /// In a build without threads, if there are other readers: they could never finish.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// let lock = RwLock::new(5);
    /// let reader = lock.upgradable_read();
    /// *RwLockUpgradableReadGuard::upgrade(reader) += 1;
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    #[track_caller]
    pub fn upgrade(orig: Self) -> RwLockWriteGuard<'a, T> {
        RwLockWriteGuard {
            access: upgrade(orig.access),
        }
    }

    /// Goes on with writing, if there are no other readers.
    ///
    /// # Errors
    /// The guard as it was, if there are.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// let lock = RwLock::new(5);
    /// let other = lock.read();
    /// let guard = RwLockUpgradableReadGuard::try_upgrade(lock.upgradable_read()).unwrap_err();
    /// drop(other);
    /// *RwLockUpgradableReadGuard::try_upgrade(guard).unwrap() += 1;
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    pub fn try_upgrade(orig: Self) -> Result<RwLockWriteGuard<'a, T>, Self> {
        try_upgrade(orig.access)
            .map(|access| RwLockWriteGuard { access })
            .map_err(|access| Self { access })
    }

    /// Goes on with writing, waiting no longer than `timeout` for other readers to finish.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`upgrade`](Self::upgrade), at most for `timeout`.
    ///
    /// # Panics
    /// As [`upgrade`](Self::upgrade), if there is no time limit.
    ///
    /// # Errors
    /// The guard as it was, if there still were other readers when the time was over.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// let lock = RwLock::new(5);
    /// let reader = lock.upgradable_read();
    /// assert!(RwLockUpgradableReadGuard::try_upgrade_for(reader, Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_upgrade_for(orig: Self, timeout: Duration) -> Result<RwLockWriteGuard<'a, T>, Self> {
        upgrade_deadline(orig.access, Deadline::after(timeout))
            .map(|access| RwLockWriteGuard { access })
            .map_err(|access| Self { access })
    }

    /// Goes on with writing, waiting no longer than until `deadline` for other readers to finish.
    ///
    /// # Blocking
    /// As [`upgrade`](Self::upgrade), at most until `deadline`.
    ///
    /// # Panics
    /// As [`upgrade`](Self::upgrade), if `deadline` is too far away to represent.
    ///
    /// # Errors
    /// The guard as it was, if there still were other readers then.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, nonpoison::{RwLock, RwLockUpgradableReadGuard}};
    ///
    /// let lock = RwLock::new(5);
    /// let reader = lock.upgradable_read();
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// assert!(RwLockUpgradableReadGuard::try_upgrade_until(reader, soon).is_ok());
    /// ```
    #[track_caller]
    pub fn try_upgrade_until(
        orig: Self,
        deadline: Instant,
    ) -> Result<RwLockWriteGuard<'a, T>, Self> {
        upgrade_deadline(orig.access, Deadline::at(deadline))
            .map(|access| RwLockWriteGuard { access })
            .map_err(|access| Self { access })
    }

    /// Goes on with writing; the task is suspended, and the agent free, while there are other readers.
    ///
    /// # Cancel safety
    /// The future owns the guard: dropping it at any time releases the lock, and lets in who waited. It is `Send` if `T` is `Send`
    /// and `Sync`.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let reader = lock.upgradable_read_async().await;
    /// *RwLockUpgradableReadGuard::upgrade_async(reader).await += 1;
    /// assert_eq!(lock.into_inner(), 6);
    /// # });
    /// ```
    pub fn upgrade_async(orig: Self) -> impl Future<Output = RwLockWriteGuard<'a, T>> {
        let left = orig.access.leave();
        async {
            RwLockWriteGuard {
                access: upgrade_async(left).await,
            }
        }
    }

    /// The async twin of [`try_upgrade_for`](Self::try_upgrade_for): the task is suspended, and the agent free. The time begins with the
    /// call.
    ///
    /// # Cancel safety
    /// As for [`upgrade_async`](Self::upgrade_async): dropping the future releases the lock, but a time-out gives the guard back. Its timer
    /// is freed as by [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_upgrade_for`](Self::try_upgrade_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let other = lock.read();
    /// let reader = lock.upgradable_read();
    /// let upgrades = RwLockUpgradableReadGuard::try_upgrade_for_async(reader, Duration::from_millis(5));
    /// let reader = upgrades.await.unwrap_err();
    /// assert_eq!(*reader + *other, 10);
    /// # });
    /// ```
    pub fn try_upgrade_for_async(
        orig: Self,
        timeout: Duration,
    ) -> impl Future<Output = Result<RwLockWriteGuard<'a, T>, Self>> {
        Self::try_upgrade_deadline_async(orig, Deadline::after(timeout))
    }

    /// The async twin of [`try_upgrade_until`](Self::try_upgrade_until): the task is suspended, and the agent free.
    ///
    /// # Cancel safety
    /// As for [`try_upgrade_for_async`](Self::try_upgrade_for_async).
    ///
    /// # Errors
    /// As for [`try_upgrade_until`](Self::try_upgrade_until).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, nonpoison::{RwLock, RwLockUpgradableReadGuard}};
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let reader = lock.upgradable_read();
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// *RwLockUpgradableReadGuard::try_upgrade_until_async(reader, soon).await.unwrap() += 1;
    /// assert_eq!(lock.into_inner(), 6);
    /// # });
    /// ```
    pub fn try_upgrade_until_async(
        orig: Self,
        deadline: Instant,
    ) -> impl Future<Output = Result<RwLockWriteGuard<'a, T>, Self>> {
        Self::try_upgrade_deadline_async(orig, Deadline::at(deadline))
    }

    fn try_upgrade_deadline_async(
        orig: Self,
        deadline: Deadline,
    ) -> impl Future<Output = Result<RwLockWriteGuard<'a, T>, Self>> {
        let upgrades = upgrade_deadline_async(orig.access.leave(), deadline);
        async {
            match upgrades.await {
                Ok(access) => Ok(RwLockWriteGuard { access }),
                Err(access) => Err(Self { access }),
            }
        }
    }

    /// Goes on as a mere reader: somebody else may have the right to upgrade.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// let lock = RwLock::new(5);
    /// let reader = RwLockUpgradableReadGuard::downgrade(lock.upgradable_read());
    /// assert!(lock.try_upgradable_read().is_ok());
    /// # drop(reader);
    /// ```
    pub fn downgrade(orig: Self) -> RwLockReadGuard<'a, T> {
        downgrade_upgradable(orig.access)
    }
}

// What follows serves the guards of both kinds of lock.

type Upgradable<'a, T> = Access<'a, UpgradableLocked<'a>, T>;
type Writing<'a, T> = Access<'a, WriteLocked<'a>, T>;

/// # Safety
/// The raw lock must have been upgraded: the hold is not what it says any more.
unsafe fn upgraded<'a, T: ?Sized>(access: Upgradable<'a, T>) -> Writing<'a, T> {
    let (hold, data) = access.into_parts();
    // SAFETY: by the caller's promise it is held for writing; the data is the same.
    unsafe { Access::new(WriteLocked::adopt(hold.disarm()), data) }
}

#[track_caller]
pub(crate) fn upgrade<'a, T: ?Sized>(access: Upgradable<'a, T>) -> Writing<'a, T> {
    // SAFETY: held in the upgradable mode, by `access`, which becomes a write lock.
    unsafe {
        access.hold().raw().upgrade();
        upgraded(access)
    }
}

pub(crate) fn try_upgrade<'a, T: ?Sized>(
    access: Upgradable<'a, T>,
) -> Result<Writing<'a, T>, Upgradable<'a, T>> {
    // SAFETY: as in `upgrade`, if it succeeds.
    unsafe {
        if access.hold().raw().try_upgrade() {
            Ok(upgraded(access))
        } else {
            Err(access)
        }
    }
}

#[track_caller]
pub(crate) fn upgrade_deadline<'a, T: ?Sized>(
    access: Upgradable<'a, T>,
    deadline: Deadline,
) -> Result<Writing<'a, T>, Upgradable<'a, T>> {
    // SAFETY: as in `upgrade`, if it succeeds.
    unsafe {
        if access.hold().raw().upgrade_until(deadline) {
            Ok(upgraded(access))
        } else {
            Err(access)
        }
    }
}

/// A guard's access as it goes with a future.
type Left<'a, T> = (UpgradableLocked<'a>, Away<'a, T, RwLock<T>>);

pub(crate) async fn upgrade_async<'a, T: ?Sized>((hold, away): Left<'a, T>) -> Writing<'a, T> {
    // SAFETY: held in the upgradable mode, by `hold`; if the future is dropped, it still is.
    unsafe { hold.raw().upgrade_async() }.await;
    // SAFETY: now it is a write lock on the same data.
    unsafe { away.back(WriteLocked::adopt(hold.disarm())) }
}

/// On a time-out, the access as it was.
pub(crate) async fn upgrade_deadline_async<'a, T: ?Sized>(
    (hold, away): Left<'a, T>,
    deadline: Deadline,
) -> Result<Writing<'a, T>, Upgradable<'a, T>> {
    // SAFETY: held in the upgradable mode, by `hold`; if the future is dropped, it still is.
    let upgrades = unsafe { hold.raw().upgrade_async() };
    match in_time(upgrades, deadline).await {
        // SAFETY: now it is a write lock on the same data.
        Some(()) => Ok(unsafe { away.back(WriteLocked::adopt(hold.disarm())) }),
        // SAFETY: the hold is the one that the data came with.
        None => Err(unsafe { away.back(hold) }),
    }
}

pub(crate) fn downgrade_upgradable<'a, T: ?Sized>(
    access: Upgradable<'a, T>,
) -> RwLockReadGuard<'a, T> {
    let (hold, data) = access.into_parts();
    let raw = hold.disarm();
    // SAFETY: the upgradable lock, which was the hold's, becomes a read lock on the same data.
    unsafe {
        raw.downgrade_upgradable();
        RwLockReadGuard {
            access: Shared::new(ReadLocked::adopt(raw), data),
        }
    }
}
