//! Parking, sleeping and yielding: what `std::thread` has for the agent that runs, on every agent of a page.
//!
//! std's `park`, `park_timeout` and `sleep` trap on a page's main thread. These do not: where the agent must not sleep they spin,
//! and each has an async twin that suspends the task instead. Agents are not spawned here; what starts a worker is up to you.
//!
//! # The token
//!
//! Each agent has one token, which [`Thread::unpark`] leaves and [`park`] takes, or waits for. So an `unpark` that comes before the
//! `park` is not lost, and two of them are one. What was done before the `unpark` has happened before the `park` that takes
//! the token returns.
//!
//! Tasks of the agent wait for the same token ([`park_async`]). Each token ends one wait, in order of arrival, except that a blocked thread
//! goes before its own tasks, which could not run meanwhile.
//!
//! # Examples
//! ```
//! use std::sync::atomic::{AtomicBool, Ordering};
//! use web_sync::thread;
//!
//! static READY: AtomicBool = AtomicBool::new(false);
//!
//! let waiter = thread::current();
//! let other = std::thread::spawn(move || {
//!     READY.store(true, Ordering::Release);
//!     waiter.unpark();
//! });
//! while !READY.load(Ordering::Acquire) {
//!     thread::park();
//! }
//! # other.join().unwrap();
//! ```

use core::fmt;
use core::future::Future;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use web_time::Instant;

use crate::raw::{Parker, in_time, sleep as raw_sleep};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::spin::Spin;
use crate::sys::timer::Timer;

/// A handle to an agent: a worker, the main thread, a native thread. For [`unpark`](Self::unpark).
///
/// It costs a pointer, may go to any agent, and may outlive the one that it names. The first [`current`] or [`park`] of an agent
/// allocates some words for it, which are never freed, since nothing tells when an agent has ended.
///
/// # Examples
/// ```
/// use web_sync::thread::{self, Thread};
///
/// let here: Thread = thread::current();
/// let other = std::thread::spawn(move || here.unpark());
/// thread::park();
/// # other.join().unwrap();
/// ```
#[derive(Clone)]
pub struct Thread {
    parker: &'static Parker,
}

impl UnwindSafe for Thread {}
impl RefUnwindSafe for Thread {}

