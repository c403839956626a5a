//! The guards of writers.

use core::panic::{RefUnwindSafe, UnwindSafe};

use super::{RwLockReadGuard, RwLockUpgradableReadGuard};
use crate::guard::{
    Access, Hold, ReadLocked, Shared, UpgradableLocked, WriteLocked, guard_maps, guard_traits,
};
use crate::raw::RawRwLock;

/// Access for writing, until this is dropped.
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{RwLock, RwLockWriteGuard};
///
/// let lock = RwLock::new(5);
/// let mut guard: RwLockWriteGuard<'_, i32> = lock.write();
/// *guard += 1;
/// drop(guard);
/// assert_eq!(lock.into_inner(), 6);
/// ```
#[must_use = "if unused, the lock is released at once"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized + 'a> {
    pub(crate) access: Access<'a, WriteLocked<'a>, T>,
}

impl<T: ?Sized> UnwindSafe for RwLockWriteGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for RwLockWriteGuard<'_, T> {}

guard_traits!(RwLockWriteGuard, mut);

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on with reading: other readers get in, and no writer gets in between.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{RwLock, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new(5);
    /// let mut writer = lock.write();
    /// *writer = 6;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!(*lock.read(), *reader);
    /// ```
    pub fn downgrade(orig: Self) -> RwLockReadGuard<'a, T> {
        downgrade(orig.access)
    }

    /// Goes on with reading, with the right to upgrade again: other readers get in, and no writer gets in between.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new(5);
    /// let reader = RwLockWriteGuard::downgrade_to_upgradable(lock.write());
    /// assert_eq!(*lock.read(), 5);
    /// *RwLockUpgradableReadGuard::upgrade(reader) = 6;
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    pub fn downgrade_to_upgradable(orig: Self) -> RwLockUpgradableReadGuard<'a, T> {
        RwLockUpgradableReadGuard {
            access: downgrade_to_upgradable(orig.access),
        }
    }

    guard_maps! {
        RwLockWriteGuard, mut => MappedRwLockWriteGuard;

        /// Narrows the guard to a part of the data. The lock stays held for as long as the new guard lives.
        ///
        /// Call it as `RwLockWriteGuard::map(guard, f)`: a method would hide one of the data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{RwLock, RwLockWriteGuard};
        ///
        /// let lock = RwLock::new((1, 2));
        /// *RwLockWriteGuard::map(lock.write(), |pair| &mut pair.1) = 3;
        /// assert_eq!(lock.into_inner(), (1, 3));
        /// ```
        map;

        /// Narrows the guard to a part of the data, if `f` finds one.
        ///
        /// # Errors
        /// The guard as it was, if `f` returns `None`.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{RwLock, RwLockWriteGuard};
        ///
        /// let lock = RwLock::new(vec![1, 2]);
        /// let guard = RwLockWriteGuard::filter_map(lock.write(), |list| list.get_mut(9)).unwrap_err();
        /// assert_eq!(*guard, [1, 2]);
        /// ```
        filter_map;
    }
}

/// From writing to reading, for the guards of both kinds of lock.
pub(crate) fn downgrade<'a, H, T: ?Sized>(access: Access<'a, H, T>) -> RwLockReadGuard<'a, T>
where
    H: Hold<'a, Raw = RawRwLock>,
{
    let (hold, data) = access.into_parts();
    let raw = hold.disarm();
    // SAFETY: the write lock, which was the hold's, becomes a read lock on the same data.
    unsafe {
        raw.downgrade();
        RwLockReadGuard {
            access: Shared::new(ReadLocked::adopt(raw), data),
        }
    }
}

/// From writing to upgradable reading, for the guards of both kinds of lock.
pub(crate) fn downgrade_to_upgradable<'a, H, T: ?Sized>(
    access: Access<'a, H, T>,
) -> Access<'a, UpgradableLocked<'a>, T>
where
    H: Hold<'a, Raw = RawRwLock>,
{
    let (hold, data) = access.into_parts();
    let raw = hold.disarm();
    // SAFETY: the write lock, which was the hold's, becomes an upgradable one on the same data.
    unsafe {
        raw.downgrade_to_upgradable();
        Access::new(UpgradableLocked::adopt(raw), data)
    }
}

/// Access to a part of the data for writing: a narrowed [`RwLockWriteGuard`].
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{MappedRwLockWriteGuard, RwLock, RwLockWriteGuard};
///
/// let lock = RwLock::new([1, 2]);
/// let first: MappedRwLockWriteGuard<'_, i32> = RwLockWriteGuard::map(lock.write(), |array| &mut array[0]);
/// assert_eq!(*first, 1);
/// ```
#[must_use = "if unused, the lock is released at once"]
#[clippy::has_significant_drop]
pub struct MappedRwLockWriteGuard<'a, T: ?Sized + 'a> {
    access: Access<'a, WriteLocked<'a>, T>,
}

guard_traits!(MappedRwLockWriteGuard, mut);

impl<'a, T: ?Sized> MappedRwLockWriteGuard<'a, T> {
    guard_maps! {
        MappedRwLockWriteGuard, mut => MappedRwLockWriteGuard;

        /// Narrows the guard further: as [`RwLockWriteGuard::map`].
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{MappedRwLockWriteGuard, RwLock, RwLockWriteGuard};
        ///
        /// let lock = RwLock::new(((1, 2), 3));
        /// let pair = RwLockWriteGuard::map(lock.write(), |all| &mut all.0);
        /// assert_eq!(*MappedRwLockWriteGuard::map(pair, |pair| &mut pair.1), 2);
        /// ```
        map;

        /// Narrows the guard further, if `f` finds a part: as [`RwLockWriteGuard::filter_map`].
        ///
        /// # Errors
        /// The guard as it was, if `f` returns `None`.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{MappedRwLockWriteGuard, RwLock, RwLockWriteGuard};
        ///
        /// let lock = RwLock::new((vec![1, 2], 3));
        /// let list = RwLockWriteGuard::map(lock.write(), |all| &mut all.0);
        /// assert!(MappedRwLockWriteGuard::filter_map(list, |list| list.first_mut()).is_ok_and(|first| *first == 1));
        /// ```
        filter_map;
    }
}
