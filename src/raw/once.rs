//! The once: an initialiser that runs to its end one time, and those who wait for that.
//!
//! ```text
//! bit  0      RUNNING   somebody runs an initialiser
//! bit  1      POISONED  the last initialiser panicked
//! bit  2      COMPLETE  an initialiser has returned: nothing changes any more
//! bit  3      QUEUED    somebody waits, or has waited: who ends a run looks at the queue
//! bits 8..32  RUNNING: id of the agent that runs the initialiser, 0 while it is not known. Otherwise: 0.
//! ```
//!
//! | bit | set by | cleared by |
//! |---|---|---|
//! | `RUNNING`, the id | who begins a run ([`RawOnce::try_begin`]) | who ends it ([`Running`]), alone |
//! | `POISONED` | who ends a run by a panic | who begins the next one |
//! | `COMPLETE` | who ends a run well | nobody |
//! | `QUEUED` | who has the queue locked, after linking a waiter; legal to find set in vain | nobody |
//!
//! At most one of the first three is set; none of them is "incomplete".
//!
//! A run ends well, by a panic, or because the future that it was has been dropped, which leaves the once as it was before the run.
//! Each end takes out of the queue whoever has a reason to look at the state again, see [`Wish`]. Whom it takes out competes with
//! everybody else: what a future does after its wake-up is then nobody's concern, and it may be dropped or leaked. So an end
//! that is not the last one wakes more than the one that will run next; such ends are rare.
//!
//! # Invariants
//!
//! - **O1** While `RUNNING` is set, the owner of the one [`Running`] alone changes the three phases and the id; others only set
//!   `QUEUED`.
//! - **O2** A waiter is linked first and `QUEUED` set then, with the queue locked, and whoever has the queue locked settles before
//!   it unlocks: takes out all whose wish the state fulfils by then.
//! - **O3** Who ends a run and finds `QUEUED` settles, or leaves it to the holder of the queue (`PENDING`). So when no queue is
//!   locked and no wakes are under way, the state fulfils the wish of nobody in the queue.
//! - **O4** A waiter that was taken out owes nothing to anybody: it looks at the state again.
//! - **O5** The state alone publishes what an initialiser did: whoever returns to its caller, or begins a run, has read the state
//!   with Acquire, whatever woke it.
//! - **O6** Who ends a run may touch the once after it has completed. That is sound because it borrows it for the whole call.

use super::once_run::{OnceFuture, Running};
use crate::queue::{Class, Locked, Rank, Signal, WaitQueue, Waiter, Wakes};
use crate::sys::Call;
use crate::sys::agent;
use crate::sys::futex;
use crate::sys::shim::{AtomicU32, Ordering, const_new};
use core::fmt;
use core::ptr;
use core::task::Context;

pub(super) const RUNNING: u32 = 0b0001;
pub(super) const POISONED: u32 = 0b0010;
pub(super) const COMPLETE: u32 = 0b0100;
const QUEUED: u32 = 0b1000;
pub(super) const RUNNER_SHIFT: u32 = 8;

/// What somebody wants of a once, and so what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Wish {
    /// To run an initialiser, unless one has returned. Panics where one has panicked.
    Call,
    /// The same, whether one has panicked or not.
    CallForce,
    /// That an initialiser has returned. Panics where one has panicked.
    Wait,
    /// That an initialiser has returned, after however many that panicked.
    WaitForce,
}

impl Wish {
    fn from_u8(wish: u8) -> Self {
        match wish {
            0 => Self::Call,
            1 => Self::CallForce,
            2 => Self::Wait,
            _ => Self::WaitForce,
        }
    }

    /// Whether it ends with a panic where an initialiser has panicked.
    fn minds_poison(self) -> bool {
        matches!(self, Self::Call | Self::Wait)
    }
}

/// A value of the state word.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State(u32);

impl State {
    #[inline]
    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// Whether there is nothing to wait for: either the wish can come true, or it never will.
    fn fulfils(self, wish: Wish) -> bool {
        match wish {
            Wish::Call | Wish::CallForce => !self.has(RUNNING),
            Wish::Wait => self.has(COMPLETE | POISONED),
            Wish::WaitForce => self.has(COMPLETE),
        }
    }

    /// The id of the agent that runs the initialiser; 0 if nobody does or it is not known.
    fn runner(self) -> u32 {
        self.0 >> RUNNER_SHIFT
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (RUNNING, "RUNNING"),
            (POISONED, "POISONED"),
            (COMPLETE, "COMPLETE"),
            (QUEUED, "QUEUED"),
        ];
        for (bit, name) in names {
            if self.has(bit) {
                write!(f, "{name} | ")?;
            }
        }
        write!(f, "runner {}", self.runner())
    }
}

/// What came of an attempt to begin.
enum Attempt<'a> {
    /// An initialiser has returned.
    Done,
    /// It is the caller's turn.
    Begun(Running<'a>),
    /// Somebody runs one.
    Busy,
}

