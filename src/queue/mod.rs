//! Who waits: one intrusive FIFO of waiters, threads and tasks in the same list.
//!
//! A [`WaitQueue`] is one pointer. The pointer names the first [`Waiter`] of a circular doubly linked list; its two low bits are
//! a spin lock and a message to whoever holds that lock:
//!
//! ```text
//! 0b01 LOCKED   somebody works on the list. Set and cleared by that agent alone.
//! 0b10 PENDING  while the list was locked, somebody released what the waiters wait for and left it to the holder to act on it.
//!               Set by an agent that must not wait, cleared by the holder, who may not unlock while it is set.
//! ```
//!
//! `PENDING` is what keeps a release from waiting: it locks the list or, where that is taken, delegates, so that no plain unlock
//! ever waits for a preempted agent. The critical sections are short and run no foreign code: wakers are taken out of the list and called
//! after the lock is released, see [`Wakes`].
//!
//! # Invariants
//!
//! - **Q1** The links of a waiter, its rank, its waker and its place in a list are touched only with its queue locked (or while it
//!   is in no queue, by the agent that took it out, or by its owner before it was first linked).
//! - **Q2** A linked waiter stays where it is in memory until it is taken out. Its owner ends its life only after it took the
//!   waiter out itself, or saw the signal of the agent that did. A future may be leaked, with its waiter linked; then what it
//!   borrowed may end, so nobody but its owner follows what a task's waiter points to.
//! - **Q3** A thread that is taken out of a queue gets exactly one signal, by [`Wakes::deliver`]. The store of that signal is the
//!   last access to the waiter; the futex wake that follows uses the address alone.
//! - **Q4** A task is taken out of a lock's queue only by its owner (its poll or its drop). So a task needs no signal: what it
//!   waits for is claimed, under the queue's lock, by the poll that its waker caused. A condvar takes a task out when it
//!   notifies it: for the owner, that it is in the queue no more *is* the notification.
//! - **Q5** Urgent waiters (threads on agents that must not block) stand before all others, in the order of their arrival.
//! - **Q6** `PENDING` is set only while `LOCKED` is, and the agent that clears `LOCKED` has acted on it.
//! - **Q7** Signals are delivered after the queue is unlocked, and the deliverer touches the queue no more unless it borrows its
//!   owner: a signal may end the life of the lock that the queue belongs to, where only the waiter kept it alive.

mod waiter;
mod wakes;
mod word;

pub(crate) use waiter::{Class, Rank, Waiter};
pub(crate) use wakes::Wakes;
pub(crate) use word::{Signal, Word};

use crate::sys::shim::{AtomicPtr, Ordering, const_new};
use crate::sys::spin::{LOOKS, Spin};
use core::mem;
use core::ptr;
use core::task::Waker;

const LOCKED: usize = 0b01;
const PENDING: usize = 0b10;
const FLAGS: usize = LOCKED | PENDING;

const _: () = assert!(
    align_of::<Waiter>() > FLAGS,
    "the flags live in the pointer's low bits"
);

/// The list of waiters of one primitive, one word in size.
pub(crate) struct WaitQueue {
    head: AtomicPtr<Waiter>,
}

impl WaitQueue {
    const_new! {
        /// An empty queue.
        pub(crate) fn new() -> Self {
            Self { head: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// Whether nobody waits. A hint: only a caller that synchronises with a waiter's enqueueing otherwise must see it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // ORDERING: Relaxed, the pointer is not followed.
        strip(self.head.load(Ordering::Relaxed)).is_null()
    }

    /// Locks the list, spinning while another agent works on it.
    pub(crate) fn lock(&self) -> Locked<'_> {
        loop {
            if let Some(locked) = self.try_lock() {
                return locked;
            }
            Spin::pause();
        }
    }

    /// Locks the list, unless another agent works on it for longer than a few looks.
    pub(crate) fn lock_soon(&self) -> Option<Locked<'_>> {
        for look in 0..LOOKS {
            if look > 0 {
                Spin::pause();
            }
            let locked = self.try_lock();
            if locked.is_some() {
                return locked;
            }
        }
        None
    }

