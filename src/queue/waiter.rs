//! One waiter: a node on the stack of a thread, or inside a pinned future, linked into a queue.
//!
//! A thread sleeps on the waiter's own [`Word`], which only its signaller writes after it. A thread that waits in several queues at once has
//! a waiter in each, and sleeps on one word beside them, the *bell*: whoever signals a waiter rings its bell first.
//!
//! A task never looks at the word (invariant Q4 of the queue).

use super::WaitQueue;
use super::word::{Signal, Word};
use crate::sys::Call;
use crate::sys::agent;
use crate::sys::clock::Deadline;
use crate::sys::shim::{AtomicPtr, Ordering, UnsafeCell};
use core::marker::PhantomPinned;
use core::ptr;
use core::task::Waker;

/// What stands behind a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A thread, asleep or spinning on its own word.
    Thread,
    /// A future, which is woken by its `Waker`.
    Task,
}

/// Where a waiter stands in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Before everybody: it holds a lock in a weaker mode, so nobody can be served before it.
    Upgrade,
    /// A thread on an agent that must not block: before all but upgrades.
    Urgent,
    /// First come, first served.
    Normal,
}

impl Rank {
    /// The rank of a waiting thread on this agent.
    pub(crate) fn of_this_thread() -> Self {
        if agent::may_block() {
            Self::Normal
        } else {
            Self::Urgent
        }
    }
}

/// What the queue's lock guards (Q1).
pub(crate) struct Links {
    pub(super) prev: *const Waiter,
    pub(super) next: *const Waiter,
    pub(crate) rank: Rank,
    /// How often it was woken, competed for the lock and lost.
    pub(crate) lost: u32,
    /// In a lock's queue, a task: its waker was called since it last looked. In a condvar's, a barrier's and an event's: it is
    /// about to be taken out. A task that a semaphore has taken out: it was given permits.
    pub(crate) notified: bool,
    /// Thread: it looks by itself, after a while, whether a lock reserved for a task was taken.
    pub(crate) watching: bool,
    /// Task: how to wake it.
    pub(crate) waker: Option<Waker>,
}

/// A node of a [`WaitQueue`].
#[repr(align(8))]
pub(crate) struct Waiter {
    word: Word,
    /// Where its owner sleeps, if that is not the word; or null. It lives longer than the waiter is linked. Never changes then.
    bell: *const Word,
    /// The queue that holds it, or null. Changes with that queue locked.
    home: AtomicPtr<WaitQueue>,
    links: UnsafeCell<Links>,
    /// What it waits for, as the primitive encodes it. Never changes.
    pub(crate) class: Class,
    pub(crate) mode: u8,
    pub(crate) target: *const (),
    _pin: PhantomPinned,
}

impl Waiter {
    /// A waiter in no queue.
    pub(crate) fn new(class: Class, rank: Rank, mode: u8, target: *const ()) -> Self {
        let links = Links {
            prev: ptr::null(),
            next: ptr::null(),
            rank,
            lost: 0,
            notified: false,
            watching: false,
            waker: None,
        };
        Self {
            word: Word::new(),
            bell: ptr::null(),
            home: AtomicPtr::new(ptr::null_mut()),
            links: UnsafeCell::new(links),
            class,
            mode,
            target,
            _pin: PhantomPinned,
        }
    }

    /// The queue that holds it; stable only while that queue is locked.
    pub(crate) fn home(&self) -> *const WaitQueue {
        // ORDERING: Relaxed, a value to compare with; the queue's lock orders what it stands for.
        self.home.load(Ordering::Relaxed)
    }

    pub(super) fn set_home(&self, home: *const WaitQueue) {
        // ORDERING: Relaxed, as above.
        self.home.store(home.cast_mut(), Ordering::Relaxed);
    }

    /// Reads what the queue's lock guards.
    ///
    /// # Safety
    ///
    /// The caller is who Q1 names.
    pub(crate) unsafe fn links<R>(&self, read: impl FnOnce(&Links) -> R) -> R {
        // SAFETY: nobody writes meanwhile, by contract; `read` gets no way back to the cell.
        self.links.with(|links| read(unsafe { &*links }))
    }

    /// Changes what the queue's lock guards.
    ///
    /// # Safety
    ///
    /// The caller is who Q1 names.
    pub(crate) unsafe fn links_mut<R>(&self, write: impl FnOnce(&mut Links) -> R) -> R {
        // SAFETY: nobody else looks meanwhile, by contract; `write` gets no way back to the cell.
        self.links.with_mut(|links| write(unsafe { &mut *links }))
    }

    /// Whether it keeps its place before a waiter of this rank that joins at the front.
    ///
    /// # Safety
    ///
    /// The caller is who Q1 names.
    pub(super) unsafe fn precedes(&self, rank: Rank) -> bool {
        // SAFETY: by contract.
        unsafe {
            self.links(|links| match links.rank {
                Rank::Upgrade | Rank::Urgent => true,
                Rank::Normal => {
                    rank == Rank::Normal
                        && self.class == Class::Task
                        && (links.notified || links.lost > 0)
                }
            })
        }
    }

    /// Makes its owner sleep on `bell`, as a thread does that waits in several queues.
    ///
    /// The bell stays where it is until the waiter is in no queue, and has been signalled if somebody else took it out.
    pub(crate) fn hang(&mut self, bell: *const Word) {
        self.bell = bell;
    }

    /// Makes the word fit to be waited on again, after a signal was seen and before the waiter is linked anew.
    pub(crate) fn reset(&self) {
        self.word.reset();
    }

    /// Waits until the waiter is signalled, or until the deadline (`None`); it may then still be linked.
    pub(crate) fn wait(&self, deadline: Option<Deadline>, call: &Call) -> Option<Signal> {
        self.word.wait(deadline, call)
    }

    /// The signal of a thread that somebody else has taken out of the queue and is about to signal: a matter of a few
    /// instructions, so it spins on every agent.
    pub(crate) fn signal_soon(&self) -> Signal {
        self.word.signal_soon()
    }

    /// Signals a thread that the caller has taken out of its queue.
    ///
    /// # Safety
    ///
    /// `this` is alive; it may be gone as soon as this has stored the signal.
    pub(super) unsafe fn send(this: *const Self, signal: Signal) {
        // SAFETY: alive, by contract. A raw pointer, not a reference: the waiter may end while this function runs.
        let (word, bell) = unsafe { (&raw const (*this).word, (*this).bell) };
        if bell.is_null() {
            // SAFETY: as above; this is the last access (Q3).
            if unsafe { Word::send(word, signal) } {
                Word::wake(word);
            }
            return;
        }
        // SAFETY: as above; the bell lives until the owner has seen the signal, which is the last access (Q3).
        let sleeps = unsafe {
            let sleeps = Word::send(bell, signal);
            Word::send(word, signal);
            sleeps
        };
        if sleeps {
            Word::wake(bell);
        }
    }
}
