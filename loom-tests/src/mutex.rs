//! Threads and a mutex.

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Data, Flag, SOON, Tally, pause, rounds, urgent};
use web_sync::nonpoison::{Mutex, MutexGuard};

models![mutex: two_add, three_add, three_add_and_wake_for_no_reason, two_add_and_one_tries, time_out_against_unlock,
    two_time_out, nobody_starves, an_agent_that_must_not_block_does_not_starve, an_agent_that_must_not_block_among_others;
    stale: two_add, three_add, two_add_and_one_tries, an_agent_that_must_not_block_does_not_starve];

/// A number behind a mutex, and what it should be.
pub(crate) struct Sum {
    pub(crate) mutex: Mutex<Data>,
    added: Tally,
    /// The one that others hammer against has had its turn.
    pub(crate) served: Flag,
}

impl Sum {
    pub(crate) fn new() -> Self {
        Self {
            mutex: Mutex::new(Data::default()),
            added: Tally::default(),
            served: Flag::default(),
        }
    }

    pub(crate) fn add(&self) {
        self.add_under(self.mutex.lock());
    }

    pub(crate) fn add_under(&self, mut guard: MutexGuard<'_, Data>) {
        guard.add();
        self.added.add();
    }

    pub(crate) fn add_often(&self, loom: u32) {
        for _ in 0..rounds(loom) {
            self.add();
        }
    }

    /// Takes the mutex again and again until another agent has had its turn: for ever, if that one starves.
    pub(crate) fn hammer(&self) {
        while !self.served.get() {
            let mut guard = self.mutex.lock();
            // So that the other sees the mutex locked, whenever it looks.
            pause();
            guard.add();
            self.added.add();
        }
    }

    /// Nothing was lost, and nobody has left the mutex locked or reserved.
    pub(crate) fn check(&self) {
        let guard = self.mutex.try_lock().expect("nobody holds it");
        assert_eq!(guard.get(), self.added.get());
    }
}

/// Two threads exclude each other, and the one that waits is woken.
///
/// Seen to fail: the fast path does not acquire; a thread that falls asleep overwrites its signal; a release does not release.
#[must_use]
pub fn two_add() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(2))
        .thread(|sum| sum.add_often(2))
        .end(Sum::check)
}

/// Three threads: one is woken while another still works on the queue, and releases leave their work to it (`PENDING`).
///
/// Seen to fail: the message `PENDING` does not release; the queue's unlock does not acquire; a woken thread that takes the
/// lock does not say that others wait (L3).
#[must_use]
pub fn three_add() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .thread(|sum| sum.add_often(1))
        .thread(|sum| sum.add_often(1))
        .end(Sum::check)
}

/// A wait that ends for no reason is no signal.
///
/// Seen to fail: a wake-up without a signal counts as one; a signal is read without acquiring; a signal does not release.
#[must_use]
pub fn three_add_and_wake_for_no_reason() -> Scene {
    Stage::new(Sum::new())
        .spurious(1)
        .thread(|sum| sum.add_often(1))
        .thread(|sum| sum.add_often(1))
        .thread(|sum| sum.add_often(1))
        .end(Sum::check)
}

/// One that only tries takes the mutex from a woken waiter, which must not be forgotten for that.
///
/// Seen to fail: a woken thread that takes the lock does not say that others wait (L3); the fast path does not acquire; a
/// thread that falls asleep overwrites its signal.
#[must_use]
pub fn two_add_and_one_tries() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .thread(|sum| sum.add_often(1))
        .thread(|sum| {
            for _ in 0..rounds(1) {
                if let Ok(guard) = sum.mutex.try_lock() {
                    sum.add_under(guard);
                }
            }
        })
        .end(Sum::check)
}

pub(crate) fn add_if_in_time(sum: &Sum) {
    for _ in 0..rounds(1) {
        if let Ok(guard) = sum.mutex.try_lock_for(SOON) {
            sum.add_under(guard);
        }
    }
}

/// A waiter gives up while it is signalled: either it takes what it was sent, or the next one gets it.
///
/// Seen to fail: who leaves the queue does not settle; a signal is read without acquiring; a signal does not release.
#[must_use]
pub fn time_out_against_unlock() -> Scene {
    Stage::new(Sum::new())
        .timeouts(1)
        .thread(|sum| sum.add_often(1))
        .thread(add_if_in_time)
        .thread(|sum| sum.add_often(1))
        .end(Sum::check)
}

/// Two give up.
///
/// Seen to fail: who leaves the queue does not settle; a signal is read without acquiring; a signal does not release.
#[must_use]
pub fn two_time_out() -> Scene {
    Stage::new(Sum::new())
        .timeouts(2)
        .thread(|sum| sum.add_often(1))
        .thread(add_if_in_time)
        .thread(add_if_in_time)
        .end(Sum::check)
}

/// A thread that loses every race is handed the mutex after a few.
///
/// Seen to fail: a thread's lost races are not counted; a handoff does not acquire; a signal is read without acquiring.
#[must_use]
pub fn nobody_starves() -> Scene {
    Stage::new(Sum::new())
        .thread(Sum::hammer)
        .thread(|sum| {
            sum.add();
            sum.served.set();
        })
        .end(Sum::check)
}

/// The same for one that spins.
///
/// Seen to fail: a handoff does not acquire; a signal is read without acquiring; a signal does not release.
#[must_use]
pub fn an_agent_that_must_not_block_does_not_starve() -> Scene {
    Stage::new(Sum::new())
        .thread(Sum::hammer)
        .thread(|sum| {
            urgent(|| sum.add());
            sum.served.set();
        })
        .end(Sum::check)
}

/// One that spins among two that sleep.
///
/// Seen to fail: a handoff does not acquire; a signal is read without acquiring; a signal does not release.
///
/// LOOM: not two that spin. Each lets the other go on for ever, in loom's eyes; on real threads they are in the stress tests.
#[must_use]
pub fn an_agent_that_must_not_block_among_others() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .thread(|sum| sum.add_often(1))
        .thread(|sum| urgent(|| sum.add_often(1)))
        .end(Sum::check)
}
