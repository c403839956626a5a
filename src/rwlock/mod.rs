//! The reader-writer lock that can be poisoned: [`nonpoison::RwLock`] with a check for panics.

mod timed;
mod upgradable;
mod write;

use core::fmt;
use core::mem;

use crate::nonpoison;
use crate::poison::{
    LockResult, PoisonError, TryLockError, TryLockResult, UNWINDS, checked, checked_try,
};
use crate::sys::shim::const_new;

pub use crate::nonpoison::{MappedRwLockReadGuard, RwLockReadGuard};
pub use upgradable::RwLockUpgradableReadGuard;
pub use write::{MappedRwLockWriteGuard, RwLockWriteGuard};

/// Data that many may read at a time, or one may change.
///
/// std's `RwLock`, made so that every agent of a page may use it: waiting and releasing are as for [`Mutex`](crate::Mutex), and each
/// blocking call has an async twin that waits in the same queue. Beside its data it takes 8 bytes on wasm32, 16 on 64-bit targets, and no
/// heap.
///
/// Beyond std it has a reader that may become a writer ([`upgradable_read`](Self::upgradable_read)). Beside that one, 16,777,214 may read at
/// a time; who comes when there are so many waits.
///
/// # Fairness
/// Readers and writers wait in one queue. Who comes to read while somebody waits joins that queue, so a stream of readers does not
/// keep a writer out, nor the other way. That goes for whoever waits: a writer, or somebody who wants to read upgradably while another one
/// does.
///
/// Hence a thread that holds the lock for reading must not `read` again: if somebody begins to wait between the two, it may be that none of
/// them can go on.
///
/// A writer may lose races, as who waits for a [`Mutex`](crate::Mutex#fairness), with the same bounds: 8 for a thread, 2 for a task, for
/// which a free lock is kept as long as 10 ms if a thread waits. A thread that wants to read is handed the lock as soon as it is first.
///
/// # Poisoning
/// A panic that drops the guard of a writer poisons the lock: `read` and `write` then give an error that holds the guard. A panic
/// of a reader does not. See [`poison`](crate::poison), and [`nonpoison`] for a lock without this.
///
/// # Examples
/// ```
/// use web_sync::RwLock;
///
/// let lock = RwLock::new(5);
/// {
///     let one = lock.read().unwrap();
///     let another = lock.read().unwrap();
///     assert_eq!(*one + *another, 10);
/// }
/// *lock.write().unwrap() += 1;
/// assert_eq!(*lock.read().unwrap(), 6);
/// ```
///
/// Readers share the data, so it has to be `Sync`:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(web_sync::RwLock::new(std::cell::Cell::new(1)));
/// ```
pub struct RwLock<T: ?Sized> {
    inner: nonpoison::RwLock<T>,
}

impl<T> RwLock<T> {
    const_new! {
        /// An unlocked lock with this data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::RwLock;
        ///
        /// static LOCK: RwLock<u32> = RwLock::new(0);
        /// ```
        #[inline]
        pub fn new(value: T) -> RwLock<T> {
            RwLock { inner: nonpoison::RwLock::new(value) }
        }
    }

    /// A clone of the data.
    ///
    /// # Blocking
    /// As [`read`](Self::read).
    ///
    /// # Errors
    /// If the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// assert_eq!(RwLock::new(7).get_cloned().unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn get_cloned(&self) -> Result<T, PoisonError<()>>
    where
        T: Clone,
    {
        match self.read() {
            Ok(guard) => Ok(guard.clone()),
            Err(_) => Err(PoisonError::new(())),
        }
    }

    /// Replaces the data. The old value is dropped after the lock has been released.
    ///
    /// # Blocking
    /// As [`write`](Self::write).
    ///
    /// # Errors
    /// The new value in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let lock = RwLock::new(7);
    /// lock.set(11).unwrap();
    /// assert_eq!(lock.get_cloned().unwrap(), 11);
    /// ```
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), PoisonError<T>> {
        self.replace(value).map(drop)
    }

    /// Replaces the data and returns the old value.
    ///
    /// # Blocking
    /// As [`write`](Self::write).
    ///
    /// # Errors
    /// The new value in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let lock = RwLock::new(7);
    /// assert_eq!(lock.replace(11).unwrap(), 7);
    /// assert_eq!(lock.get_cloned().unwrap(), 11);
    /// ```
    #[track_caller]
    pub fn replace(&self, value: T) -> LockResult<T> {
        match self.write() {
            Ok(mut guard) => Ok(mem::replace(&mut *guard, value)),
            Err(_) => Err(PoisonError::new(value)),
        }
    }
}

