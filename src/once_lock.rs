//! A value that is made one time, and read from then on.

use core::cell::UnsafeCell;
use core::convert::Infallible;
use core::fmt;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};

use crate::raw::{RawOnce, Running, Wish};
use crate::sys::Call;
use crate::sys::shim::const_new;

/// A place for a value that is made one time: whoever comes first makes it, the others wait for it and share it.
///
/// std's `OnceLock`, made so that every agent of a page may use it. Reading a value that is there is one load. Where the same function
/// makes the value whoever comes, [`LazyLock`](crate::LazyLock) is shorter.
///
/// # When making it fails
/// An initialiser that panics, or gives an error, or is a future that is dropped, leaves the place empty, and the next one of
/// those who wait has its turn. Nothing is poisoned.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
///
/// let worker = thread::spawn(|| CONFIG.wait().len());
/// assert_eq!(CONFIG.get_or_init(|| "from here".to_owned()), "from here");
/// assert_eq!(worker.join().unwrap(), 9);
/// ```
///
/// As in std, a value may borrow from what lies beside it, and the lock is invariant in its type:
///
/// ```
/// let (lock, text);
/// text = String::from("lives as long");
/// lock = web_sync::OnceLock::new();
/// lock.set(&text).unwrap();
/// ```
/// ```compile_fail
/// fn shorten<'a>(lock: web_sync::OnceLock<&'static str>) -> web_sync::OnceLock<&'a str> {
///     lock
/// }
/// ```
pub struct OnceLock<T> {
    once: RawOnce,
    /// Written by who runs the initialiser, or has the lock alone; shared once `once` is complete, which is when it is `Some`.
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value goes with the lock.
unsafe impl<T: Send> Send for OnceLock<T> {}
// SAFETY: a shared lock shares its value, and lets one agent put in what another one drops or takes out.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    const_new! {
        /// An empty place.
        ///
        /// # Examples
        /// ```
        /// use web_sync::OnceLock;
        ///
        /// static CONFIG: OnceLock<String> = OnceLock::new();
        /// ```
        #[inline]
        #[must_use]
        pub fn new() -> OnceLock<T> {
            OnceLock { once: RawOnce::new(), value: UnsafeCell::new(None) }
        }
    }

    const_new! {
        /// A place with a value in it.
        ///
        /// # Examples
        /// ```
        /// use web_sync::OnceLock;
        ///
        /// static ANSWER: OnceLock<i32> = OnceLock::new_init(42);
        /// assert_eq!(ANSWER.get(), Some(&42));
        /// ```
        #[inline]
        #[must_use]
        pub fn new_init(init_value: T) -> OnceLock<T> {
            OnceLock { once: RawOnce::new_complete(), value: UnsafeCell::new(Some(init_value)) }
        }
    }

    /// The value, if it is there. Does not wait.
    ///
    /// # Examples
    /// ```
    /// let lock = web_sync::OnceLock::new();
    /// assert_eq!(lock.get(), None);
    /// lock.set(1).unwrap();
    /// assert_eq!(lock.get(), Some(&1));
    /// ```
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if self.once.is_completed() {
            // SAFETY: it is complete.
            Some(unsafe { self.get_unchecked() })
        } else {
            None
        }
    }

    /// The value, if it is there, in a lock that nobody else can see.
    ///
    /// # Examples
    /// ```
    /// let mut lock = web_sync::OnceLock::from(1);
    /// *lock.get_mut().unwrap() += 1;
    /// assert_eq!(lock.get(), Some(&2));
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Waits for the value, whether an initialiser has begun or not.
    ///
    /// # Blocking
    /// Sleeps until the value is there; on an agent that must not sleep, as a page's main thread, it spins.
    /// [`wait_async`](Self::wait_async) does neither.
    ///
    /// # Panics
    /// As [`get_or_init`](Self::get_or_init), if this agent is known to run the initialiser itself.
    ///
    /// In a build without threads, if there is no value: nobody could ever put one in.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use web_sync::OnceLock;
    ///
    /// static CONFIG: OnceLock<u32> = OnceLock::new();
    ///
    /// let worker = thread::spawn(|| *CONFIG.wait());
    /// CONFIG.set(7).unwrap();
    /// assert_eq!(worker.join().unwrap(), 7);
    /// ```
    #[inline]
    #[track_caller]
    pub fn wait(&self) -> &T {
        if !self.once.is_completed() {
            self.once.wait(
                Wish::WaitForce,
                &Call {
                    name: "OnceLock::wait",
                    instead: "OnceLock::wait_async",
                    caller: Location::caller(),
                },
            );
        }
        // SAFETY: it is complete.
        unsafe { self.get_unchecked() }
    }

    /// Waits for the value; the task is suspended meanwhile.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time, and leaves nothing behind. It is `Send` if the value is `Send` and `Sync`.
    ///
    /// # Examples
    /// ```
    /// use web_sync::OnceLock;
    ///
    /// static CONFIG: OnceLock<u32> = OnceLock::new();
    ///
    /// let worker = std::thread::spawn(|| CONFIG.set(7).unwrap());
    /// # pollster::block_on(async {
    /// assert_eq!(*CONFIG.wait_async().await, 7);
    /// # });
    /// # worker.join().unwrap();
    /// ```
    pub async fn wait_async(&self) -> &T {
        let waited = self
            .once
            .wait_async(Wish::WaitForce, "OnceLock::wait_async");
        waited.await;
        // SAFETY: it is complete.
        unsafe { self.get_unchecked() }
    }

    /// Puts a value in, if there is none.
    ///
    /// # Blocking
    /// As [`get_or_init`](Self::get_or_init).
    ///
    /// # Panics
    /// As [`get_or_init`](Self::get_or_init), if this agent is known to run the initialiser itself.
    ///
    /// # Errors
    /// The new value, if there was one already.
    ///
    /// # Examples
    /// ```
    /// let lock = web_sync::OnceLock::new();
    /// assert_eq!(lock.set(1), Ok(()));
    /// assert_eq!(lock.set(2), Err(2));
    /// assert_eq!(lock.get(), Some(&1));
    /// ```
    #[inline]
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        match self.insert(value, "OnceLock::set", "OnceLock::set_async") {
            Ok(_) => Ok(()),
            Err((_, value)) => Err(value),
        }
    }

    /// Puts a value in, if there is none, and returns the one that is there now.
    ///
    /// # Blocking
    /// As [`get_or_init`](Self::get_or_init).
    ///
    /// # Panics
    /// As [`get_or_init`](Self::get_or_init), if this agent is known to run the initialiser itself.
    ///
    /// # Errors
    /// The old value and the new one, if there was one already.
    ///
    /// # Examples
    /// ```
    /// let lock = web_sync::OnceLock::new();
    /// assert_eq!(lock.try_insert(1), Ok(&1));
    /// assert_eq!(lock.try_insert(2), Err((&1, 2)));
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_insert(&self, value: T) -> Result<&T, (&T, T)> {
        self.insert(value, "OnceLock::try_insert", "OnceLock::try_insert_async")
    }

    #[inline]
    #[track_caller]
    fn insert(&self, value: T, name: &'static str, instead: &'static str) -> Result<&T, (&T, T)> {
        let mut new = Some(value);
        let take = || new.take().ok_or(());
        let there = match self.get() {
            Some(there) => there,
            None => match self.make(take, name, instead) {
                Ok(there) => there,
                Err(()) => unreachable!("it is taken once"),
            },
        };
        match new {
            None => Ok(there),
            Some(new) => Err((there, new)),
        }
    }

    /// The async twin of [`set`](Self::set): the task is suspended while an initialiser runs. If this lock's own initialiser awaits it, it never
    /// ends.
    ///
    /// # Cancel safety
    /// The future owns the value until it is ready. If it is dropped before, the value is dropped with it, and nothing else is left behind.
    /// It is `Send` if the value is `Send` and `Sync`.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    ///
    /// # Examples
    /// ```
    /// # pollster::block_on(async {
    /// let lock = web_sync::OnceLock::new();
    /// assert_eq!(lock.set_async(1).await, Ok(()));
    /// assert_eq!(lock.set_async(2).await, Err(2));
    /// assert_eq!(lock.get(), Some(&1));
    /// # });
    /// ```
    pub async fn set_async(&self, value: T) -> Result<(), T> {
        match self.insert_async(value, "OnceLock::set_async").await {
            Ok(_) => Ok(()),
            Err((_, value)) => Err(value),
        }
    }

    /// The async twin of [`try_insert`](Self::try_insert): the task is suspended while an initialiser runs. If this lock's own initialiser
    /// awaits it, it never ends.
    ///
    /// # Cancel safety
    /// As for [`set_async`](Self::set_async).
    ///
    /// # Errors
    /// As for [`try_insert`](Self::try_insert).
    ///
    /// # Examples
    /// ```
    /// # pollster::block_on(async {
    /// let lock = web_sync::OnceLock::new();
    /// assert_eq!(lock.try_insert_async(1).await, Ok(&1));
    /// assert_eq!(lock.try_insert_async(2).await, Err((&1, 2)));
    /// # });
    /// ```
    pub async fn try_insert_async(&self, value: T) -> Result<&T, (&T, T)> {
        self.insert_async(value, "OnceLock::try_insert_async").await
    }

    async fn insert_async(&self, value: T, name: &str) -> Result<&T, (&T, T)> {
        let refused = match self.once.begin_async(Wish::CallForce, name).await {
            Some(running) => {
                let Ok(()) = self.fill(running, Ok::<T, Infallible>(value));
                None
            }
            None => Some(value),
        };
        // SAFETY: it is complete, by our run or by another.
        let there = unsafe { self.get_unchecked() };
        match refused {
            None => Ok(there),
            Some(value) => Err((there, value)),
        }
    }

    /// The value; if there is none, `f` makes it.
    ///
    /// Of many that come at the same time one runs its `f`, and all get what that returns.
    ///
    /// # Blocking
    /// Sleeps while another initialiser runs; on an agent that must not sleep, as a page's main thread, it spins.
    /// [`get_or_init_async`](Self::get_or_init_async) does neither.
    ///
    /// # Panics
    /// If `f` panics: then the place stays empty, and the next one has its turn.
    ///
    /// If this agent is known to run the initialiser itself, which would never end: further up its stack; or in a task that waits for
    /// something, where tasks stay on their agent, that is on the web and on an agent that must not sleep.
    ///
    /// # Examples
    /// ```
    /// let lock = web_sync::OnceLock::new();
    /// assert_eq!(*lock.get_or_init(|| 1), 1);
    /// assert_eq!(*lock.get_or_init(|| unreachable!()), 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        if let Some(value) = self.get() {
            return value;
        }
        let f = || Ok::<T, Infallible>(f());
        let Ok(value) = self.make(f, "OnceLock::get_or_init", "OnceLock::get_or_init_async");
        value
    }

    /// The value; if there is none, `f` makes it, or fails to.
    ///
    /// # Blocking
    /// As [`get_or_init`](Self::get_or_init); [`get_or_try_init_async`](Self::get_or_try_init_async) does not block.
    ///
    /// # Panics
    /// As [`get_or_init`](Self::get_or_init).
    ///
    /// # Errors
    /// What `f` gives, if it fails: then the place stays empty, and the next one has its turn.
    ///
    /// # Examples
    /// ```
    /// let lock = web_sync::OnceLock::new();
    /// assert_eq!(lock.get_or_try_init(|| "x".parse::<u8>().map_err(drop)), Err(()));
    /// assert_eq!(lock.get_or_try_init(|| "1".parse::<u8>().map_err(drop)), Ok(&1));
    /// ```
    #[inline]
    #[track_caller]
    pub fn get_or_try_init<F, E>(&self, f: F) -> Result<&T, E>
    where
        F: FnOnce() -> Result<T, E>,
    {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let (name, instead) = (
            "OnceLock::get_or_try_init",
            "OnceLock::get_or_try_init_async",
        );
        self.make(f, name, instead)
    }

    #[cold]
    #[track_caller]
    fn make<E>(
        &self,
        f: impl FnOnce() -> Result<T, E>,
        name: &'static str,
        instead: &'static str,
    ) -> Result<&T, E> {
        let call = Call {
            name,
            instead,
            caller: Location::caller(),
        };
        if let Some(running) = self.once.begin(Wish::CallForce, &call) {
            self.fill(running, f())?;
        }
        // SAFETY: it is complete, by our run or by another.
        Ok(unsafe { self.get_unchecked() })
    }

    /// Ends a run of an initialiser with its result.
    fn fill<E>(&self, running: Running<'_>, result: Result<T, E>) -> Result<(), E> {
        match result {
            Ok(value) => {
                // SAFETY: who has the run is alone here, and nobody shares the value before it is complete.
                unsafe { *self.value.get() = Some(value) };
                running.complete();
                Ok(())
            }
            Err(error) => {
                running.undo();
                Err(error)
            }
        }
    }

    /// The value; if there is none, `f` makes it. The task is suspended while another initialiser runs.
    ///
    /// `f` is an async closure, or one that returns a future. An initialiser that awaits its own lock never ends.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time. If it runs the initialiser, that is dropped too, the place stays empty, and one of those
    /// who wait has its turn. It is `Send` if `f`, its future and the value are.
    ///
    /// # Panics
    /// If `f` or its future panics.
    ///
    /// # Examples
    /// ```
    /// use web_sync::OnceLock;
    ///
    /// # async fn fetch(_: &str) -> String { "{}".to_owned() }
    /// static CONFIG: OnceLock<String> = OnceLock::new();
    ///
    /// # pollster::block_on(async {
    /// let config = CONFIG.get_or_init_async(async || fetch("config.json").await).await;
    /// assert_eq!(config, "{}");
    /// # });
    /// ```
    pub async fn get_or_init_async<F>(&self, f: F) -> &T
    where
        F: AsyncFnOnce() -> T,
    {
        let begun = self
            .once
            .begin_async(Wish::CallForce, "OnceLock::get_or_init_async");
        if let Some(mut running) = begun.await {
            let value = running.drive(f()).await;
            let Ok(()) = self.fill(running, Ok::<T, Infallible>(value));
        }
        // SAFETY: it is complete, by our run or by another.
        unsafe { self.get_unchecked() }
    }

    /// The value; if there is none, `f` makes it, or fails to. The task is suspended while another initialiser runs.
    ///
    /// # Cancel safety
    /// As [`get_or_init_async`](Self::get_or_init_async).
    ///
    /// # Panics
    /// If `f` or its future panics.
    ///
    /// # Errors
    /// What `f` gives, if it fails: then the place stays empty, and the next one has its turn.
    ///
    /// # Examples
    /// ```
    /// use web_sync::OnceLock;
    ///
    /// # pollster::block_on(async {
    /// let lock = OnceLock::<u32>::new();
    /// assert_eq!(lock.get_or_try_init_async(async || Err("offline")).await, Err("offline"));
    /// assert_eq!(lock.get_or_try_init_async(async || Ok::<_, ()>(1)).await, Ok(&1));
    /// # });
    /// ```
    pub async fn get_or_try_init_async<F, E>(&self, f: F) -> Result<&T, E>
    where
        F: AsyncFnOnce() -> Result<T, E>,
    {
        let begun = self
            .once
            .begin_async(Wish::CallForce, "OnceLock::get_or_try_init_async");
        if let Some(mut running) = begun.await {
            let result = running.drive(f()).await;
            self.fill(running, result)?;
        }
        // SAFETY: it is complete, by our run or by another.
        Ok(unsafe { self.get_unchecked() })
    }

    /// The value of a lock that nobody else can see; if there is none, `f` makes it.
    ///
    /// # Panics
    /// If `f` panics: then the place stays empty.
    ///
    /// # Examples
    /// ```
    /// let mut lock = web_sync::OnceLock::new();
    /// *lock.get_mut_or_init(|| 1) += 1;
    /// assert_eq!(lock.get(), Some(&2));
    /// ```
    #[inline]
    pub fn get_mut_or_init<F>(&mut self, f: F) -> &mut T
    where
        F: FnOnce() -> T,
    {
        let Ok(value) = self.get_mut_or_try_init(|| Ok::<T, Infallible>(f()));
        value
    }

    /// The value of a lock that nobody else can see; if there is none, `f` makes it, or fails to.
    ///
    /// # Panics
    /// If `f` panics: then the place stays empty.
    ///
    /// # Errors
    /// What `f` gives, if it fails: then the place stays empty.
    ///
    /// # Examples
    /// ```
    /// let mut lock = web_sync::OnceLock::<u8>::new();
    /// assert!(lock.get_mut_or_try_init(|| "x".parse()).is_err());
    /// *lock.get_mut_or_try_init(|| "1".parse()).unwrap() += 1;
    /// assert_eq!(lock.get(), Some(&2));
    /// ```
    #[inline]
    pub fn get_mut_or_try_init<F, E>(&mut self, f: F) -> Result<&mut T, E>
    where
        F: FnOnce() -> Result<T, E>,
    {
        let value = self.value.get_mut();
        if let Some(value) = value {
            return Ok(value);
        }
        let made = f()?;
        // Nobody else is here: a run that is still on has been leaked.
        self.once = RawOnce::new_complete();
        Ok(value.insert(made))
    }

    /// The value, if it is there.
    ///
    /// # Examples
    /// ```
    /// use web_sync::OnceLock;
    ///
    /// assert_eq!(OnceLock::<i32>::new().into_inner(), None);
    /// assert_eq!(OnceLock::from(1).into_inner(), Some(1));
    /// ```
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, if it is there, and leaves an empty place.
    ///
    /// # Examples
    /// ```
    /// let mut lock = web_sync::OnceLock::from(1);
    /// assert_eq!(lock.take(), Some(1));
    /// assert_eq!(lock.take(), None);
    /// assert_eq!(lock.set(2), Ok(()));
    /// ```
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        self.once = RawOnce::new();
        self.value.get_mut().take()
    }

    /// The value, which is known to be there.
    ///
    /// # Safety
    /// The value is there, and that is known to this thread: `get` would give it, or something that synchronises has told.
    ///
    /// # Examples
    /// ```
    /// let lock = web_sync::OnceLock::from(1);
    /// // SAFETY: it was made with its value.
    /// assert_eq!(unsafe { lock.get_unchecked() }, &1);
    /// ```
    #[inline]
    pub unsafe fn get_unchecked(&self) -> &T {
        debug_assert!(self.once.is_completed());
        // SAFETY: the value is there, by contract, and from then on it is only shared.
        unsafe { (*self.value.get()).as_ref().unwrap_unchecked() }
    }

    /// The value, which is known to be there, in a lock that nobody else can see.
    ///
    /// # Safety
    /// The value is there.
    ///
    /// # Examples
    /// ```
    /// let mut lock = web_sync::OnceLock::from(1);
    /// // SAFETY: it was made with its value.
    /// unsafe { *lock.get_unchecked_mut() += 1 };
    /// assert_eq!(lock.get(), Some(&2));
    /// ```
    #[inline]
    pub unsafe fn get_unchecked_mut(&mut self) -> &mut T {
        // SAFETY: the value is there, by contract.
        unsafe { self.value.get_mut().as_mut().unwrap_unchecked() }
    }
}

impl<T> Default for OnceLock<T> {
    #[inline]
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        match self.get() {
            Some(value) => OnceLock::from(value.clone()),
            None => OnceLock::new(),
        }
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        OnceLock::new_init(value)
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
