//! The face of this layer to users: `web_sync::agent` and `web_sync::futex`.

/// The agent that is running: may it sleep?
///
/// An *agent* is what ECMAScript calls a thread: a window, a worker, a worklet; natively a thread. Agents that must not sleep
/// are a page's window, service workers and every worklet. Blocking calls of this crate may be made there as well: they spin.
pub mod agent {
    pub use crate::sys::agent::{Policy, set_policy};
    pub use crate::sys::report::report_spins_after;

    /// Whether the running agent may sleep.
    ///
    /// The platform is asked once per agent, [`set_policy`] overrides it. False on a page's main thread, in service workers, in
    /// worklets, and in a module that was built without threads.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Examples
    ///
    /// ```
    /// if web_sync::agent::may_block() {
    ///     // A worker, or a native thread: blocking is what threads do.
    /// } else {
    ///     // The main thread of a page: prefer the async twin.
    /// }
    /// ```
    #[must_use]
    pub fn may_block() -> bool {
        crate::sys::agent::may_block()
    }

    /// What a model of `loom-tests` tells the platform.
    #[cfg(web_sync_loom)]
    #[doc(hidden)]
    pub mod model {
        use core::time::Duration;

        use crate::sys::clock::Deadline;
        use crate::sys::platform;

        /// Starts an execution.
        pub fn begin() {
            platform::begin(0, 0);
        }

        /// Lets so many waits end for no reason, and so many time out.
        pub fn allow(spurious: u32, timeouts: u32) {
            platform::allow(spurious, timeouts);
        }

        /// Whether Relaxed loads may return old values from now on, and not only the latest.
        pub fn read_stale(stale: bool) {
            crate::sys::shim::read_stale(stale);
        }

        /// Moves the clock, and completes the timers that are due.
        pub fn pass_time(duration: Duration) {
            platform::advance_to(Deadline::after(duration));
        }
    }
}

/// Wait while a word has a value, wake who waits for it: what the primitives of this crate are built on.
///
/// Use it to build a primitive of your own. To protect data use [`Mutex`](std::sync::Mutex)-like types, they are as cheap.
///
/// A wait never synchronises and may end for no reason: look at the word again, with Acquire, whatever it returns.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::{Acquire, Release}};
/// use web_sync::futex;
///
/// static READY: AtomicU32 = AtomicU32::new(0);
///
/// let other = std::thread::spawn(|| {
///     READY.store(1, Release);
///     futex::wake(&READY);
/// });
/// while READY.load(Acquire) == 0 {
///     futex::wait(&READY, 0, None);
/// }
/// # other.join().unwrap();
/// ```
pub mod futex {
    use core::panic::Location;
    use core::time::Duration;

    pub use crate::sys::futex::Outcome;

    use crate::sys::clock::Deadline;
    use crate::sys::shim::AtomicU32;
    use crate::sys::{Call, futex};

    /// Waits until the word is woken, no longer has the value `expected`, or the time-out has passed.
    ///
    /// A time-out that is too long saturates at 584 years.
    ///
    /// # Blocking
    ///
    /// Sleeps where the agent may sleep. Elsewhere it spins until the word differs, needs no wake, and says so on the console
    /// when that takes long: [`wait_async`] is for there.
    ///
    /// # Panics
    ///
    /// In a module that was built without threads, when there is no time-out and the word has the value `expected`: nobody could
    /// ever change it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::atomic::AtomicU32, time::Duration};
    /// use web_sync::futex::{self, Outcome};
    ///
    /// let word = AtomicU32::new(1);
    /// assert_eq!(futex::wait(&word, 0, None), Outcome::Mismatch);
    /// let timeout = Some(Duration::from_millis(1));
    /// assert_eq!(futex::wait(&word, 1, timeout), Outcome::TimedOut);
    /// ```
    #[track_caller]
    pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Outcome {
        let call = Call {
            name: "futex::wait",
            instead: "futex::wait_async",
            caller: Location::caller(),
        };
        futex::wait(word, expected, timeout.map(Deadline::after), &call)
    }

    /// Wakes one waiter of that address, if there is one: a [`wait`] that sleeps or a [`wait_async`].
    ///
    /// Change the word before. The word itself is not looked at, and may have been freed.
    ///
    /// # Blocking
    ///
    /// Never blocks, on any agent.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let word = AtomicU32::new(0);
    /// word.store(1, Ordering::Release);
    /// web_sync::futex::wake(&word);
    /// ```
    pub fn wake(word: *const AtomicU32) {
        futex::wake(word);
    }

    /// Completes when the word is woken, or at once when it does not have the value `expected`.
    ///
    /// Executor-neutral; the comparison is made by the first poll. On the web this is `Atomics.waitAsync`. Browsers without it
    /// (Firefox before 145) get a timer that looks at the word every few milliseconds: there a wake without a change of the word
    /// is not seen. A pending wait does not keep Node, Deno or Bun from exiting.
    ///
    /// # Cancel safety
    ///
    /// Not cancel-safe: dropping a future that has been polled may leave it in the queue, where it takes one wake that was meant
    /// for somebody else, since `Atomics.waitAsync` can not be withdrawn. That is also why the word has to be `'static`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use web_sync::futex;
    ///
    /// static WORD: AtomicU32 = AtomicU32::new(0);
    ///
    /// async fn ready() {
    ///     while WORD.load(Ordering::Acquire) == 0 {
    ///         futex::wait_async(&WORD, 0).await;
    ///     }
    /// }
    /// ```
    pub fn wait_async(
        word: &'static AtomicU32,
        expected: u32,
    ) -> impl Future<Output = Outcome> + Send + Unpin {
        futex::wait_async(word, expected)
    }
}
