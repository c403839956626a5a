//! The condition variable: a queue of waiters, each with the mutex that it will need.
//!
//! A notification moves a thread from the condvar's queue to its mutex's, so it is not woken only to find the mutex held; the
//! mutex then serves it as any other waiter, in order and with the same handoff. A task is woken, and queues for the mutex
//! itself: its future may have been leaked, and then nothing keeps the mutex alive that its waiter names.
//!
//! # Invariants
//!
//! - **C1** A waiter is linked before its mutex is released, so whoever takes the mutex afterwards and notifies finds it.
//! - **C2** A waiter leaves the condvar's queue by a notification or by its owner's hand. Both happen with the condvar's queue
//!   locked, so exactly one of them does, and "not here any more" means "notified".
//! - **C3** Locks are nested condvar's queue before mutex's queue, never the other way.
//! - **C4** A notifier does not borrow the mutex; a waiting thread does, and stays until it is signalled. So the notifier
//!   follows the waiters of threads only, and leaves their mutex alone once it delivers (Q7).
//! - **C5** A notifier waits for nobody. Where another agent works on the condvar's queue for longer than a few looks, it leaves the
//!   notification to that agent (`PENDING`), which notifies all who wait by then: a bit cannot count, and to be woken without
//!   a notification of one's own is allowed. (That agent may have wakers to run first. So a waker must not wait for what a
//!   waiter has.) Where somebody works on the mutex's queue as long, it wakes the threads instead of moving them, and they
//!   compete for the mutex. One exception: a notifier that may sleep spins for the mutex's queue to move an agent that must not
//!   block, for only there that one goes first.
//! - **C6** A notification of all marks its waiters at once, since it unlocks the queue now and then: who comes meanwhile is not meant. It takes out
//!   as many marked ones as there were then, whoever marked them. So as long as anybody is marked, somebody has still to take as many
//!   out. A notification of one takes a waiter without a mark: so a waiter with a mark that withdraws takes nobody's
//!   notification with it.
//! - **C7** No waker runs, and nobody is notified, between a waiter's link and the release of its mutex.

