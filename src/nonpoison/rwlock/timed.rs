//! Locking with a time limit.

use core::future::Future;
use core::time::Duration;

use web_time::Instant;

use super::{RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
use crate::nonpoison::{TryLockResult, WouldBlock};
use crate::raw::in_time;
use crate::sys::clock::Deadline;

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
    /// [`WouldBlock`] if a writer was still in the way when the time was over.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::RwLock;
    ///
    /// assert!(RwLock::new(5).try_read_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_read_for(&self, timeout: Duration) -> TryLockResult<RwLockReadGuard<'_, T>> {
        self.try_read_deadline(|| Deadline::after(timeout))
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
    /// [`WouldBlock`] if a writer was still in the way at that time.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, nonpoison::RwLock};
    ///
    /// assert!(RwLock::new(5).try_read_until(Instant::now() + Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_read_until(&self, deadline: Instant) -> TryLockResult<RwLockReadGuard<'_, T>> {
        self.try_read_deadline(|| Deadline::at(deadline))
    }

    #[track_caller]
    fn try_read_deadline(
        &self,
        deadline: impl FnOnce() -> Deadline,
    ) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if self.raw.try_read() || self.raw.read_until(deadline()) {
            // SAFETY: just locked for reading.
            Ok(unsafe { self.read_guard() })
        } else {
            Err(WouldBlock)
        }
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
    /// use web_sync::nonpoison::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let held = lock.write();
    /// assert!(lock.try_read_for_async(Duration::from_millis(5)).await.is_err());
    /// # drop(held);
    /// # });
    /// ```
    pub fn try_read_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<RwLockReadGuard<'_, T>>> {
        self.try_read_deadline_async(Deadline::after(timeout))
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
    /// use web_sync::{Instant, nonpoison::RwLock};
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
        self.try_read_deadline_async(Deadline::at(deadline))
    }

    async fn try_read_deadline_async(
        &self,
        deadline: Deadline,
    ) -> TryLockResult<RwLockReadGuard<'_, T>> {
        match in_time(self.raw.read_async(), deadline).await {
            // SAFETY: the future has locked it in this mode.
            Some(()) => Ok(unsafe { self.read_guard() }),
            None => Err(WouldBlock),
        }
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
    /// [`WouldBlock`] if somebody still held the lock when the time was over.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::RwLock;
    ///
    /// assert!(RwLock::new(5).try_write_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_write_for(&self, timeout: Duration) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        self.try_write_deadline(|| Deadline::after(timeout))
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
    /// [`WouldBlock`] if somebody still held the lock at that time.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, nonpoison::RwLock};
    ///
    /// assert!(RwLock::new(5).try_write_until(Instant::now() + Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_write_until(&self, deadline: Instant) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        self.try_write_deadline(|| Deadline::at(deadline))
    }

    #[track_caller]
    fn try_write_deadline(
        &self,
        deadline: impl FnOnce() -> Deadline,
    ) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        if self.raw.try_write() || self.raw.write_until(deadline()) {
            // SAFETY: just locked for writing.
            Ok(unsafe { self.write_guard() })
        } else {
            Err(WouldBlock)
        }
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
    /// use web_sync::nonpoison::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let held = lock.read();
    /// assert!(lock.try_write_for_async(Duration::from_millis(5)).await.is_err());
    /// # drop(held);
    /// # });
    /// ```
    pub fn try_write_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<RwLockWriteGuard<'_, T>>> {
        self.try_write_deadline_async(Deadline::after(timeout))
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
    /// use web_sync::{Instant, nonpoison::RwLock};
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
        self.try_write_deadline_async(Deadline::at(deadline))
    }

    async fn try_write_deadline_async(
        &self,
        deadline: Deadline,
    ) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        match in_time(self.raw.write_async(), deadline).await {
            // SAFETY: the future has locked it in this mode.
            Some(()) => Ok(unsafe { self.write_guard() }),
            None => Err(WouldBlock),
        }
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
    /// [`WouldBlock`] if the lock could not be had in that time.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::RwLock;
    ///
    /// assert!(RwLock::new(5).try_upgradable_read_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_upgradable_read_for(
        &self,
        timeout: Duration,
    ) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        self.try_upgradable_read_deadline(|| Deadline::after(timeout))
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
    /// [`WouldBlock`] if the lock could not be had until then.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, nonpoison::RwLock};
    ///
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// assert!(RwLock::new(5).try_upgradable_read_until(soon).is_ok());
    /// ```
    #[track_caller]
    pub fn try_upgradable_read_until(
        &self,
        deadline: Instant,
    ) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        self.try_upgradable_read_deadline(|| Deadline::at(deadline))
    }

    #[track_caller]
    fn try_upgradable_read_deadline(
        &self,
        deadline: impl FnOnce() -> Deadline,
    ) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        if self.raw.try_upgradable_read() || self.raw.upgradable_read_until(deadline()) {
            // SAFETY: just locked in this mode.
            Ok(unsafe { self.upgradable_guard() })
        } else {
            Err(WouldBlock)
        }
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
    /// use web_sync::nonpoison::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// let held = lock.upgradable_read();
    /// assert!(lock.try_upgradable_read_for_async(Duration::from_millis(5)).await.is_err());
    /// # drop(held);
    /// # });
    /// ```
    pub fn try_upgradable_read_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<RwLockUpgradableReadGuard<'_, T>>> {
        self.try_upgradable_read_deadline_async(Deadline::after(timeout))
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
    /// use web_sync::{Instant, nonpoison::RwLock};
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
        self.try_upgradable_read_deadline_async(Deadline::at(deadline))
    }

    async fn try_upgradable_read_deadline_async(
        &self,
        deadline: Deadline,
    ) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        match in_time(self.raw.upgradable_read_async(), deadline).await {
            // SAFETY: the future has locked it in this mode.
            Some(()) => Ok(unsafe { self.upgradable_guard() }),
            None => Err(WouldBlock),
        }
    }
}
