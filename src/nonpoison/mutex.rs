//! The mutex without poisoning, and its guards.

use core::cell::UnsafeCell;
use core::fmt;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;
use core::time::Duration;

use web_time::Instant;

use super::{TryLockResult, WouldBlock};
use crate::guard::{Access, Hold, Locked, guard_maps, guard_traits};
use crate::raw::{RawMutex, in_time};
use crate::sys::clock::Deadline;
use crate::sys::shim::const_new;

/// Mutual exclusion: data that one thread or task at a time has access to, without poisoning.
///
/// As [`Mutex`](crate::Mutex), except that a panic while the mutex is locked leaves no trace, and so `lock` returns the guard itself.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::nonpoison::Mutex;
///
/// static TOTAL: Mutex<u32> = Mutex::new(0);
///
/// thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| *TOTAL.lock() += 1);
///     }
/// });
/// assert_eq!(*TOTAL.lock(), 4);
/// ```
pub struct Mutex<T: ?Sized> {
    pub(crate) raw: RawMutex,
    data: UnsafeCell<T>,
}

// SAFETY: the data goes with the mutex.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: a shared mutex gives access to one thread at a time, which is as good as sending the data from one to the next.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    const_new! {
        /// An unlocked mutex with this data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::Mutex;
        ///
        /// static MUTEX: Mutex<u32> = Mutex::new(0);
        /// ```
        #[inline]
        pub fn new(value: T) -> Mutex<T> {
            Mutex { raw: RawMutex::new(), data: UnsafeCell::new(value) }
        }
    }

    /// A clone of the data.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// assert_eq!(Mutex::new(7).get_cloned(), 7);
    /// ```
    #[track_caller]
    pub fn get_cloned(&self) -> T
    where
        T: Clone,
    {
        self.lock().clone()
    }

    /// Replaces the data. The old value is dropped after the mutex has been unlocked.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mutex = Mutex::new(7);
    /// mutex.set(11);
    /// assert_eq!(mutex.get_cloned(), 11);
    /// ```
    #[track_caller]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// Replaces the data and returns the old value.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mutex = Mutex::new(7);
    /// assert_eq!(mutex.replace(11), 7);
    /// assert_eq!(mutex.get_cloned(), 11);
    /// ```
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        mem::replace(&mut *self.lock(), value)
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks the mutex, waiting for it if need be.
    ///
    /// # Blocking
    /// Sleeps while somebody else holds the mutex; on an agent that must not sleep, as a page's main thread, it spins and is
    /// handed the mutex at the next unlock. [`lock_async`](Self::lock_async) does neither.
    ///
    /// # Panics
    /// If this agent is known to hold the mutex already. Where that is not known, such a call never returns.
    ///
    /// In a build without threads, if it would wait: nobody could ever unlock the mutex.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// *mutex.lock() = 2;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.raw.lock();
        // SAFETY: just locked.
        unsafe { self.guard() }
    }

    /// Locks the mutex if nobody holds it. Does not wait.
    ///
    /// A free mutex counts as held while it is kept for a task that has lost two races ([Fairness](crate::Mutex#fairness)): until the task takes it
    /// or is dropped, or a thread that waits lets that lapse, after 10 ms.
    ///
    /// # Errors
    /// [`WouldBlock`] if it is locked.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_err());
    /// # drop(guard);
    /// ```
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if self.raw.try_lock() {
            // SAFETY: just locked.
            Ok(unsafe { self.guard() })
        } else {
            Err(WouldBlock)
        }
    }

    /// Locks the mutex, waiting for it no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock), at most for `timeout`.
    ///
    /// # Panics
    /// As [`lock`](Self::lock), if there is no time limit.
    ///
    /// # Errors
    /// [`WouldBlock`] if the mutex was still locked when the time was over.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// assert!(mutex.try_lock_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_lock_for(&self, timeout: Duration) -> TryLockResult<MutexGuard<'_, T>> {
        self.try_lock_deadline(|| Deadline::after(timeout))
    }

    /// Locks the mutex, waiting for it no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock), at most until `deadline`.
    ///
    /// # Panics
    /// As [`lock`](Self::lock), if `deadline` is too far away to represent.
    ///
    /// # Errors
    /// [`WouldBlock`] if the mutex was still locked at that time.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, nonpoison::Mutex};
    ///
    /// let mutex = Mutex::new(1);
    /// assert!(mutex.try_lock_until(Instant::now() + Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_lock_until(&self, deadline: Instant) -> TryLockResult<MutexGuard<'_, T>> {
        self.try_lock_deadline(|| Deadline::at(deadline))
    }

    /// Asks for the time only when the mutex is not free.
    #[track_caller]
    fn try_lock_deadline(
        &self,
        deadline: impl FnOnce() -> Deadline,
    ) -> TryLockResult<MutexGuard<'_, T>> {
        if self.raw.try_lock() || self.raw.lock_until(deadline()) {
            // SAFETY: just locked.
            Ok(unsafe { self.guard() })
        } else {
            Err(WouldBlock)
        }
    }

    /// Locks the mutex; the task is suspended, and the agent free, while somebody else holds it.
    ///
    /// Works on every agent and with every executor. Tasks and threads wait in the same queue.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and if the mutex had just been handed to it, that goes on to
    /// the next in the queue. It is `Send` if `T` is.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// # pollster::block_on(async {
    /// let mutex = Mutex::new(1);
    /// *mutex.lock_async().await += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// # });
    /// ```
    pub async fn lock_async(&self) -> MutexGuard<'_, T> {
        self.raw.lock_async().await;
        // SAFETY: the future has locked it.
        unsafe { self.guard() }
    }

    /// The async twin of [`try_lock_for`](Self::try_lock_for): the task is suspended, and the agent free. The time begins with the call.
    ///
    /// # Cancel safety
    /// As for [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_lock_for`](Self::try_lock_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::nonpoison::{Mutex, WouldBlock};
    ///
    /// # pollster::block_on(async {
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.lock();
    /// let locked = mutex.try_lock_for_async(Duration::from_millis(5)).await;
    /// assert_eq!(locked.err(), Some(WouldBlock));
    /// # drop(guard);
    /// # });
    /// ```
    pub fn try_lock_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<MutexGuard<'_, T>>> {
        self.try_lock_deadline_async(Deadline::after(timeout))
    }

    /// The async twin of [`try_lock_until`](Self::try_lock_until): the task is suspended, and the agent free.
    ///
    /// # Cancel safety
    /// As for [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_lock_until`](Self::try_lock_until).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, nonpoison::Mutex};
    ///
    /// # pollster::block_on(async {
    /// let mutex = Mutex::new(1);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// *mutex.try_lock_until_async(deadline).await.unwrap() += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// # });
    /// ```
    pub fn try_lock_until_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = TryLockResult<MutexGuard<'_, T>>> {
        self.try_lock_deadline_async(Deadline::at(deadline))
    }

    async fn try_lock_deadline_async(
        &self,
        deadline: Deadline,
    ) -> TryLockResult<MutexGuard<'_, T>> {
        match in_time(self.raw.lock_async(), deadline).await {
            // SAFETY: the future has locked it.
            Some(()) => Ok(unsafe { self.guard() }),
            None => Err(WouldBlock),
        }
    }

    /// # Safety
    /// The mutex must be locked, and no other guard may exist for that.
    #[inline]
    unsafe fn guard(&self) -> MutexGuard<'_, T> {
        // SAFETY: the caller's promise; the data is valid as long as the mutex is.
        unsafe {
            MutexGuard {
                access: Access::new(
                    Locked::adopt(&self.raw),
                    NonNull::new_unchecked(self.data.get()),
                ),
            }
        }
    }

    /// The data, from a mutex that nobody else has.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// assert_eq!(Mutex::new(1).into_inner(), 1);
    /// ```
    pub fn into_inner(self) -> T
    where
        T: Sized,
    {
        self.data.into_inner()
    }

    /// The data of a mutex that nobody else can see: no locking is needed.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mut mutex = Mutex::new(1);
    /// *mutex.get_mut() = 2;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// Where the data is. To use the pointer is right only while the mutex is locked, or not shared.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.lock();
    /// assert_eq!(mutex.data_ptr().cast_const(), &*guard as *const _);
    /// # drop(guard);
    /// ```
    pub const fn data_ptr(&self) -> *mut T {
        self.data.get()
    }

    /// Locks the mutex, calls `f` with the data and unlocks.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::Mutex;
    ///
    /// let mutex = Mutex::new(2);
    /// let doubled = mutex.with_mut(|number| {
    ///     *number *= 2;
    ///     *number
    /// });
    /// assert_eq!(doubled, 4);
    /// ```
    #[track_caller]
    pub fn with_mut<F, R>(&self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        f(&mut self.lock())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Mutex::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => fields.field("data", &&*guard),
            Err(WouldBlock) => fields.field("data", &format_args!("<locked>")),
        };
        fields.finish_non_exhaustive()
    }
}

