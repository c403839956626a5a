//! What the primitives have in common whose waiters are served by whoever has the queue locked.
//!
//! # Invariants
//!
//! - **S1** Every change of the queue ends with [`Served::settle`], which resolves before it unlocks the queue. Whoever changes
//!   the state so that waiters may go on, and finds that somebody waits, settles too, or leaves it to the holder of the queue
//!   (`PENDING`), who then resolves once more.
//! - **S2** The state has a bit that says whether a waiter has still to be noticed. It changes only with the queue locked, in
//!   one step with a look at the rest of the state; so of a waiter that queues and an agent that lets waiters go on, the later
//!   one sees the earlier.
//! - **S3** A thread goes on when it is signalled: what it waited for is its own then. A task goes on when its poll, with the
//!   queue locked, finds that it may, or that it has been taken out; it depends on the primitive which of the two.
//! - **S4** An agent that settles touches the primitive after its signals. That is sound because the caller borrows it for the
//!   whole call.

use crate::queue::{Class, Locked, Rank, Signal, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::agent::{self, Ability};
use crate::sys::clock::Deadline;
use crate::sys::drop_waker;
use crate::sys::futex;
use crate::sys::spin::Spin;
use crate::sys::timer::Timer;
use core::future::poll_fn;
use core::mem;
use core::pin::{Pin, pin};
use core::ptr;
use core::task::{Context, Poll};

/// A primitive with a queue that is served under these rules.
pub(crate) trait Served: Sized {
    /// What a wait comes to.
    type Output;

    /// Who waits.
    fn queue(&self) -> &WaitQueue;

    /// Takes out whom the state lets go on, and has tasks woken, as fit into `wakes`; then makes the state say whether a waiter
    /// has still to be noticed (S2).
    fn resolve(&self, queue: &mut Locked<'_>, wakes: &mut Wakes);

    /// Ends a wait that has not begun, if nothing stands in its way.
    fn try_now(&self, want: usize) -> Option<Self::Output>;

    /// What the wait of a task that has queued comes to, if it is over; then the task is in no queue any more.
    fn claim(&self, queue: &mut Locked<'_>, waiter: &Waiter) -> Option<Self::Output>;

    /// What the wait of a thread comes to that has got this signal.
    fn signalled(signal: Signal) -> Self::Output;

    /// Takes back what a task was given that has been taken out, and that is dropped before it knows.
    fn give_back(&self, _waiter: &Waiter) {}

    /// Waits as a thread. `None`: the deadline passed first. Panics if it would wait for ever.
    #[cold]
    fn wait(
        &self,
        want: usize,
        rank: Rank,
        deadline: Option<Deadline>,
        call: &Call,
    ) -> Option<Self::Output> {
        let mut spin = Spin::new();
        while spin.spin() {
            if let Some(output) = self.try_now(want) {
                return Some(output);
            }
        }
        self.wait_queued(want, rank, deadline, call)
    }

    /// As [`Served::wait`], but queues at once.
    fn wait_queued(
        &self,
        want: usize,
        rank: Rank,
        deadline: Option<Deadline>,
        call: &Call,
    ) -> Option<Self::Output> {
        let waiter = wanting(Class::Thread, rank, want);
        // SAFETY: in no queue; this does not return before it is out again (Q2).
        if let Some(output) = unsafe { self.enqueue(&waiter) } {
            return Some(output);
        }
        let alone = Deadline::is_endless(deadline) && agent::ability() == Ability::Alone;
        if alone && self.cancel(&waiter) {
            futex::refuse_endless(call);
        }
        let signal = match waiter.wait(deadline, call) {
            Some(signal) => signal,
            // Nobody has let it go yet; what it waited for may be there all the same, and its bringer on the way.
            None if self.cancel(&waiter) => return self.try_now(want),
            // The signal was first, and what it stands for is ours, however late.
            None => waiter.signal_soon(),
        };
        Some(Self::signalled(signal))
    }

    /// Waits as a future.
    fn wait_async(&self, want: usize) -> WaitFuture<'_, Self> {
        WaitFuture {
            served: self,
            progress: Progress::Start,
            waiter: wanting(Class::Task, Rank::Normal, want),
        }
    }

    /// Links a waiter, or tells at once what its wait comes to; then it is in no queue.
    ///
    /// # Safety
    ///
    /// `waiter` is in no queue, and its owner keeps Q2.
    unsafe fn enqueue(&self, waiter: &Waiter) -> Option<Self::Output> {
        let mut queue = self.queue().lock();
        // SAFETY: by contract.
        unsafe { queue.push_back(waiter) };
        self.settle(queue);
        None
    }

    /// Is told, with the queue locked, that a waiter in it is about to leave by itself.
    fn leaves(&self, _waiter: &Waiter) {}

    /// Takes a waiter out of the queue, for its owner. False: it is not in there, so a thread was, or is about to be, signalled.
    fn cancel(&self, waiter: &Waiter) -> bool {
        let mut queue = self.queue().lock();
        let held = queue.holds(waiter);
        if held {
            self.leaves(waiter);
            // SAFETY: just seen to be linked here.
            unsafe { queue.remove(waiter) };
        }
        self.settle(queue);
        held
    }

    /// Acts on the queue after the state has changed so that waiters may go on. Never waits: where another agent works on the
    /// queue, that agent goes on for us.
    #[cold]
    fn release_slow(&self) {
        if let Some(queue) = self.queue().lock_or_pend() {
            self.settle(queue);
        }
    }

    /// Acts on the queue as it is now, unlocks it and delivers the wakes.
    fn settle<'a>(&'a self, mut queue: Locked<'a>) {
        loop {
            let mut wakes = Wakes::new();
            loop {
                self.resolve(&mut queue, &mut wakes);
                match queue.unlock() {
                    Ok(()) => break,
                    Err(pending) => queue = pending,
                }
            }
            let full = wakes.is_full();
            wakes.deliver();
            if !full {
                return;
            }
            let Some(next) = self.queue().lock_or_pend() else {
                return;
            };
            queue = next;
        }
    }
}

/// A waiter that wants so much of a primitive.
fn wanting(class: Class, rank: Rank, want: usize) -> Waiter {
    Waiter::new(class, rank, 0, ptr::without_provenance(want))
}

/// What a waiter wants that [`wanting`] has made.
pub(super) fn want_of(waiter: &Waiter) -> usize {
    waiter.target.addr()
}

/// Takes a waiter out of its queue because it may go on.
///
/// # Safety
///
/// `waiter` is linked in `queue`.
pub(super) unsafe fn let_go(queue: &mut Locked<'_>, waiter: *const Waiter, wakes: &mut Wakes) {
    // SAFETY: by contract.
    unsafe { let_go_with(queue, waiter, wakes, Signal::Granted) };
}

/// The same, with another signal for a thread.
///
/// # Safety
///
/// As for [`let_go`].
pub(super) unsafe fn let_go_with(
    queue: &mut Locked<'_>,
    waiter: *const Waiter,
    wakes: &mut Wakes,
    signal: Signal,
) {
    // SAFETY: linked in the locked queue (Q1, Q2); a thread gets its signal with the wakes (Q3).
    unsafe {
        queue.remove(waiter);
        match (*waiter).class {
            Class::Thread => wakes.push_thread(waiter, signal),
            Class::Task => {
                if let Some(waker) = (*waiter).links_mut(|links| links.waker.take()) {
                    wakes.push_waker(waker);
                }
            }
        }
    }
}

/// Where a [`WaitFuture`] stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not polled yet.
    Start,
    /// It has queued.
    Queued,
    /// Ready.
    Done,
}

