//! The mutex that can be poisoned: [`nonpoison::Mutex`] with a check for panics.

use core::fmt;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use web_time::Instant;

use crate::guard::{Access, Exclusive, Locked, Poisoning, guard_maps, guard_traits};
use crate::nonpoison;
use crate::poison::{LockResult, PoisonError, TryLockError, TryLockResult, checked, checked_try};
use crate::sys::shim::const_new;

/// Mutual exclusion: data that one thread or task at a time has access to.
///
/// std's `Mutex`, made so that every agent of a page may use it:
///
/// - [`lock`](Self::lock) on an agent that must not sleep, as the main thread, spins and is handed the mutex at the next unlock,
///   however many workers want it; elsewhere it sleeps;
/// - [`lock_async`](Self::lock_async) waits in the same queue without holding up the agent;
/// - unlocking never waits and never allocates, on any agent.
///
/// Beside its data it takes 8 bytes on wasm32, 16 on 64-bit targets. It needs no heap, and two atomic operations to lock and unlock where
/// nobody competes.
///
/// # Fairness
/// A running thread may take the mutex in passing (*barging*), which is what makes locks fast. Whoever was woken and finds it taken again
/// has lost a race. How many races are lost has a bound:
///
/// - An agent that must not sleep is handed the mutex at the next unlock, before all others.
/// - A thread that is first in the queue and has lost 8 races is handed the mutex at the next unlock.
/// - For a task that is first and has lost 2 races a free mutex is kept. If its agent does not run it within 10 ms, a thread that waits
///   ends that.
///
/// So a thread with `n` waiters before it has the mutex after at most 9 (`n` + 1) races. Agents that must not sleep come before it, however
/// many they are.
///
/// # Poisoning
/// A panic that drops a guard poisons the mutex: `lock` then gives an error that holds the guard, since the data may be half changed.
/// See [`poison`](crate::poison), and [`nonpoison`] for a mutex without this.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::Mutex;
///
/// static TOTAL: Mutex<u32> = Mutex::new(0);
///
/// thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| *TOTAL.lock().unwrap() += 1);
///     }
/// });
/// assert_eq!(*TOTAL.lock().unwrap(), 4);
/// ```
pub struct Mutex<T: ?Sized> {
    inner: nonpoison::Mutex<T>,
}

impl<T> Mutex<T> {
    const_new! {
        /// An unlocked mutex with this data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::Mutex;
        ///
        /// static MUTEX: Mutex<u32> = Mutex::new(0);
        /// ```
        #[inline]
        pub fn new(value: T) -> Mutex<T> {
            Mutex { inner: nonpoison::Mutex::new(value) }
        }
    }

    /// A clone of the data.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock).
    ///
    /// # Errors
    /// If the mutex is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// assert_eq!(Mutex::new(7).get_cloned().unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn get_cloned(&self) -> Result<T, PoisonError<()>>
    where
        T: Clone,
    {
        match self.lock() {
            Ok(guard) => Ok(guard.clone()),
            Err(_) => Err(PoisonError::new(())),
        }
    }

