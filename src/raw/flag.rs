//! The flag of an event: it is set and reset, and agents wait until it is set.
//!
//! ```text
//! bit  0      SET     the flag
//! bit  1      QUEUED  somebody waits: who sets the flag must look at the queue
//! bits 2..32  how often the flag has been set, when it was not
//! ```
//!
//! | bits | changed by |
//! |---|---|
//! | `SET`, the number | anybody: who sets the flag sets the one and counts the other in one step, who resets it clears the one |
//! | `QUEUED` | who has the queue locked |
//!
//! A waiter does not wait for the flag but for the number: it remembers that from the beginning of its wait, and goes on when there is
//! another one. So it is let go even if the flag is reset before anybody has looked at the queue, and who begins to wait after that
//! reset is not let go with it. (The number comes round after 2^30 times. A waiter would have to miss exactly that many.)
//!
//! # Invariants
//!
//! Those of [`Served`], and:
//!
//! - **F1** A waiter is linked in one hold of the queue with setting `QUEUED`, and only if the word had its number then. So whoever counts
//!   on finds `QUEUED`, and settles.
//! - **F2** `swept` is touched with the queue locked, and written when the whole queue was looked through for a number. If it is the
//!   word's number, all linked waiters have that number too, and nobody is to be let go.
//! - **F3** The word changes by read-modify-writes only, and who sets the flag writes it even if it is set. So whoever finds it set, or
//!   counted on, or resets it, and reads with Acquire sees what all did before who had set it until then.

use super::served::{Served, WaitFuture, let_go, want_of};
use crate::queue::{Locked, Rank, Signal, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::shim::{AtomicU32, Ordering, UnsafeCell, const_new};
use core::fmt;

const SET: u32 = 0b01;
const QUEUED: u32 = 0b10;
const SHIFT: u32 = 2;

/// A value of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State(u32);

impl State {
    #[inline]
    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    #[inline]
    fn number(self) -> u32 {
        self.0 >> SHIFT
    }

    /// What a waiter that begins now waits to be over.
    #[inline]
    fn begin(self) -> usize {
        // Set already: an earlier number is over.
        let number = self.number().wrapping_sub(self.0 & SET);
        (number & u32::MAX >> SHIFT) as usize
    }

    /// Whether the wait is over of a waiter that began with this number.
    #[inline]
    fn ends(self, begun: usize) -> bool {
        self.number() as usize != begun
    }

    /// With the flag set.
    #[inline]
    fn set(self) -> Self {
        match self.has(SET) {
            true => self,
            false => Self((self.0 | SET).wrapping_add(1 << SHIFT)),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, name) in [(SET, "SET"), (QUEUED, "QUEUED")] {
            if self.has(bit) {
                write!(f, "{name} | ")?;
            }
        }
        write!(f, "number {}", self.number())
    }
}

/// A flag that can be waited for.
pub(crate) struct RawFlag {
    state: AtomicU32,
    queue: WaitQueue,
    /// The number for which the queue was looked through (F2).
    swept: UnsafeCell<u32>,
}

// SAFETY: two words are atomics, and the third is touched with the queue locked (F2).
unsafe impl Sync for RawFlag {}

impl RawFlag {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { state: AtomicU32::new(0), queue: WaitQueue::new(), swept: UnsafeCell::new(0) }
        }
    }

    #[inline]
    fn state(&self) -> State {
        // ORDERING: Acquire, partner of the Release in `set` (F3).
        State(self.state.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.state().has(SET)
    }

    /// Sets the flag, and lets all go who wait. Never waits.
    #[inline]
    pub(crate) fn set(&self) {
        // ORDERING: Relaxed, the exchange decides.
        let mut state = State(self.state.load(Ordering::Relaxed));
        // ORDERING: Release, partner of the Acquire in `state`, `reset`, `enqueue` and `resolve`: what the caller did before (F3).
        while let Err(now) = self.state.compare_exchange_weak(
            state.0,
            state.set().0,
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            state = State(now);
        }
        // Also where it was set already: who set it may not have come to this yet, or have ended before.
        if state.has(QUEUED) {
            self.release_slow();
        }
    }

    /// Resets the flag. Whether it was set.
    #[inline]
    pub(crate) fn reset(&self) -> bool {
        // ORDERING: Acquire, partner of the Release in `set` (F3): who looks after this sees what came before what this has undone.
        State(self.state.fetch_and(!SET, Ordering::Acquire)).has(SET)
    }

    /// Waits until the flag is set, at some time after the call. False: the deadline passed first. Panics if it would wait for ever.
    #[inline]
    pub(crate) fn wait_until(
        &self,
        deadline: impl FnOnce() -> Option<Deadline>,
        call: &Call,
    ) -> bool {
        let state = self.state();
        state.has(SET)
            || self
                .wait(state.begin(), Rank::of_this_thread(), deadline(), call)
                .is_some()
    }

    /// As [`RawFlag::wait_until`], as a future, which counts from now.
    pub(crate) fn wait_for_it(&self) -> WaitFuture<'_, Self> {
        self.wait_async(self.state().begin())
    }
}