impl Thread {
    /// Leaves the agent its token, and wakes who waits for it: [`park`] returns, now or when it is called next.
    ///
    /// A token that is there already stays the only one. Never waits and never allocates, on any agent.
    ///
    /// # Examples
    /// ```
    /// use web_sync::thread;
    ///
    /// thread::current().unpark();
    /// thread::park(); // at once
    /// ```
    #[inline]
    pub fn unpark(&self) {
        self.parker.unpark();
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}

/// The handle of the agent that runs.
///
/// # Examples
/// See [`Thread`].
#[must_use]
pub fn current() -> Thread {
    Thread {
        parker: Parker::current(),
    }
}

/// Takes this agent's token, waiting for it if need be. Unlike std's it does not return without one.
///
/// # Blocking
/// Sleeps until somebody calls [`Thread::unpark`]; on an agent that must not sleep, as a page's main thread, it spins. There use
/// [`park_async`].
///
/// # Panics
/// In a module that was built without threads, if there is no token: nobody could ever bring one.
///
/// # Examples
/// See the [module](self).
#[track_caller]
pub fn park() {
    Parker::current().park(None);
}

/// As [`park`], but no longer than `timeout`.
///
/// It does not say which of the two ended it, as std's. A timeout too large to represent means no time limit.
///
/// # Blocking
/// As [`park`], at most for `timeout`.
///
/// # Panics
/// As [`park`], if there is no time limit.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use web_sync::thread;
///
/// thread::park_timeout(Duration::from_millis(5)); // nobody unparks this thread
/// ```
#[track_caller]
pub fn park_timeout(timeout: Duration) {
    Parker::current().park(Some(Deadline::after(timeout)));
}

/// The async twin of [`park`]: the task is suspended, and the agent free.
///
/// The token is that of the agent that makes this call, wherever the future is polled.
///
/// # Cancel safety
/// The future may be dropped at any time: the token stays for the next who parks. It is `Send`. One that is polled and then neither
/// dropped nor polled again keeps its place, and with it the tokens from the futures of this agent behind it.
///
/// # Examples
/// ```
/// use web_sync::thread;
///
/// # pollster::block_on(async {
/// let here = thread::current();
/// let other = std::thread::spawn(move || here.unpark());
/// thread::park_async().await;
/// # other.join().unwrap();
/// # });
/// ```
pub fn park_async() -> impl Future<Output = ()> + Send {
    Parker::current().park_async()
}

/// The async twin of [`park_timeout`]. The time begins with the call.
///
/// # Cancel safety
/// As for [`park_async`]; its timer is freed as by [`Mutex::try_lock_for_async`](crate::Mutex::try_lock_for_async).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use web_sync::thread;
///
/// # pollster::block_on(async {
/// thread::park_timeout_async(Duration::from_millis(5)).await; // nobody unparks this thread
/// # });
/// ```
pub fn park_timeout_async(timeout: Duration) -> impl Future<Output = ()> + Send {
    let token = in_time(park_async(), Deadline::after(timeout));
    async { token.await.unwrap_or_default() }
}

/// Does nothing for as long as `duration`, or a little longer.
///
/// # Blocking
/// Sleeps; on an agent that must not sleep, as a page's main thread, it spins, no event runs meanwhile, and a spin of more than a
/// second is reported on the console. There use [`sleep_async`].
///
/// # Panics
/// In a module that was built without threads, if `duration` is too large to represent: nothing could ever end the sleep.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// web_sync::thread::sleep(Duration::from_millis(5));
/// ```
#[track_caller]
pub fn sleep(duration: Duration) {
    sleep_for(
        Deadline::after(duration),
        "thread::sleep",
        "thread::sleep_async",
    );
}

/// Does nothing until `deadline`, or a little longer.
///
/// # Blocking
/// As [`sleep`].
///
/// # Panics
/// As [`sleep`], if `deadline` is too far away to represent.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use web_sync::{Instant, thread};
///
/// let deadline = Instant::now() + Duration::from_millis(5);
/// thread::sleep_until(deadline);
/// assert!(Instant::now() >= deadline);
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) {
    let deadline = Deadline::at(deadline);
    sleep_for(deadline, "thread::sleep_until", "thread::sleep_until_async");
}

#[track_caller]
fn sleep_for(deadline: Deadline, name: &'static str, instead: &'static str) {
    let call = Call {
        name,
        instead,
        caller: Location::caller(),
    };
    raw_sleep(deadline, &call);
}

/// The async twin of [`sleep`]: the task is suspended, and the agent free. The time begins with the call.
///
/// In Firefox's audio worklets it ends only when the task is polled for another reason: nothing there can call it in time.
///
/// # Cancel safety
/// The future may be dropped at any time, which clears its timer. It is `Send`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use web_sync::thread;
///
/// # pollster::block_on(async {
/// thread::sleep_async(Duration::from_millis(5)).await;
/// # });
/// ```
pub fn sleep_async(duration: Duration) -> impl Future<Output = ()> + Send {
    Timer::new(Deadline::after(duration))
}

/// The async twin of [`sleep_until`].
///
/// # Cancel safety
/// As for [`sleep_async`].
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use web_sync::{Instant, thread};
///
/// # pollster::block_on(async {
/// let deadline = Instant::now() + Duration::from_millis(5);
/// thread::sleep_until_async(deadline).await;
/// assert!(Instant::now() >= deadline);
/// # });
/// ```
pub fn sleep_until_async(deadline: Instant) -> impl Future<Output = ()> + Send {
    Timer::new(Deadline::at(deadline))
}

/// Lets another thread have the processor, where the platform can do that.
///
/// Natively it is std's. A browser has no such call, so there, as in std, it is nothing but a hint to the processor: a loop that
/// waits belongs on [`park`], a [`Condvar`](crate::Condvar) or an `await`.
///
/// # Blocking
/// Never blocks.
///
/// # Examples
/// ```
/// web_sync::thread::yield_now();
/// ```
pub fn yield_now() {
    Spin::yield_now();
}
