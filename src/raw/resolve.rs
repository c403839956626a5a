//! What everybody does who has a lock's queue locked: serve or wake whom the state lets go on, and set the flags (L1, L2).

use super::lock::{HANDOFF_AFTER, Lock, RESERVED_AFTER};
use super::state::{HANDOFF, LOCKED, Mode, QUEUED, State};
use crate::queue::{Class, Locked, Rank, Signal, Waiter, Wakes};
use crate::sys::shim::Ordering;
use core::ops::ControlFlow::{self, Break, Continue};
use core::ptr;

/// One walk over the queue.
struct Walk {
    /// The state of the lock, as far as this walk knows.
    state: State,
    /// A thread is on its way to compete for the lock (L3).
    retry_sent: bool,
    /// A task that wants the lock alone was woken: the next one has time.
    task_woken: bool,
    /// A task was left as it is, for later.
    passed_over: bool,
}

impl Lock {
    /// Acts on the queue as it is now, unlocks it and delivers the wakes.
    pub(super) fn settle<'a>(&'a self, queue: Locked<'a>) {
        let mut wakes = self.settle_unborrowed(queue);
        loop {
            let full = wakes.is_full();
            wakes.deliver();
            if !full {
                return;
            }
            let Some(queue) = self.queue.lock_or_pend() else {
                return;
            };
            wakes = self.settle_unborrowed(queue);
        }
    }

    /// Acts on the queue as it is now and unlocks it; for a caller that may not touch the lock after it delivers (Q7).
    ///
    /// Should the wakes be full, somebody among them is on its way, so that no second round is needed (L3).
    pub(super) fn settle_unborrowed(&self, mut queue: Locked<'_>) -> Wakes {
        let mut wakes = Wakes::new();
        loop {
            self.resolve(&mut queue, &mut wakes);
            match queue.unlock() {
                Ok(()) => return wakes,
                Err(pending) => queue = pending,
            }
            self.note_release(&queue);
        }
    }

    /// Serves or wakes whom the state of the lock lets go on, and makes the flags say what L2 says.
    fn resolve(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) {
        let mut retry_sent = false;
        loop {
            let mut walk = Walk {
                state: self.state(),
                retry_sent,
                task_woken: false,
                passed_over: false,
            };
            let mut cursor = queue.first();
            while !cursor.is_null() && !walk.retry_sent && !wakes.is_full() {
                let next = queue.after(cursor);
                // SAFETY: linked in the locked queue (Q1, Q2).
                let waiter = unsafe { &*cursor };
                if !walk.state.admits(Mode::from_u8(waiter.mode)) {
                    break;
                }
                let step = match waiter.class {
                    Class::Task => self.notify(&mut walk, queue, waiter, wakes),
                    Class::Thread => self.serve(&mut walk, queue, waiter, wakes),
                };
                match step {
                    Continue(true) => cursor = next,
                    Continue(false) => {}
                    Break(()) => break,
                }
            }
            retry_sent = walk.retry_sent;
            let flags = match queue.first() {
                first if first.is_null() => 0,
                // SAFETY: linked here.
                first if unsafe { must_not_lose(first) } => HANDOFF,
                _ => 0,
            };
            // Who stands before the cursor has been noticed or passed over. Whom a walk sends to compete looks after the rest.
            let unnoticed = (!cursor.is_null() || walk.passed_over) && !retry_sent;
            let flags = flags | if unnoticed { QUEUED } else { 0 };
            let (seen, flagged) = (walk.state.0, walk.state.0 & !(QUEUED | HANDOFF) | flags);
            // ORDERING: Relaxed, the flags tell where to look; the queue's lock publishes what is there. On failure the lock
            // has been taken or released meanwhile: look again.
            if flagged == seen
                || self
                    .state
                    .compare_exchange(seen, flagged, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
            {
                return;
            }
        }
    }

    /// Hands the lock to a thread, or sends it to compete. `Continue(false)`: the state has changed, look at it again.
    fn serve(
        &self,
        walk: &mut Walk,
        queue: &mut Locked<'_>,
        waiter: &Waiter,
        wakes: &mut Wakes,
    ) -> ControlFlow<(), bool> {
        let mode = Mode::from_u8(waiter.mode);
        let reserved = self.reserved(queue, waiter);
        // SAFETY: linked in the locked queue (Q1, Q2).
        let (watching, competes) = unsafe {
            waiter.links(|links| {
                (
                    links.watching,
                    links.rank == Rank::Normal && links.lost < HANDOFF_AFTER,
                )
            })
        };
        if reserved && watching {
            return Break(());
        }
        let next = queue.after(waiter);
        // SAFETY: as above. Who must not lose shuts bargers out as soon as it is first, and this waiter with them.
        let shut_out = !next.is_null() && unsafe { must_not_lose(next) };
        let signal = if reserved || competes && !shut_out && mode == Mode::Exclusive {
            walk.retry_sent = true;
            Signal::Retry
        } else {
            let taken = walk.state.taken(mode, 0);
            // ORDERING: Acquire, partner of the Release in `Lock::release`; `Waiter::send` passes it on.
            match self.state.compare_exchange(
                walk.state.0,
                taken.0,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => walk.state = taken,
                Err(now) => {
                    walk.state = State(now);
                    return Continue(false);
                }
            }
            Signal::Granted
        };
        // SAFETY: linked here; it gets its signal with the wakes (Q3).
        unsafe { queue.remove(waiter) };
        wakes.push_thread(waiter, signal);
        Continue(true)
    }

    /// Has a task woken, unless it has been already, or it had nothing to win: another one just was, or has the lock reserved.
    fn notify(
        &self,
        walk: &mut Walk,
        queue: &Locked<'_>,
        waiter: &Waiter,
        wakes: &mut Wakes,
    ) -> ControlFlow<(), bool> {
        let hopeless = walk.task_woken || self.reserved(queue, waiter);
        // SAFETY: linked in the locked queue (Q1, Q2).
        unsafe {
            waiter.links_mut(|links| {
                if links.notified {
                    return;
                }
                if hopeless {
                    walk.passed_over = true;
                    return;
                }
                links.notified = true;
                walk.task_woken = Mode::from_u8(waiter.mode) != Mode::Shared;
                if let Some(waker) = links.waker.take() {
                    wakes.push_waker(waker);
                }
            });
        }
        Continue(true)
    }

    /// Counts a race as lost for the first waiter, a thread, whose turn a release was, if somebody has been faster.
    pub(super) fn note_release(&self, queue: &Locked<'_>) {
        let first = queue.first();
        // SAFETY: linked in the locked queue (Q1, Q2).
        unsafe {
            if !first.is_null() && (*first).class == Class::Thread && self.state().has(LOCKED) {
                (*first).links_mut(|links| links.lost += 1);
            }
        }
    }

    /// Whether the lock is kept for a task that stands before `waiter`.
    pub(super) fn reserved(&self, queue: &Locked<'_>, waiter: *const Waiter) -> bool {
        let first = queue.first();
        // SAFETY: linked in the locked queue (Q1, Q2).
        !ptr::eq(first, waiter) && unsafe { (*first).class == Class::Task && must_not_lose(first) }
    }
}

/// Whether bargers must leave the lock to this waiter, if it is the first.
///
/// # Safety
///
/// The caller is who Q1 names.
unsafe fn must_not_lose(waiter: *const Waiter) -> bool {
    // SAFETY: by contract.
    unsafe {
        let thread = (*waiter).class == Class::Thread;
        let shares = matches!(
            Mode::from_u8((*waiter).mode),
            Mode::Shared | Mode::Upgradable
        );
        let races = if thread {
            HANDOFF_AFTER
        } else {
            RESERVED_AFTER
        };
        (*waiter)
            .links(|links| thread && (shares || links.rank != Rank::Normal) || links.lost >= races)
    }
}
