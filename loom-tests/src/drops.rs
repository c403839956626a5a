//! Futures that are dropped before they are ready, at each point of their lives.

use core::task::Poll;
use std::sync::Arc;

use crate::Scene;
use crate::mutex::Sum;
use crate::scene::Stage;
use crate::tasks::{add, next_wake};
use crate::world::{bury, poll_once};

models![drops: while_queued, while_queued_before_a_thread, while_queued_before_a_task, when_woken_before_a_thread,
    when_woken_before_a_task, two_when_woken;
    stale: while_queued];

/// Polls the lock's future so often, each time when it is woken, and drops it after that many wake-ups.
async fn lock_and_drop(sum: Arc<Sum>, polls: u32, woken: bool) {
    let mut lock = Box::pin(sum.mutex.lock_async());
    for _ in 0..polls {
        if let Poll::Ready(guard) = poll_once(lock.as_mut()).await {
            sum.add_under(guard);
            break;
        }
        if woken {
            next_wake().await;
        }
    }
    bury(lock);
}

/// It leaves the queue, and is woken no more.
///
/// Seen to fail: a dropped future stays in the queue.
#[must_use]
pub fn while_queued() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(2))
        .task(|sum| lock_and_drop(sum, 1, false))
        .end(Sum::check)
}

/// It leaves the queue before a thread, which is woken in its place.
///
/// Seen to fail: a dropped future stays in the queue; who leaves the queue does not settle; a task queues without settling.
#[must_use]
pub fn while_queued_before_a_thread() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .task(|sum| lock_and_drop(sum, 1, false))
        .thread(|sum| sum.add_often(1))
        .end(Sum::check)
}

/// The same before a task.
///
/// Seen to fail: a dropped future stays in the queue; who leaves the queue does not settle; a task's claim does not acquire.
#[must_use]
pub fn while_queued_before_a_task() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .task(|sum| lock_and_drop(sum, 1, false))
        .task(|sum| add(sum, 1))
        .end(Sum::check)
}

/// It has been woken, so the next one has to be.
///
/// Seen to fail: a dropped future stays in the queue; a task queues without settling; a woken thread that takes the lock does
/// not say that others wait (L3).
#[must_use]
pub fn when_woken_before_a_thread() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .task(|sum| lock_and_drop(sum, 1, true))
        .thread(|sum| sum.add_often(1))
        .end(Sum::check)
}

/// The same before a task.
///
/// Seen to fail: a dropped future stays in the queue; who leaves the queue does not settle; a task's claim does not acquire.
#[must_use]
pub fn when_woken_before_a_task() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(1))
        .task(|sum| lock_and_drop(sum, 1, true))
        .task(|sum| add(sum, 1))
        .end(Sum::check)
}

/// One is dropped at its first wake-up, the other at its second.
///
/// Seen to fail: a dropped future stays in the queue; who leaves the queue does not settle; a task's claim does not acquire.
#[must_use]
pub fn two_when_woken() -> Scene {
    Stage::new(Sum::new())
        .thread(|sum| sum.add_often(2))
        .task(|sum| lock_and_drop(sum, 1, true))
        .task(|sum| lock_and_drop(sum, 2, true))
        .end(Sum::check)
}
