//! A value that is made when it is first used.

use core::cell::UnsafeCell;
use core::fmt;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::panic::{Location, RefUnwindSafe, UnwindSafe};

use crate::raw::{RawOnce, Running, Wish, poisoned};
use crate::sys::Call;
use crate::sys::shim::const_new;

/// What is in a lazy lock.
enum Data<T, F> {
    /// What makes the value.
    Init(F),
    Value(T),
    /// The initialiser runs, or has panicked.
    Gone,
}

/// A value that is made when it is first used: whoever comes first makes it, the others wait for it and share it.
///
/// std's `LazyLock`, made so that every agent of a page may use it. Using a value that is there costs one load more than a reference.
///
/// # Poisoning
/// An initialiser that panics poisons the lock: its function is gone, so every later use panics as well. Where panics abort, as on
/// `wasm32-unknown-unknown` by default, nothing is ever poisoned.
///
/// # Blocking
/// A use while somebody else makes the value sleeps until it is there; on an agent that must not sleep, as a page's main thread, it
/// spins. That goes for `*lock` as well. [`force_async`](Self::force_async) does neither. An initialiser that must *await* something is
/// for [`OnceLock::get_or_init_async`](crate::OnceLock::get_or_init_async).
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::{LazyLock, Mutex};
///
/// static NAMES: LazyLock<Mutex<Vec<String>>> = LazyLock::new(|| Mutex::new(vec!["first".to_owned()]));
///
/// thread::spawn(|| NAMES.lock().unwrap().push("second".to_owned())).join().unwrap();
/// assert_eq!(*NAMES.lock().unwrap(), ["first", "second"]);
/// ```
///
/// As in std, the lock is invariant in its type:
///
/// ```compile_fail
/// fn shorten<'a>(lock: web_sync::LazyLock<&'static str>) -> web_sync::LazyLock<&'a str> {
///     lock
/// }
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    once: RawOnce,
    /// Written by who runs the initialiser, or has the lock alone; shared once `once` is complete, which is when it is a `Value`.
    data: UnsafeCell<Data<T, F>>,
}

// SAFETY: a shared lock shares its value, and lets one agent make what another one drops or takes out. What makes it is moved to the
// one that comes first, and not shared.
unsafe impl<T: Send + Sync, F: Send> Sync for LazyLock<T, F> {}

impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    const_new! {
        /// A lock whose value `f` will make.
        ///
        /// # Examples
        /// ```
        /// use web_sync::LazyLock;
        ///
        /// static SQUARES: LazyLock<Vec<u32>> = LazyLock::new(|| (0..10).map(|n| n * n).collect());
        /// assert_eq!(SQUARES[3], 9);
        /// ```
        #[inline]
        pub fn new(f: F) -> LazyLock<T, F> {
            LazyLock { once: RawOnce::new(), data: UnsafeCell::new(Data::Init(f)) }
        }
    }

    /// The value; if it has not been made, that is done now. `&*lock` does the same.
    ///
    /// # Blocking
    /// As the [type](Self) says.
    ///
    /// # Panics
    /// If the initialiser panics, or has panicked before.
    ///
    /// If this agent is known to run the initialiser itself, which would never end.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 1);
    /// assert_eq!(LazyLock::force(&lazy), &1);
    /// assert_eq!(&*lazy, &1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        if !this.once.is_completed() {
            this.make();
        }
        // SAFETY: it is complete, by our run or by another.
        unsafe { LazyLock::get_unchecked(this) }
    }

    #[cold]
    #[track_caller]
    fn make(&self) {
        let call = Call {
            name: "LazyLock::force",
            instead: "LazyLock::force_async",
            caller: Location::caller(),
        };
        if let Some(running) = self.once.begin(Wish::Call, &call) {
            self.run(running);
        }
    }

    /// Runs the initialiser.
    fn run(&self, running: Running<'_>) {
        // SAFETY: who has the run is alone here, and nobody shares the value before it is complete.
        let data = unsafe { mem::replace(&mut *self.data.get(), Data::Gone) };
        let Data::Init(f) = data else {
            unreachable!("a run begins while nobody has run");
        };
        let value = f();
        // SAFETY: as above.
        unsafe { *self.data.get() = Data::Value(value) };
        running.complete();
    }

    /// The value; if it has not been made, that is done now, here. The task is suspended while somebody else does it.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time, and leaves nothing behind. It is `Send` if the value is `Send` and `Sync`, and what makes it is
    /// `Send`.
    ///
    /// # Panics
    /// If the initialiser panics, or has panicked before.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// static LAZY: LazyLock<u32> = LazyLock::new(|| 1);
    ///
    /// # pollster::block_on(async {
    /// assert_eq!(LazyLock::force_async(&LAZY).await, &1);
    /// # });
    /// ```
    pub async fn force_async(this: &LazyLock<T, F>) -> &T {
        let begun = this.once.begin_async(Wish::Call, "LazyLock::force_async");
        if let Some(running) = begun.await {
            this.run(running);
        }
        // SAFETY: it is complete, by our run or by another.
        unsafe { LazyLock::get_unchecked(this) }
    }

    /// The value of a lock that nobody else can see; if it has not been made, that is done now. `&mut *lock` does the same.
    ///
    /// # Panics
    /// If the initialiser panics, or has panicked before.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// let mut lazy = LazyLock::new(|| 1);
    /// *LazyLock::force_mut(&mut lazy) += 1;
    /// *lazy += 1;
    /// assert_eq!(*lazy, 3);
    /// ```
    #[inline]
    #[track_caller]
    pub fn force_mut(this: &mut LazyLock<T, F>) -> &mut T {
        if !matches!(this.data.get_mut(), Data::Value(_)) {
            this.make_mut();
        }
        // SAFETY: it is there.
        unsafe { LazyLock::get_unchecked_mut(this) }
    }

    #[cold]
    #[track_caller]
    fn make_mut(&mut self) {
        let Data::Init(f) = mem::replace(self.data.get_mut(), Data::Gone) else {
            poisoned("LazyLock::force_mut");
        };
        // In case that `f` panics.
        self.once = RawOnce::new_poisoned();
        *self.data.get_mut() = Data::Value(f());
        self.once = RawOnce::new_complete();
    }

    /// The value, if it has been made; otherwise what would have made it.
    ///
    /// # Panics
    /// If the initialiser has panicked.
    ///
    /// # Errors
    /// What makes the value, if that has not been done.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 1);
    /// assert_eq!(LazyLock::into_inner(lazy).map_err(|f| f() + 1), Err(2));
    /// let lazy = LazyLock::new(|| 1);
    /// LazyLock::force(&lazy);
    /// assert_eq!(LazyLock::into_inner(lazy).ok(), Some(1));
    /// ```
    #[track_caller]
    pub fn into_inner(this: Self) -> Result<T, F> {
        match this.data.into_inner() {
            Data::Value(value) => Ok(value),
            Data::Init(f) => Err(f),
            Data::Gone => poisoned("LazyLock::into_inner"),
        }
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value, if it has been made. Does not wait, and does not make it.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 1);
    /// assert_eq!(LazyLock::get(&lazy), None);
    /// LazyLock::force(&lazy);
    /// assert_eq!(LazyLock::get(&lazy), Some(&1));
    /// ```
    #[inline]
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        if this.once.is_completed() {
            // SAFETY: it is complete.
            Some(unsafe { LazyLock::get_unchecked(this) })
        } else {
            None
        }
    }

    /// The value, if it has been made, in a lock that nobody else can see.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// let mut lazy = LazyLock::new(|| 1);
    /// assert_eq!(LazyLock::get_mut(&mut lazy), None);
    /// LazyLock::force(&lazy);
    /// *LazyLock::get_mut(&mut lazy).unwrap() += 1;
    /// assert_eq!(*lazy, 2);
    /// ```
    #[inline]
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        match this.data.get_mut() {
            Data::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The value, which is known to have been made.
    ///
    /// # Safety
    /// The value has been made, and that is known to this thread: `get` would give it, or something that synchronises has told.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 1);
    /// LazyLock::force(&lazy);
    /// // SAFETY: it has been made.
    /// assert_eq!(unsafe { LazyLock::get_unchecked(&lazy) }, &1);
    /// ```
    #[inline]
    pub unsafe fn get_unchecked(this: &LazyLock<T, F>) -> &T {
        debug_assert!(this.once.is_completed());
        // SAFETY: the value is there, by contract, and from then on it is only shared.
        unsafe {
            match &*this.data.get() {
                Data::Value(value) => value,
                _ => core::hint::unreachable_unchecked(),
            }
        }
    }

    /// The value, which is known to have been made, in a lock that nobody else can see.
    ///
    /// # Safety
    /// The value has been made.
    ///
    /// # Examples
    /// ```
    /// use web_sync::LazyLock;
    ///
    /// let mut lazy = LazyLock::new(|| 1);
    /// LazyLock::force(&lazy);
    /// // SAFETY: it has been made.
    /// unsafe { *LazyLock::get_unchecked_mut(&mut lazy) += 1 };
    /// assert_eq!(*lazy, 2);
    /// ```
    #[inline]
    pub unsafe fn get_unchecked_mut(this: &mut LazyLock<T, F>) -> &mut T {
        match this.data.get_mut() {
            Data::Value(value) => value,
            // SAFETY: by contract.
            _ => unsafe { core::hint::unreachable_unchecked() },
        }
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    /// As [`LazyLock::force`].
    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    /// As [`LazyLock::force_mut`].
    #[inline]
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        LazyLock::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T, F> From<T> for LazyLock<T, F> {
    fn from(value: T) -> Self {
        LazyLock {
            once: RawOnce::new_complete(),
            data: UnsafeCell::new(Data::Value(value)),
        }
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("LazyLock");
        match LazyLock::get(self) {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}
