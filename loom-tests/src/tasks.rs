//! Tasks and a mutex, alone and beside threads.

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use std::sync::Arc;

use crate::Scene;
use crate::mutex::Sum;
use crate::scene::Stage;
use crate::world::{Flag, pause, poll_once, rounds, urgent};

models![tasks: two_add, three_add, one_adds_beside_two_threads, one_adds_beside_one_that_times_out, a_task_does_not_starve,
    a_reservation_lapses, a_reservation_yields_to_an_agent_that_must_not_block;
    stale: two_add];

/// Adds as a task does.
pub(crate) async fn add(sum: Arc<Sum>, loom: u32) {
    for _ in 0..rounds(loom) {
        sum.add_under(sum.mutex.lock_async().await);
    }
}

/// Suspends until the next wake-up, whoever it is meant for.
pub(crate) async fn next_wake() {
    let mut polled = false;
    poll_fn(|_| {
        if core::mem::replace(&mut polled, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Two tasks exclude each other, and the one that waits is woken.
///
/// Seen to fail: a task's claim does not acquire; a woken task that lost is never woken again; a task queues without settling.
#[must_use]
pub fn two_add() -> Scene {
    Stage::new(Sum::new())
        .task(|sum| add(sum, 2))
        .task(|sum| add(sum, 2))
        .end(Sum::check)
}

/// Two tasks and a thread in one queue.
///
/// Seen to fail: a task's claim does not acquire; a woken task that lost is never woken again; a task queues without settling.
#[must_use]
pub fn three_add() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .task(|sum| add(sum, 1))
        .task(|sum| add(sum, 1))
        .end(Sum::check)
}

/// A task between two threads.
///
/// Seen to fail: a task queues without settling; a woken thread that takes the lock does not say that others wait (L3); the
/// fast path does not acquire.
#[must_use]
pub fn one_adds_beside_two_threads() -> Scene {
    Stage::new(Sum::new())
        .task(|sum| add(sum, 1))
        .thread(|sum| sum.add_often(1))
        .thread(|sum| sum.add_often(1))
        .end(Sum::check)
}

/// A thread that gives up leaves what it was sent to the task behind it.
///
/// Seen to fail: who leaves the queue does not settle; a task's claim does not acquire; a woken task that lost is never woken
/// again.
#[must_use]
pub fn one_adds_beside_one_that_times_out() -> Scene {
    Stage::new(Sum::new())
        .timeouts(1)
        .thread(|sum| sum.add_often(1))
        .thread(crate::mutex::add_if_in_time)
        .task(|sum| add(sum, 1))
        .end(Sum::check)
}

/// For a task that loses every race the mutex is reserved after a few.
///
/// Seen to fail: a task's lost races are not counted; a task's claim does not acquire; a woken task that lost is never woken
/// again.
#[must_use]
pub fn a_task_does_not_starve() -> Scene {
    Stage::new(Sum::new())
        .thread(Sum::hammer)
        .task(|sum| async move {
            sum.add_under(sum.mutex.lock_async().await);
            sum.served.set();
        })
        .end(Sum::check)
}

/// So often a task has to look until it has lost so many races that the mutex is reserved for it.
const POLLS: u32 = if cfg!(web_sync_loom) { 3 } else { 9 };

/// A task for which the mutex is reserved, and which is not run.
struct Absent {
    sum: Sum,
    /// The task runs no more.
    gone: Flag,
}

impl Absent {
    fn new() -> Self {
        Self {
            sum: Sum::new(),
            gone: Flag::default(),
        }
    }

    /// Makes the task lose until it runs no more.
    fn outrun(&self) {
        while !self.gone.get() {
            let guard = self.sum.mutex.lock();
            pause();
            self.sum.add_under(guard);
        }
    }

    /// Loses races, if it can, until the mutex is reserved, and then does not come before the others are done.
    async fn lose(self: Arc<Self>) {
        let mut lock = pin!(self.sum.mutex.lock_async());
        for _ in 0..POLLS {
            if let Poll::Ready(guard) = poll_once(lock.as_mut()).await {
                self.sum.add_under(guard);
                break;
            }
            next_wake().await;
        }
        self.gone.set();
        while !self.sum.served.get() {
            pause();
        }
    }
}

/// A reservation does not outlive its time: a thread that waits ends it.
///
/// Seen to fail: a reservation does not lapse; nobody watches a reservation.
#[must_use]
pub fn a_reservation_lapses() -> Scene {
    Stage::new(Absent::new())
        .timeouts(2)
        .task(Absent::lose)
        .thread(|absent| {
            absent.outrun();
            absent.sum.add();
            absent.sum.served.set();
        })
        .end(|absent| absent.sum.check())
}

/// An agent that must not block takes a reserved mutex, and needs no time-out for that.
///
/// Seen to fail: an agent that must not block has no rank.
#[must_use]
pub fn a_reservation_yields_to_an_agent_that_must_not_block() -> Scene {
    Stage::new(Absent::new())
        .task(Absent::lose)
        .thread(|absent| {
            urgent(|| {
                absent.outrun();
                absent.sum.add();
            });
            absent.sum.served.set();
        })
        .end(|absent| absent.sum.check())
}