impl Served for RawFlag {
    type Output = ();

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn resolve(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) {
        // ORDERING: Acquire, here and when the exchange fails, partner of the Release in `set` (F3); signals pass it on, and the queue's
        // lock to tasks.
        let mut state = State(self.state.load(Ordering::Acquire));
        loop {
            // SAFETY: the queue is locked (F2).
            if self.swept.with(|swept| unsafe { *swept }) != state.number() {
                let mut cursor = queue.first();
                while !cursor.is_null() && !wakes.is_full() {
                    let next = queue.after(cursor);
                    // SAFETY: linked in the locked queue (Q1, Q2).
                    unsafe {
                        if state.ends(want_of(&*cursor)) {
                            let_go(queue, cursor, wakes);
                        }
                    }
                    cursor = next;
                }
                if cursor.is_null() {
                    // SAFETY: the queue is locked (F2).
                    self.swept
                        .with_mut(|swept| unsafe { *swept = state.number() });
                }
            }
            let flag = if queue.first().is_null() { 0 } else { QUEUED };
            let next = state.0 & !QUEUED | flag;
            // Only who has the queue locked changes `QUEUED`, so that it is not right in an old value only. If the flag was set since,
            // that agent has found `QUEUED`.
            if next == state.0 {
                return;
            }
            // ORDERING: Relaxed, the bit says where to look; the queue's lock publishes what is there. On failure, as above.
            match self
                .state
                .compare_exchange(state.0, next, Ordering::Relaxed, Ordering::Acquire)
            {
                Ok(_) => return,
                Err(now) => state = State(now),
            }
        }
    }

    fn try_now(&self, begun: usize) -> Option<()> {
        self.state().ends(begun).then_some(())
    }

    unsafe fn enqueue(&self, waiter: &Waiter) -> Option<()> {
        let mut queue = self.queue.lock();
        // ORDERING: Acquire, partner of the Release in `set` (F3): the wait may be over.
        let state = State(self.state.fetch_or(QUEUED, Ordering::Acquire));
        let over = state.ends(want_of(waiter));
        if !over {
            // SAFETY: in no queue, by contract, as Q2 asks.
            unsafe { queue.push_back(waiter) };
        }
        self.settle(queue);
        over.then_some(())
    }

    fn claim(&self, queue: &mut Locked<'_>, waiter: &Waiter) -> Option<()> {
        let linked = queue.holds(waiter);
        if linked && !self.state().ends(want_of(waiter)) {
            return None;
        }
        if linked {
            // SAFETY: just seen to be linked here.
            unsafe { queue.remove(waiter) };
        }
        Some(())
    }

    fn signalled(_signal: Signal) {}
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawFlag>() == 12);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_the_flag_was_set_after_it_began() {
        for number in [0, 1, (u32::MAX >> SHIFT) - 1, u32::MAX >> SHIFT] {
            for flags in 0..1 << SHIFT {
                let state = State(number << SHIFT | flags);
                let set = state.set();
                let reset = State(set.0 & !SET);
                assert!(set.has(SET) && set.has(QUEUED) == state.has(QUEUED));
                assert_eq!(state.ends(state.begin()), state.has(SET), "{state:?}");
                assert!(
                    set.ends(state.begin()) && reset.ends(state.begin()),
                    "{state:?}"
                );
                assert!(!reset.ends(reset.begin()), "{state:?}");
                assert_eq!(set.set(), set);
            }
        }
    }
}
