//! The semaphore: permits that are counted out, first come, first served.

mod error;
mod permit;
mod timed;

use core::fmt;
use core::future::Future;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use crate::raw::{Closed, MAX_PERMITS, RawSemaphore};
use crate::sys::Call;
use crate::sys::shim::const_new;

pub use error::{AcquireError, TryAcquireError};
pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

/// A number of permits: who needs one, or several, takes them or waits until they are there.
///
/// For limits, as on how many downloads run at a time, or how many bytes are on their way. The names are those of tokio's `Semaphore`,
/// except that here the plain ones block and the async ones end with `_async`, as everywhere in this crate. Threads
/// ([`acquire`](Self::acquire)) and tasks ([`acquire_async`](Self::acquire_async)) wait in one queue.
///
/// Dropping a permit gives it back; [`add_permits`](Self::add_permits) makes new ones. Neither ever waits or allocates, on any agent. What
/// was done before a permit was given back, or added, is visible to who acquires it afterwards.
///
/// # Fairness
/// First come, first served: nobody overtakes one who waits, not even where there are permits enough for the one and not for the
/// other. So `acquire_many` does not starve, and while it waits, permits that are there may be kept for it. The exception are agents that
/// must not sleep, as a page's main thread: they wait before all others.
///
/// A task is handed its permits when its turn comes, before it is polled. Do not block an agent, waiting for permits that one of its own
/// tasks may have been handed: that task could not run to give them back.
///
/// # Examples
/// ```
/// use std::thread;
/// use web_sync::Semaphore;
///
/// static AT_A_TIME: Semaphore = Semaphore::new(2);
///
/// thread::scope(|scope| {
///     for number in 0..6 {
///         scope.spawn(move || {
///             let _permit = AT_A_TIME.acquire().unwrap();
///             println!("{number} is one of at most two that do this");
///         });
///     }
/// });
/// assert_eq!(AT_A_TIME.available_permits(), 2);
/// ```
pub struct Semaphore {
    raw: RawSemaphore,
}

impl UnwindSafe for Semaphore {}
impl RefUnwindSafe for Semaphore {}

/// The outcome of a call that waits for ever.
fn in_the_end(acquired: Option<Result<(), Closed>>) -> Result<(), AcquireError> {
    match acquired {
        Some(Ok(())) => Ok(()),
        // Without a deadline there is no third way.
        Some(Err(Closed)) | None => Err(AcquireError::new()),
    }
}

/// The outcome of a call that may give up.
fn at_once(acquired: Option<Result<(), Closed>>) -> Result<(), TryAcquireError> {
    match acquired {
        Some(Ok(())) => Ok(()),
        Some(Err(Closed)) => Err(TryAcquireError::Closed),
        None => Err(TryAcquireError::NoPermits),
    }
}

#[track_caller]
fn acquiring() -> Call {
    Call {
        name: "Semaphore::acquire",
        instead: "Semaphore::acquire_async",
        caller: Location::caller(),
    }
}

/// A number of permits that there can be.
#[track_caller]
fn countable(permits: u32) -> u32 {
    assert!(
        permits <= MAX_PERMITS,
        "a semaphore has at most {MAX_PERMITS} permits"
    );
    permits
}

impl Semaphore {
    /// As many permits as a semaphore can have: 1,073,741,823.
    pub const MAX_PERMITS: usize = MAX_PERMITS as usize;

    const_new! {
        /// An open semaphore with so many permits.
        ///
        /// # Panics
        /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        ///
        /// # Examples
        /// ```
        /// use web_sync::Semaphore;
        ///
        /// static SEMAPHORE: Semaphore = Semaphore::new(3);
        /// ```
        #[must_use]
        pub fn new(permits: usize) -> Semaphore {
            assert!(
                permits <= Semaphore::MAX_PERMITS,
                "a semaphore has at most `Semaphore::MAX_PERMITS` permits"
            );
            Semaphore { raw: RawSemaphore::new(permits as u32) }
        }
    }

