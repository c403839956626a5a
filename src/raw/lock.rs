//! The lock: exclusive, shared and upgradable, with one queue for threads and tasks.
//!
//! Taking it uncontended is one compare-exchange, releasing it one subtraction. Everybody else goes through the queue, under
//! these rules:
//!
//! - **Barging.** A released lock is free for whoever comes first; the first waiter is woken to compete for it.
//! - **Handoff.** An urgent waiter (on an agent that must not block), a thread that wants to read, and a thread that has lost
//!   [`HANDOFF_AFTER`] times are *handed* the lock by the release once they are first, before anybody can barge.
//! - **Reservation.** A task is never handed a lock, since it cannot run while its own agent waits for that same lock. It is
//!   woken and claims the lock when it is polled. After it has lost [`RESERVED_AFTER`] times the lock is kept free for it, but
//!   an urgent waiter may still take it, and a thread that waits looks after [`RESERVED_FOR`] whether the task came: if not,
//!   the reservation lapses. So a task whose agent runs it within that time gets the lock, and none can stop a thread. (Tasks
//!   behind it wait as long as it does.)
//!
//! A waiter loses when it competes in vain, and a thread also when a release that looks at the queue finds the lock taken
//! again. So the first thread loses at most [`HANDOFF_AFTER`] such races, and one with `n` waiters before it is served after at
//! most `(n + 1) * (HANDOFF_AFTER + 1)` of them. (One race lasts as long as a thread takes to wake up, and meanwhile others barge.)
//! Urgent waiters go before it all the same, as often as they come.
//!
//! # Invariants
//!
//! - **L1** Every change of the queue ends with [`Lock::settle`], which resolves before it unlocks the queue.
//! - **L2** After `resolve`, `HANDOFF` is set exactly if the first waiter must not lose to bargers, and `QUEUED` exactly if a
//!   waiter in the queue has not been noticed, unless a thread was just sent [`Signal::Retry`].
//! - **L3** A thread with [`Signal::Retry`] takes the lock and sets `QUEUED` if others wait, or queues again, or settles. So it
//!   does what L2 leaves open, and meanwhile releases take the fast path.
//! - **L4** A release that finds `QUEUED` or `HANDOFF` resolves, or leaves it to the holder of the queue (`PENDING`). So
//!   whenever the lock is free, no queue is locked and nobody has been woken, nobody waits.
//! - **L5** While `LOCKED` is set, the holder alone changes the owner's id; readers only count themselves.
//! - **L6** An unlock may touch the lock after it has released it. That is sound because the caller borrows it for the whole call;
//!   who does not borrow it (a condvar's notifier) settles with [`Lock::settle_unborrowed`], see Q7.

use super::state::{
    HANDOFF, HOLDER, HOLDER_SHIFT, LOCKED, Mode, ONE_READER, POISONED, QUEUED, State, UPGRADABLE,
};
use crate::queue::{Class, Rank, Signal, WaitQueue, Waiter};
use crate::sys::Call;
use crate::sys::agent::{self, Ability};
use crate::sys::clock::Deadline;
use crate::sys::drop_waker;
use crate::sys::futex;
use crate::sys::shim::{AtomicU32, Ordering, const_new};
use crate::sys::spin::{RACES, Spin};
use core::mem;
use core::ptr;
use core::task::Context;
use core::time::Duration;

/// How many races a woken thread may lose before the lock is handed to it.
pub(super) const HANDOFF_AFTER: u32 = RACES;

/// How many races a woken task may lose before the lock is reserved for it. Fewer than for a thread: a task takes longer to come,
/// and meanwhile others have many turns (measured in Node: 80 turns at the median with 8 races, at most 5 with 2).
pub(super) const RESERVED_AFTER: u32 = 2;

/// How long a lock that nobody holds is kept for a task: longer than a task's wake takes on an agent that is not busy
/// (measured: 0.02 ms at the median, 4 ms at the worst), shorter than a frame.
const RESERVED_FOR: Duration = Duration::from_millis(10);

