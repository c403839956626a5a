//! The condition variable for the mutex without poisoning.

use core::fmt;
use core::future::Future;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use super::MutexGuard;
use crate::condvar::{
    WaitTimeoutResult, leave, wait, wait_async, wait_until_async, wait_until_while_async,
    wait_while, wait_while_async,
};
use crate::poison::unchecked;
use crate::raw::RawCondvar;
use crate::sys::clock::Deadline;
use crate::sys::shim::const_new;

/// Waiting, with a mutex unlocked meanwhile, until somebody says that the data may have changed.
///
/// As [`Condvar`](crate::Condvar), for the guards of [`nonpoison::Mutex`](super::Mutex). Blocking calls borrow the guard. Async ones
/// take it and give it back, because a future that is dropped while it waits leaves the mutex unlocked.
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{Condvar, Mutex};
///
/// let (mutex, condvar) = (Mutex::new(false), Condvar::new());
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         *mutex.lock() = true;
///         condvar.notify_one();
///     });
///     let mut ready = mutex.lock();
///     condvar.wait_while(&mut ready, |ready| !*ready);
///     assert!(*ready);
/// });
/// ```
pub struct Condvar {
    raw: RawCondvar,
}

impl UnwindSafe for Condvar {}
impl RefUnwindSafe for Condvar {}

impl Condvar {
    const_new! {
        /// A condvar on which nobody waits.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::Condvar;
        ///
        /// static CONDVAR: Condvar = Condvar::new();
        /// ```
        #[inline]
        #[must_use]
        pub fn new() -> Condvar {
            Condvar { raw: RawCondvar::new() }
        }
    }