    /// How many permits are there. Some may be kept for one who waits for more.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// let permit = semaphore.acquire().unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// # drop(permit);
    /// ```
    pub fn available_permits(&self) -> usize {
        self.raw.permits() as usize
    }

    /// Makes so many new permits. Those who wait get them at once, in their order.
    ///
    /// Never waits and never allocates, on any agent.
    ///
    /// # Panics
    /// If the semaphore would have more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// static READY: Semaphore = Semaphore::new(0);
    ///
    /// let worker = std::thread::spawn(|| READY.add_permits(1));
    /// READY.acquire().unwrap().forget(); // used up
    /// # worker.join().unwrap();
    /// ```
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        // Too many to count are too many.
        self.raw.release(u32::try_from(n).unwrap_or(u32::MAX));
    }

    /// Takes so many permits away for good, or as many as are there. Returns how many that were.
    ///
    /// That includes those that are kept for one who waits for more. (A waiter of tokio's has taken them already.)
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// assert_eq!(semaphore.forget_permits(2), 2);
    /// assert_eq!(semaphore.forget_permits(2), 1);
    /// ```
    pub fn forget_permits(&self, n: usize) -> usize {
        self.raw.forget(u32::try_from(n).unwrap_or(u32::MAX)) as usize
    }

    /// Takes a permit, waiting for it.
    ///
    /// # Blocking
    /// Sleeps until it is this call's turn and there is a permit; on an agent that must not sleep, as a page's main thread, it spins, and is
    /// served before all others. [`acquire_async`](Self::acquire_async) does neither.
    ///
    /// # Panics
    /// In a build without threads, if it would wait: nobody could give a permit back.
    ///
    /// # Errors
    /// If the semaphore is closed, or is while it waits.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.acquire().unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many(1)
    }

    /// Takes `n` permits in one step, waiting until there are so many.
    ///
    /// With `n` of 0 as well it waits for its turn, if others wait. (tokio's succeeds at once.)
    ///
    /// # Blocking
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire), and if `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let bytes = Semaphore::new(1_000);
    /// let permit = bytes.acquire_many(300).unwrap();
    /// assert_eq!(bytes.available_permits(), 700);
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        let acquired = self.raw.acquire(countable(n), || None, &acquiring());
        in_the_end(acquired).map(|()| SemaphorePermit::new(self, n))
    }

    /// Takes a permit if one is there and nobody waits. Never waits.
    ///
    /// # Errors
    /// [`NoPermits`](TryAcquireError::NoPermits) if it would have to wait, [`Closed`](TryAcquireError::Closed) if the semaphore is.
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    /// # drop(permit);
    /// ```
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if so many are there and nobody waits. Never waits.
    ///
    /// # Panics
    /// If `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// assert!(semaphore.try_acquire_many(4).is_err());
    /// assert!(semaphore.try_acquire_many(3).is_ok());
    /// ```
    #[track_caller]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let acquired = self.raw.try_acquire(countable(n));
        at_once(acquired).map(|()| SemaphorePermit::new(self, n))
    }

    /// The async twin of [`acquire`](Self::acquire): the task is suspended, and the agent free.
    ///
    /// The task joins the queue when the future is polled for the first time.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: it loses its place in the queue, and a permit that it had been handed goes to the next. It is
    /// `Send`. One that is leaked (`mem::forget`) keeps its place, or its permit, for good.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// static READY: Semaphore = Semaphore::new(0);
    ///
    /// let worker = std::thread::spawn(|| READY.add_permits(1));
    /// # pollster::block_on(async {
    /// let permit = READY.acquire_async().await.unwrap();
    /// # drop(permit);
    /// # });
    /// # worker.join().unwrap();
    /// ```
    pub fn acquire_async(&self) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        self.acquire_many_async(1)
    }

    /// The async twin of [`acquire_many`](Self::acquire_many).
    ///
    /// # Cancel safety
    /// As for [`acquire_async`](Self::acquire_async). Permits that are there, but fewer than `n`, are not its own yet: if it is
    /// dropped they are for the next.
    ///
    /// # Panics
    /// If `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS): the call, not the future.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// # pollster::block_on(async {
    /// let semaphore = web_sync::Semaphore::new(5);
    /// let permit = semaphore.acquire_many_async(3).await.unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// # drop(permit);
    /// # });
    /// ```
    #[track_caller]
    pub fn acquire_many_async(
        &self,
        n: u32,
    ) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        let acquires = self.raw.acquire_async(countable(n));
        async move { in_the_end(Some(acquires.await)).map(|()| SemaphorePermit::new(self, n)) }
    }

    /// As [`acquire`](Self::acquire), with a permit that borrows nothing.
    ///
    /// # Blocking
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Arc, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.clone().acquire_owned().unwrap();
    /// std::thread::spawn(move || drop(permit)).join().unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned(1)
    }

    /// As [`acquire_many`](Self::acquire_many), with a permit that borrows nothing.
    ///
    /// # Blocking
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// See [`acquire_owned`](Self::acquire_owned).
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many(n)?.forget();
        Ok(OwnedSemaphorePermit::new(self, n))
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that borrows nothing.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Arc, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.clone().try_acquire_owned().unwrap();
    /// assert!(semaphore.try_acquire_owned().is_err());
    /// # drop(permit);
    /// ```
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// As [`try_acquire_many`](Self::try_acquire_many), with a permit that borrows nothing.
    ///
    /// # Panics
    /// As [`try_acquire_many`](Self::try_acquire_many).
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Examples
    /// See [`try_acquire_owned`](Self::try_acquire_owned).
    #[track_caller]
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many(n)?.forget();
        Ok(OwnedSemaphorePermit::new(self, n))
    }

    /// The async twin of [`acquire_owned`](Self::acquire_owned). The future borrows nothing either.
    ///
    /// # Cancel safety
    /// As for [`acquire_async`](Self::acquire_async).
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// use web_sync::{Arc, Semaphore};
    ///
    /// # pollster::block_on(async {
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.acquire_owned_async().await.unwrap();
    /// assert_eq!(permit.semaphore().available_permits(), 0);
    /// # });
    /// ```
    pub fn acquire_owned_async(
        self: Arc<Self>,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        self.acquire_many_owned_async(1)
    }

    /// The async twin of [`acquire_many_owned`](Self::acquire_many_owned). The future borrows nothing either.
    ///
    /// # Cancel safety
    /// As for [`acquire_many_async`](Self::acquire_many_async).
    ///
    /// # Panics
    /// As [`acquire_many_async`](Self::acquire_many_async).
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// See [`acquire_owned_async`](Self::acquire_owned_async).
    #[track_caller]
    pub fn acquire_many_owned_async(
        self: Arc<Self>,
        n: u32,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        let n = countable(n);
        async move {
            in_the_end(Some(self.raw.acquire_async(n).await))?;
            Ok(OwnedSemaphorePermit::new(self, n))
        }
    }

    /// Gives no permit any more: those who wait, and all who come, get an error. Permits that have been given may be given back.
    ///
    /// Never waits and never allocates, on any agent. There is no way to open it again.
    ///
    /// A task that was handed its permits before keeps them: its future is `Ok` when it is polled next. (tokio's then is an error.)
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// static JOBS: Semaphore = Semaphore::new(0);
    ///
    /// let worker = std::thread::spawn(|| JOBS.acquire().is_err());
    /// JOBS.close();
    /// assert!(worker.join().unwrap());
    /// ```
    pub fn close(&self) {
        self.raw.close();
    }

    /// Whether the semaphore is closed. Then what was done before it was closed is visible.
    ///
    /// # Examples
    /// ```
    /// use web_sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(1);
    /// assert!(!semaphore.is_closed());
    /// semaphore.close();
    /// assert!(semaphore.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.raw.is_closed()
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.available_permits())
            .field("closed", &self.is_closed())
            .finish()
    }
}