/// Access to the data of a locked [`Mutex`], which is unlocked when this is dropped.
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{Mutex, MutexGuard};
///
/// let mutex = Mutex::new(1);
/// let mut guard: MutexGuard<'_, i32> = mutex.lock();
/// *guard += 1;
/// drop(guard);
/// assert_eq!(*mutex.lock(), 2);
/// ```
#[must_use = "if unused, the mutex is unlocked at once"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized + 'a> {
    pub(crate) access: Access<'a, Locked<'a>, T>,
}

impl<T: ?Sized> UnwindSafe for MutexGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for MutexGuard<'_, T> {}

guard_traits!(MutexGuard, mut);

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    guard_maps! {
        MutexGuard, mut => MappedMutexGuard;

        /// Narrows the guard to a part of the data. The mutex stays locked for as long as the new guard lives.
        ///
        /// Call it as `MutexGuard::map(guard, f)`: a method would hide one of the data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new((1, 2));
        /// *MutexGuard::map(mutex.lock(), |pair| &mut pair.1) = 3;
        /// assert_eq!(mutex.into_inner(), (1, 3));
        /// ```
        map;

        /// Narrows the guard to a part of the data, if `f` finds one.
        ///
        /// # Errors
        /// The guard as it was, if `f` returns `None`.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new(vec![1, 2]);
        /// let guard = MutexGuard::filter_map(mutex.lock(), |list| list.get_mut(9)).unwrap_err();
        /// assert_eq!(*guard, [1, 2]);
        /// ```
        filter_map;
    }
}