    /// Replaces the data. The old value is dropped after the mutex has been unlocked.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock).
    ///
    /// # Errors
    /// The new value in an error, if the mutex is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// let mutex = Mutex::new(7);
    /// mutex.set(11).unwrap();
    /// assert_eq!(mutex.get_cloned().unwrap(), 11);
    /// ```
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), PoisonError<T>> {
        self.replace(value).map(drop)
    }

    /// Replaces the data and returns the old value.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock).
    ///
    /// # Errors
    /// The new value in an error, if the mutex is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// let mutex = Mutex::new(7);
    /// assert_eq!(mutex.replace(11).unwrap(), 7);
    /// assert_eq!(mutex.get_cloned().unwrap(), 11);
    /// ```
    #[track_caller]
    pub fn replace(&self, value: T) -> LockResult<T> {
        match self.lock() {
            Ok(mut guard) => Ok(mem::replace(&mut *guard, value)),
            Err(_) => Err(PoisonError::new(value)),
        }
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
    /// # Errors
    /// The guard in an error, if the mutex is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// *mutex.lock().unwrap() = 2;
    /// assert_eq!(mutex.into_inner().unwrap(), 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        self.check(self.inner.lock())
    }

    /// Locks the mutex if nobody holds it. Does not wait.
    ///
    /// A free mutex counts as held while it is kept for a task that has lost two races ([Fairness](Self#fairness)): until the task takes it
    /// or is dropped, or a thread that waits lets that lapse, after 10 ms.
    ///
    /// # Errors
    /// [`WouldBlock`](TryLockError::WouldBlock) if it is locked; [`Poisoned`](TryLockError::Poisoned), with the guard, if it was not,
    /// but is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Mutex, TryLockError};
    ///
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    /// # drop(guard);
    /// ```
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        checked_try(self.inner.try_lock(), |guard| self.check(guard))
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
    /// As [`try_lock`](Self::try_lock), where [`WouldBlock`](TryLockError::WouldBlock) means that the mutex was still locked when the
    /// time was over.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// assert!(mutex.try_lock_for(Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_lock_for(&self, timeout: Duration) -> TryLockResult<MutexGuard<'_, T>> {
        checked_try(self.inner.try_lock_for(timeout), |guard| self.check(guard))
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
    /// As [`try_lock_for`](Self::try_lock_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, Mutex};
    ///
    /// let mutex = Mutex::new(1);
    /// assert!(mutex.try_lock_until(Instant::now() + Duration::from_millis(5)).is_ok());
    /// ```
    #[track_caller]
    pub fn try_lock_until(&self, deadline: Instant) -> TryLockResult<MutexGuard<'_, T>> {
        checked_try(self.inner.try_lock_until(deadline), |guard| {
            self.check(guard)
        })
    }

    /// Locks the mutex; the task is suspended, and the agent free, while somebody else holds it.
    ///
    /// Works on every agent and with every executor. Tasks and threads wait in the same queue.
    ///
    /// The guard may live across an `await`, but think of what else the agent runs meanwhile: a blocking `lock` there would wait for
    /// a task that cannot go on. It panics, as this is known.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and if the mutex had just been handed to it, that goes on to
    /// the next in the queue. It is `Send` if `T` is.
    ///
    /// # Errors
    /// The guard in an error, if the mutex is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// # pollster::block_on(async {
    /// let mutex = Mutex::new(1);
    /// *mutex.lock_async().await.unwrap() += 1;
    /// assert_eq!(mutex.into_inner().unwrap(), 2);
    /// # });
    /// ```
    pub async fn lock_async(&self) -> LockResult<MutexGuard<'_, T>> {
        self.check(self.inner.lock_async().await)
    }

    /// The async twin of [`try_lock_for`](Self::try_lock_for): the task is suspended, and the agent free. The time begins with the call.
    ///
    /// A free mutex is locked even if the time is over at the first poll.
    ///
    /// # Cancel safety
    /// As for [`lock_async`](Self::lock_async). A future with a time limit that has waited also frees its timer when it is dropped. That
    /// allocates nothing; natively it locks the table of all timers, for a moment.
    ///
    /// # Errors
    /// As for [`try_lock_for`](Self::try_lock_for).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Mutex, TryLockError};
    ///
    /// # pollster::block_on(async {
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.lock().unwrap();
    /// let locked = mutex.try_lock_for_async(Duration::from_millis(5)).await;
    /// assert!(matches!(locked, Err(TryLockError::WouldBlock)));
    /// # drop(guard);
    /// # });
    /// ```
    pub fn try_lock_for_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = TryLockResult<MutexGuard<'_, T>>> {
        let locks = self.inner.try_lock_for_async(timeout);
        async { checked_try(locks.await, |guard| self.check(guard)) }
    }

    /// The async twin of [`try_lock_until`](Self::try_lock_until): the task is suspended, and the agent free.
    ///
    /// # Cancel safety
    /// As for [`try_lock_for_async`](Self::try_lock_for_async).
    ///
    /// # Errors
    /// As for [`try_lock_until`](Self::try_lock_until).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, Mutex};
    ///
    /// # pollster::block_on(async {
    /// let mutex = Mutex::new(1);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// *mutex.try_lock_until_async(deadline).await.unwrap() += 1;
    /// assert_eq!(mutex.into_inner().unwrap(), 2);
    /// # });
    /// ```
    pub fn try_lock_until_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = TryLockResult<MutexGuard<'_, T>>> {
        let locks = self.inner.try_lock_until_async(deadline);
        async { checked_try(locks.await, |guard| self.check(guard)) }
    }

    #[inline]
    fn check<'a>(&self, guard: nonpoison::MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let access = guard.access.poisoning();
        checked(access.hold().sees_poison(), MutexGuard { access })
    }

    /// Whether a panic has poisoned the mutex.
    ///
    /// Another thread may change that at any time, unless the mutex is locked.
    ///
    /// # Examples
    /// ```
    /// assert!(!web_sync::Mutex::new(1).is_poisoned());
    /// ```
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.inner.raw.is_poisoned()
    }

    /// Makes the mutex as if no panic had happened. Call it once you have made sure that the data is consistent.
    ///
    /// # Examples
    /// ```
    /// use std::panic::catch_unwind;
    /// use web_sync::{Mutex, PoisonError};
    ///
    /// let mutex = Mutex::new(1);
    /// # let _ =
    /// catch_unwind(|| {
    ///     let _guard = mutex.lock();
    ///     panic!("while it is locked");
    /// });
    /// assert!(mutex.is_poisoned());
    ///
    /// *mutex.lock().unwrap_or_else(PoisonError::into_inner) = 1;
    /// mutex.clear_poison();
    /// assert!(mutex.lock().is_ok());
    /// ```
    #[inline]
    pub fn clear_poison(&self) {
        self.inner.raw.clear_poison();
    }

    /// The data, from a mutex that nobody else has.
    ///
    /// # Errors
    /// The data in an error, if the mutex is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// assert_eq!(Mutex::new(1).into_inner().unwrap(), 1);
    /// ```
    pub fn into_inner(self) -> LockResult<T>
    where
        T: Sized,
    {
        checked(self.is_poisoned(), self.inner.into_inner())
    }

    /// The data of a mutex that nobody else can see: no locking is needed.
    ///
    /// # Errors
    /// The data in an error, if the mutex is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// let mut mutex = Mutex::new(1);
    /// *mutex.get_mut().unwrap() = 2;
    /// assert_eq!(mutex.into_inner().unwrap(), 2);
    /// ```
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        checked(self.is_poisoned(), self.inner.get_mut())
    }

    /// Where the data is. To use the pointer is right only while the mutex is locked, or not shared.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// let guard = mutex.lock().unwrap();
    /// assert_eq!(mutex.data_ptr().cast_const(), &*guard as *const _);
    /// # drop(guard);
    /// ```
    pub const fn data_ptr(&self) -> *mut T {
        self.inner.data_ptr()
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
            Err(TryLockError::Poisoned(error)) => fields.field("data", &&**error.get_ref()),
            Err(TryLockError::WouldBlock) => fields.field("data", &format_args!("<locked>")),
        };
        fields
            .field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}

