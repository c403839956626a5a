//! The guards of readers, which both kinds of lock share: reading poisons nothing.

use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::guard::{Shared, guard_maps, guard_traits};

/// Access for reading, until this is dropped.
///
/// Both kinds of `RwLock` use it, as reading cannot poison.
///
/// # Examples
/// ```
/// use web_sync::{RwLock, RwLockReadGuard};
///
/// let lock = RwLock::new(5);
/// let guard: RwLockReadGuard<'_, i32> = lock.read().unwrap();
/// assert_eq!(*guard, 5);
/// ```
#[must_use = "if unused, the lock is released at once"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized + 'a> {
    pub(crate) access: Shared<'a, T>,
}

impl<T: ?Sized + RefUnwindSafe> UnwindSafe for RwLockReadGuard<'_, T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for RwLockReadGuard<'_, T> {}

guard_traits!(RwLockReadGuard);

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    guard_maps! {
        RwLockReadGuard => MappedRwLockReadGuard;

        /// Narrows the guard to a part of the data. The lock stays held for as long as the new guard lives.
        ///
        /// Call it as `RwLockReadGuard::map(guard, f)`: a method would hide one of the data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::{RwLock, RwLockReadGuard};
        ///
        /// let lock = RwLock::new((1, 2));
        /// let second = RwLockReadGuard::map(lock.read().unwrap(), |pair| &pair.1);
        /// assert_eq!(*second, 2);
        /// ```
        map;

        /// Narrows the guard to a part of the data, if `f` finds one.
        ///
        /// # Errors
        /// The guard as it was, if `f` returns `None`.
        ///
        /// # Examples
        /// ```
        /// use web_sync::{RwLock, RwLockReadGuard};
        ///
        /// let lock = RwLock::new(vec![1, 2]);
        /// let guard = RwLockReadGuard::filter_map(lock.read().unwrap(), |list| list.get(9)).unwrap_err();
        /// assert_eq!(*guard, [1, 2]);
        /// ```
        filter_map;
    }
}

/// Access to a part of the data for reading: a narrowed [`RwLockReadGuard`].
///
/// # Examples
/// ```
/// use web_sync::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
///
/// let lock = RwLock::new([1, 2]);
/// let first: MappedRwLockReadGuard<'_, i32> = RwLockReadGuard::map(lock.read().unwrap(), |array| &array[0]);
/// assert_eq!(*first, 1);
/// ```
#[must_use = "if unused, the lock is released at once"]
#[clippy::has_significant_drop]
pub struct MappedRwLockReadGuard<'a, T: ?Sized + 'a> {
    access: Shared<'a, T>,
}

guard_traits!(MappedRwLockReadGuard);

impl<'a, T: ?Sized> MappedRwLockReadGuard<'a, T> {
    guard_maps! {
        MappedRwLockReadGuard => MappedRwLockReadGuard;

        /// Narrows the guard further: as [`RwLockReadGuard::map`].
        ///
        /// # Examples
        /// ```
        /// use web_sync::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
        ///
        /// let lock = RwLock::new(((1, 2), 3));
        /// let pair = RwLockReadGuard::map(lock.read().unwrap(), |all| &all.0);
        /// assert_eq!(*MappedRwLockReadGuard::map(pair, |pair| &pair.1), 2);
        /// ```
        map;

        /// Narrows the guard further, if `f` finds a part: as [`RwLockReadGuard::filter_map`].
        ///
        /// # Errors
        /// The guard as it was, if `f` returns `None`.
        ///
        /// # Examples
        /// ```
        /// use web_sync::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
        ///
        /// let lock = RwLock::new((vec![1, 2], 3));
        /// let list = RwLockReadGuard::map(lock.read().unwrap(), |all| &all.0);
        /// assert!(MappedRwLockReadGuard::filter_map(list, |list| list.first()).is_ok_and(|first| *first == 1));
        /// ```
        filter_map;
    }
}
