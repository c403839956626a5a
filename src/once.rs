//! The once: something that is done one time, whoever comes first.

use core::fmt;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};

use crate::raw::{RawOnce, Wish};
use crate::sys::Call;
use crate::sys::shim::{const_new, unmodelled};

/// Something that is done one time: whoever comes first does it, the others wait until it is done.
///
/// std's `Once`, made so that every agent of a page may use it. When it is done, each call is one load.
/// For a value that is made one time there are [`OnceLock`](crate::OnceLock) and [`LazyLock`](crate::LazyLock).
///
/// Threads and tasks wait in one queue. The end of the initialiser wakes all of them, those on agents that must not sleep first, and waits
/// for nobody.
///
/// # Poisoning
/// An initialiser that panics poisons the once: `call_once` and `wait` panic from then on, until an initialiser of
/// [`call_once_force`](Self::call_once_force) returns. Where panics abort, as on `wasm32-unknown-unknown` by default, nothing
/// is ever poisoned.
///
/// # Cancellation
/// An async initialiser may end in a third way: its future is dropped. Then the once is as it was before, and one of those who
/// wait runs an initialiser of its own. A future that is *leaked* in the middle of its initialiser leaves the others waiting, as a
/// leaked guard does.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::Once;
///
/// static START: Once = Once::new();
///
/// thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             START.call_once(|| println!("the first one prints this, before anybody goes on"));
///             assert!(START.is_completed());
///         });
///     }
/// });
/// ```
pub struct Once {
    raw: RawOnce,
}

impl UnwindSafe for Once {}
impl RefUnwindSafe for Once {}

unmodelled! {
    /// A once that has not been called, as std has it from the time when constants could not be made by `new`.
    ///
    /// # Examples
    /// ```
    /// # #![allow(deprecated)]
    /// use web_sync::{ONCE_INIT, Once};
    ///
    /// static START: Once = ONCE_INIT;
    /// assert!(!START.is_completed());
    /// ```
    #[deprecated(note = "replaced by `Once::new`, as in std")]
    #[expect(clippy::declare_interior_mutable_const, reason = "each use of it is a new once")]
    pub const ONCE_INIT: Once = Once::new();
}

impl Once {
    const_new! {
        /// A once that has not been called.
        ///
        /// # Examples
        /// ```
        /// use web_sync::Once;
        ///
        /// static START: Once = Once::new();
        /// ```
        #[inline]
        #[must_use]
        pub fn new() -> Once {
            Once { raw: RawOnce::new() }
        }
    }

    /// Runs `f`, unless an initialiser has returned. When this returns, one has, and what it did is visible.
    ///
    /// # Blocking
    /// Sleeps while another initialiser runs; on an agent that must not sleep, as a page's main thread, it spins.
    /// [`call_once_async`](Self::call_once_async) does neither.
    ///
    /// # Panics
    /// If an initialiser has panicked before. If `f` panics, which poisons the once.
    ///
    /// If this agent is known to run the initialiser itself, which would never end: further up its stack; or in a task that waits for
    /// something, where tasks stay on their agent, that is on the web and on an agent that must not sleep.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Once;
    ///
    /// let (once, mut count) = (Once::new(), 0);
    /// once.call_once(|| count += 1);
    /// once.call_once(|| count += 1);
    /// assert_eq!(count, 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn call_once<F>(&self, f: F)
    where
        F: FnOnce(),
    {
        if self.raw.is_completed() {
            return;
        }
        let call = Call {
            name: "Once::call_once",
            instead: "Once::call_once_async",
            caller: Location::caller(),
        };
        if let Some(running) = self.raw.begin(Wish::Call, &call) {
            f();
            running.complete();
        }
    }

    /// As [`call_once`](Self::call_once), but does not mind if an initialiser has panicked: `f` can find out, and a return of `f`
    /// ends the poisoning.
    ///
    /// # Blocking
    /// As [`call_once`](Self::call_once).
    ///
    /// # Panics
    /// If `f` panics. As [`call_once`](Self::call_once), if this agent is known to run the initialiser itself.
    ///
    /// # Examples
    /// ```
    /// use std::panic::catch_unwind;
    /// use web_sync::Once;
    ///
    /// static ONCE: Once = Once::new();
    ///
    /// # let _ =
    /// catch_unwind(|| ONCE.call_once(|| panic!("half done")));
    /// ONCE.call_once_force(|state| assert!(state.is_poisoned()));
    /// ONCE.call_once(|| unreachable!("it is done"));
    /// ```
    #[inline]
    #[track_caller]
    pub fn call_once_force<F>(&self, f: F)
    where
        F: FnOnce(&OnceState),
    {
        if self.raw.is_completed() {
            return;
        }
        let call = Call {
            name: "Once::call_once_force",
            instead: "Once::call_once_force_async",
            caller: Location::caller(),
        };
        if let Some(running) = self.raw.begin(Wish::CallForce, &call) {
            f(&OnceState {
                poisoned: running.was_poisoned(),
            });
            running.complete();
        }
    }