/// Where a waiter joins the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Back,
    /// Behind none but the urgent: it was at the front before, and lost.
    Front,
}

/// One lock, two words.
pub(crate) struct Lock {
    pub(super) state: AtomicU32,
    pub(super) queue: WaitQueue,
}

impl Lock {
    const_new! {
        pub(super) fn new() -> Self {
            Self { state: AtomicU32::new(0), queue: WaitQueue::new() }
        }
    }

    #[inline]
    pub(super) fn state(&self) -> State {
        // ORDERING: Relaxed, a snapshot; whoever acts on it exchanges.
        State(self.state.load(Ordering::Relaxed))
    }

    /// Takes the lock exclusively if nobody holds or reserves it and it is not poisoned: the whole fast path.
    #[inline]
    pub(super) fn take_free(&self) -> bool {
        let taken = LOCKED | agent::id() << HOLDER_SHIFT;
        // ORDERING: Acquire, partner of the Release in `release`.
        self.state
            .compare_exchange(0, taken, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Takes the lock as the only reader if nobody has it or waits and it is not poisoned: the fast path of readers.
    #[inline]
    pub(super) fn take_shared(&self) -> bool {
        // ORDERING: Acquire, partner of the Release in `release`.
        self.state
            .compare_exchange(0, ONE_READER, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Takes the lock if it can be had without waiting, leaving `extra` flags set.
    pub(super) fn try_take(&self, mode: Mode, extra: u32) -> bool {
        let mut state = self.state();
        while state.barges(mode) {
            let taken = state.taken(mode, agent::id()).0 | extra;
            // ORDERING: Acquire, partner of the Release in `release`.
            match self.state.compare_exchange_weak(
                state.0,
                taken,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => state = State(now),
            }
        }
        false
    }

    /// Takes the lock, waiting for it until the deadline. False: the deadline passed. Panics if it would wait for ever.
    #[cold]
    pub(super) fn take_slow(&self, mode: Mode, deadline: Option<Deadline>, call: &Call) -> bool {
        if Deadline::is_endless(deadline) {
            self.panic_on_deadlock(mode, call);
            if agent::ability() == Ability::Alone {
                return self.take_alone(mode, call);
            }
        }
        self.take_queued(mode, deadline, call)
    }

    /// Takes the lock on the only agent there is, or panics: nobody could release it while that agent waits.
    ///
    /// In the queue it comes before the tasks, but one that upgrades: what is reserved for that one lapses at once, since it cannot come.
    fn take_alone(&self, mode: Mode, call: &Call) -> bool {
        let waiter = self.thread_waiter(mode);
        let mut queue = self.queue.lock();
        // SAFETY: in no queue, so ours (Q1); cancelled, or waited for, before this ends (Q2).
        unsafe {
            waiter.links_mut(|links| links.watching = true);
            queue.push_back(&waiter);
        }
        self.settle(queue);
        self.lapse(&waiter);
        if self.cancel(&waiter) {
            futex::refuse_endless(call);
        }
        self.finish(&waiter, mode, false, None, call)
    }

    /// As [`Lock::take_slow`], but never panics.
    pub(super) fn take_queued(&self, mode: Mode, deadline: Option<Deadline>, call: &Call) -> bool {
        if self.spin(mode, false) {
            return true;
        }
        let waiter = self.thread_waiter(mode);
        // SAFETY: in no queue; `finish` does not return before it is out again (Q2).
        let watching = unsafe { self.enqueue(&waiter, mode, Place::Back) };
        self.finish(&waiter, mode, watching, deadline, call)
    }

    fn thread_waiter(&self, mode: Mode) -> Waiter {
        let rank = match mode {
            Mode::Upgrade => Rank::Upgrade,
            _ => Rank::of_this_thread(),
        };
        Waiter::new(Class::Thread, rank, mode as u8, ptr::null())
    }

    /// Waits for a thread's waiter that is in this queue, or was signalled, until it has the lock or the deadline has passed.
    pub(super) fn finish(
        &self,
        waiter: &Waiter,
        mode: Mode,
        mut watching: bool,
        deadline: Option<Deadline>,
        call: &Call,
    ) -> bool {
        loop {
            let lapse = if watching {
                Some(Deadline::after(RESERVED_FOR))
            } else {
                None
            };
            let until = match (deadline, lapse) {
                (Some(deadline), Some(lapse)) => Some(deadline.min(lapse)),
                (deadline, lapse) => deadline.or(lapse),
            };
            let signal = match waiter.wait(until, call) {
                Some(signal) => signal,
                None if until != deadline => {
                    self.lapse(waiter);
                    watching = false;
                    continue;
                }
                // Nobody has handed it over; it may be free all the same, and who has released it on the way to the queue.
                None if self.cancel(waiter) => return self.try_take(mode, 0),
                // The signal came first. A lock that is ours is taken, however late; a `Retry` is one last look.
                None => waiter.signal_soon(),
            };
            match signal {
                Signal::Granted => {
                    self.adopt(mode);
                    return true;
                }
                Signal::Retry => {
                    if self.spin(mode, true) {
                        return true;
                    }
                    waiter.reset();
                    // SAFETY: signalled, so in no queue and its owner's alone (Q3); we wait for its next signal (Q2).
                    watching = unsafe {
                        let new = waiter.links_mut(|links| {
                            links.lost += 1;
                            mem::take(&mut links.notified)
                        });
                        let place = if new { Place::Back } else { Place::Front };
                        self.enqueue(waiter, mode, place)
                    };
                }
            }
        }
    }

    /// Links a waiter. True: the lock is free but reserved for a task, and the waiter has to watch that.
    ///
    /// # Safety
    ///
    /// `waiter` is in no queue, and its owner keeps Q2.
    unsafe fn enqueue(&self, waiter: &Waiter, mode: Mode, place: Place) -> bool {
        let mut queue = self.queue.lock();
        let state = self.state();
        let watching = place == Place::Front && state.has(HANDOFF) && state.admits(mode);
        // SAFETY: by contract; `watching` is written before the waiter is linked (Q1).
        unsafe {
            waiter.links_mut(|links| links.watching = watching);
            match place {
                Place::Back => queue.push_back(waiter),
                Place::Front => queue.push_front(waiter),
            }
        }
        self.settle(queue);
        watching
    }

    /// Takes a waiter out of this queue, for its owner. False: it is not in there, so a thread was, or is about to be, signalled.
    pub(super) fn cancel(&self, waiter: &Waiter) -> bool {
        let mut queue = self.queue.lock();
        let held = queue.holds(waiter);
        // SAFETY: just seen to be linked here.
        let waker = held.then(|| unsafe { queue.withdraw(waiter) });
        self.settle(queue);
        drop_waker(waker.flatten());
        held
    }

    /// Ends the reservation that `waiter` watches, if it stands.
    fn lapse(&self, waiter: &Waiter) {
        let queue = self.queue.lock();
        if queue.holds(waiter) {
            // SAFETY: linked here (Q1, Q2), and so is the first.
            unsafe {
                waiter.links_mut(|links| links.watching = false);
                let first = &*queue.first();
                if self.reserved(&queue, waiter) && self.state().admits(Mode::from_u8(first.mode)) {
                    first.links_mut(|links| links.lost = 0);
                }
            }
        }
        self.settle(queue);
    }

    /// Starts to wait for the lock on behalf of a task. The waker is called when it is worth to [`Lock::poll`].
    ///
    /// # Safety
    ///
    /// `waiter` is a task's, in no queue, and its owner keeps Q2.
    pub(super) unsafe fn enqueue_task(&self, waiter: &Waiter, context: &Context<'_>) {
        let waker = context.waker().clone();
        // SAFETY: in no queue, so its owner's (Q1). Before the queue is locked, for an old waker is dropped here: foreign code.
        unsafe { waiter.links_mut(|links| links.waker = Some(waker)) };
        let mut queue = self.queue.lock();
        // SAFETY: by contract.
        unsafe { queue.push_back(waiter) };
        self.settle(queue);
    }

    /// Claims the lock for a task in this queue. True: the lock is held and the waiter out of the queue.
    pub(super) fn poll(&self, waiter: &Waiter, mode: Mode, context: &Context<'_>) -> bool {
        let waker = context.waker().clone();
        let mut queue = self.queue.lock();
        debug_assert!(queue.holds(waiter));
        let leads = ptr::eq(queue.first(), waiter);
        // SAFETY: linked here: a task is taken out by its owner only (Q1, Q4).
        let notified = unsafe { waiter.links(|links| links.notified) };
        let mut state = self.state();
        while state.admits(mode)
            && (leads || !state.has(HANDOFF) && (notified || mode == Mode::Exclusive))
        {
            let taken = state.taken(mode, agent::id()).0;
            // ORDERING: Acquire, partner of the Release in `release`.
            match self
                .state
                .compare_exchange(state.0, taken, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => {
                    // SAFETY: linked here, as above.
                    let stored = unsafe { queue.withdraw(waiter) };
                    self.settle(queue);
                    drop_waker(waker);
                    drop_waker(stored);
                    return true;
                }
                Err(now) => state = State(now),
            }
        }
        // SAFETY: linked here, as above. The old waker is dropped after the queue is unlocked: foreign code.
        let old = unsafe {
            waiter.links_mut(|links| {
                links.lost += u32::from(links.notified);
                links.notified = false;
                links.waker.replace(waker)
            })
        };
        self.settle(queue);
        drop_waker(old);
        false
    }

    /// Tries for a while to take the lock without queueing. `woken`: after [`Signal::Retry`], see L3.
    fn spin(&self, mode: Mode, woken: bool) -> bool {
        let mut spin = Spin::new();
        loop {
            let others = if woken && !self.queue.is_empty() {
                QUEUED
            } else {
                0
            };
            if self.try_take(mode, others) {
                return true;
            }
            if self.state().has(HANDOFF) || !spin.spin() {
                return false;
            }
        }
    }

    /// Completes what [`State::taken`] left open when somebody else handed us the lock.
    fn adopt(&self, mode: Mode) {
        if matches!(mode, Mode::Exclusive | Mode::Upgrade) {
            // ORDERING: Relaxed, only this agent reads its own id back (L5).
            self.state
                .fetch_add(agent::id() << HOLDER_SHIFT, Ordering::Relaxed);
        }
    }

    /// Forgets which agent holds the lock exclusively, for its holder: from now on a future does, which any agent may poll.
    pub(super) fn disown(&self) {
        // ORDERING: Relaxed, the holder alone changes it (L5).
        self.state.fetch_and(!HOLDER, Ordering::Relaxed);
    }

    /// Makes this agent the owner of what it holds exclusively, whoever was the owner before.
    pub(super) fn own(&self) {
        let (old, new) = (self.state().owner(), agent::id());
        if old != new {
            // ORDERING: Relaxed, the holder alone changes it (L5).
            self.state
                .fetch_xor((old ^ new) << HOLDER_SHIFT, Ordering::Relaxed);
        }
    }

    #[track_caller]
    fn panic_on_deadlock(&self, mode: Mode, call: &Call) {
        let owner = self.state().owner();
        assert!(
            owner == 0 || owner != agent::id() || mode == Mode::Upgrade,
            "{} at {}: would wait for ever, this agent already holds the lock; drop the first guard before, or pass it on",
            call.name,
            call.caller,
        );
    }

    #[inline]
    pub(super) fn is_poisoned(&self) -> bool {
        self.state().has(POISONED)
    }

    pub(super) fn poison(&self) {
        // ORDERING: Relaxed, the release of the lock publishes it.
        self.state.fetch_or(POISONED, Ordering::Relaxed);
    }

    pub(super) fn clear_poison(&self) {
        // ORDERING: Relaxed, a flag beside the data; who needs the data takes the lock.
        self.state.fetch_and(!POISONED, Ordering::Relaxed);
    }
}

const _: () = assert!(UPGRADABLE < ONE_READER && POISONED < ONE_READER);
