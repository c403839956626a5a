//! The condition variable for the mutex that can be poisoned.

mod wait;

use core::fmt;
use core::future::Future;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use crate::mutex::MutexGuard;
use crate::poison::{LockResult, map_result};
use crate::raw::RawCondvar;
use crate::sys::clock::Deadline;
use crate::sys::shim::const_new;

pub(crate) use wait::{
    leave, wait, wait_async, wait_until_async, wait_until_while_async, wait_while, wait_while_async,
};

/// Waiting, with a mutex unlocked meanwhile, until somebody says that the data may have changed.
///
/// Threads ([`wait`](Self::wait)) and tasks ([`wait_async`](Self::wait_async)) wait in one queue, first come, first served. A
/// notification is for somebody who waits: notifying when nobody does has no effect. A wait may end without a notification, so check
/// the data in a loop, or use the `_while` methods.
///
/// One condvar may be used with different mutexes, even at the same time. `notify_one` and `notify_all` never wait and never allocate,
/// on any agent.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::{Condvar, Mutex};
///
/// static READY: Mutex<bool> = Mutex::new(false);
/// static CHANGED: Condvar = Condvar::new();
///
/// let other = thread::spawn(|| {
///     *READY.lock().unwrap() = true;
///     CHANGED.notify_one();
/// });
/// let ready = CHANGED.wait_while(READY.lock().unwrap(), |ready| !*ready).unwrap();
/// assert!(*ready);
/// # drop(ready);
/// # other.join().unwrap();
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
        /// use web_sync::Condvar;
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
    /// Sleeps until notified, and then as [`Mutex::lock`](crate::Mutex::lock) does; on an agent that must not sleep, as a page's main
    /// thread, it spins. There use [`wait_async`](Self::wait_async).
    ///
    /// # Panics
    /// In a build without threads: nobody could ever notify.
    ///
    /// # Errors
    /// The guard in an error, if the mutex is poisoned when it is locked again.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use web_sync::{Condvar, Mutex};
    ///
    /// static PAIR: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    ///
    /// let other = thread::spawn(|| {
    ///     *PAIR.0.lock().unwrap() = true;
    ///     PAIR.1.notify_one();
    /// });
    /// let mut ready = PAIR.0.lock().unwrap();
    /// while !*ready {
    ///     ready = PAIR.1.wait(ready).unwrap();
    /// }
    /// # drop(ready);
    /// # other.join().unwrap();
    /// ```
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
    ) -> LockResult<MutexGuard<'a, T>> {
        let result = wait(&self.raw, &mut guard.access, None);
        map_result(result, |_| guard)
    }

    /// Waits as long as `condition` is true of the data; if it is not, returns at once.
    ///
    /// # Blocking
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    /// As [`wait`](Self::wait), if it would wait.
    ///
    /// # Errors
    /// The guard in an error, if the mutex is found to be poisoned after a wait.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *mutex.lock().unwrap() = 3;
    ///         condvar.notify_all();
    ///     });
    ///     let number = condvar.wait_while(mutex.lock().unwrap(), |number| *number < 3).unwrap();
    ///     assert_eq!(*number, 3);
    /// });
    /// ```
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let result = wait_while(&self.raw, &mut guard.access, None, condition);
        map_result(result, |_| guard)
    }

    /// As [`wait_timeout`](Self::wait_timeout), with milliseconds; the `bool` is *false* if the time was over.
    ///
    /// # Blocking
    /// As [`wait_timeout`](Self::wait_timeout).
    ///
    /// # Errors
    /// As [`wait_timeout`](Self::wait_timeout).
    #[deprecated(note = "replaced by `wait_timeout`, as in std")]
    #[track_caller]
    pub fn wait_timeout_ms<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let result = self.wait_timeout(guard, Duration::from_millis(ms.into()));
        map_result(result, |(guard, result)| (guard, !result.timed_out()))
    }

    /// As [`wait`](Self::wait), but no longer than `timeout`, not counting the time that it takes to lock the mutex again.
    ///
    /// A timeout too large to represent means no time limit. As any wait, this one may end early without a notification;
    /// `timed_out` is true only if the whole time has passed.
    ///
    /// # Blocking
    /// As [`wait`](Self::wait), at most for `timeout` until notified.
    ///
    /// # Panics
    /// As [`wait`](Self::wait), if there is no time limit.
    ///
    /// # Errors
    /// The guard and the result in an error, if the mutex is poisoned when it is locked again.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    /// let (guard, result) = condvar.wait_timeout(mutex.lock().unwrap(), Duration::from_millis(5)).unwrap();
    /// assert!(result.timed_out());
    /// # drop(guard);
    /// ```
    #[track_caller]
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let result = wait(&self.raw, &mut guard.access, Some(Deadline::after(timeout)));
        map_result(result, |result| (guard, result))
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
    /// # Errors
    /// As [`wait_timeout`](Self::wait_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    /// let wanted = mutex.lock().unwrap();
    /// let (number, result) = condvar.wait_timeout_while(wanted, Duration::from_millis(5), |number| *number < 3).unwrap();
    /// assert!(result.timed_out() && *number < 3);
    /// ```
    #[track_caller]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let result = wait_while(
            &self.raw,
            &mut guard.access,
            Some(Deadline::after(timeout)),
            condition,
        );
        map_result(result, |result| (guard, result))
    }

    /// The async twin of [`wait`](Self::wait): the task is suspended, and the agent free.
    ///
    /// The mutex is unlocked by the first poll of the future.
    ///
    /// # Cancel safety
    /// The future owns the guard, and may be dropped at any time: the mutex is then unlocked, the task has left the queue, and a
    /// notification that had already reached it goes on to the next who waits. It is `Send` if `T` is, although the guard is not.
    ///
    /// # Errors
    /// The guard in an error, if the mutex is poisoned when it is locked again.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Condvar, Mutex};
    ///
    /// static READY: Mutex<bool> = Mutex::new(false);
    /// static CHANGED: Condvar = Condvar::new();
    ///
    /// let other = std::thread::spawn(|| {
    ///     *READY.lock().unwrap() = true;
    ///     CHANGED.notify_one();
    /// });
    /// # pollster::block_on(async {
    /// let mut ready = READY.lock_async().await.unwrap();
    /// while !*ready {
    ///     ready = CHANGED.wait_async(ready).await.unwrap();
    /// }
    /// # });
    /// # other.join().unwrap();
    /// ```
    pub fn wait_async<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> impl Future<Output = LockResult<MutexGuard<'a, T>>> {
        let left = leave(guard.access);
        async move {
            let waited = wait_async(&self.raw, left).await;
            map_result(waited, |access| MutexGuard { access })
        }
    }

    /// The async twin of [`wait_while`](Self::wait_while).
    ///
    /// # Cancel safety
    /// As for [`wait_async`](Self::wait_async); it is `Send` if `condition` is as well.
    ///
    /// # Errors
    /// As for [`wait_while`](Self::wait_while).
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *mutex.lock().unwrap() = 3;
    ///         condvar.notify_all();
    ///     });
    ///     # pollster::block_on(async {
    ///     let guard = mutex.lock_async().await.unwrap();
    ///     let number = condvar.wait_while_async(guard, |number| *number < 3).await.unwrap();
    ///     assert_eq!(*number, 3);
    ///     # });
    /// });
    /// ```
    pub fn wait_while_async<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: F,
    ) -> impl Future<Output = LockResult<MutexGuard<'a, T>>>
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let left = leave(guard.access);
        async move {
            let waited = wait_while_async(&self.raw, left, condition).await;
            map_result(waited, |access| MutexGuard { access })
        }
    }

    /// The async twin of [`wait_timeout`](Self::wait_timeout). The time begins with the call.
    ///
    /// `timed_out` is never true of a wait that a notification has ended.
    ///
    /// # Cancel safety
    /// As for [`wait_async`](Self::wait_async).
    ///
    /// # Errors
    /// As for [`wait_timeout`](Self::wait_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Condvar, Mutex};
    ///
    /// # pollster::block_on(async {
    /// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    /// let guard = mutex.lock_async().await.unwrap();
    /// let (guard, result) = condvar.wait_timeout_async(guard, Duration::from_millis(5)).await.unwrap();
    /// assert!(result.timed_out());
    /// # drop(guard);
    /// # });
    /// ```
    pub fn wait_timeout_async<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> impl Future<Output = LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>> {
        let left = leave(guard.access);
        let deadline = Deadline::after(timeout);
        async move {
            let waited = wait_until_async(&self.raw, left, deadline).await;
            map_result(waited, |(access, result)| (MutexGuard { access }, result))
        }
    }

    /// The async twin of [`wait_timeout_while`](Self::wait_timeout_while). The time begins with the call.
    ///
    /// # Cancel safety
    /// As for [`wait_async`](Self::wait_async); it is `Send` if `condition` is as well.
    ///
    /// # Errors
    /// As for [`wait_timeout`](Self::wait_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Condvar, Mutex};
    ///
    /// # pollster::block_on(async {
    /// let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    /// let guard = mutex.lock_async().await.unwrap();
    /// let timeout = Duration::from_millis(5);
    /// let (number, result) = condvar.wait_timeout_while_async(guard, timeout, |number| *number < 3).await.unwrap();
    /// assert!(result.timed_out() && *number < 3);
    /// # });
    /// ```
    pub fn wait_timeout_while_async<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
        condition: F,
    ) -> impl Future<Output = LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>>
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let left = leave(guard.access);
        let deadline = Deadline::after(timeout);
        async move {
            let waited = wait_until_while_async(&self.raw, left, deadline, condition).await;
            map_result(waited, |(access, result)| (MutexGuard { access }, result))
        }
    }

    /// Wakes one who waits, if anybody does: who has waited longest, except that an agent that must not sleep goes first.
    ///
    /// # Examples
    /// ```
    /// # let condvar = web_sync::Condvar::new();
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
    /// # let condvar = web_sync::Condvar::new();
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

/// Whether a wait with a time-out ended because the time was over.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use web_sync::{Condvar, Mutex, WaitTimeoutResult};
///
/// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
/// let waited = condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO);
/// let result: WaitTimeoutResult = waited.unwrap().1;
/// assert!(result.timed_out());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub(crate) fn new(timed_out: bool) -> Self {
        Self(timed_out)
    }

    /// True if the time was over.
    ///
    /// # Examples
    /// See the [type](Self).
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}
