//! The reader-writer lock without poisoning.

mod read;
mod timed;
mod upgradable;
mod write;

use core::cell::UnsafeCell;
use core::fmt;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use super::{TryLockResult, WouldBlock};
use crate::guard::{Access, Hold, ReadLocked, Shared, UpgradableLocked, WriteLocked};
use crate::raw::RawRwLock;
use crate::sys::shim::const_new;

pub use read::{MappedRwLockReadGuard, RwLockReadGuard};
pub use upgradable::RwLockUpgradableReadGuard;
pub(crate) use upgradable::{
    downgrade_upgradable, try_upgrade, upgrade, upgrade_async, upgrade_deadline,
    upgrade_deadline_async,
};
pub use write::{MappedRwLockWriteGuard, RwLockWriteGuard};
pub(crate) use write::{downgrade, downgrade_to_upgradable};

/// Data that many may read at a time, or one may change, without poisoning.
///
/// As [`RwLock`](crate::RwLock), except that a panic while the lock is held leaves no trace, and so `read` and `write` return the
/// guard itself.
///
/// # Examples
/// ```
/// use web_sync::nonpoison::RwLock;
///
/// let lock = RwLock::new(5);
/// {
///     let one = lock.read();
///     let another = lock.read();
///     assert_eq!(*one + *another, 10);
/// }
/// *lock.write() += 1;
/// assert_eq!(*lock.read(), 6);
/// ```
pub struct RwLock<T: ?Sized> {
    pub(crate) raw: RawRwLock,
    data: UnsafeCell<T>,
}

// SAFETY: the data goes with the lock.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: writers are alone, which is as good as sending the data to them; readers share it, hence `T: Sync`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

impl<T> RwLock<T> {
    const_new! {
        /// An unlocked lock with this data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::nonpoison::RwLock;
        ///
        /// static LOCK: RwLock<u32> = RwLock::new(0);
        /// ```
        #[inline]
        pub fn new(value: T) -> RwLock<T> {
            RwLock { raw: RawRwLock::new(), data: UnsafeCell::new(value) }
        }
    }

    /// A clone of the data.
    ///
    /// # Blocking
    /// As [`read`](Self::read).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// assert_eq!(RwLock::new(7).get_cloned(), 7);
    /// ```
    #[track_caller]
    pub fn get_cloned(&self) -> T
    where
        T: Clone,
    {
        self.read().clone()
    }

