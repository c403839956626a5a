//! Under loom: a table of waiters, with spurious wake-ups and time-outs that loom chooses.
//!
//! A wait compares with a read-modify-write, which sees the latest value, and enters the table in the same step; a wake takes the
//! oldest entry of its address out. The table itself is no object of loom's, since all of loom's threads run on one thread of the
//! system: what orders a wait and a wake is the word, on which the compare and the waker's store depend. So a model has no more
//! steps than the algorithm, and wakes of different words do not depend on each other.
//!
//! - A timed wait, while the execution has time-outs left, first yields: loom explores what the others may do meanwhile. When it is
//!   still in the table then, it times out. Give a model as many time-outs as its timed waits need that nobody wakes.
//! - A wait sleeps, while the execution has spurious wake-ups left, on a `Notify`, of which loom explores "returned for no reason"
//!   once. When it is still in the table then, that was one.
//! - Any other sleeps until it is woken, on a channel, which is one step for either side.
//!
//! A task's wait that is dropped stays in the table and takes a wake, as `Atomics.waitAsync` does.
//!
//! LOOM: to be woken adds a happens-before edge from waker to waiter, which the contract does not promise. ThreadSanitizer judges, on
//! Linux, whether the atomics alone synchronise. And a wait ends early only after a step of another thread, if one can run: loom's way
//! to branch yields.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll, Waker};
use std::cell::RefCell;
use std::sync::Arc;

use loom::sync::Notify;
use loom::sync::mpsc::{Sender, channel};

use super::clock::Deadline;
use super::futex::{NAP, Outcome};
use super::platform;
use super::shim::AtomicU32;

/// Who sleeps, and how it is woken.
enum Sleeper {
    /// A thread that will look into the table by itself.
    Yielding,
    /// A thread whose wait may end for no reason.
    Restless(Arc<Notify>),
    /// A thread whose wait ends by a wake only.
    Sound(Sender<()>),
    /// A task, or none when its future has been dropped.
    Task(Option<Waker>),
}

struct Entry {
    address: usize,
    ticket: usize,
    sleeper: Sleeper,
}

struct Table {
    /// Oldest first.
    entries: Vec<Entry>,
    next_ticket: usize,
}

impl Table {
    const EMPTY: Self = Self {
        entries: Vec::new(),
        next_ticket: 0,
    };

    fn enter(&mut self, word: &AtomicU32, sleeper: Sleeper) -> usize {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.entries.push(Entry {
            address: core::ptr::from_ref(word).addr(),
            ticket,
            sleeper,
        });
        ticket
    }

    /// Says how to wake the ticket's owner from now on, and returns how until now. Gives it back when the owner has been woken.
    fn change(&mut self, ticket: usize, sleeper: Sleeper) -> Result<Sleeper, Sleeper> {
        let mut entries = self.entries.iter_mut();
        match entries.find(|entry| entry.ticket == ticket) {
            Some(entry) => Ok(core::mem::replace(&mut entry.sleeper, sleeper)),
            None => Err(sleeper),
        }
    }

    /// Takes the ticket out, unless it has been woken.
    fn leave(&mut self, ticket: usize) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.ticket != ticket);
        self.entries.len() < before
    }

    fn holds(&self, ticket: usize) -> bool {
        self.entries.iter().any(|entry| entry.ticket == ticket)
    }

    fn take(&mut self, address: usize) -> Option<Sleeper> {
        let index = self
            .entries
            .iter()
            .position(|entry| entry.address == address)?;
        Some(self.entries.remove(index).sleeper)
    }
}

thread_local! {
    static TABLE: RefCell<Table> = const { RefCell::new(Table::EMPTY) };
}

/// Starts an execution with an empty table.
pub(crate) fn begin() {
    drop(TABLE.replace(Table::EMPTY));
}

/// Works on the table, in one step: nothing in `act` is an operation of loom's.
fn with_table<R>(act: impl FnOnce(&mut Table) -> R) -> R {
    TABLE.with_borrow_mut(act)
}

