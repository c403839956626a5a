//! Giving the lock up: one atomic operation where nobody waits, and never a wait (L4, L6).

use super::lock::{HANDOFF_AFTER, Lock};
use super::state::{HANDOFF, HOLDER, HOLDER_SHIFT, LOCKED, MOST_READERS, ONE_READER, QUEUED};
use crate::sys::agent;
use crate::sys::shim::Ordering;

impl Lock {
    /// Releases the exclusive lock.
    ///
    /// # Safety
    ///
    /// The caller holds it.
    #[inline]
    pub(super) unsafe fn release_exclusive(&self) {
        let taken = LOCKED | agent::id() << HOLDER_SHIFT;
        // The word is this one where nobody waits: V8 makes 3 ns less of a compare-exchange than of a subtraction that has to
        // load first what it takes away.
        // ORDERING: Release, as in `release`.
        if self
            .state
            .compare_exchange(taken, 0, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.release_exclusive_slow();
        }
    }

    #[cold]
    fn release_exclusive_slow(&self) {
        // What is ours of the word does not change (L5), so one subtraction takes it away and keeps the rest.
        self.release(self.exclusive_bits(), 0);
    }

    /// Releases one reader.
    ///
    /// # Safety
    ///
    /// The caller is one.
    #[inline]
    pub(super) unsafe fn release_shared(&self) {
        // ORDERING: Release, partner of the Acquire that takes the lock: a writer sees what this reader has read, unchanged.
        if self
            .state
            .compare_exchange(ONE_READER, 0, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.release_shared_slow();
        }
    }

    /// With other readers, or with somebody who waits.
    fn release_shared_slow(&self) {
        // ORDERING: Release, as above.
        let old = self.state.fetch_sub(ONE_READER, Ordering::Release);
        let readers = old & HOLDER;
        let matters = readers == ONE_READER || readers >= MOST_READERS;
        if old & (QUEUED | HANDOFF) != 0 && matters {
            self.release_slow();
        }
    }

    /// Gives up `held` bits of the state for `kept` ones (none: a release; else a downgrade).
    #[inline]
    pub(super) fn release(&self, held: u32, kept: u32) {
        // ORDERING: Release, partner of the Acquire in `take_free`, `try_take`, `poll`, `resolve`: the data as we leave it.
        let old = self
            .state
            .fetch_sub(held.wrapping_sub(kept), Ordering::Release);
        if old & (QUEUED | HANDOFF) != 0 {
            self.release_slow();
        }
    }

    /// Never waits: where another agent works on the queue, that agent goes on for us (L4).
    #[cold]
    fn release_slow(&self) {
        if let Some(queue) = self.queue.lock_or_pend() {
            self.note_release(&queue);
            self.settle(queue);
        }
    }

    /// Makes sure that the next release serves the waiter that is first now, before anybody can barge. Where another agent works on
    /// the queue for longer than a few looks, it does not: a release waits for nobody.
    #[cold]
    pub(super) fn favour_first(&self) {
        let Some(queue) = self.queue.lock_soon() else {
            return;
        };
        let first = queue.first();
        if !first.is_null() {
            // SAFETY: linked in the locked queue (Q1, Q2).
            unsafe { (*first).links_mut(|links| links.lost = links.lost.max(HANDOFF_AFTER)) };
        }
        self.settle(queue);
    }

    /// The bits that an exclusive holder gives up, for [`Lock::release`].
    pub(super) fn exclusive_bits(&self) -> u32 {
        self.state().0 & (HOLDER | LOCKED)
    }
}
