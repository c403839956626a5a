//! Under loom: a clock that the model moves, ids and budgets that each execution starts anew.
//!
//! A model calls [`begin`] first. Time stands still but for two things: a wait that times out sets the clock to its deadline, and a
//! model may move it with [`advance_to`], which completes the timers that are due. So time is a thread like the others.
//!
//! LOOM: reading the clock is no operation that loom sees. It explores both orders of "timer set" and "clock moved" because timers
//! are kept under a loom mutex, but not both orders of a bare `Deadline::passed` and a move of the clock by another thread.

use core::cell::Cell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::cell::RefCell;
use std::sync::Arc;

use loom::sync::Mutex;

use super::agent::{Ability, Ids};
use super::backend;
use super::clock::Deadline;

/// No look at a word before sleeping: the slow path is what a model explores.
pub(crate) const SPINS: u32 = 0;
/// As above.
pub(crate) const LONG_LOOK: u32 = 0;
/// LOOM: as many as make a model lose them all, and still end. The number is policy, what follows it is the algorithm.
pub(crate) const RACES: u32 = 2;
/// Looks at a locked list before something is left to its holder: both are to be explored.
pub(crate) const LOOKS: u32 = 1;
/// One look at a word, then `relax`.
pub(crate) const SPIN_ROUND: u32 = 1;
/// As natively.
pub(crate) const KEEPS_TASKS: bool = false;

