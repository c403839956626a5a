//! Locking with a time limit.

use core::future::Future;
use core::time::Duration;

use web_time::Instant;

use super::{RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
use crate::poison::{TryLockResult, checked_try};

/// Reading, with a time limit.
impl<T: ?Sized> RwLock<T> {
    /// Locks for reading, waiting no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`read`](Self::read), at most for `timeout`.
    ///
    /// # Panics
    /// As [`read`](Self::read), if there is no time limit.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read), where [`WouldBlock`](crate::TryLockError::WouldBlock) means that a writer was still in the way when
    /// the time was over.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::RwLock;
    ///
    /// assert!(RwLock::new(5).try_read_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_read_for(&self, timeout: Duration) -> TryLockResult<RwLockReadGuard<'_, T>> {
        checked_try(self.inner.try_read_for(timeout), |guard| {
            self.check_read(guard)
        })
    }

    /// Locks for reading, waiting no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`read`](Self::read), at most until `deadline`.
    ///
    /// # Panics
    /// As [`read`](Self::read), if `deadline` is too far away to represent.
    ///
    /// # Errors
    /// As [`try_read_for`](Self::try_read_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, RwLock};
    ///
    /// assert!(RwLock::new(5).try_read_until(Instant::now() + Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_read_until(&self, deadline: Instant) -> TryLockResult<RwLockReadGuard<'_, T>> {
        checked_try(self.inner.try_read_until(deadline), |guard| {
            self.check_read(guard)
        })
    }

    /// The async twin of [`try_read_for`](Self::try_read_for): the task is suspended, and the agent free. The time begins with the
    /// call.
    ///
    /// # Cancel safety
    /// As for [`read_async`](Self::read_async); its timer is freed as by
    /// [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_read_for`](Self::try_read_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let held = lock.write().unwrap();
    /// assert!(lock.try_read_for_async(Duration::from_millis(5)).await.is_err());
    /// # drop(held);
    /// # });
    /// ```
    pub fn try_read_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<RwLockReadGuard<'_, T>>> {
        let locks = self.inner.try_read_for_async(timeout);
        async { checked_try(locks.await, |guard| self.check_read(guard)) }
    }

    /// The async twin of [`try_read_until`](Self::try_read_until): the task is suspended, and the agent free.
    ///
    /// # Cancel safety
    /// As for [`try_read_for_async`](Self::try_read_for_async).
    ///
    /// # Errors
    /// As for [`try_read_until`](Self::try_read_until).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, RwLock};
    ///
    /// # pollster::block_on(async {
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// assert!(RwLock::new(5).try_read_until_async(soon).await.is_ok());
    /// # });
    /// ```
    pub fn try_read_until_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = TryLockResult<RwLockReadGuard<'_, T>>> {
        let locks = self.inner.try_read_until_async(deadline);
        async { checked_try(locks.await, |guard| self.check_read(guard)) }
    }
}

/// Writing, with a time limit.
impl<T: ?Sized> RwLock<T> {
    /// Locks for writing, waiting no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`write`](Self::write), at most for `timeout`.
    ///
    /// # Panics
    /// As [`write`](Self::write), if there is no time limit.
    ///
    /// # Errors
    /// As [`try_write`](Self::try_write), where [`WouldBlock`](crate::TryLockError::WouldBlock) means that somebody still held the lock when
    /// the time was over.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::RwLock;
    ///
    /// assert!(RwLock::new(5).try_write_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_write_for(&self, timeout: Duration) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        checked_try(self.inner.try_write_for(timeout), |guard| {
            self.check_write(guard)
        })
    }

    /// Locks for writing, waiting no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`write`](Self::write), at most until `deadline`.
    ///
    /// # Panics
    /// As [`write`](Self::write), if `deadline` is too far away to represent.
    ///
    /// # Errors
    /// As [`try_write_for`](Self::try_write_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, RwLock};
    ///
    /// assert!(RwLock::new(5).try_write_until(Instant::now() + Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_write_until(&self, deadline: Instant) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        checked_try(self.inner.try_write_until(deadline), |guard| {
            self.check_write(guard)
        })
    }

    /// The async twin of [`try_write_for`](Self::try_write_for): the task is suspended, and the agent free. The time begins with the
    /// call.
    ///
    /// # Cancel safety
    /// As for [`write_async`](Self::write_async); its timer is freed as by
    /// [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_write_for`](Self::try_write_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let held = lock.read().unwrap();
    /// assert!(lock.try_write_for_async(Duration::from_millis(5)).await.is_err());
    /// # drop(held);
    /// # });
    /// ```
    pub fn try_write_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<RwLockWriteGuard<'_, T>>> {
        let locks = self.inner.try_write_for_async(timeout);
        async { checked_try(locks.await, |guard| self.check_write(guard)) }
    }

    /// The async twin of [`try_write_until`](Self::try_write_until): the task is suspended, and the agent free.
    ///
    /// # Cancel safety
    /// As for [`try_write_for_async`](Self::try_write_for_async).
    ///
    /// # Errors
    /// As for [`try_write_until`](Self::try_write_until).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, RwLock};
    ///
    /// # pollster::block_on(async {
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// assert!(RwLock::new(5).try_write_until_async(soon).await.is_ok());
    /// # });
    /// ```
    pub fn try_write_until_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = TryLockResult<RwLockWriteGuard<'_, T>>> {
        let locks = self.inner.try_write_until_async(deadline);
        async { checked_try(locks.await, |guard| self.check_write(guard)) }
    }
}

