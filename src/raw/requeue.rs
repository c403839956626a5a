//! From a condition variable's queue to that of a mutex.

use super::lock::Lock;
use crate::queue::{Class, Locked, Rank, Signal, Wakes};
use crate::sys::agent;
use core::ptr;

impl Lock {
    /// Moves threads that wait for a condvar, of which `from` is the locked queue, to this lock's queue without waking them: of those with a
    /// mark, or of those without, as many as wait for this lock, up to the first that does not, at most `limit`. Returns how many.
    ///
    /// Where another agent works on this lock's queue for longer than a few looks, they are woken instead, and compete (L3). `notified`
    /// says then that they have not stood in this queue yet. But an agent that must not block goes first only in this queue, so for that
    /// one an agent that sleeps waits.
    pub(super) fn requeue(
        &self,
        from: &mut Locked<'_>,
        marked: bool,
        limit: usize,
    ) -> (usize, Wakes) {
        let first = from.first_marked(marked);
        // SAFETY: null, or linked in `from`, which is locked (Q1, Q2).
        let urgent =
            !first.is_null() && unsafe { (*first).links(|links| links.rank) } == Rank::Urgent;
        let mut queue = if urgent && agent::is_known_to_sleep() {
            Some(self.queue.lock())
        } else {
            self.queue.lock_soon()
        };
        let mut wakes = Wakes::new();
        let mut moved = 0;
        while moved < limit && !wakes.is_full() {
            let waiter = from.first_marked(marked);
            // SAFETY: linked in `from`, which is locked, until we take it out; then it is ours until it is linked here, or
            // signalled (Q3). Its owner finds it in one of the two queues, or signalled, since it looks with `from` locked first.
            unsafe {
                if waiter.is_null()
                    || (*waiter).class == Class::Task
                    || !ptr::eq((*waiter).target.cast(), self)
                {
                    break;
                }
                from.remove(waiter);
                (*waiter).links_mut(|links| links.notified = queue.is_none());
                match &mut queue {
                    Some(queue) => queue.push_back(waiter),
                    None => wakes.push_thread(waiter, Signal::Retry),
                }
            }
            moved += 1;
        }
        if let Some(queue) = queue {
            wakes = self.settle_unborrowed(queue);
        }
        (moved, wakes)
    }
}