    /// Unlocks the mutex, waits for a notification and locks the mutex again.
    ///
    /// Nothing can come between the first two: whoever locks the mutex afterwards and notifies reaches this call. It may also return
    /// without a notification.
    ///
    /// # Blocking
    /// Sleeps until notified, and then as [`Mutex::lock`](super::Mutex::lock) does; on an agent that must not sleep, as a page's main
    /// thread, it spins. There use [`wait_async`](Self::wait_async).
    ///
    /// # Panics
    /// In a build without threads: nobody could ever notify.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(false), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *mutex.lock() = true;
    ///         condvar.notify_one();
    ///     });
    ///     let mut ready = mutex.lock();
    ///     while !*ready {
    ///         condvar.wait(&mut ready);
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        unchecked(wait(&self.raw, &mut guard.access, None));
    }

    /// Waits as long as `condition` is true of the data; if it is not, returns at once.
    ///
    /// # Blocking
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    /// As [`wait`](Self::wait), if it would wait.
    ///
    /// # Examples
    /// See the [type](Self).
    #[track_caller]
    pub fn wait_while<T, F>(&self, guard: &mut MutexGuard<'_, T>, condition: F)
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        unchecked(wait_while(&self.raw, &mut guard.access, None, condition));
    }

    /// As [`wait`](Self::wait), but no longer than `timeout`, not counting the time that it takes to lock the mutex again.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`wait`](Self::wait), at most for `timeout` until notified.
    ///
    /// # Panics
    /// As [`wait`](Self::wait), if there is no time limit.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::{Condvar, Mutex};
    ///
    /// let mutex = Mutex::new(());
    /// assert!(Condvar::new().wait_timeout(&mut mutex.lock(), Duration::from_millis(5)).timed_out());
    /// ```
    #[track_caller]
    pub fn wait_timeout<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        unchecked(wait(
            &self.raw,
            &mut guard.access,
            Some(Deadline::after(timeout)),
        ))
    }

    /// As [`wait_while`](Self::wait_while), but no longer than `timeout`. If the time is over, `timed_out` is true, and so is
    /// `condition`.
    ///
    /// # Blocking
    /// As [`wait`](Self::wait), at most for `timeout` until notified.
    ///
    /// # Panics
    /// As [`wait`](Self::wait), if there is no time limit.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::{Condvar, Mutex};
    ///
    /// let mutex = Mutex::new(1);
    /// let mut guard = mutex.lock();
    /// let result = Condvar::new().wait_timeout_while(&mut guard, Duration::from_millis(5), |number| *number < 3);
    /// assert!(result.timed_out());
    /// ```
    #[track_caller]
    pub fn wait_timeout_while<T, F>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
        condition: F,
    ) -> WaitTimeoutResult
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        unchecked(wait_while(
            &self.raw,
            &mut guard.access,
            Some(Deadline::after(timeout)),
            condition,
        ))
    }

    /// The async twin of [`wait`](Self::wait): the task is suspended, and the agent free.
    ///
    /// The mutex is unlocked by the first poll of the future.
    ///
    /// # Cancel safety
    /// The future owns the guard, and may be dropped at any time: the mutex is then unlocked, the task has left the queue, and a
    /// notification that had already reached it goes on to the next who waits. It is `Send` if `T` is, although the guard is not.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(false), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *mutex.lock() = true;
    ///         condvar.notify_one();
    ///     });
    ///     # pollster::block_on(async {
    ///     let mut ready = mutex.lock_async().await;
    ///     while !*ready {
    ///         ready = condvar.wait_async(ready).await;
    ///     }
    ///     # });
    /// });
    /// ```
    pub fn wait_async<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> impl Future<Output = MutexGuard<'a, T>> {
        let left = leave(guard.access);
        async move {
            let access = unchecked(wait_async(&self.raw, left).await);
            MutexGuard { access }
        }
    }

    /// The async twin of [`wait_while`](Self::wait_while).
    ///
    /// # Cancel safety
    /// As for [`wait_async`](Self::wait_async); it is `Send` if `condition` is as well.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *mutex.lock() = 3;
    ///         condvar.notify_all();
    ///     });
    ///     # pollster::block_on(async {
    ///     let guard = mutex.lock_async().await;
    ///     assert_eq!(*condvar.wait_while_async(guard, |number| *number < 3).await, 3);
    ///     # });
    /// });
    /// ```
    pub fn wait_while_async<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: F,
    ) -> impl Future<Output = MutexGuard<'a, T>>
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let left = leave(guard.access);
        async move {
            let access = unchecked(wait_while_async(&self.raw, left, condition).await);
            MutexGuard { access }
        }
    }

    /// The async twin of [`wait_timeout`](Self::wait_timeout). The time begins with the call.
    ///
    /// `timed_out` is never true of a wait that a notification has ended.
    ///
    /// # Cancel safety
    /// As for [`wait_async`](Self::wait_async).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::{Condvar, Mutex};
    ///
    /// # pollster::block_on(async {
    /// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    /// let guard = mutex.lock_async().await;
    /// let (guard, result) = condvar.wait_timeout_async(guard, Duration::from_millis(5)).await;
    /// assert!(result.timed_out());
    /// # drop(guard);
    /// # });
    /// ```
    pub fn wait_timeout_async<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> impl Future<Output = (MutexGuard<'a, T>, WaitTimeoutResult)> {
        let left = leave(guard.access);
        let deadline = Deadline::after(timeout);
        async move {
            let waited = wait_until_async(&self.raw, left, deadline).await;
            let (access, result) = unchecked(waited);
            (MutexGuard { access }, result)
        }
    }

    /// The async twin of [`wait_timeout_while`](Self::wait_timeout_while). The time begins with the call.
    ///
    /// # Cancel safety
    /// As for [`wait_async`](Self::wait_async); it is `Send` if `condition` is as well.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::{Condvar, Mutex};
    ///
    /// # pollster::block_on(async {
    /// let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    /// let guard = mutex.lock_async().await;
    /// let timeout = Duration::from_millis(5);
    /// let (number, result) = condvar.wait_timeout_while_async(guard, timeout, |number| *number < 3).await;
    /// assert!(result.timed_out() && *number < 3);
    /// # });
    /// ```
    pub fn wait_timeout_while_async<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
        condition: F,
    ) -> impl Future<Output = (MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let left = leave(guard.access);
        let deadline = Deadline::after(timeout);
        async move {
            let waited = wait_until_while_async(&self.raw, left, deadline, condition).await;
            let (access, result) = unchecked(waited);
            (MutexGuard { access }, result)
        }
    }

    /// Wakes one who waits, if anybody does: who has waited longest, except that an agent that must not sleep goes first.
    ///
    /// # Examples
    /// ```
    /// # let condvar = web_sync::nonpoison::Condvar::new();
    /// condvar.notify_one();
    /// ```
    #[inline]
    pub fn notify_one(&self) {
        self.raw.notify_one();
    }

    /// Wakes all who wait.
    ///
    /// # Examples
    /// ```
    /// # let condvar = web_sync::nonpoison::Condvar::new();
    /// condvar.notify_all();
    /// ```
    #[inline]
    pub fn notify_all(&self) {
        self.raw.notify_all();
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Condvar::new()
    }
}
