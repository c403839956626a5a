//! The lock that its holder may take again.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use web_time::Instant;

use crate::raw::RawReentrant;
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::shim::const_new;

/// Mutual exclusion between agents, where the agent that holds the lock may take it again.
///
/// std's `ReentrantLock` (unstable there), made so that every agent of a page may use it. Since one agent may have several guards, a guard
/// gives shared access only; put a `Cell` or a `RefCell` inside for data that changes.
///
/// It belongs to an *agent*: a thread, a worker, a page's main thread. Therefore it has no async twin. Two tasks of one agent are the
/// same to it, and would both get in: for data that tasks share take a [`Mutex`](crate::Mutex). Its guard can be held across an
/// `await`, but that keeps other agents out, and no task of this agent.
///
/// It is never poisoned. Unlocking never waits and never allocates, on any agent.
///
/// # Fairness
/// As for [`Mutex`](crate::Mutex): barging, with handoff to a waiter that has lost too often, and always to an agent that must not
/// sleep. The holder never waits.
///
/// # Examples
/// ```
/// use std::cell::Cell;
/// use web_sync::ReentrantLock;
///
/// static COUNT: ReentrantLock<Cell<u32>> = ReentrantLock::new(Cell::new(0));
///
/// fn add() {
///     let count = COUNT.lock();
///     count.set(count.get() + 1);
/// }
///
/// fn add_two() -> u32 {
///     let count = COUNT.lock();
///     add(); // locks again
///     add();
///     count.get()
/// }
///
/// assert_eq!(add_two(), 2);
/// ```
pub struct ReentrantLock<T: ?Sized> {
    raw: RawReentrant,
    data: T,
}

// SAFETY: moving it moves the data.
unsafe impl<T: ?Sized + Send> Send for ReentrantLock<T> {}
// SAFETY: one agent at a time has references to the data, so that it need not be `Sync`.
unsafe impl<T: ?Sized + Send> Sync for ReentrantLock<T> {}
impl<T: ?Sized + UnwindSafe> UnwindSafe for ReentrantLock<T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for ReentrantLock<T> {}

impl<T> ReentrantLock<T> {
    const_new! {
        /// An unlocked lock with this data.
        ///
        /// # Examples
        /// ```
        /// use web_sync::ReentrantLock;
        ///
        /// static LOCK: ReentrantLock<u32> = ReentrantLock::new(0);
        /// ```
        pub fn new(t: T) -> ReentrantLock<T> {
            ReentrantLock { raw: RawReentrant::new(), data: t }
        }
    }

    /// The data.
    ///
    /// # Examples
    /// ```
    /// use web_sync::ReentrantLock;
    ///
    /// assert_eq!(ReentrantLock::new(7).into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.data
    }
}