/// Access to a part of the data of a locked [`Mutex`]: a narrowed [`MutexGuard`].
///
/// # Examples
/// ```
/// use web_sync::nonpoison::{MappedMutexGuard, Mutex, MutexGuard};
///
/// let mutex = Mutex::new([1, 2]);
/// let first: MappedMutexGuard<'_, i32> = MutexGuard::map(mutex.lock(), |array| &mut array[0]);
/// assert_eq!(*first, 1);
/// ```
#[must_use = "if unused, the mutex is unlocked at once"]
#[clippy::has_significant_drop]
pub struct MappedMutexGuard<'a, T: ?Sized + 'a> {
    access: Access<'a, Locked<'a>, T>,
}

guard_traits!(MappedMutexGuard, mut);

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    guard_maps! {
        MappedMutexGuard, mut => MappedMutexGuard;

        /// Narrows the guard further: as [`MutexGuard::map`].
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{MappedMutexGuard, Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new(((1, 2), 3));
        /// let pair = MutexGuard::map(mutex.lock(), |all| &mut all.0);
        /// assert_eq!(*MappedMutexGuard::map(pair, |pair| &mut pair.1), 2);
        /// ```
        map;

        /// Narrows the guard further, if `f` finds a part: as [`MutexGuard::filter_map`].
        ///
        /// # Errors
        /// The guard as it was, if `f` returns `None`.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::{MappedMutexGuard, Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new((vec![1, 2], 3));
        /// let list = MutexGuard::map(mutex.lock(), |all| &mut all.0);
        /// assert!(MappedMutexGuard::filter_map(list, |list| list.first_mut()).is_ok_and(|first| *first == 1));
        /// ```
        filter_map;
    }
}
