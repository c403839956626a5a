//! Permits with a time limit.

use core::future::Future;
use core::time::Duration;

use web_time::Instant;

use super::{Semaphore, SemaphorePermit, TryAcquireError, acquiring, at_once, countable};
use crate::raw::in_time;
use crate::sys::clock::Deadline;

/// With a time limit.
impl Semaphore {
    /// Takes a permit, waiting for it no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`acquire`](Self::acquire), at most for `timeout`.
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire), if there is no time limit.
    ///
    /// # Errors
    /// [`NoPermits`](TryAcquireError::NoPermits) if the time was over first, [`Closed`](TryAcquireError::Closed) if the semaphore is closed, or is
    /// while it waits.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(0);
    /// let acquired = semaphore.try_acquire_for(Duration::from_millis(5));
    /// assert_eq!(acquired.unwrap_err(), TryAcquireError::NoPermits);
    /// ```
    #[track_caller]
    pub fn try_acquire_for(
        &self,
        timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many_for(1, timeout)
    }

    /// Takes a permit, waiting for it no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`acquire`](Self::acquire), at most until `deadline`.
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire), if `deadline` is too far away to represent.
    ///
    /// # Errors
    /// As [`try_acquire_for`](Self::try_acquire_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, Semaphore};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert!(semaphore.try_acquire_until(deadline).is_ok());
    /// ```
    #[track_caller]
    pub fn try_acquire_until(
        &self,
        deadline: Instant,
    ) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many_until(1, deadline)
    }

    /// Takes `n` permits in one step, waiting for them no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`acquire`](Self::acquire), at most for `timeout`.
    ///
    /// # Panics
    /// As [`try_acquire_for`](Self::try_acquire_for), and if `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// # Errors
    /// As [`try_acquire_for`](Self::try_acquire_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(2);
    /// assert!(semaphore.try_acquire_many_for(3, Duration::from_millis(5)).is_err());
    /// ```
    #[track_caller]
    pub fn try_acquire_many_for(
        &self,
        n: u32,
        timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let deadline = || Some(Deadline::after(timeout));
        let acquired = self.raw.acquire(countable(n), deadline, &acquiring());
        at_once(acquired).map(|()| SemaphorePermit::new(self, n))
    }

    /// Takes `n` permits in one step, waiting for them no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`acquire`](Self::acquire), at most until `deadline`.
    ///
    /// # Panics
    /// As [`try_acquire_until`](Self::try_acquire_until), and if `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// # Errors
    /// As [`try_acquire_for`](Self::try_acquire_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, Semaphore};
    ///
    /// let semaphore = Semaphore::new(2);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert!(semaphore.try_acquire_many_until(2, deadline).is_ok());
    /// ```
    #[track_caller]
    pub fn try_acquire_many_until(
        &self,
        n: u32,
        deadline: Instant,
    ) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let deadline = || Some(Deadline::at(deadline));
        let acquired = self.raw.acquire(countable(n), deadline, &acquiring());
        at_once(acquired).map(|()| SemaphorePermit::new(self, n))
    }

    /// The async twin of [`try_acquire_for`](Self::try_acquire_for): the task is suspended, and the agent free. The time begins with the
    /// call.
    ///
    /// The task joins the queue when the future is polled for the first time.
    ///
    /// # Cancel safety
    /// As for [`acquire_async`](Self::acquire_async); its timer is freed as by
    /// [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_acquire_for`](Self::try_acquire_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Semaphore, TryAcquireError};
    ///
    /// # pollster::block_on(async {
    /// let semaphore = Semaphore::new(0);
    /// let acquired = semaphore.try_acquire_for_async(Duration::from_millis(5)).await;
    /// assert_eq!(acquired.unwrap_err(), TryAcquireError::NoPermits);
    /// # });
    /// ```
    pub fn try_acquire_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<SemaphorePermit<'_>, TryAcquireError>> {
        self.try_acquire_many_for_async(1, timeout)
    }

    /// The async twin of [`try_acquire_until`](Self::try_acquire_until): the task is suspended, and the agent free.
    ///
    /// # Cancel safety
    /// As for [`try_acquire_for_async`](Self::try_acquire_for_async).
    ///
    /// # Errors
    /// As for [`try_acquire_for`](Self::try_acquire_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, Semaphore};
    ///
    /// # pollster::block_on(async {
    /// let semaphore = Semaphore::new(1);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert!(semaphore.try_acquire_until_async(deadline).await.is_ok());
    /// # });
    /// ```
    pub fn try_acquire_until_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<SemaphorePermit<'_>, TryAcquireError>> {
        self.try_acquire_many_until_async(1, deadline)
    }

    /// The async twin of [`try_acquire_many_for`](Self::try_acquire_many_for). The time begins with the call.
    ///
    /// # Cancel safety
    /// As for [`acquire_many_async`](Self::acquire_many_async); its timer is freed as by
    /// [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Panics
    /// If `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS): the call, not the future.
    ///
    /// # Errors
    /// As for [`try_acquire_for`](Self::try_acquire_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::Semaphore;
    ///
    /// # pollster::block_on(async {
    /// let semaphore = Semaphore::new(2);
    /// assert!(semaphore.try_acquire_many_for_async(3, Duration::from_millis(5)).await.is_err());
    /// assert_eq!(semaphore.available_permits(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn try_acquire_many_for_async(
        &self,
        n: u32,
        timeout: Duration,
    ) -> impl Future<Output = Result<SemaphorePermit<'_>, TryAcquireError>> {
        self.try_acquire_deadline_async(n, Deadline::after(timeout))
    }

    /// The async twin of [`try_acquire_many_until`](Self::try_acquire_many_until).
    ///
    /// # Cancel safety
    /// As for [`try_acquire_many_for_async`](Self::try_acquire_many_for_async).
    ///
    /// # Panics
    /// As [`try_acquire_many_for_async`](Self::try_acquire_many_for_async).
    ///
    /// # Errors
    /// As for [`try_acquire_for`](Self::try_acquire_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, Semaphore};
    ///
    /// # pollster::block_on(async {
    /// let semaphore = Semaphore::new(2);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// let permit = semaphore.try_acquire_many_until_async(2, deadline).await.unwrap();
    /// assert_eq!(permit.num_permits(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn try_acquire_many_until_async(
        &self,
        n: u32,
        deadline: Instant,
    ) -> impl Future<Output = Result<SemaphorePermit<'_>, TryAcquireError>> {
        self.try_acquire_deadline_async(n, Deadline::at(deadline))
    }

    #[track_caller]
    fn try_acquire_deadline_async(
        &self,
        n: u32,
        deadline: Deadline,
    ) -> impl Future<Output = Result<SemaphorePermit<'_>, TryAcquireError>> {
        let acquires = in_time(self.raw.acquire_async(countable(n)), deadline);
        async move { at_once(acquires.await).map(|()| SemaphorePermit::new(self, n)) }
    }
}