    /// Locks the list or, where another agent has it locked, makes that agent act once more before it unlocks (`None`).
    pub(crate) fn lock_or_pend(&self) -> Option<Locked<'_>> {
        loop {
            // ORDERING: Relaxed, the exchanges below synchronise.
            let head = self.head.load(Ordering::Relaxed);
            if head.addr() & LOCKED == 0 {
                if let Some(locked) = self.exchange_locked(head) {
                    return Some(locked);
                }
            } else {
                // ORDERING: Release publishes what the caller released to `Locked::unlock`, which acquires when it finds the
                // bit. Exchanged even where the bit is set already: the holder may be about to clear it for an older message.
                let pended = head.map_addr(|addr| addr | PENDING);
                if self
                    .head
                    .compare_exchange(head, pended, Ordering::Release, Ordering::Relaxed)
                    .is_ok()
                {
                    return None;
                }
            }
        }
    }

    fn try_lock(&self) -> Option<Locked<'_>> {
        // ORDERING: Relaxed, the exchange acquires.
        let head = self.head.load(Ordering::Relaxed);
        if head.addr() & LOCKED != 0 {
            return None;
        }
        self.exchange_locked(head)
    }

    fn exchange_locked(&self, head: *mut Waiter) -> Option<Locked<'_>> {
        let locked = head.map_addr(|addr| addr | LOCKED);
        // ORDERING: Acquire, partner of the Release in `Locked::unlock`: the list as the last holder left it.
        // What the exchange returns, not what was loaded: the first waiter may have ended meanwhile and another begun at the
        // same address, and only the new pointer may be followed.
        let head = self
            .head
            .compare_exchange(head, locked, Ordering::Acquire, Ordering::Relaxed)
            .ok()?;
        Some(Locked {
            queue: self,
            first: strip(head),
        })
    }
}

fn strip(head: *mut Waiter) -> *mut Waiter {
    head.map_addr(|addr| addr & !FLAGS)
}

/// How many waiters have the mark of [`Locked::mark_notified`].
#[derive(Clone, Copy)]
pub(crate) struct Marked {
    /// Those that had none before.
    pub(crate) new: usize,
    pub(crate) all: usize,
}

/// A locked queue: the right to read and change the list. It must be unlocked by hand, since unlocking can find new work.
#[must_use = "a queue stays locked until `unlock` has returned `Ok`"]
pub(crate) struct Locked<'a> {
    queue: &'a WaitQueue,
    /// The first waiter, or null; written back when the queue is unlocked.
    first: *mut Waiter,
}

impl<'a> Locked<'a> {
    /// The first waiter, or null.
    pub(crate) fn first(&self) -> *const Waiter {
        self.first
    }

    /// The waiter behind `waiter`, or null behind the last one.
    pub(crate) fn after(&self, waiter: *const Waiter) -> *const Waiter {
        // SAFETY: `waiter` is linked in this locked queue, so it is alive (Q2) and its links are ours to read (Q1).
        let next = unsafe { (*waiter).links(|links| links.next) };
        if ptr::eq(next, self.first) {
            ptr::null()
        } else {
            next
        }
    }

    /// Marks all waiters as notified.
    pub(crate) fn mark_notified(&mut self) -> Marked {
        let mut marked = Marked { new: 0, all: 0 };
        let mut waiter = self.first();
        while !waiter.is_null() {
            // SAFETY: linked in this locked queue (Q1, Q2).
            let old =
                unsafe { (*waiter).links_mut(|links| mem::replace(&mut links.notified, true)) };
            marked.new += usize::from(!old);
            marked.all += 1;
            waiter = self.after(waiter);
        }
        marked
    }

    /// The first waiter that is marked as notified, or null.
    pub(crate) fn first_notified(&self) -> *const Waiter {
        self.first_marked(true)
    }

    /// The first waiter that is marked as notified, or with `false` the first that is not; or null.
    pub(crate) fn first_marked(&self, notified: bool) -> *const Waiter {
        let mut waiter = self.first();
        // SAFETY: linked in this locked queue (Q1, Q2).
        while !waiter.is_null() && unsafe { (*waiter).links(|links| links.notified) } != notified {
            waiter = self.after(waiter);
        }
        waiter
    }

    /// Whether `waiter` stands in this queue.
    pub(crate) fn holds(&self, waiter: &Waiter) -> bool {
        ptr::eq(waiter.home(), self.queue)
    }