    /// Replaces the data. The old value is dropped after the lock has been released.
    ///
    /// # Blocking
    /// As [`write`](Self::write).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(7);
    /// lock.set(11);
    /// assert_eq!(lock.get_cloned(), 11);
    /// ```
    #[track_caller]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// Replaces the data and returns the old value.
    ///
    /// # Blocking
    /// As [`write`](Self::write).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(7);
    /// assert_eq!(lock.replace(11), 7);
    /// assert_eq!(lock.get_cloned(), 11);
    /// ```
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        mem::replace(&mut *self.write(), value)
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
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// assert_eq!(*RwLock::new(5).read(), 5);
    /// ```
    #[inline]
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.raw.read();
        // SAFETY: just locked for reading.
        unsafe { self.read_guard() }
    }

    /// Locks for reading if that needs no waiting.
    ///
    /// A free lock counts as held while it is kept for a task that has lost two races ([Fairness](crate::Mutex#fairness)): until the task takes it
    /// or is dropped, or a thread that waits lets that lapse, after 10 ms.
    ///
    /// # Errors
    /// [`WouldBlock`] if a writer holds the lock, or somebody waits for it: a writer, or one who wants to read upgradably.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let writer = lock.write();
    /// assert!(lock.try_read().is_err());
    /// drop(writer);
    /// assert_eq!(*lock.try_read().unwrap(), 5);
    /// ```
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if self.raw.try_read() {
            // SAFETY: just locked for reading.
            Ok(unsafe { self.read_guard() })
        } else {
            Err(WouldBlock)
        }
    }

    /// Locks for reading; the task is suspended, and the agent free, while a writer is in the way.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and gives back what had just been handed to it. It is `Send` if
    /// `T` is `Send` and `Sync`.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// # pollster::block_on(async {
    /// assert_eq!(*RwLock::new(5).read_async().await, 5);
    /// # });
    /// ```
    pub async fn read_async(&self) -> RwLockReadGuard<'_, T> {
        self.raw.read_async().await;
        // SAFETY: the future has locked it for reading.
        unsafe { self.read_guard() }
    }

    /// # Safety
    /// The lock must be held for reading, and no other guard may exist for that.
    #[inline]
    unsafe fn read_guard(&self) -> RwLockReadGuard<'_, T> {
        // SAFETY: the caller's promise; the data is valid as long as the lock is.
        unsafe {
            RwLockReadGuard {
                access: Shared::new(ReadLocked::adopt(&self.raw), self.place()),
            }
        }
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
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// *lock.write() = 6;
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    #[inline]
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.raw.write();
        // SAFETY: just locked for writing.
        unsafe { self.write_guard() }
    }

    /// Locks for writing if nobody holds the lock. Does not wait.
    ///
    /// A free lock that is kept for a task counts as held, as for [`try_read`](Self::try_read).
    ///
    /// # Errors
    /// [`WouldBlock`] if somebody holds the lock.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let reader = lock.read();
    /// assert!(lock.try_write().is_err());
    /// # drop(reader);
    /// ```
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        if self.raw.try_write() {
            // SAFETY: just locked for writing.
            Ok(unsafe { self.write_guard() })
        } else {
            Err(WouldBlock)
        }
    }

    /// Locks for writing; the task is suspended, and the agent free, while somebody else holds the lock.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and gives back what had just been handed to it. Readers that
    /// waited only because it did go on. It is `Send` if `T` is `Send` and `Sync`.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = RwLock::new(5);
    /// *lock.write_async().await = 6;
    /// assert_eq!(lock.into_inner(), 6);
    /// # });
    /// ```
    pub async fn write_async(&self) -> RwLockWriteGuard<'_, T> {
        self.raw.write_async().await;
        // SAFETY: the future has locked it for writing.
        unsafe { self.write_guard() }
    }

    /// # Safety
    /// The lock must be held for writing, and no other guard may exist for that.
    #[inline]
    unsafe fn write_guard(&self) -> RwLockWriteGuard<'_, T> {
        // SAFETY: the caller's promise; the data is valid as long as the lock is.
        unsafe {
            RwLockWriteGuard {
                access: Access::new(WriteLocked::adopt(&self.raw), self.place()),
            }
        }
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
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// let lock = RwLock::new(vec![1]);
    /// let list = lock.upgradable_read();
    /// if list.len() < 2 {
    ///     RwLockUpgradableReadGuard::upgrade(list).push(2);
    /// }
    /// assert_eq!(*lock.read(), [1, 2]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn upgradable_read(&self) -> RwLockUpgradableReadGuard<'_, T> {
        self.raw.upgradable_read();
        // SAFETY: just locked in this mode.
        unsafe { self.upgradable_guard() }
    }

    /// Locks as [`upgradable_read`](Self::upgradable_read), if that needs no waiting.
    ///
    /// A free lock that is kept for a task counts as held, as for [`try_read`](Self::try_read).
    ///
    /// # Errors
    /// [`WouldBlock`] if a writer holds the lock, somebody waits for it, or somebody else has the right to upgrade.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let guard = lock.try_upgradable_read().unwrap();
    /// assert!(lock.try_upgradable_read().is_err());
    /// assert!(lock.try_read().is_ok());
    /// # drop(guard);
    /// ```
    #[inline]
    pub fn try_upgradable_read(&self) -> TryLockResult<RwLockUpgradableReadGuard<'_, T>> {
        if self.raw.try_upgradable_read() {
            // SAFETY: just locked in this mode.
            Ok(unsafe { self.upgradable_guard() })
        } else {
            Err(WouldBlock)
        }
    }

    /// Locks as [`upgradable_read`](Self::upgradable_read); the task is suspended, and the agent free, while it has to wait.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it leaves the queue, and gives back what had just been handed to it. It is `Send` if
    /// `T` is `Send` and `Sync`.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// # pollster::block_on(async {
    /// assert_eq!(*RwLock::new(5).upgradable_read_async().await, 5);
    /// # });
    /// ```
    pub async fn upgradable_read_async(&self) -> RwLockUpgradableReadGuard<'_, T> {
        self.raw.upgradable_read_async().await;
        // SAFETY: the future has locked it in this mode.
        unsafe { self.upgradable_guard() }
    }

    /// # Safety
    /// The lock must be held in the upgradable mode, and no other guard may exist for that.
    #[inline]
    unsafe fn upgradable_guard(&self) -> RwLockUpgradableReadGuard<'_, T> {
        // SAFETY: the caller's promise; the data is valid as long as the lock is.
        unsafe {
            RwLockUpgradableReadGuard {
                access: Access::new(UpgradableLocked::adopt(&self.raw), self.place()),
            }
        }
    }
}

/// Without a guard.
impl<T: ?Sized> RwLock<T> {
    /// The data, from a lock that nobody else has.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// assert_eq!(RwLock::new(5).into_inner(), 5);
    /// ```
    pub fn into_inner(self) -> T
    where
        T: Sized,
    {
        self.data.into_inner()
    }

    /// The data of a lock that nobody else can see: no locking is needed.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let mut lock = RwLock::new(5);
    /// *lock.get_mut() = 6;
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// Where the data is. To use the pointer is right only while the lock is held, or not shared.
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// let guard = lock.read();
    /// assert_eq!(lock.data_ptr().cast_const(), &*guard as *const _);
    /// # drop(guard);
    /// ```
    pub const fn data_ptr(&self) -> *mut T {
        self.data.get()
    }

    /// Locks for reading, calls `f` with the data and unlocks.
    ///
    /// # Blocking
    /// As [`read`](Self::read).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// assert_eq!(RwLock::new(5).with(|number| number + 1), 6);
    /// ```
    #[track_caller]
    pub fn with<F, R>(&self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        f(&self.read())
    }

    /// Locks for writing, calls `f` with the data and unlocks.
    ///
    /// # Blocking
    /// As [`write`](Self::write).
    ///
    /// # Examples
    /// ```
    /// use web_sync::nonpoison::RwLock;
    ///
    /// let lock = RwLock::new(5);
    /// lock.with_mut(|number| *number += 1);
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    #[track_caller]
    pub fn with_mut<F, R>(&self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        f(&mut self.write())
    }

    fn place(&self) -> NonNull<T> {
        // SAFETY: a cell's content has an address.
        unsafe { NonNull::new_unchecked(self.data.get()) }
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
            Err(WouldBlock) => fields.field("data", &format_args!("<locked>")),
        };
        fields.finish_non_exhaustive()
    }
}
