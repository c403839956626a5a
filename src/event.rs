//! The event: a flag that agents wait for.

use core::fmt;
use core::future::Future;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use web_time::Instant;

use crate::condvar::WaitTimeoutResult;
use crate::raw::{RawFlag, in_time};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::shim::const_new;

/// A flag that agents wait for: it is set, lets all who wait go on, and stays set until it is reset.
///
/// What other systems call a manual-reset event. For "it is ready", "stop", "go on": where there is data that changes with the flag,
/// a [`Condvar`](crate::Condvar) beside a [`Mutex`](crate::Mutex) is right; where something becomes ready one time, with a value, a
/// [`OnceLock`](crate::OnceLock).
///
/// A wait ends if the event is set at the time of the call, or *at any time after it*. One that was waiting when the event was set goes
/// on even if the event is reset at once: [`set`](Self::set) and then [`reset`](Self::reset) let go all who wait at that time, and nobody who
/// comes after the reset. What was done before the event was set is visible to those who go on.
///
/// Setting and resetting never wait and never allocate, on any agent.
///
/// # Fairness
/// All who wait go on, those on agents that must not sleep first.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::Event;
///
/// static READY: Event = Event::new();
///
/// let workers = [(); 3].map(|()| thread::spawn(|| READY.wait()));
/// READY.set();
/// for worker in workers {
///     worker.join().unwrap();
/// }
/// READY.wait(); // it is still set
/// ```
pub struct Event {
    raw: RawFlag,
}

impl UnwindSafe for Event {}
impl RefUnwindSafe for Event {}

impl Event {
    const_new! {
        /// An event that is not set.
        ///
        /// # Examples
        /// ```
        /// use web_sync::Event;
        ///
        /// static EVENT: Event = Event::new();
        /// ```
        #[inline]
        #[must_use]
        pub fn new() -> Event {
            Event { raw: RawFlag::new() }
        }
    }

    /// Sets the event: all who wait go on, and nobody waits until it is reset. Never waits and never allocates, on any agent.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Event;
    ///
    /// let event = Event::new();
    /// event.set();
    /// event.set(); // changes nothing
    /// assert!(event.is_set());
    /// ```
    #[inline]
    pub fn set(&self) {
        self.raw.set();
    }

    /// Resets the event. From now on callers of [`wait`](Self::wait) wait. Returns whether the event was set.
    ///
    /// Never waits and never allocates, on any agent. What was done before the event was set is visible afterwards. A worker that resets the
    /// event *before* it looks for work misses none.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Event;
    ///
    /// let event = Event::new();
    /// event.set();
    /// assert!(event.reset());
    /// assert!(!event.reset() && !event.is_set());
    /// ```
    #[inline]
    pub fn reset(&self) -> bool {
        self.raw.reset()
    }

    /// Whether the event is set.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Event;
    ///
    /// assert!(!Event::new().is_set());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.raw.is_set()
    }

    /// Waits until the event is set.
    ///
    /// # Blocking
    /// Sleeps until then; on an agent that must not sleep, as a page's main thread, it spins. [`wait_async`](Self::wait_async) does
    /// neither.
    ///
    /// # Panics
    /// In a build without threads, if it would wait: nobody could set the event.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use web_sync::Event;
    ///
    /// static READY: Event = Event::new();
    ///
    /// let worker = thread::spawn(|| READY.set());
    /// READY.wait();
    /// # worker.join().unwrap();
    /// ```
    #[inline]
    #[track_caller]
    pub fn wait(&self) {
        self.raw.wait_until(|| None, &waiting("Event::wait"));
    }

    /// Waits until the event is set, no longer than `timeout`.
    ///
    /// A timeout too large to represent means no time limit.
    ///
    /// # Blocking
    /// As [`wait`](Self::wait), at most for `timeout`.
    ///
    /// # Panics
    /// As [`wait`](Self::wait), if there is no time limit.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::Event;
    ///
    /// let event = Event::new();
    /// assert!(event.wait_timeout(Duration::from_millis(5)).timed_out());
    /// ```
    #[track_caller]
    pub fn wait_timeout(&self, timeout: Duration) -> WaitTimeoutResult {
        let deadline = || Some(Deadline::after(timeout));
        let call = waiting("Event::wait_timeout");
        WaitTimeoutResult::new(!self.raw.wait_until(deadline, &call))
    }

    /// Waits until the event is set, no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`wait`](Self::wait), at most until `deadline`.
    ///
    /// # Panics
    /// As [`wait`](Self::wait), if `deadline` is too far away to represent.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Event, Instant};
    ///
    /// let event = Event::new();
    /// event.set();
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert!(!event.wait_deadline(deadline).timed_out());
    /// ```
    #[track_caller]
    pub fn wait_deadline(&self, deadline: Instant) -> WaitTimeoutResult {
        let deadline = || Some(Deadline::at(deadline));
        let call = waiting("Event::wait_deadline");
        WaitTimeoutResult::new(!self.raw.wait_until(deadline, &call))
    }

    /// The async twin of [`wait`](Self::wait): the task is suspended, and the agent free.
    ///
    /// The wait begins with the call, not with the first poll: the future is ready if the event was set at any time since, unless exactly
    /// a multiple of 2^30 times.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time, and leaves nothing behind. It is `Send`.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Event;
    ///
    /// # pollster::block_on(async {
    /// let event = Event::new();
    /// let wait = event.wait_async();
    /// event.set();
    /// event.reset();
    /// wait.await;
    /// # });
    /// ```
    pub fn wait_async(&self) -> impl Future<Output = ()> {
        self.raw.wait_for_it()
    }

    /// The async twin of [`wait_timeout`](Self::wait_timeout). The time, too, begins with the call.
    ///
    /// # Cancel safety
    /// As for [`wait_async`](Self::wait_async); its timer is freed as by
    /// [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::Event;
    ///
    /// # pollster::block_on(async {
    /// let event = Event::new();
    /// assert!(event.wait_timeout_async(Duration::from_millis(5)).await.timed_out());
    /// # });
    /// ```
    pub fn wait_timeout_async(&self, timeout: Duration) -> impl Future<Output = WaitTimeoutResult> {
        let waits = in_time(self.wait_async(), Deadline::after(timeout));
        async { WaitTimeoutResult::new(waits.await.is_none()) }
    }

    /// The async twin of [`wait_deadline`](Self::wait_deadline).
    ///
    /// # Cancel safety
    /// As for [`wait_timeout_async`](Self::wait_timeout_async).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Event, Instant};
    ///
    /// # pollster::block_on(async {
    /// let event = Event::new();
    /// event.set();
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert!(!event.wait_deadline_async(deadline).await.timed_out());
    /// # });
    /// ```
    pub fn wait_deadline_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = WaitTimeoutResult> {
        let waits = in_time(self.wait_async(), Deadline::at(deadline));
        async { WaitTimeoutResult::new(waits.await.is_none()) }
    }
}

#[track_caller]
fn waiting(name: &'static str) -> Call {
    Call {
        name,
        instead: "Event::wait_async",
        caller: Location::caller(),
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("set", &self.is_set())
            .finish_non_exhaustive()
    }
}

impl Default for Event {
    fn default() -> Self {
        Event::new()
    }
}