/// Reading.
impl<T: ?Sized> RwLock<T> {
    /// Locks for reading, waiting for writers to finish if need be.
    ///
    /// # Blocking
    /// Sleeps while a writer holds the lock, or somebody waits for it: a writer, or one who wants to read upgradably. On an agent that must
    /// not sleep, as a page's main thread, it spins and is let in first. [`read_async`](Self::read_async) does neither.
    ///
    /// # Panics
    /// If this agent is known to hold the lock for writing. Where that is not known, such a call never returns. Neither may a second `read`
    /// of the same thread, if somebody begins to wait between the two.
    ///
    /// In a build without threads, if it would wait: nobody could ever release the lock.
    ///
    /// # Errors
    /// The guard in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// assert_eq!(*RwLock::new(5).read().unwrap(), 5);
    /// ```
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.check_read(self.inner.read())
    }

    /// Locks for reading if that needs no waiting.
    ///
    /// A free lock counts as held while it is kept for a task that has lost two races ([Fairness](crate::Mutex#fairness)): until the task takes it
    /// or is dropped, or a thread that waits lets that lapse, after 10 ms.
    ///
    /// # Errors
    /// [`WouldBlock`](TryLockError::WouldBlock) if a writer holds the lock, or somebody waits for it: a writer, or one who wants to read
    /// upgradably. [`Poisoned`](TryLockError::Poisoned), with the guard, if not, but it is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let writer = lock.write().unwrap();
    /// assert!(lock.try_read().is_err());
    /// drop(writer);
    /// assert_eq!(*lock.try_read().unwrap(), 5);
    /// ```
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        checked_try(self.inner.try_read(), |guard| self.check_read(guard))
    }

    /// Locks for reading; the task is suspended, and the agent free, while a writer is in the way.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and gives back what had just been handed to it. It is `Send` if
    /// `T` is `Send` and `Sync`.
    ///
    /// # Errors
    /// The guard in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// # pollster::block_on(async {
    /// assert_eq!(*RwLock::new(5).read_async().await.unwrap(), 5);
    /// # });
    /// ```
    pub async fn read_async(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.check_read(self.inner.read_async().await)
    }

    #[inline]
    fn check_read<'a>(&self, guard: RwLockReadGuard<'a, T>) -> LockResult<RwLockReadGuard<'a, T>> {
        checked(UNWINDS && self.is_poisoned(), guard)
    }
}

/// Writing.
impl<T: ?Sized> RwLock<T> {
    /// Locks for writing, waiting for readers and other writers to finish if need be.
    ///
    /// # Blocking
    /// Sleeps while somebody else holds the lock; on an agent that must not sleep, as a page's main thread, it spins and is let in
    /// first. [`write_async`](Self::write_async) does neither.
    ///
    /// # Panics
    /// If this agent is known to hold the lock for writing already. Where that is not known, and when this thread holds it for
    /// reading, such a call never returns.
    ///
    /// In a build without threads, if it would wait: nobody could ever release the lock.
    ///
    /// # Errors
    /// The guard in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// *lock.write().unwrap() = 6;
    /// assert_eq!(lock.into_inner().unwrap(), 6);
    /// ```
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.check_write(self.inner.write())
    }

    /// Locks for writing if nobody holds the lock. Does not wait.
    ///
    /// A free lock that is kept for a task counts as held, as for [`try_read`](Self::try_read).
    ///
    /// # Errors
    /// [`WouldBlock`](TryLockError::WouldBlock) if somebody holds the lock; [`Poisoned`](TryLockError::Poisoned), with the guard, if
    /// not, but it is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let reader = lock.read().unwrap();
    /// assert!(lock.try_write().is_err());
    /// # drop(reader);
    /// ```
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        checked_try(self.inner.try_write(), |guard| self.check_write(guard))
    }

    /// Locks for writing; the task is suspended, and the agent free, while somebody else holds the lock.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and gives back what had just been handed to it. Readers that
    /// waited only because it did go on. It is `Send` if `T` is `Send` and `Sync`.
    ///
    /// # Errors
    /// The guard in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// *lock.write_async().await.unwrap() = 6;
    /// assert_eq!(lock.into_inner().unwrap(), 6);
    /// # });
    /// ```
    pub async fn write_async(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.check_write(self.inner.write_async().await)
    }

    #[inline]
    fn check_write<'a>(
        &self,
        guard: nonpoison::RwLockWriteGuard<'a, T>,
    ) -> LockResult<RwLockWriteGuard<'a, T>> {
        checked(
            UNWINDS && self.is_poisoned(),
            RwLockWriteGuard {
                access: guard.access.poisoning(),
            },
        )
    }
}

