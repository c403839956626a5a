//! The semaphore: a number of permits, and those who wait for some of them, first come, first served.
//!
//! ```text
//! bit  0      QUEUED  somebody waits: who adds permits must look at the queue, and nobody takes permits in passing
//! bit  1      CLOSED  no permits are given any more
//! bits 2..32  number of permits that are there
//! ```
//!
//! | bits | changed by |
//! |---|---|
//! | `QUEUED` | who has the queue locked |
//! | `CLOSED` | set by anybody, cleared by nobody |
//! | permits | added by anybody; taken by anybody while not `QUEUED`, else by who has the queue locked, for the first waiter |
//!
//! A waiter gets all the permits that it wants in one step, or none: those that come before there are enough stay in the word, where
//! `QUEUED` keeps others from them. So a waiter that gives up has nothing to return, and whom it held up is looked at when it leaves.
//!
//! # Invariants
//!
//! Those of [`Served`], and:
//!
//! - **M1** Whenever no queue is locked, no message for its holder is under way and the semaphore is open, the first waiter wants more
//!   permits than there are; `QUEUED` is set exactly if there is one. When it is closed nobody is left in the queue.
//! - **M2** Permits are taken out of the word for a waiter, thread or task, by who takes it out of the queue. That a task is in no queue
//!   any more tells it that its wait is over, and `notified` whether it was given its permits; if it is dropped before it looks, its
//!   `drop` puts them back.
//! - **M3** The word changes by read-modify-writes only. So whoever takes permits, or finds the semaphore closed, and reads with Acquire
//!   sees what all did before who had added permits, or closed it, until then.
//! - **M4** The permits never exceed [`MAX_PERMITS`]: who would add more panics, and what would be more when permits are put back is lost.

use super::served::{Served, WaitFuture, let_go_with, want_of};
use crate::queue::{Locked, Rank, Signal, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::shim::{AtomicU32, Ordering, const_new};
use core::fmt;

const QUEUED: u32 = 0b01;
const CLOSED: u32 = 0b10;
const SHIFT: u32 = 2;

/// As many permits as can be counted.
pub(crate) const MAX_PERMITS: u32 = u32::MAX >> SHIFT;

/// The semaphore is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// A value of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State(u32);

impl State {
    #[inline]
    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    #[inline]
    fn permits(self) -> u32 {
        self.0 >> SHIFT
    }

    /// With so many permits less, if there are as many.
    #[inline]
    fn without(self, permits: u32) -> Option<Self> {
        let left = self.permits().checked_sub(permits)?;
        Some(Self(self.0 & (QUEUED | CLOSED) | left << SHIFT))
    }

    /// With so many permits more, if they can be counted.
    #[inline]
    fn with(self, permits: u32) -> Option<Self> {
        let all = self.permits().checked_add(permits)?;
        (all <= MAX_PERMITS).then_some(Self(self.0 & (QUEUED | CLOSED) | all << SHIFT))
    }

    /// With as many permits as can be counted.
    #[inline]
    fn full(self) -> Self {
        Self(self.0 | MAX_PERMITS << SHIFT)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, name) in [(QUEUED, "QUEUED"), (CLOSED, "CLOSED")] {
            if self.has(bit) {
                write!(f, "{name} | ")?;
            }
        }
        write!(f, "permits {}", self.permits())
    }
}

/// A semaphore, two words.
pub(crate) struct RawSemaphore {
    state: AtomicU32,
    queue: WaitQueue,
}

impl RawSemaphore {
    const_new! {
        /// With so many permits, at most [`MAX_PERMITS`].
        pub(crate) fn new(permits: u32) -> Self {
            Self { state: AtomicU32::new(permits << SHIFT), queue: WaitQueue::new() }
        }
    }