/// Reading with the right to write later, with a time limit.
impl<T: ?Sized> RwLock<T> {
    /// Locks as [`upgradable_read`](Self::upgradable_read), waiting no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`upgradable_read`](Self::upgradable_read), at most for `timeout`.
    ///
    /// # Panics
    /// As [`read`](Self::read), if there is no time limit.
    ///
    /// # Errors
    /// As [`try_upgradable_read`](Self::try_upgradable_read), where [`WouldBlock`](crate::TryLockError::WouldBlock) means that the lock
    /// could not be had in that time.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::RwLock;
    ///
    /// assert!(RwLock::new(5).try_upgradable_read_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_upgradable_read_for(
        &self,
        timeout: Duration,
    ) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        checked_try(self.inner.try_upgradable_read_for(timeout), |guard| {
            self.check_upgradable(guard)
        })
    }

    /// Locks as [`upgradable_read`](Self::upgradable_read), waiting no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`upgradable_read`](Self::upgradable_read), at most until `deadline`.
    ///
    /// # Panics
    /// As [`read`](Self::read), if `deadline` is too far away to represent.
    ///
    /// # Errors
    /// As [`try_upgradable_read_for`](Self::try_upgradable_read_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, RwLock};
    ///
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// assert!(RwLock::new(5).try_upgradable_read_until(soon).is_ok());
    /// ```
    #[track_caller]
    pub fn try_upgradable_read_until(
        &self,
        deadline: Instant,
    ) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        checked_try(self.inner.try_upgradable_read_until(deadline), |guard| {
            self.check_upgradable(guard)
        })
    }

    /// The async twin of [`try_upgradable_read_for`](Self::try_upgradable_read_for): the task is suspended, and the agent free. The time begins with the
    /// call.
    ///
    /// # Cancel safety
    /// As for [`upgradable_read_async`](Self::upgradable_read_async); its timer is freed as by
    /// [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_upgradable_read_for`](Self::try_upgradable_read_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let held = lock.upgradable_read().unwrap();
    /// assert!(lock.try_upgradable_read_for_async(Duration::from_millis(5)).await.is_err());
    /// # drop(held);
    /// # });
    /// ```
    pub fn try_upgradable_read_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<RwLockUpgradableReadGuard<'_, T>>> {
        let locks = self.inner.try_upgradable_read_for_async(timeout);
        async { checked_try(locks.await, |guard| self.check_upgradable(guard)) }
    }

    /// The async twin of [`try_upgradable_read_until`](Self::try_upgradable_read_until): the task is suspended, and the agent free.
    ///
    /// # Cancel safety
    /// As for [`try_upgradable_read_for_async`](Self::try_upgradable_read_for_async).
    ///
    /// # Errors
    /// As for [`try_upgradable_read_until`](Self::try_upgradable_read_until).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, RwLock};
    ///
    /// # pollster::block_on(async {
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// assert!(RwLock::new(5).try_upgradable_read_until_async(soon).await.is_ok());
    /// # });
    /// ```
    pub fn try_upgradable_read_until_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = TryLockResult<RwLockUpgradableReadGuard<'_, T>>> {
        let locks = self.inner.try_upgradable_read_until_async(deadline);
        async { checked_try(locks.await, |guard| self.check_upgradable(guard)) }
    }
}