/// Declares cells of which each of loom's threads has its own.
macro_rules! agent_local {
    ($($(#[$meta:meta])* static $name:ident: $ty:ty = $init:expr;)*) => {
        loom::thread_local! { $($(#[$meta])* static $name: $ty = core::cell::Cell::new($init);)* }
    };
}
pub(crate) use agent_local;

/// What an execution starts anew. In cells of std, since all of loom's threads run on one thread of the system.
struct Execution {
    now: Cell<u64>,
    ids: RefCell<Ids>,
    spurious: Cell<u32>,
    timeouts: Cell<u32>,
    /// How often a thread that spins has paused.
    pauses: Cell<u32>,
    timers: RefCell<Option<Arc<Timers>>>,
    /// How many timers there are, to leave loom's lock alone while there is none.
    timer_count: Cell<usize>,
}

type Timers = Mutex<Vec<(u64, Deadline, Waker)>>;

thread_local! {
    static EXECUTION: Execution = const {
        Execution {
            now: Cell::new(0),
            ids: RefCell::new(Ids::new()),
            spurious: Cell::new(0),
            timeouts: Cell::new(0),
            pauses: Cell::new(0),
            timers: RefCell::new(None),
            timer_count: Cell::new(0),
        }
    };
}

/// Starts an execution: the first line of each model.
///
/// `spurious` and `timeouts` say how many waits may end for no reason, and how many may time out; without a bound the number of
/// executions would have none.
pub(crate) fn begin(spurious: u32, timeouts: u32) {
    EXECUTION.with(|execution| {
        execution.now.set(0);
        *execution.ids.borrow_mut() = Ids::new();
        execution.spurious.set(spurious);
        execution.timeouts.set(timeouts);
        execution.pauses.set(0);
        *execution.timers.borrow_mut() = Some(Arc::new(Mutex::new(Vec::new())));
        execution.timer_count.set(0);
    });
    backend::begin();
}

/// The same numbers for an execution that has begun.
pub(crate) fn allow(spurious: u32, timeouts: u32) {
    EXECUTION.with(|execution| {
        execution.spurious.set(spurious);
        execution.timeouts.set(timeouts);
    });
}

/// Takes one of the spurious wake-ups that are left.
pub(crate) fn take_spurious() -> bool {
    EXECUTION.with(|execution| take(&execution.spurious))
}

/// Takes one of the time-outs that are left.
pub(crate) fn take_timeout() -> bool {
    EXECUTION.with(|execution| take(&execution.timeouts))
}

/// Whether a wait may still end for no reason.
pub(crate) fn may_wake_spuriously() -> bool {
    EXECUTION.with(|execution| execution.spurious.get() > 0)
}

/// Whether a wait may time out: not the one whose time-out has saturated.
pub(crate) fn may_time_out(deadline: Deadline) -> bool {
    deadline.nanos() < u64::MAX && EXECUTION.with(|execution| execution.timeouts.get() > 0)
}

fn take(budget: &Cell<u32>) -> bool {
    let left = budget.get();
    budget.set(left.saturating_sub(1));
    left > 0
}

/// Moves the clock to the deadline, unless it has passed, and completes the timers that are due.
pub(crate) fn advance_to(deadline: Deadline) {
    let now = EXECUTION.with(|execution| {
        execution.now.set(execution.now.get().max(deadline.nanos()));
        execution.now.get()
    });
    if EXECUTION.with(|execution| execution.timer_count.get()) == 0 {
        return;
    }
    let due = with_timers(|timers| {
        timers
            .extract_if(.., |(_, deadline, _)| deadline.nanos() <= now)
            .collect::<Vec<_>>()
    });
    for (_, _, waker) in due {
        waker.wake();
    }
}

/// Runs `act` on the timers, under loom's lock.
fn with_timers<R>(act: impl FnOnce(&mut Vec<(u64, Deadline, Waker)>) -> R) -> R {
    let timers = EXECUTION.with(|execution| execution.timers.borrow().clone());
    let timers = timers.expect("a model calls `begin` first");
    let mut timers = timers.lock().unwrap();
    let result = act(&mut timers);
    EXECUTION.with(|execution| execution.timer_count.set(timers.len()));
    result
}

pub(crate) fn now() -> u64 {
    EXECUTION.with(|execution| execution.now.get())
}

pub(crate) fn until(instant: web_time::Instant) -> Duration {
    instant.saturating_duration_since(web_time::Instant::now())
}

pub(crate) fn ability() -> Ability {
    Ability::Sleeps
}

pub(crate) fn next_id() -> u32 {
    EXECUTION.with(|execution| execution.ids.borrow().next())
}

pub(crate) fn warn(text: &[u16]) {
    eprintln!("{}", String::from_utf16_lossy(text));
}

/// LOOM: of two threads that spin each may go on for ever, in loom's eyes, while the third that both wait for stands still. So an
/// execution with many pauses is still played to its end, fairly, but no others branch off from there.
pub(crate) fn pause() {
    const EXPLORED: u32 = 16;
    let pauses = EXECUTION.with(|execution| {
        execution.pauses.set(execution.pauses.get() + 1);
        execution.pauses.get()
    });
    if pauses > EXPLORED {
        loom::skip_branch();
    }
    loom::hint::spin_loop();
}

pub(crate) fn pause_between_looks(_doublings: u32) {}

/// Between two looks of a spinner: its time-out, while there are any left.
pub(crate) fn relax(deadline: Option<Deadline>) {
    if let Some(deadline) = deadline
        && may_time_out(deadline)
        && take_timeout()
    {
        advance_to(deadline);
    }
}

/// Completes when the clock has been moved to its deadline.
#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Deadline,
    /// Its number while it is, or was, among the timers.
    number: Option<u64>,
}

impl Timer {
    pub(crate) fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            number: None,
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Before the lock: to clone one of loom's wakers is an operation of loom.
        let waker = context.waker().clone();
        let deadline = self.deadline;
        let number = self.number;
        let (old, set) = with_timers(|timers| {
            let old = timers.extract_if(.., |(other, _, _)| Some(*other) == number).next();
            if deadline.passed() {
                return (old, None);
            }
            let number = timers.last().map_or(0, |(last, _, _)| last + 1);
            timers.push((number, deadline, waker));
            (old, Some(number))
        });
        drop(old);
        self.number = set;
        if set.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let old = with_timers(|timers| {
                timers.extract_if(.., |(other, _, _)| *other == number).next()
            });
            drop(old);
        }
    }
}