use super::lock::Lock;
use super::mutex::RawMutex;
use super::state::Mode;
use crate::queue::{Class, Locked, Rank, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::drop_waker;
use crate::sys::futex;
use crate::sys::shim::const_new;
use core::panic::Location;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

/// A condition variable.
pub(crate) struct RawCondvar {
    queue: WaitQueue,
}

impl RawCondvar {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { queue: WaitQueue::new() }
        }
    }

    /// Notifies the first waiter.
    #[inline]
    pub(crate) fn notify_one(&self) {
        // A waiter that this must see was linked before its mutex was released (C1), and the caller has taken that mutex since.
        if !self.queue.is_empty() {
            self.notify_first();
        }
    }

    /// Notifies all who wait now.
    #[inline]
    pub(crate) fn notify_all(&self) {
        // As in `notify_one`.
        if !self.queue.is_empty() {
            self.notify_each();
        }
    }

    #[cold]
    fn notify_first(&self) {
        if let Some(queue) = self.lock_soon_or_leave() {
            self.notify(queue, false, 1);
        }
    }

    #[cold]
    fn notify_each(&self) {
        if let Some(mut queue) = self.lock_soon_or_leave() {
            let marked = queue.mark_notified().all;
            self.notify(queue, true, marked);
        }
    }

    /// Notifies whom a holder of the queue has marked for somebody else (C5).
    fn notify_owed(&self, owed: usize) {
        if owed > 0
            && let Some(queue) = self.lock_soon_or_leave()
        {
            self.notify(queue, true, owed);
        }
    }

    /// Notifies waiters with a mark, or without one, `quota` of them if there are as many (C6), then whom others leave to us, and unlocks the
    /// queue.
    fn notify<'a>(&'a self, mut queue: Locked<'a>, mut marked: bool, mut quota: usize) {
        loop {
            let (taken, wakes) = take(&mut queue, marked, quota);
            let owed = unlock(queue);
            wakes.deliver();
            quota = owed.max(quota - taken);
            if quota == 0 || taken == 0 && owed == 0 {
                return;
            }
            marked = true;
            match self.lock_soon_or_leave() {
                Some(locked) => queue = locked,
                None => return,
            }
        }
    }

    /// Locks the queue, or leaves the notification of all who wait to the agent that has it locked (C5).
    fn lock_soon_or_leave(&self) -> Option<Locked<'_>> {
        let locked = self.queue.lock_soon();
        locked.or_else(|| self.queue.lock_or_pend())
    }

    /// Releases the mutex, waits for a notification, takes the mutex again.
    ///
    /// # Safety
    ///
    /// The caller holds `mutex`.
    #[track_caller]
    pub(crate) unsafe fn wait(&self, mutex: &RawMutex) {
        // SAFETY: by contract.
        unsafe { self.wait_thread(mutex, None, Location::caller()) };
    }

    /// Like `wait`. False: the deadline passed first.
    ///
    /// # Safety
    ///
    /// The caller holds `mutex`.
    #[track_caller]
    pub(crate) unsafe fn wait_until(&self, mutex: &RawMutex, deadline: Deadline) -> bool {
        // SAFETY: by contract.
        unsafe { self.wait_thread(mutex, Some(deadline), Location::caller()) }
    }

    /// # Safety
    ///
    /// The caller holds `mutex`.
    unsafe fn wait_thread(
        &self,
        mutex: &RawMutex,
        deadline: Option<Deadline>,
        caller: &'static Location<'static>,
    ) -> bool {
        let call = Call {
            name: "Condvar::wait",
            instead: "Condvar::wait_async",
            caller,
        };
        if Deadline::is_endless(deadline) {
            futex::refuse_endless(&call);
        }
        let lock = mutex.lock_ref();
        let waiter = waiter_for(Class::Thread, Rank::of_this_thread(), lock);
        // SAFETY: in no queue; this does not return before it is out again (Q2). The mutex is held, by contract.
        unsafe {
            let owed = self.link(&waiter);
            mutex.unlock();
            self.notify_owed(owed);
        }
        if waiter.wait(deadline, &call).is_some() || !self.cancel(&waiter) {
            // Notified. The signal is there or will come: the rest is a wait for the mutex, which knows no deadline.
            return lock.finish(&waiter, Mode::Exclusive, false, None, &call);
        }
        // Without a look for a deadlock: a panic must not find the caller's guard without its mutex.
        lock.take_queued(Mode::Exclusive, None, &call);
        false
    }

    /// Waits for a notification as a future, which releases the mutex when it is first polled, or dropped before, and holds it when it is
    /// ready.
    ///
    /// # Safety
    ///
    /// `mutex` is locked, and the future is its owner from now on.
    pub(crate) unsafe fn wait_async<'a>(&'a self, mutex: &'a RawMutex) -> CondvarFuture<'a> {
        let waiter = waiter_for(Class::Task, Rank::Normal, mutex.lock_ref());
        CondvarFuture {
            condvar: self,
            mutex,
            progress: Progress::Start,
            waiter,
        }
    }

    /// Links a waiter. What is owed to others then is for the caller to do, once it has released the mutex (C7).
    ///
    /// # Safety
    ///
    /// `waiter` is in no queue, and its owner keeps Q2.
    #[must_use]
    unsafe fn link(&self, waiter: &Waiter) -> usize {
        let mut queue = self.queue.lock();
        // SAFETY: by contract.
        unsafe { queue.push_back(waiter) };
        unlock(queue)
    }

    /// Takes a waiter out of the condvar's queue, for its owner. False: it was notified (C2).
    fn cancel(&self, waiter: &Waiter) -> bool {
        let mut queue = self.queue.lock();
        let held = queue.holds(waiter);
        // SAFETY: just seen to be linked here.
        let waker = held.then(|| unsafe { queue.withdraw(waiter) });
        let owed = unlock(queue);
        self.notify_owed(owed);
        drop_waker(waker.flatten());
        held
    }
}

/// Unlocks a condvar's queue. Where a notifier has left its notification to us, all are marked before; the result is how many the
/// caller has to notify now (C5).
#[must_use]
fn unlock(mut queue: Locked<'_>) -> usize {
    let mut owed = None;
    while let Err(pending) = queue.unlock() {
        queue = pending;
        // Once will do: nobody comes or goes while the queue is locked.
        owed.get_or_insert_with(|| queue.mark_notified().all);
    }
    owed.unwrap_or(0)
}

/// Takes waiters with a mark, or without one, out of a condvar's queue, at most `limit`: as many as are of one kind and wait for one mutex. Returns
/// how many, and whom to wake.
fn take(queue: &mut Locked<'_>, marked: bool, limit: usize) -> (usize, Wakes) {
    let first = queue.first_marked(marked);
    if first.is_null() {
        return (0, Wakes::new());
    }
    // SAFETY: linked in the locked queue, so alive (Q2), and where it is a thread's, so is the mutex (C4).
    unsafe {
        match (*first).class {
            Class::Task => take_tasks(queue, marked, limit),
            Class::Thread => (*(*first).target.cast::<Lock>()).requeue(queue, marked, limit),
        }
    }
}