/// The latest value of the word, as a futex sees it. In loom's eyes it depends on every store to it.
fn latest(word: &AtomicU32) -> u32 {
    // Relaxed: a wait never synchronises. Exchanging a value for itself changes nothing.
    word.compare_exchange(u32::MAX, u32::MAX, Ordering::Relaxed, Ordering::Relaxed)
        .unwrap_or_else(|value| value)
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Deadline>) -> Outcome {
    if latest(word) != expected {
        return Outcome::Mismatch;
    }
    if deadline.is_some_and(Deadline::passed) {
        return Outcome::TimedOut;
    }
    let ticket = with_table(|table| table.enter(word, Sleeper::Yielding));
    if let Some(deadline) = deadline
        && platform::may_time_out(deadline)
    {
        loom::thread::yield_now();
        // A step on which the waker's store depends: it comes before or after.
        latest(word);
        // Another wait may have taken the last time-out meanwhile: then this one sleeps on.
        if with_table(|table| table.holds(ticket)) && platform::take_timeout() {
            with_table(|table| table.leave(ticket));
            platform::advance_to(deadline);
            return Outcome::TimedOut;
        }
    }
    if platform::may_wake_spuriously() {
        restless(ticket);
    } else {
        let (wake, woken) = channel();
        if with_table(|table| table.change(ticket, Sleeper::Sound(wake))).is_ok() {
            woken.recv().expect("the table keeps the sender");
        }
    }
    Outcome::Woken
}

/// Sleeps until it is woken, or for no reason is not.
fn restless(ticket: usize) {
    let notify = Arc::new(Notify::new());
    let _ = with_table(|table| table.change(ticket, Sleeper::Restless(Arc::clone(&notify))));
    while with_table(|table| table.holds(ticket)) {
        notify.wait();
        if with_table(|table| table.holds(ticket)) && platform::take_spurious() {
            with_table(|table| table.leave(ticket));
        }
    }
}

/// As on the web and on Linux.
pub(crate) const NAPS: bool = true;

/// Times out as long as the execution has time-outs left.
pub(crate) fn nap(word: &AtomicU32, expected: u32) -> Outcome {
    wait(word, expected, Some(Deadline::after(NAP)))
}

pub(crate) fn wake_napper(word: *const AtomicU32) {
    wake(word);
}

pub(crate) fn wake(word: *const AtomicU32) {
    match with_table(|table| table.take(word.addr())) {
        None | Some(Sleeper::Yielding | Sleeper::Task(None)) => {}
        Some(Sleeper::Sound(wake)) => wake.send(()).expect("the sleeper waits for it"),
        Some(Sleeper::Restless(notify)) => notify.notify(),
        Some(Sleeper::Task(Some(waker))) => waker.wake(),
    }
}

/// The future of `wait_async`.
#[derive(Debug)]
pub(crate) struct WaitAsync {
    word: &'static AtomicU32,
    expected: u32,
    /// Present while this is, or was, in the table.
    ticket: Option<usize>,
}

impl WaitAsync {
    pub(crate) fn new(word: &'static AtomicU32, expected: u32) -> Self {
        Self {
            word,
            expected,
            ticket: None,
        }
    }
}

impl Future for WaitAsync {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        // Before it is needed: to clone one of loom's wakers is an operation of loom.
        let waker = context.waker().clone();
        // A step on which the waker's store depends.
        let value = latest(self.word);
        let sleeper = Sleeper::Task(Some(waker));
        let Some(ticket) = self.ticket else {
            if value != self.expected {
                return Poll::Ready(Outcome::Mismatch);
            }
            self.ticket = Some(with_table(|table| table.enter(self.word, sleeper)));
            return Poll::Pending;
        };
        // One of the two wakers is dropped here, outside the table.
        match with_table(|table| table.change(ticket, sleeper)) {
            Ok(_) => Poll::Pending,
            Err(_) => {
                self.ticket = None;
                Poll::Ready(Outcome::Woken)
            }
        }
    }
}

impl Drop for WaitAsync {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            // It stays, and takes a wake, without a task to wake.
            drop(with_table(|table| {
                table.change(ticket, Sleeper::Task(None))
            }));
        }
    }
}
