//! The barrier: agents that start the next step together.

use core::fmt;
use core::future::Future;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};

use crate::raw::RawBarrier;
use crate::sys::Call;
use crate::sys::shim::const_new;

/// A place where agents wait until as many have arrived as it takes; then all go on.
///
/// std's `Barrier`, made so that every agent of a page may use it, threads and tasks alike. When the last one arrives the barrier opens,
/// lets all of them through, and can be used again at once: one that arrives early for the next time is not mixed up with those that
/// are still leaving.
///
/// What each did before it arrived is visible to all after they have been let through.
///
/// # Fairness
/// All who have arrived are let through, those on agents that must not sleep first. The last one to arrive waits for nobody.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::Barrier;
///
/// let barrier = Barrier::new(3);
/// thread::scope(|scope| {
///     for _ in 0..3 {
///         scope.spawn(|| {
///             println!("these three lines come first");
///             barrier.wait();
///             println!("and these three afterwards");
///         });
///     }
/// });
/// ```
pub struct Barrier {
    raw: RawBarrier,
}

impl UnwindSafe for Barrier {}
impl RefUnwindSafe for Barrier {}

impl Barrier {
    const_new! {
        /// A barrier that opens when `n` have arrived. With 0, as with 1, nobody ever waits.
        ///
        /// # Examples
        /// ```
        /// use web_sync::Barrier;
        ///
        /// static START: Barrier = Barrier::new(4);
        /// ```
        #[inline]
        #[must_use]
        pub fn new(n: usize) -> Barrier {
            Barrier { raw: RawBarrier::new(n) }
        }
    }

    /// Arrives, and waits until all have arrived. For one of them, the last, the result says that it is the leader.
    ///
    /// # Blocking
    /// Sleeps until the barrier opens; on an agent that must not sleep, as a page's main thread, it spins.
    /// [`wait_async`](Self::wait_async) does neither.
    ///
    /// # Panics
    /// In a build without threads, if it would wait: nobody else could arrive. The caller has then not arrived.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use web_sync::Barrier;
    ///
    /// let barrier = Barrier::new(2);
    /// let leaders = thread::scope(|scope| {
    ///     let other = scope.spawn(|| barrier.wait().is_leader());
    ///     [barrier.wait().is_leader(), other.join().unwrap()]
    /// });
    /// assert!(leaders[0] != leaders[1]);
    /// ```
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        let call = Call {
            name: "Barrier::wait",
            instead: "Barrier::wait_async",
            caller: Location::caller(),
        };
        BarrierWaitResult(self.raw.arrive(&call))
    }

    /// The async twin of [`wait`](Self::wait): the task is suspended, and the agent free.
    ///
    /// The task arrives when the future is polled for the first time.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time. If the barrier has not opened by then, the task has not arrived: it counts no more, and the
    /// others wait for somebody in its place. If the barrier has opened, they have been let through, and nothing is taken back. The
    /// future is `Send`. One that is leaked has arrived for good.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Barrier;
    ///
    /// static START: Barrier = Barrier::new(2);
    ///
    /// let worker = std::thread::spawn(|| START.wait());
    /// # pollster::block_on(async {
    /// START.wait_async().await;
    /// # });
    /// # worker.join().unwrap();
    /// ```
    pub fn wait_async(&self) -> impl Future<Output = BarrierWaitResult> {
        let arrives = self.raw.arrive_async();
        async { BarrierWaitResult(arrives.await) }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

/// What a [`Barrier`] says to those that it lets through.
///
/// # Examples
/// ```
/// use web_sync::{Barrier, BarrierWaitResult};
///
/// let result: BarrierWaitResult = Barrier::new(1).wait();
/// assert!(result.is_leader());
/// ```
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this is the one, of those that were let through together, that leads the others: as it happens, the last to arrive.
    ///
    /// # Examples
    /// See the [type](Self).
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult")
            .field("is_leader", &self.is_leader())
            .finish()
    }
}