    /// Links `waiter` behind all others, or behind the other urgent ones if it is urgent.
    ///
    /// # Safety
    ///
    /// `waiter` is in no queue, and its owner keeps Q2.
    pub(crate) unsafe fn push_back(&mut self, waiter: *const Waiter) {
        // SAFETY: unlinked, so ours (Q1).
        let rank = unsafe { (*waiter).links(|links| links.rank) };
        if rank == Rank::Normal {
            // SAFETY: forwarded; "before the first" of a circle is "behind the last" as long as `first` does not move.
            unsafe { self.link(waiter, self.first) };
        } else {
            // SAFETY: forwarded.
            unsafe { self.push_front(waiter) };
        }
    }

    /// Links `waiter` as one that has waited before: an upgrade before everybody, any other behind the urgent ones and behind
    /// the tasks that lead the queue and have been woken before.
    ///
    /// # Safety
    ///
    /// As for [`Locked::push_back`].
    pub(crate) unsafe fn push_front(&mut self, waiter: *const Waiter) {
        // SAFETY: unlinked, so ours (Q1).
        let rank = unsafe { (*waiter).links(|links| links.rank) };
        let mut before = self.first();
        if rank != Rank::Upgrade {
            // SAFETY: linked waiters of this locked queue (Q1, Q2).
            while !before.is_null() && unsafe { (*before).precedes(rank) } {
                before = self.after(before);
            }
        }
        let leads = ptr::eq(before, self.first);
        let before = if before.is_null() {
            self.first
        } else {
            before.cast_mut()
        };
        // SAFETY: forwarded.
        unsafe { self.link(waiter, before) };
        if leads {
            self.first = waiter.cast_mut();
        }
    }

    /// Links `waiter` before `before`, which is linked, or null if the list is empty. Does not move `first` but off null.
    ///
    /// # Safety
    ///
    /// As for [`Locked::push_back`].
    unsafe fn link(&mut self, waiter: *const Waiter, before: *const Waiter) {
        // SAFETY: `waiter` is ours by contract, the others are linked in this locked queue (Q1, Q2).
        unsafe {
            (*waiter).set_home(self.queue);
            if before.is_null() {
                (*waiter).links_mut(|links| (links.prev, links.next) = (waiter, waiter));
                self.first = waiter.cast_mut();
                return;
            }
            let last = (*before).links_mut(|links| mem::replace(&mut links.prev, waiter));
            (*last).links_mut(|links| links.next = waiter);
            (*waiter).links_mut(|links| (links.prev, links.next) = (last, before));
        }
    }

    /// Takes `waiter` out. A thread must now get its signal (Q3), unless its owner is the caller.
    ///
    /// # Safety
    ///
    /// `waiter` is linked in this queue.
    pub(crate) unsafe fn remove(&mut self, waiter: *const Waiter) {
        // SAFETY: `waiter` and its neighbours are linked in this locked queue (Q1, Q2).
        unsafe {
            let (prev, next) = (*waiter).links(|links| (links.prev, links.next));
            (*prev).links_mut(|links| links.next = next);
            (*next).links_mut(|links| links.prev = prev);
            if ptr::eq(waiter, self.first) {
                self.first = if ptr::eq(next, waiter) {
                    ptr::null_mut()
                } else {
                    next.cast_mut()
                };
            }
            (*waiter).set_home(ptr::null());
        }
    }

    /// Takes `waiter` out for its owner, and its waker, to be dropped when the queue is unlocked: foreign code.
    ///
    /// # Safety
    ///
    /// As for [`Locked::remove`]; the caller is its owner.
    pub(crate) unsafe fn withdraw(&mut self, waiter: &Waiter) -> Option<Waker> {
        // SAFETY: linked here, by contract; then it is its owner's (Q1).
        unsafe {
            self.remove(waiter);
            waiter.links_mut(|links| links.waker.take())
        }
    }

    /// Unlocks the queue, unless somebody has left a message: then the caller must act on it and try again.
    pub(crate) fn unlock(self) -> Result<(), Self> {
        let mut seen = self.queue.head.load(Ordering::Relaxed); // ORDERING: Relaxed, the exchanges below synchronise.
        loop {
            let pending = seen.addr() & PENDING != 0;
            let next = if pending {
                self.first.map_addr(|addr| addr | LOCKED)
            } else {
                self.first
            };
            // ORDERING: Release publishes the list to the next holder (`exchange_locked`). Acquire, where the bit was set, shows
            // us what the agent that set it (`lock_or_pend`) had released.
            match self
                .queue
                .head
                .compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) if pending => return Err(self),
                Ok(_) => return Ok(()),
                Err(now) => seen = now,
            }
        }
    }
}
