//! The parker: one token for each agent. `unpark` leaves it, `park` takes it or waits for it.
//!
//! ```text
//! 0b01 TOKEN   somebody has unparked the agent, and no park has used that. Set by `unpark`, legal to be set already; cleared by
//!              the park that takes it, or by who has the queue locked and hands it to the owner.
//! 0b10 QUEUED  a waiter has not been noticed: `unpark` must look at the queue. Set and cleared with the queue locked.
//! ```
//!
//! The owner, a thread that blocks, is handed the token. A task of the owner's is woken for it and takes it when it is polled.
//!
//! # Invariants
//!
//! Those of [`Served`], and:
//!
//! - **K1** A token ends one wait. Who takes it out of the state acquires what all who have unparked since the last time had
//!   released: they change the word by read-modify-writes only.
//! - **K2** The owner stands before all tasks: while it blocks, none of those that run on its agent could come for the token.
//! - **K3** A task keeps its place until it is polled or dropped. The first one is woken once for a token; if the token has been
//!   taken meanwhile, its poll makes it unnoticed again.
//! - **K4** A parker is never freed: a handle may outlive the agent, and nothing tells when an agent has ended.

use super::served::{Served, WaitFuture, let_go};
use crate::queue::{Class, Locked, Rank, Signal, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::agent_local;
use crate::sys::clock::Deadline;
use crate::sys::futex::{self, Outcome};
use crate::sys::shim::{AtomicU32, Ordering, const_new};
use core::cell::Cell;
use core::panic::Location;
use core::ptr;
use core::sync::atomic::AtomicPtr;

const TOKEN: u32 = 0b01;
const QUEUED: u32 = 0b10;

/// What one agent parks on.
pub(crate) struct Parker {
    state: AtomicU32,
    queue: WaitQueue,
}

/// A parker and the one that was made before it.
struct Kept {
    parker: Parker,
    _next: *mut Kept,
}

agent_local! {
    static CURRENT: Cell<Option<&'static Parker>> = None;
}

/// All parkers, the newest first, so that tools which look for lost memory find them. Nobody follows it.
static ALL: AtomicPtr<Kept> = AtomicPtr::new(ptr::null_mut());

impl Parker {
    const_new! {
        fn new() -> Self {
            Self { state: AtomicU32::new(0), queue: WaitQueue::new() }
        }
    }

    /// This agent's. The first call of an agent allocates.
    pub(crate) fn current() -> &'static Self {
        match CURRENT.with(Cell::get) {
            Some(parker) => parker,
            None => Self::make_current(),
        }
    }

    #[cold]
    fn make_current() -> &'static Self {
        let kept = Box::into_raw(Box::new(Kept {
            parker: Self::new(),
            _next: ptr::null_mut(),
        }));
        // ORDERING: Relaxed, nobody follows the pointer.
        let next = ALL.swap(kept, core::sync::atomic::Ordering::Relaxed);
        // SAFETY: from `into_raw`, never freed (K4); nobody else knows it yet, or reads `_next` ever.
        let parker = unsafe {
            (*kept)._next = next;
            &(*kept).parker
        };
        CURRENT.with(|current| current.set(Some(parker)));
        parker
    }

    /// Leaves the token, and wakes who waits for it. Never waits, on any agent.
    #[inline]
    pub(crate) fn unpark(&self) {
        // ORDERING: Release, partner of the Acquire in `take` and `resolve`: what the caller did before.
        let old = self.state.fetch_or(TOKEN, Ordering::Release);
        if old & QUEUED != 0 {
            self.release_slow();
        }
    }

    /// Takes the token of this agent, waiting for it at most until the deadline. False: the deadline passed first.
    #[track_caller]
    pub(crate) fn park(&self, deadline: Option<Deadline>) -> bool {
        if self.take() {
            return true;
        }
        let call = Call {
            name: "thread::park",
            instead: "thread::park_async",
            caller: Location::caller(),
        };
        self.wait(0, Rank::Urgent, deadline, &call).is_some()
    }

    /// Takes the token as a future.
    pub(crate) fn park_async(&self) -> WaitFuture<'_, Self> {
        self.wait_async(0)
    }

    fn take(&self) -> bool {
        // Relaxed: a hint; an unpark that came before this call is seen.
        if self.state.load(Ordering::Relaxed) & TOKEN == 0 {
            return false;
        }
        // ORDERING: Acquire, partner of the Release in `unpark` (K1).
        self.state.fetch_and(!TOKEN, Ordering::Acquire) & TOKEN != 0
    }
}

impl Served for Parker {
    type Output = ();

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn resolve(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) {
        // `wakes` has room: there is one owner to hand the token to, and one first task to wake after it.
        // ORDERING: Relaxed, the exchange below decides.
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let first = queue.first();
            let token = state & TOKEN != 0;
            // SAFETY: linked in the locked queue (Q1, Q2).
            let owner = !first.is_null() && unsafe { (*first).class == Class::Thread };
            let unnoticed = if owner {
                true
            } else {
                // SAFETY: as above.
                !first.is_null() && unsafe { !notify(first, token, wakes) }
            };
            let handed = owner && token;
            let next = match (handed, unnoticed) {
                (true, _) => state & !TOKEN,
                (false, true) => state | QUEUED,
                (false, false) => state & !QUEUED,
            };
            // ORDERING: Acquire, partner of the Release in `unpark` (K1); `Waiter::send` passes it on.
            match self
                .state
                .compare_exchange(state, next, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) if handed => {
                    // SAFETY: linked in the locked queue.
                    unsafe { let_go(queue, first, wakes) };
                    state = next;
                }
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    fn try_now(&self, _want: usize) -> Option<()> {
        (self.queue.is_empty() && self.take()).then_some(())
    }

    fn claim(&self, queue: &mut Locked<'_>, waiter: &Waiter) -> Option<()> {
        let claimed = ptr::eq(queue.first(), waiter) && self.take();
        if claimed {
            // SAFETY: linked here: a task is taken out by its owner only (K3).
            unsafe { queue.remove(waiter) };
        }
        claimed.then_some(())
    }

    fn signalled(_signal: Signal) {}
}

/// Has a task woken if there is a token and it has not been yet. False: it has still to be noticed.
///
/// # Safety
///
/// `task` is linked in a queue that the caller has locked.
unsafe fn notify(task: *const Waiter, token: bool, wakes: &mut Wakes) -> bool {
    // SAFETY: by contract (Q1, Q2).
    unsafe {
        (*task).links_mut(|links| {
            if token && !links.notified {
                links.notified = true;
                if let Some(waker) = links.waker.take() {
                    wakes.push_waker(waker);
                }
            }
            links.notified
        })
    }
}

/// Does nothing until the deadline.
pub(crate) fn sleep(deadline: Deadline, call: &Call) {
    // Nobody knows it, so nothing but the deadline ends the wait.
    let word = AtomicU32::new(0);
    while futex::wait(&word, 0, Some(deadline), call) != Outcome::TimedOut {}
}
