//! The barrier: agents that wait until enough of them have arrived.
//!
//! There is no state word: who arrives locks the queue, and either counts itself and is linked, or is the last one. That one *opens*
//! the barrier: it marks all who are linked, counts from zero again, and takes the marked ones out, as many at a time as fit into one
//! delivery. Meanwhile agents may arrive for the next time: they are linked unmarked, among those that are still there.
//!
//! # Invariants
//!
//! - **B1** `arrived` is the number of linked waiters without a mark, `leaving` of those with one. Both are touched with the queue
//!   locked.
//! - **B2** Whenever the queue is unlocked, `arrived` is less than what it takes to open (at least one).
//! - **B3** Who opens marks, and settles (S1); so does everybody else who has the queue locked. Who has unlocked it leaves nobody
//!   marked behind whom it does not come back for.
//! - **B4** A mark is for good. A task that finds itself marked, or taken out, has been let through; one that leaves marked takes
//!   nothing back.
//! - **B5** Who leaves without a mark has not arrived: it uncounts itself.
//!
//! What publishes what: every arrival locks the queue after the one before it has unlocked it, so who opens has acquired what all of
//! them had done. It passes that on by its signals (Q3), and to tasks by the queue's lock, which they take to look.

use super::served::{Served, WaitFuture, let_go};
use crate::queue::{Locked, Rank, Signal, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::shim::{UnsafeCell, const_new};

/// How many are there (B1).
struct Counts {
    arrived: usize,
    leaving: usize,
}

/// A barrier, reusable.
pub(crate) struct RawBarrier {
    queue: WaitQueue,
    counts: UnsafeCell<Counts>,
    /// As many as it takes to open; 0 is as 1.
    size: usize,
}

// SAFETY: the queue is made of atomics, and the counts are touched with the queue locked (B1).
unsafe impl Sync for RawBarrier {}

impl RawBarrier {
    const_new! {
        pub(crate) fn new(size: usize) -> Self {
            Self {
                queue: WaitQueue::new(),
                counts: UnsafeCell::new(Counts { arrived: 0, leaving: 0 }),
                size,
            }
        }
    }

    /// Arrives, and waits until it opens. Whether the caller is the one that has opened it. Panics if it would wait for ever.
    pub(crate) fn arrive(&self, call: &Call) -> bool {
        // Without a deadline it does not return early.
        self.wait_queued(0, Rank::of_this_thread(), None, call) == Some(true)
    }

    /// As [`RawBarrier::arrive`], for a task: it arrives with its first poll.
    pub(crate) fn arrive_async(&self) -> WaitFuture<'_, Self> {
        self.wait_async(0)
    }

    /// # Safety
    ///
    /// The caller has the queue locked (B1).
    unsafe fn counts<R>(&self, change: impl FnOnce(&mut Counts) -> R) -> R {
        // SAFETY: by contract; `change` gets no way back to the cell.
        self.counts
            .with_mut(|counts| change(unsafe { &mut *counts }))
    }
}

/// Whether a waiter that is linked in a queue that the caller has locked is marked (B4).
fn is_marked(waiter: &Waiter) -> bool {
    // SAFETY: by contract (Q1).
    unsafe { waiter.links(|links| links.notified) }
}

impl Served for RawBarrier {
    /// Whether the waiter is the one that has opened the barrier.
    type Output = bool;

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn resolve(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) {
        // SAFETY: the queue is locked.
        while unsafe { self.counts(|counts| counts.leaving) } > 0 && !wakes.is_full() {
            let marked = queue.first_notified();
            // SAFETY: linked here, since somebody is (B1).
            unsafe {
                let_go(queue, marked, wakes);
                self.counts(|counts| counts.leaving -= 1);
            }
        }
    }

    fn try_now(&self, _want: usize) -> Option<bool> {
        // To arrive takes the queue's lock.
        None
    }

    unsafe fn enqueue(&self, waiter: &Waiter) -> Option<bool> {
        let mut queue = self.queue.lock();
        // SAFETY: the queue is locked.
        let opens = unsafe {
            self.counts(|counts| {
                counts.arrived += 1;
                counts.arrived >= self.size
            })
        };
        if opens {
            let marked = queue.mark_notified().new;
            // SAFETY: the queue is locked.
            unsafe {
                self.counts(|counts| {
                    counts.arrived = 0;
                    counts.leaving += marked;
                });
            }
        } else {
            // SAFETY: in no queue, by contract, as Q2 asks.
            unsafe { queue.push_back(waiter) };
        }
        self.settle(queue);
        opens.then_some(true)
    }

    fn claim(&self, queue: &mut Locked<'_>, waiter: &Waiter) -> Option<bool> {
        if queue.holds(waiter) {
            if !is_marked(waiter) {
                return None;
            }
            self.leaves(waiter);
            // SAFETY: just seen to be linked here.
            unsafe { queue.remove(waiter) };
        }
        Some(false)
    }

    fn signalled(_signal: Signal) -> bool {
        false
    }

    fn leaves(&self, waiter: &Waiter) {
        // SAFETY: the queue is locked.
        unsafe {
            self.counts(|counts| match is_marked(waiter) {
                true => counts.leaving -= 1,
                false => counts.arrived -= 1,
            });
        }
    }
}