/// Waits; ready when the wait is over.
///
/// Dropping it at any moment leaves nothing behind: a wake-up that it has received goes to the next waiter.
pub(crate) struct WaitFuture<'a, P: Served> {
    served: &'a P,
    progress: Progress,
    waiter: Waiter,
}

// SAFETY: the primitive is shared between agents anyway, and the waiter is touched as Q1 says, whichever agent polls or drops.
unsafe impl<P: Served + Sync> Send for WaitFuture<'_, P> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<P: Served + Sync> Sync for WaitFuture<'_, P> {}

impl<P: Served> WaitFuture<'_, P> {
    /// Joins the queue, unless the wait is over at once.
    fn start(&mut self, context: &Context<'_>) -> Option<P::Output> {
        let waker = context.waker().clone();
        // SAFETY: in no queue yet, so ours (Q1); pinned, and taken out by `poll` or `drop` (Q2).
        unsafe {
            self.waiter.links_mut(|links| links.waker = Some(waker));
            self.progress = Progress::Queued;
            self.served.enqueue(&self.waiter)
        }
    }

    /// What the wait comes to, if it is over; otherwise the task will be woken when it is worth to look again.
    fn poll_queued(&self, context: &Context<'_>) -> Option<P::Output> {
        let mut waker = Some(context.waker().clone());
        let mut queue = self.served.queue().lock();
        let output = self.served.claim(&mut queue, &self.waiter);
        if output.is_none() {
            // SAFETY: linked here (Q1).
            unsafe {
                self.waiter.links_mut(|links| {
                    links.notified = false;
                    mem::swap(&mut links.waker, &mut waker);
                });
            }
        }
        self.served.settle(queue);
        // After the queue is unlocked: foreign code.
        drop_waker(waker);
        output
    }
}

impl<P: Served> Future for WaitFuture<'_, P> {
    type Output = P::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<P::Output> {
        // SAFETY: the waiter is not moved out, and neither is anything that `Drop` relies on.
        let this = unsafe { self.get_unchecked_mut() };
        let output = match this.progress {
            Progress::Start => match this.served.try_now(want_of(&this.waiter)) {
                None => this.start(context),
                output => output,
            },
            Progress::Queued => this.poll_queued(context),
            Progress::Done => panic!("polled again after it was ready"),
        };
        match output {
            Some(output) => {
                this.progress = Progress::Done;
                Poll::Ready(output)
            }
            None => Poll::Pending,
        }
    }
}

impl<P: Served> Drop for WaitFuture<'_, P> {
    fn drop(&mut self) {
        if self.progress == Progress::Queued && !self.served.cancel(&self.waiter) {
            self.served.give_back(&self.waiter);
        }
    }
}

/// The output of a future that is ready in time, or `None`.
pub(crate) async fn in_time<F: Future>(future: F, deadline: Deadline) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = pin!(Timer::new(deadline));
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        // What came before the time was over counts, whoever looked first.
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        }
    })
    .await
}