    /// Whether an initialiser has returned; then what it did is visible.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Once;
    ///
    /// let once = Once::new();
    /// assert!(!once.is_completed());
    /// once.call_once(|| assert!(!once.is_completed()));
    /// assert!(once.is_completed());
    /// ```
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.raw.is_completed()
    }

    /// Waits until an initialiser has returned, whether one has begun or not.
    ///
    /// # Blocking
    /// As [`call_once`](Self::call_once); [`wait_async`](Self::wait_async) does not block.
    ///
    /// # Panics
    /// If an initialiser has panicked, or does. As [`call_once`](Self::call_once), if this agent is known to run the initialiser itself.
    ///
    /// In a build without threads, if it would wait: nobody could ever run an initialiser.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use web_sync::Once;
    ///
    /// static READY: Once = Once::new();
    ///
    /// let worker = thread::spawn(|| READY.wait());
    /// READY.call_once(|| ());
    /// worker.join().unwrap();
    /// ```
    #[inline]
    #[track_caller]
    pub fn wait(&self) {
        if !self.raw.is_completed() {
            self.raw.wait(
                Wish::Wait,
                &Call {
                    name: "Once::wait",
                    instead: "Once::wait_async",
                    caller: Location::caller(),
                },
            );
        }
    }

    /// Waits until an initialiser has returned, after however many that panicked.
    ///
    /// # Blocking
    /// As [`call_once`](Self::call_once); [`wait_force_async`](Self::wait_force_async) does not block.
    ///
    /// # Panics
    /// As [`call_once`](Self::call_once), if this agent is known to run the initialiser itself.
    ///
    /// In a build without threads, if it would wait: nobody could ever run an initialiser.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use web_sync::Once;
    ///
    /// static READY: Once = Once::new();
    ///
    /// let worker = thread::spawn(|| READY.wait_force());
    /// # let _ =
    /// thread::spawn(|| READY.call_once(|| panic!("the worker waits on"))).join();
    /// READY.call_once_force(|_| ());
    /// worker.join().unwrap();
    /// ```
    #[inline]
    #[track_caller]
    pub fn wait_force(&self) {
        if !self.raw.is_completed() {
            self.raw.wait(
                Wish::WaitForce,
                &Call {
                    name: "Once::wait_force",
                    instead: "Once::wait_force_async",
                    caller: Location::caller(),
                },
            );
        }
    }

    /// Runs `f` to its end, unless an initialiser has returned; the task is suspended while another one runs.
    ///
    /// `f` is an async closure, or one that returns a future. Nothing happens before the first poll. An initialiser that awaits its
    /// own once never ends.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time. If it runs the initialiser, that is dropped too, the once is as it was before, and one of
    /// those who wait runs its own. It is `Send` if `f` and its future are.
    ///
    /// # Panics
    /// If an initialiser has panicked before. If `f` or its future panics, which poisons the once.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Once;
    ///
    /// # async fn load() {}
    /// static LOADED: Once = Once::new();
    ///
    /// # pollster::block_on(async {
    /// LOADED.call_once_async(async || load().await).await;
    /// LOADED.call_once_async(load).await; // does nothing
    /// assert!(LOADED.is_completed());
    /// # });
    /// ```
    pub async fn call_once_async<F>(&self, f: F)
    where
        F: AsyncFnOnce(),
    {
        if self.raw.is_completed() {
            return;
        }
        let begun = self.raw.begin_async(Wish::Call, "Once::call_once_async");
        if let Some(mut running) = begun.await {
            running.drive(f()).await;
            running.complete();
        }
    }

    /// As [`call_once_async`](Self::call_once_async), but does not mind if an initialiser has panicked.
    ///
    /// # Cancel safety
    /// As [`call_once_async`](Self::call_once_async): dropped in the middle of `f`, it leaves a once that was poisoned as it was.
    ///
    /// # Panics
    /// If `f` or its future panics.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Once;
    ///
    /// # pollster::block_on(async {
    /// let once = Once::new();
    /// once.call_once_force_async(async |state| assert!(!state.is_poisoned())).await;
    /// assert!(once.is_completed());
    /// # });
    /// ```
    pub async fn call_once_force_async<F>(&self, f: F)
    where
        F: AsyncFnOnce(&OnceState),
    {
        if self.raw.is_completed() {
            return;
        }
        let begun = self
            .raw
            .begin_async(Wish::CallForce, "Once::call_once_force_async");
        if let Some(mut running) = begun.await {
            let state = OnceState {
                poisoned: running.was_poisoned(),
            };
            running.drive(f(&state)).await;
            running.complete();
        }
    }

    /// Waits until an initialiser has returned; the task is suspended meanwhile.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time, and leaves nothing behind. It is `Send`.
    ///
    /// # Panics
    /// If an initialiser has panicked, or does.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Once;
    ///
    /// static READY: Once = Once::new();
    ///
    /// let worker = std::thread::spawn(|| READY.call_once(|| ()));
    /// # pollster::block_on(async {
    /// READY.wait_async().await;
    /// # });
    /// # worker.join().unwrap();
    /// ```
    pub async fn wait_async(&self) {
        self.raw.wait_async(Wish::Wait, "Once::wait_async").await;
    }

    /// Waits until an initialiser has returned, after however many that panicked; the task is suspended meanwhile.
    ///
    /// # Cancel safety
    /// As [`wait_async`](Self::wait_async).
    ///
    /// # Examples
    /// ```
    /// use web_sync::Once;
    ///
    /// # pollster::block_on(async {
    /// let once = Once::new();
    /// once.call_once(|| ());
    /// once.wait_force_async().await;
    /// # });
    /// ```
    pub async fn wait_force_async(&self) {
        let name = "Once::wait_force_async";
        self.raw.wait_async(Wish::WaitForce, name).await;
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl Default for Once {
    fn default() -> Self {
        Once::new()
    }
}

/// What [`Once::call_once_force`] tells its initialiser.
///
/// # Examples
/// ```
/// use web_sync::{Once, OnceState};
///
/// Once::new().call_once_force(|state: &OnceState| assert!(!state.is_poisoned()));
/// ```
pub struct OnceState {
    poisoned: bool,
}

impl OnceState {
    /// Whether an initialiser had panicked before this one began.
    ///
    /// # Examples
    /// See [`Once::call_once_force`].
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

impl fmt::Debug for OnceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceState")
            .field("poisoned", &self.poisoned)
            .finish()
    }
}