    #[inline]
    fn state(&self) -> State {
        // ORDERING: Acquire, partner of the Release in `close` (M3). Permits are taken by exchanges.
        State(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn permits(&self) -> u32 {
        self.state().permits()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().has(CLOSED)
    }

    /// Takes permits if they are there and nobody waits (`None`).
    #[inline]
    pub(crate) fn try_acquire(&self, permits: u32) -> Option<Result<(), Closed>> {
        let mut state = self.state();
        loop {
            if state.has(CLOSED) {
                return Some(Err(Closed));
            }
            if state.has(QUEUED) {
                return None;
            }
            let taken = state.without(permits)?;
            // ORDERING: Acquire, partner of the Release in `release` (M3); on failure, of the one in `close`.
            match self.state.compare_exchange_weak(
                state.0,
                taken.0,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(Ok(())),
                Err(now) => state = State(now),
            }
        }
    }

    /// Takes permits, waiting for them until the deadline (`None`). Panics if it would wait for ever.
    #[inline]
    pub(crate) fn acquire(
        &self,
        permits: u32,
        deadline: impl FnOnce() -> Option<Deadline>,
        call: &Call,
    ) -> Option<Result<(), Closed>> {
        match self.try_acquire(permits) {
            None => self.wait(permits as usize, Rank::of_this_thread(), deadline(), call),
            ended => ended,
        }
    }

    /// Takes permits as a future.
    pub(crate) fn acquire_async(&self, permits: u32) -> WaitFuture<'_, Self> {
        self.wait_async(permits as usize)
    }

    /// Adds permits, which are given to those who wait. Never waits. Panics if they are too many to count.
    #[inline]
    #[track_caller]
    pub(crate) fn release(&self, permits: u32) {
        if !self.add(permits, false) {
            too_many();
        }
    }

    /// Puts permits back that were given. As [`RawSemaphore::release`], but what is too much to count is lost: for a `drop`, which
    /// does not panic.
    #[inline]
    pub(crate) fn put_back(&self, permits: u32) {
        self.add(permits, true);
    }

    /// Adds permits. Where they are too many to count: as many as can be, if `some` will do, else none (false).
    #[inline]
    fn add(&self, permits: u32, some: bool) -> bool {
        // ORDERING: Relaxed, the exchange decides.
        let mut state = State(self.state.load(Ordering::Relaxed));
        loop {
            let more = match state.with(permits) {
                Some(more) => more,
                None if some => state.full(),
                None => return false,
            };
            // ORDERING: Release, partner of the Acquire in `try_acquire` and `resolve`: what the caller did before (M3).
            match self.state.compare_exchange_weak(
                state.0,
                more.0,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(now) => state = State(now),
            }
        }
        if state.has(QUEUED) {
            self.release_slow();
        }
        true
    }

    /// Takes permits away for good, as many of them as are there. Returns how many.
    pub(crate) fn forget(&self, permits: u32) -> u32 {
        let mut state = self.state();
        loop {
            let gone = permits.min(state.permits());
            let left = state.0 - (gone << SHIFT);
            // ORDERING: Relaxed, nobody has them, so nobody needs to see what was done under them.
            match self.state.compare_exchange_weak(
                state.0,
                left,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return gone,
                Err(now) => state = State(now),
            }
        }
    }

    /// Ends all waits, and those to come. Never waits.
    pub(crate) fn close(&self) {
        // ORDERING: Release, partner of the Acquire in `state` and `resolve`: what the caller did before (M3).
        let old = State(self.state.fetch_or(CLOSED, Ordering::Release));
        if old.has(QUEUED) {
            self.release_slow();
        }
    }
}

#[cold]
#[track_caller]
fn too_many() -> ! {
    panic!("a semaphore has at most {MAX_PERMITS} permits");
}

impl Served for RawSemaphore {
    type Output = Result<(), Closed>;

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn resolve(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) {
        // ORDERING: Acquire, here and when an exchange fails, partner of the Release in `close` (M3); signals pass it on.
        let mut state = State(self.state.load(Ordering::Acquire));
        loop {
            let first = queue.first();
            let given = if first.is_null() || wakes.is_full() {
                None
            } else if state.has(CLOSED) {
                // SAFETY: linked in the locked queue.
                unsafe { let_go_with(queue, first, wakes, Signal::Retry) };
                continue;
            } else {
                // SAFETY: linked in the locked queue (Q2). What a waiter wants was a `u32`.
                state.without(want_of(unsafe { &*first }) as u32)
            };
            let flag = if first.is_null() { 0 } else { QUEUED };
            let next = given.unwrap_or(State(state.0 & !QUEUED | flag));
            // Only who has the queue locked changes `QUEUED`, so that it is not set in an old value only.
            if given.is_none() && next == state {
                return;
            }
            // ORDERING: Acquire, partner of the Release in `release` (M3); signals pass it on, and the queue's lock to tasks.
            match self
                .state
                .compare_exchange(state.0, next.0, Ordering::Acquire, Ordering::Acquire)
            {
                Ok(_) if given.is_some() => {
                    // SAFETY: linked in the locked queue (Q1, Q2).
                    unsafe {
                        (*first).links_mut(|links| links.notified = true);
                        let_go_with(queue, first, wakes, Signal::Granted);
                    }
                    state = next;
                }
                Ok(_) => return,
                Err(now) => state = State(now),
            }
        }
    }

    fn try_now(&self, want: usize) -> Option<Self::Output> {
        // What a waiter wants was a `u32`.
        self.try_acquire(want as u32)
    }

    fn claim(&self, queue: &mut Locked<'_>, waiter: &Waiter) -> Option<Self::Output> {
        if queue.holds(waiter) {
            return None;
        }
        // SAFETY: in no queue any more, so its owner's, which is the caller's (Q1).
        let given = unsafe { waiter.links(|links| links.notified) };
        Some(if given { Ok(()) } else { Err(Closed) })
    }

    fn signalled(signal: Signal) -> Self::Output {
        match signal {
            Signal::Granted => Ok(()),
            Signal::Retry => Err(Closed),
        }
    }

    fn give_back(&self, waiter: &Waiter) {
        // SAFETY: in no queue any more, so its owner's, which is the caller's (Q1).
        if unsafe { waiter.links(|links| links.notified) } {
            self.put_back(want_of(waiter) as u32);
        }
    }
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawSemaphore>() == 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_and_flags_do_not_mix() {
        for flags in 0..1 << SHIFT {
            for permits in [0, 1, 2, MAX_PERMITS - 1, MAX_PERMITS] {
                let state = State(permits << SHIFT | flags);
                assert_eq!(state.permits(), permits);
                assert_eq!(
                    (state.has(QUEUED), state.has(CLOSED)),
                    (flags & 1 > 0, flags & 2 > 0)
                );
                for change in [0, 1, 2, MAX_PERMITS - 1, MAX_PERMITS, u32::MAX] {
                    let more = state
                        .with(change)
                        .map(|state| (state.permits(), state.0 & 3));
                    let sum = u64::from(permits) + u64::from(change);
                    let fits = sum <= u64::from(MAX_PERMITS);
                    assert_eq!(
                        more,
                        fits.then_some((sum as u32, flags)),
                        "{state:?} {change}"
                    );
                    let less = state
                        .without(change)
                        .map(|state| (state.permits(), state.0 & 3));
                    let left = permits.checked_sub(change);
                    assert_eq!(less, left.map(|left| (left, flags)), "{state:?} {change}");
                }
            }
        }
    }
}