/// A once without a value, two words.
pub(crate) struct RawOnce {
    state: AtomicU32,
    queue: WaitQueue,
}

impl RawOnce {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { state: AtomicU32::new(0), queue: WaitQueue::new() }
        }
    }

    const_new! {
        /// One whose initialiser has returned.
        pub(crate) fn new_complete() -> Self {
            Self { state: AtomicU32::new(COMPLETE), queue: WaitQueue::new() }
        }
    }

    const_new! {
        /// One whose initialiser has panicked.
        pub(crate) fn new_poisoned() -> Self {
            Self { state: AtomicU32::new(POISONED), queue: WaitQueue::new() }
        }
    }

    /// Whether an initialiser has returned; then what it did is visible. The whole fast path.
    #[inline]
    pub(crate) fn is_completed(&self) -> bool {
        self.acquire().has(COMPLETE)
    }

    /// The state, with what the last run did before it ended.
    #[inline]
    fn acquire(&self) -> State {
        // ORDERING: Acquire, partner of the Release in `end` (O5).
        State(self.state.load(Ordering::Acquire))
    }

    /// Begins a run, waiting while somebody else has one. `None`: an initialiser has returned.
    ///
    /// Panics if the once is poisoned and `wish` minds that, and where it would wait for ever.
    #[cold]
    #[track_caller]
    pub(crate) fn begin(&self, wish: Wish, call: &Call) -> Option<Running<'_>> {
        loop {
            match self.try_begin(wish, call.name) {
                Attempt::Done => return None,
                Attempt::Begun(running) => return Some(running),
                Attempt::Busy => self.block(wish, call),
            }
        }
    }

    /// As [`RawOnce::begin`], for a task.
    pub(crate) async fn begin_async(&self, wish: Wish, name: &str) -> Option<Running<'_>> {
        loop {
            match self.try_begin(wish, name) {
                Attempt::Done => return None,
                Attempt::Begun(running) => return Some(running),
                Attempt::Busy => OnceFuture::new(self, wish).await,
            }
        }
    }

    /// Waits until an initialiser has returned. Panics as [`RawOnce::begin`] does.
    #[cold]
    #[track_caller]
    pub(crate) fn wait(&self, wish: Wish, call: &Call) {
        while !self.is_done(wish, call.name) {
            self.block(wish, call);
        }
    }

    /// As [`RawOnce::wait`], for a task.
    pub(crate) async fn wait_async(&self, wish: Wish, name: &str) {
        while !self.is_done(wish, name) {
            OnceFuture::new(self, wish).await;
        }
    }

    #[track_caller]
    fn try_begin(&self, wish: Wish, name: &str) -> Attempt<'_> {
        let mut state = self.acquire();
        loop {
            if state.has(COMPLETE) {
                return Attempt::Done;
            }
            refuse_poison(state, wish, name);
            if state.has(RUNNING) {
                return Attempt::Busy;
            }
            let held = RUNNING | agent::id() << RUNNER_SHIFT;
            // ORDERING: Acquire, partner of the Release in `end`: the next initialiser sees what the last one left (O5).
            match self.state.compare_exchange_weak(
                state.0,
                state.0 & QUEUED | held,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => {
                    return Attempt::Begun(Running::new(self, state.0 & POISONED, held));
                }
                Err(now) => state = State(now),
            }
        }
    }

    #[track_caller]
    fn is_done(&self, wish: Wish, name: &str) -> bool {
        let state = self.acquire();
        refuse_poison(state, wish, name);
        state.has(COMPLETE)
    }

    /// Waits, as a thread, until the state has fulfilled the wish at some time.
    #[track_caller]
    fn block(&self, wish: Wish, call: &Call) {
        self.panic_on_recursion(call);
        futex::refuse_endless(call);
        let rank = Rank::of_this_thread();
        let waiter = Waiter::new(Class::Thread, rank, wish as u8, ptr::null());
        // SAFETY: in no queue; without a deadline `wait` does not return before it has been taken out and signalled (Q2).
        unsafe { self.enqueue(&waiter) };
        waiter.wait(None, call);
    }

    #[track_caller]
    fn panic_on_recursion(&self, call: &Call) {
        // ORDERING: Relaxed, only this agent writes its own id. (Another one may erase it that has taken a suspended run over; where
        // tasks change agents the id of a suspended run is not kept.)
        let runner = State(self.state.load(Ordering::Relaxed)).runner();
        assert!(
            runner == 0 || runner != agent::id(),
            "{} at {}: would wait for ever, this agent runs the initialiser already; it must not need what it initialises",
            call.name,
            call.caller,
        );
    }

    /// Links a waiter.
    ///
    /// # Safety
    ///
    /// `waiter` is in no queue, and its owner keeps Q2.
    unsafe fn enqueue(&self, waiter: &Waiter) {
        let mut queue = self.queue.lock();
        // SAFETY: by contract.
        unsafe { queue.push_back(waiter) };
        // An `end` that comes later in the order of this word sees the bit; `settle` sees one that came before.
        // ORDERING: Release, partner of the Acquire in `end`: who sees the bit finds the queue locked, or the waiter in it.
        // LOOM: which never sees an exchange act upon a load that it follows, so no model misses this one.
        self.state.fetch_or(QUEUED, Ordering::Release);
        self.settle(queue);
    }

    /// As [`RawOnce::enqueue`], for a task.
    ///
    /// # Safety
    ///
    /// As for [`RawOnce::enqueue`].
    pub(super) unsafe fn enqueue_task(&self, waiter: &Waiter, context: &Context<'_>) {
        let waker = context.waker().clone();
        // SAFETY: by contract; in no queue, so its owner's (Q1). Before the queue is locked, for an old waker is dropped here.
        unsafe {
            waiter.links_mut(|links| links.waker = Some(waker));
            self.enqueue(waiter);
        }
    }

    /// Whether a task's waiter is still in the queue; then its task is going to be woken by this waker.
    pub(super) fn keep(&self, waiter: &Waiter, context: &Context<'_>) -> bool {
        let waker = context.waker().clone();
        let queue = self.queue.lock();
        let held = queue.holds(waiter);
        // SAFETY: linked here, or in no queue any more and its owner's (Q1). The old waker is dropped after the queue is unlocked.
        let old = unsafe { waiter.links_mut(|links| links.waker.replace(waker)) };
        self.settle(queue);
        drop(old);
        held
    }

    /// Takes a task's waiter out, for its owner, if it is still in the queue.
    pub(super) fn cancel(&self, waiter: &Waiter) {
        let mut queue = self.queue.lock();
        if queue.holds(waiter) {
            // SAFETY: just seen to be linked here.
            unsafe { queue.remove(waiter) };
        }
        self.settle(queue);
    }

    /// Ends a run: `held` becomes `phase`, whatever else is set.
    pub(super) fn end(&self, held: u32, phase: u32) {
        // ORDERING: Release, partner of the Acquire in `acquire` and `try_begin`: what the initialiser did. Acquire, partner of the
        // Release in `enqueue`.
        let old = self.state.fetch_xor(held ^ phase, Ordering::AcqRel);
        if old & QUEUED != 0 {
            self.end_slow();
        }
    }

    /// Changes what the state has of a run that goes on.
    pub(super) fn change(&self, held: u32, next: u32) {
        // ORDERING: Relaxed, only the agent whose id it is reads it back.
        self.state.fetch_xor(held ^ next, Ordering::Relaxed);
    }

    /// Never waits: where another agent works on the queue, that agent goes on for us (O3).
    #[cold]
    fn end_slow(&self) {
        if let Some(queue) = self.queue.lock_or_pend() {
            self.settle(queue);
        }
    }

    /// Takes out all whose wish the state fulfils, unlocks the queue and delivers the wakes.
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
            match self.queue.lock_or_pend() {
                Some(locked) => queue = locked,
                None => return,
            }
        }
    }

    fn resolve(&self, queue: &mut Locked<'_>, wakes: &mut Wakes) {
        // ORDERING: Relaxed, whoever is woken for it reads the state itself, and no older one (O5).
        let state = State(self.state.load(Ordering::Relaxed));
        if state.has(RUNNING) {
            // No wish is fulfilled: who only joins or leaves the queue need not look through it.
            return;
        }
        let mut cursor = queue.first();
        while !cursor.is_null() && !wakes.is_full() {
            let next = queue.after(cursor);
            // SAFETY: linked in the locked queue (Q1, Q2). A thread gets its signal with the wakes (Q3); for a task, that it is out
            // is the signal, as in a condvar (Q4).
            unsafe {
                if state.fulfils(Wish::from_u8((*cursor).mode)) {
                    queue.remove(cursor);
                    match (*cursor).class {
                        Class::Thread => wakes.push_thread(cursor, Signal::Retry),
                        Class::Task => {
                            if let Some(waker) = (*cursor).links_mut(|links| links.waker.take()) {
                                wakes.push_waker(waker);
                            }
                        }
                    }
                }
            }
            cursor = next;
        }
    }
}

#[track_caller]
fn refuse_poison(state: State, wish: Wish, name: &str) {
    if state.has(POISONED) && wish.minds_poison() {
        poisoned(name);
    }
}

/// Panics in place of a call that must not go on after another one's panic.
#[cold]
#[track_caller]
pub(crate) fn poisoned(name: &str) -> ! {
    // As std says it, and which call it was.
    let owner = name.split("::").next().unwrap_or(name);
    panic!("{name}: {owner} instance has previously been poisoned");
}

#[cfg(all(target_pointer_width = "32", not(web_sync_loom)))]
const _: () = assert!(size_of::<RawOnce>() == 8);

#[cfg(test)]
#[path = "once_tests.rs"]
mod tests;