/// Takes tasks out of a condvar's queue, as [`take`] does, as long as their wakers fit.
fn take_tasks(queue: &mut Locked<'_>, marked: bool, limit: usize) -> (usize, Wakes) {
    let mut wakes = Wakes::new();
    let mut taken = 0;
    while taken < limit && !wakes.is_full() {
        let waiter = queue.first_marked(marked);
        // SAFETY: linked in the locked queue (Q1, Q2). Taking it out is the notification (Q4).
        let waker = unsafe {
            if waiter.is_null() || (*waiter).class != Class::Task {
                break;
            }
            queue.remove(waiter);
            (*waiter).links_mut(|links| {
                links.notified = false;
                links.waker.take()
            })
        };
        if let Some(waker) = waker {
            wakes.push_waker(waker);
        }
        taken += 1;
    }
    (taken, wakes)
}

fn waiter_for(class: Class, rank: Rank, lock: &Lock) -> Waiter {
    Waiter::new(
        class,
        rank,
        Mode::Exclusive as u8,
        ptr::from_ref(lock).cast(),
    )
}

/// Where a [`CondvarFuture`] stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not polled yet: the mutex is locked, and ours.
    Start,
    /// In the condvar's queue, or taken out of it by a notification that has not been seen.
    Waiting,
    /// Notified, and in the mutex's queue.
    Locking,
    /// Ready, or withdrawn.
    Done,
}

/// Waits for a notification and then for the mutex.
///
/// Dropping it passes a notification that it has received on to the next waiter.
pub(crate) struct CondvarFuture<'a> {
    condvar: &'a RawCondvar,
    mutex: &'a RawMutex,
    progress: Progress,
    waiter: Waiter,
}

// SAFETY: as for `LockFuture`.
unsafe impl Send for CondvarFuture<'_> {}
// SAFETY: as for `LockFuture`.
unsafe impl Sync for CondvarFuture<'_> {}

impl CondvarFuture<'_> {
    /// Ends the wait for a notification. False: it came first, and the future is to be polled on until it is ready.
    pub(crate) fn cancel_wait(&mut self) -> bool {
        let cancelled = self.progress == Progress::Waiting && self.condvar.cancel(&self.waiter);
        if cancelled {
            self.progress = Progress::Done;
        }
        cancelled
    }

    /// Links the waiter and releases the mutex.
    fn start(&mut self, context: &Context<'_>) {
        let waker = context.waker().clone();
        // SAFETY: in no queue yet, so ours (Q1); pinned, and taken out by `poll` or `drop` (Q2). The mutex is held, by the
        // contract of `wait_async`.
        unsafe {
            self.waiter.links_mut(|links| links.waker = Some(waker));
            self.progress = Progress::Waiting;
            let owed = self.condvar.link(&self.waiter);
            self.mutex.unlock();
            self.condvar.notify_owed(owed);
        }
    }

    /// Whether it has been notified; otherwise the task will be woken when it is.
    fn poll_notified(&self, context: &Context<'_>) -> bool {
        let waker = context.waker().clone();
        let queue = self.condvar.queue.lock();
        let waiting = queue.holds(&self.waiter);
        let unused = if waiting {
            // SAFETY: linked here (Q1).
            unsafe { self.waiter.links_mut(|links| links.waker.replace(waker)) }
        } else {
            Some(waker)
        };
        let owed = unlock(queue);
        self.condvar.notify_owed(owed);
        drop_waker(unused);
        !waiting
    }
}

impl Future for CondvarFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the waiter is not moved out, and neither is anything that `Drop` relies on.
        let this = unsafe { self.get_unchecked_mut() };
        let lock = this.mutex.lock_ref();
        let ready = match this.progress {
            Progress::Start => {
                this.start(context);
                false
            }
            Progress::Waiting if !this.poll_notified(context) => false,
            Progress::Waiting if lock.try_take(Mode::Exclusive, 0) => true,
            Progress::Waiting => {
                // SAFETY: notified, so in no queue; pinned, and taken out by `poll` or `drop` (Q2).
                unsafe { lock.enqueue_task(&this.waiter, context) };
                this.progress = Progress::Locking;
                false
            }
            Progress::Locking => lock.poll(&this.waiter, Mode::Exclusive, context),
            Progress::Done => panic!("polled again after it was ready"),
        };
        if ready {
            this.progress = Progress::Done;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for CondvarFuture<'_> {
    fn drop(&mut self) {
        let notified = match self.progress {
            Progress::Start => {
                // SAFETY: locked, and ours. (What a waker's `clone` panics with ends the first poll here.)
                unsafe { self.mutex.unlock() };
                false
            }
            Progress::Done => false,
            Progress::Waiting => !self.condvar.cancel(&self.waiter),
            Progress::Locking => self.mutex.lock_ref().cancel(&self.waiter),
        };
        if notified {
            // The notification has not been used: it is somebody else's now.
            self.condvar.notify_one();
        }
    }
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawCondvar>() == 4);

#[cfg(test)]
#[path = "condvar_tests.rs"]
mod tests;