/// Reading with the right to write later.
impl<T: ?Sized> RwLock<T> {
    /// Locks for reading, beside other readers, with the right to [`upgrade`](RwLockUpgradableReadGuard::upgrade) to writing. Only
    /// one at a time has that right.
    ///
    /// # Blocking
    /// As [`read`](Self::read), and also while somebody else holds that right.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    ///
    /// # Errors
    /// The guard in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// let lock = RwLock::new(vec![1]);
    /// let list = lock.upgradable_read().unwrap();
    /// if list.len() < 2 {
    ///     RwLockUpgradableReadGuard::upgrade(list).push(2);
    /// }
    /// assert_eq!(*lock.read().unwrap(), [1, 2]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn upgradable_read(&self) -> LockResult<RwLockUpgradableReadGuard<'_, T>> {
        self.check_upgradable(self.inner.upgradable_read())
    }

    /// Locks as [`upgradable_read`](Self::upgradable_read), if that needs no waiting.
    ///
    /// A free lock that is kept for a task counts as held, as for [`try_read`](Self::try_read).
    ///
    /// # Errors
    /// [`WouldBlock`](TryLockError::WouldBlock) if a writer holds the lock, somebody waits for it, or somebody else has the right to
    /// upgrade; [`Poisoned`](TryLockError::Poisoned), with the guard, if not, but it is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let guard = lock.try_upgradable_read().unwrap();
    /// assert!(lock.try_upgradable_read().is_err());
    /// assert!(lock.try_read().is_ok());
    /// # drop(guard);
    /// ```
    #[inline]
    pub fn try_upgradable_read(&self) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        checked_try(self.inner.try_upgradable_read(), |guard| {
            self.check_upgradable(guard)
        })
    }

    /// Locks as [`upgradable_read`](Self::upgradable_read); the task is suspended, and the agent free, while it has to wait.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and gives back what had just been handed to it. It is `Send` if
    /// `T` is `Send` and `Sync`.
    ///
    /// # Errors
    /// The guard in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// # pollster::block_on(async {
    /// assert_eq!(*RwLock::new(5).upgradable_read_async().await.unwrap(), 5);
    /// # });
    /// ```
    pub async fn upgradable_read_async(&self) -> LockResult<RwLockUpgradableReadGuard<'_, T>> {
        self.check_upgradable(self.inner.upgradable_read_async().await)
    }

    #[inline]
    fn check_upgradable<'a>(
        &self,
        guard: nonpoison::RwLockUpgradableReadGuard<'a, T>,
    ) -> LockResult<RwLockUpgradableReadGuard<'a, T>> {
        checked(
            UNWINDS && self.is_poisoned(),
            RwLockUpgradableReadGuard {
                access: guard.access,
            },
        )
    }
}

/// Without a guard.
impl<T: ?Sized> RwLock<T> {
    /// Whether the panic of a writer has poisoned the lock.
    ///
    /// Another thread may change that at any time, unless the lock is held.
    ///
    /// # Examples
    /// ```
    /// assert!(!web_sync::RwLock::new(1).is_poisoned());
    /// ```
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.inner.raw.is_poisoned()
    }

    /// Makes the lock as if no panic had happened. Call it once you have made sure that the data is consistent.
    ///
    /// # Examples
    /// ```
    /// use std::panic::catch_unwind;
    /// use web_sync::{PoisonError, RwLock};
    ///
    /// let lock = RwLock::new(1);
    /// # let _ =
    /// catch_unwind(|| {
    ///     let _guard = lock.write();
    ///     panic!("while it is held");
    /// });
    /// assert!(lock.is_poisoned());
    ///
    /// *lock.write().unwrap_or_else(PoisonError::into_inner) = 1;
    /// lock.clear_poison();
    /// assert!(lock.read().is_ok());
    /// ```
    #[inline]
    pub fn clear_poison(&self) {
        self.inner.raw.clear_poison();
    }

    /// The data, from a lock that nobody else has.
    ///
    /// # Errors
    /// The data in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// assert_eq!(RwLock::new(5).into_inner().unwrap(), 5);
    /// ```
    pub fn into_inner(self) -> LockResult<T>
    where
        T: Sized,
    {
        checked(self.is_poisoned(), self.inner.into_inner())
    }

    /// The data of a lock that nobody else can see: no locking is needed.
    ///
    /// # Errors
    /// The data in an error, if the lock is poisoned.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let mut lock = RwLock::new(5);
    /// *lock.get_mut().unwrap() = 6;
    /// assert_eq!(lock.into_inner().unwrap(), 6);
    /// ```
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        checked(self.is_poisoned(), self.inner.get_mut())
    }

    /// Where the data is. To use the pointer is right only while the lock is held, or not shared.
    ///
    /// # Examples
    /// ```
    /// use web_sync::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let guard = lock.read().unwrap();
    /// assert_eq!(lock.data_ptr().cast_const(), &*guard as *const _);
    /// # drop(guard);
    /// ```
    pub const fn data_ptr(&self) -> *mut T {
        self.inner.data_ptr()
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        RwLock::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => fields.field("data", &&*guard),
            Err(TryLockError::Poisoned(error)) => fields.field("data", &&**error.get_ref()),
            Err(TryLockError::WouldBlock) => fields.field("data", &format_args!("<locked>")),
        };
        fields
            .field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}