/// Access to the data of a locked [`Mutex`], which is unlocked when this is dropped.
///
/// # Examples
/// ```
/// use web_sync::{Mutex, MutexGuard};
///
/// let mutex = Mutex::new(1);
/// let mut guard: MutexGuard<'_, i32> = mutex.lock().unwrap();
/// *guard += 1;
/// drop(guard);
/// assert_eq!(*mutex.lock().unwrap(), 2);
/// ```
///
/// It stays on its thread, as std's does:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// send(web_sync::Mutex::new(1).lock().unwrap());
/// ```
#[must_use = "if unused, the mutex is unlocked at once"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized + 'a> {
    pub(crate) access: Access<'a, Poisoning<Locked<'a>>, T>,
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
        /// use web_sync::{Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new((1, 2));
        /// *MutexGuard::map(mutex.lock().unwrap(), |pair| &mut pair.1) = 3;
        /// assert_eq!(mutex.into_inner().unwrap(), (1, 3));
        /// ```
        map;

        /// Narrows the guard to a part of the data, if `f` finds one.
        ///
        /// # Errors
        /// The guard as it was, if `f` returns `None`.
        ///
        /// # Examples
        /// ```
        /// use web_sync::{Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new(vec![1, 2]);
        /// let guard = MutexGuard::filter_map(mutex.lock().unwrap(), |list| list.get_mut(9)).unwrap_err();
        /// assert_eq!(*guard, [1, 2]);
        /// ```
        filter_map;
    }
}

/// Access to a part of the data of a locked [`Mutex`]: a narrowed [`MutexGuard`].
///
/// # Examples
/// ```
/// use web_sync::{MappedMutexGuard, Mutex, MutexGuard};
///
/// let mutex = Mutex::new([1, 2]);
/// let first: MappedMutexGuard<'_, i32> = MutexGuard::map(mutex.lock().unwrap(), |array| &mut array[0]);
/// assert_eq!(*first, 1);
/// ```
#[must_use = "if unused, the mutex is unlocked at once"]
#[clippy::has_significant_drop]
pub struct MappedMutexGuard<'a, T: ?Sized + 'a> {
    access: Access<'a, Poisoning<Locked<'a>>, T>,
}

guard_traits!(MappedMutexGuard, mut);

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    guard_maps! {
        MappedMutexGuard, mut => MappedMutexGuard;

        /// Narrows the guard further: as [`MutexGuard::map`].
        ///
        /// # Examples
        /// ```
        /// use web_sync::{MappedMutexGuard, Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new(((1, 2), 3));
        /// let pair = MutexGuard::map(mutex.lock().unwrap(), |all| &mut all.0);
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
        /// use web_sync::{MappedMutexGuard, Mutex, MutexGuard};
        ///
        /// let mutex = Mutex::new((vec![1, 2], 3));
        /// let list = MutexGuard::map(mutex.lock().unwrap(), |all| &mut all.0);
        /// assert!(MappedMutexGuard::filter_map(list, |list| list.first_mut()).is_ok_and(|first| *first == 1));
        /// ```
        filter_map;
    }
}