impl<T: ?Sized> ReentrantLock<T> {
    /// Locks, waiting until no other agent holds the lock. If this agent holds it, there is nothing to wait for.
    ///
    /// # Blocking
    /// Sleeps while another agent holds the lock; on an agent that must not sleep, as a page's main thread, it spins and is handed the
    /// lock at the next unlock. There [`try_lock`](Self::try_lock) does neither.
    ///
    /// # Panics
    /// If this agent has 2<sup>32</sup> guards. If the program has had more than 16,777,215 agents, on those that came later.
    ///
    /// # Examples
    /// ```
    /// use web_sync::ReentrantLock;
    ///
    /// let lock = ReentrantLock::new(5);
    /// let (one, two) = (lock.lock(), lock.lock());
    /// assert_eq!(*one + *two, 10);
    /// ```
    #[track_caller]
    pub fn lock(&self) -> ReentrantLockGuard<'_, T> {
        self.raw.lock(|| None, &locking());
        self.guard()
    }

    /// Locks, unless another agent holds the lock. Never waits.
    ///
    /// `None` also if this agent has as many guards as can be counted.
    ///
    /// # Panics
    /// If the program has had more than 16,777,215 agents, on those that came later.
    ///
    /// # Examples
    /// ```
    /// use web_sync::ReentrantLock;
    ///
    /// let lock = ReentrantLock::new(5);
    /// let held = lock.lock();
    /// assert!(lock.try_lock().is_some());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| assert!(lock.try_lock().is_none()));
    /// });
    /// # drop(held);
    /// ```
    #[track_caller]
    pub fn try_lock(&self) -> Option<ReentrantLockGuard<'_, T>> {
        self.raw.try_lock().then(|| self.guard())
    }

    /// Locks, waiting for other agents no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// `None` if another agent still held the lock when the time was over.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock), at most for `timeout`.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::ReentrantLock;
    ///
    /// let lock = ReentrantLock::new(1);
    /// assert!(lock.try_lock_for(Duration::from_millis(5)).is_some());
    /// ```
    #[track_caller]
    pub fn try_lock_for(&self, timeout: Duration) -> Option<ReentrantLockGuard<'_, T>> {
        let locked = self.raw.lock(|| Some(Deadline::after(timeout)), &locking());
        locked.then(|| self.guard())
    }

    /// Locks, waiting for other agents no longer than until `deadline`.
    ///
    /// `None` if another agent still held the lock at that time.
    ///
    /// # Blocking
    /// As [`lock`](Self::lock), at most until `deadline`.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, ReentrantLock};
    ///
    /// let lock = ReentrantLock::new(1);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert!(lock.try_lock_until(deadline).is_some());
    /// ```
    #[track_caller]
    pub fn try_lock_until(&self, deadline: Instant) -> Option<ReentrantLockGuard<'_, T>> {
        let locked = self.raw.lock(|| Some(Deadline::at(deadline)), &locking());
        locked.then(|| self.guard())
    }

    /// The data, without locking: who has the only reference needs no lock.
    ///
    /// # Examples
    /// ```
    /// use web_sync::ReentrantLock;
    ///
    /// let mut lock = ReentrantLock::new(1);
    /// *lock.get_mut() += 1;
    /// assert_eq!(*lock.lock(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.data
    }

    /// Where the data is. To read there needs what any raw pointer needs, and that no other agent holds the lock.
    ///
    /// # Examples
    /// ```
    /// use web_sync::ReentrantLock;
    ///
    /// let lock = ReentrantLock::new(1);
    /// let held = lock.lock();
    /// assert!(std::ptr::eq(lock.data_ptr(), &*held));
    /// ```
    pub const fn data_ptr(&self) -> *const T {
        &raw const self.data
    }

    /// For a caller that has just locked.
    fn guard(&self) -> ReentrantLockGuard<'_, T> {
        ReentrantLockGuard {
            lock: self,
            _not_send: PhantomData,
        }
    }
}

#[track_caller]
fn locking() -> Call {
    Call {
        name: "ReentrantLock::lock",
        instead: "ReentrantLock::try_lock",
        caller: Location::caller(),
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("ReentrantLock");
        match self.try_lock() {
            Some(guard) => fields.field("data", &&*guard),
            None => fields.field("data", &format_args!("<locked>")),
        };
        fields.finish_non_exhaustive()
    }
}

impl<T: Default> Default for ReentrantLock<T> {
    fn default() -> Self {
        ReentrantLock::new(T::default())
    }
}

impl<T> From<T> for ReentrantLock<T> {
    fn from(t: T) -> Self {
        ReentrantLock::new(t)
    }
}

/// Access to the data of a locked [`ReentrantLock`]. When an agent's last guard is dropped the lock is free.
///
/// It stays on its agent: it is not `Send`.
///
/// # Examples
/// ```
/// use web_sync::{ReentrantLock, ReentrantLockGuard};
///
/// let lock = ReentrantLock::new(1);
/// let guard: ReentrantLockGuard<'_, i32> = lock.lock();
/// assert_eq!(*guard, 1);
/// ```
#[must_use = "if it is not used the lock is given back at once"]
pub struct ReentrantLockGuard<'a, T: ?Sized> {
    lock: &'a ReentrantLock<T>,
    /// The lock is this agent's.
    _not_send: PhantomData<*const ()>,
}

// SAFETY: another agent gets `&T` out of it, and can neither drop it nor take another lock with it.
unsafe impl<T: ?Sized + Sync> Sync for ReentrantLockGuard<'_, T> {}

impl<T: ?Sized> Deref for ReentrantLockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.lock.data
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for ReentrantLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl<T: ?Sized> Drop for ReentrantLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: a guard is one lock of the agent that drops it: it is not `Send`.
        unsafe { self.lock.raw.unlock() };
    }
}
