//! What a once is held and awaited by: a run of the initialiser, and a future in its queue.

use super::once::{COMPLETE, POISONED, RUNNER_SHIFT, RUNNING, RawOnce, Wish};
use crate::queue::{Class, Rank, Waiter};
use crate::sys::agent;
use core::mem;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

/// The right to run the initialiser, and the duty to say how that ended (O1).
///
/// Dropped without a word, it has ended by a panic if it is dropped out of the initialiser, and otherwise with the future that ran it.
pub(crate) struct Running<'a> {
    once: &'a RawOnce,
    /// The phase before the run.
    found: u32,
    /// What the state has of this run.
    held: u32,
    /// The initialiser is on this agent's stack.
    inside: bool,
}

impl<'a> Running<'a> {
    /// A run that has begun, on this agent's stack.
    pub(super) fn new(once: &'a RawOnce, found: u32, held: u32) -> Self {
        Self {
            once,
            found,
            held,
            inside: true,
        }
    }

    /// Whether the once was poisoned when this run began.
    pub(crate) fn was_poisoned(&self) -> bool {
        self.found == POISONED
    }

    /// Ends the run well.
    #[inline]
    pub(crate) fn complete(self) {
        self.once.end(self.held, COMPLETE);
        mem::forget(self);
    }

    /// Ends the run as if it had not been.
    pub(crate) fn undo(mut self) {
        self.inside = false;
    }

    /// Runs the initialiser as a task. Dropping the future between two polls ends the run when this is dropped, as if it had not been.
    pub(crate) fn drive<F: Future>(&mut self, initialiser: F) -> Drive<'_, 'a, F> {
        Drive {
            running: self,
            initialiser,
        }
    }

    /// The initialiser is run by this agent, for the time being.
    fn enter(&mut self) {
        self.inside = true;
        self.runs_on(agent::id());
    }

    /// The initialiser is suspended. If another agent may go on with it, a wait on this one is no deadlock.
    fn leave(&mut self) {
        self.inside = false;
        if !agent::keeps_tasks() {
            self.runs_on(0);
        }
    }

    fn runs_on(&mut self, id: u32) {
        let held = RUNNING | id << RUNNER_SHIFT;
        if held != self.held {
            self.once.change(self.held, held);
            self.held = held;
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let phase = if self.inside { POISONED } else { self.found };
        self.once.end(self.held, phase);
    }
}

/// An initialiser that is a future, run under its [`Running`].
pub(crate) struct Drive<'r, 'a, F> {
    running: &'r mut Running<'a>,
    initialiser: F,
}

impl<F: Future> Future for Drive<'_, '_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the initialiser is not moved, here or by `Drop`, which only writes the other field.
        let (running, initialiser) = unsafe {
            let this = self.get_unchecked_mut();
            (
                &mut *this.running,
                Pin::new_unchecked(&mut this.initialiser),
            )
        };
        running.enter();
        let polled = initialiser.poll(context);
        if polled.is_pending() {
            running.leave();
        }
        polled
    }
}

impl<F> Drop for Drive<'_, '_, F> {
    /// What the initialiser holds is dropped next, by this agent: should it need the once, that is a recursion.
    fn drop(&mut self) {
        self.running.runs_on(agent::id());
    }
}

/// Waits, as a task, until the state has fulfilled a wish at some time. Then look again.
///
/// Dropping it at any moment leaves nothing behind, and nobody waits for it (O4).
pub(super) struct OnceFuture<'a> {
    once: &'a RawOnce,
    /// The waiter is in the queue, or was taken out of it and has not been told so.
    queued: bool,
    waiter: Waiter,
}

// SAFETY: the once is shared between agents anyway, and the waiter is touched as Q1 says, whichever agent polls or drops.
unsafe impl Send for OnceFuture<'_> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for OnceFuture<'_> {}

impl<'a> OnceFuture<'a> {
    pub(super) fn new(once: &'a RawOnce, wish: Wish) -> Self {
        let waiter = Waiter::new(Class::Task, Rank::Normal, wish as u8, ptr::null());
        Self {
            once,
            queued: false,
            waiter,
        }
    }
}

impl Future for OnceFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the waiter is not moved out, and neither is anything that `Drop` relies on.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.queued {
            this.queued = true;
            // SAFETY: in no queue yet; pinned, and out of the queue before it ends, by `poll` or `drop` (Q2).
            unsafe { this.once.enqueue_task(&this.waiter, context) };
            return Poll::Pending;
        }
        if this.once.keep(&this.waiter, context) {
            return Poll::Pending;
        }
        this.queued = false;
        Poll::Ready(())
    }
}

impl Drop for OnceFuture<'_> {
    fn drop(&mut self) {
        if self.queued {
            self.once.cancel(&self.waiter);
        }
    }
}
