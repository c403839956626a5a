//! Parking: the token of an agent, its thread and its tasks.
//!
//! The agent that parks is the one that sets the scene, so it plays the first role.

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use crate::Scene;
use crate::scene::Stage;
use crate::tasks::next_wake;
use crate::world::{Flag, Note, SOON, bury, pass_time, pause, poll_once, urgent};
use web_sync::thread::{self, Thread};

models![park: a_thread_parks, an_agent_that_must_not_block_parks, a_task_parks, a_token_of_two, two_unpark, two_unpark_a_task,
    time_out_against_unpark, a_task_that_times_out_against_unpark, a_thread_goes_before_its_own_task,
    a_dropped_future_leaves_its_token, the_next_task_gets_the_next_token, a_task_without_its_token_is_woken_again;
    stale: a_thread_parks, a_task_parks, a_token_of_two];

/// One of the agents that unpark.
#[derive(Default)]
struct Side {
    /// What it did before.
    note: Note,
    /// It is about to unpark.
    will: Flag,
    /// It has unparked.
    did: Flag,
}

/// The agent that parks, and those that unpark it.
struct Seat {
    owner: Thread,
    left: Side,
    right: Side,
    /// The owner waits no more.
    done: Flag,
}

impl Seat {
    fn new() -> Self {
        if !cfg!(web_sync_loom) {
            // An earlier scene on this thread may have left its token.
            thread::park_timeout(Duration::ZERO);
        }
        Self {
            owner: thread::current(),
            left: Side::default(),
            right: Side::default(),
            done: Flag::default(),
        }
    }

    fn unpark(&self, side: &Side) {
        side.note.add();
        side.will.set();
        self.owner.unpark();
        side.did.set();
    }

    fn left(&self) {
        self.unpark(&self.left);
    }

    fn right(&self) {
        self.unpark(&self.right);
    }

    fn both_will(&self) -> bool {
        self.left.will.get() && self.right.will.get()
    }

    fn check(&self, notes: u32) {
        assert_eq!(self.left.note.get() + self.right.note.get(), notes);
    }

    /// The owner has used the only token, and sees what was done before.
    fn used(&self) {
        assert_eq!(self.left.note.get(), 1);
        let mut another = pin!(thread::park_async());
        let polled = another
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "a token too many");
    }
}

/// The token is there before, or the thread waits for it, asleep or about to sleep; nothing else lets it go on. Two agents: nobody
/// else touches a token.
///
/// Seen to fail: handing the token over does not acquire (K1); a token that is handed over stays; an unpark looks at the
/// queue only if there was a token.
#[must_use]
pub fn a_thread_parks() -> Scene {
    Stage::new(Seat::new())
        .spurious(1)
        .thread(|seat| {
            thread::park();
            seat.used();
        })
        .thread(Seat::left)
        .end(|seat| seat.check(1))
}

/// The same for one that spins.
///
/// Seen to fail: handing the token over does not acquire (K1); a token that is handed over stays; an unpark does not
/// release.
#[must_use]
pub fn an_agent_that_must_not_block_parks() -> Scene {
    Stage::new(Seat::new())
        .thread(|seat| {
            urgent(thread::park);
            seat.used();
        })
        .thread(Seat::left)
        .end(|seat| seat.check(1))
}

/// The same for a task.
///
/// Seen to fail: a task that was not woken counts as noticed; taking the token does not acquire; an unpark does not
/// release.
#[must_use]
pub fn a_task_parks() -> Scene {
    Stage::new(Seat::new())
        .task(|seat| async move {
            thread::park_async().await;
            seat.used();
        })
        .thread(Seat::left)
        .end(|seat| seat.check(1))
}

/// Two unpark before the owner parks: one token, and it stands for both (K1).
///
/// Seen to fail: an unpark loads and stores; taking the token does not acquire; an unpark does not release.
#[must_use]
pub fn a_token_of_two() -> Scene {
    Stage::new(Seat::new())
        .thread(|seat| {
            while !(seat.left.did.get() && seat.right.did.get()) {
                pause();
            }
            thread::park();
            seat.check(2);
        })
        .thread(Seat::left)
        .thread(Seat::right)
        .end(|seat| seat.check(2))
}

/// Two unpark while the owner parks, as often as it takes: the later one is never lost.
///
/// Seen to fail: an unpark loads and stores; handing the token over does not acquire (K1); an unpark looks at the queue
/// only if there was a token.
#[must_use]
pub fn two_unpark() -> Scene {
    Stage::new(Seat::new())
        .thread(|seat| {
            while !seat.both_will() {
                thread::park();
            }
        })
        .thread(Seat::left)
        .thread(Seat::right)
        .end(|seat| seat.check(2))
}

/// The same for a task.
///
/// Seen to fail: an unpark loads and stores; a task that was not woken counts as noticed; an unpark looks at the queue only
/// if there was a token.
#[must_use]
pub fn two_unpark_a_task() -> Scene {
    Stage::new(Seat::new())
        .task(|seat| async move {
            while !seat.both_will() {
                thread::park_async().await;
            }
        })
        .thread(Seat::left)
        .thread(Seat::right)
        .end(|seat| seat.check(2))
}

/// The owner gives up while it is unparked: the token is used, or stays.
///
/// Seen to fail: an unpark loads and stores; an unpark looks at the queue only if there was a token.
#[must_use]
pub fn time_out_against_unpark() -> Scene {
    Stage::new(Seat::new())
        .timeouts(1)
        .thread(|seat| {
            while !seat.both_will() {
                thread::park_timeout(SOON);
            }
        })
        .thread(Seat::left)
        .thread(Seat::right)
        .end(|seat| seat.check(2))
}

/// The same for a task. Two agents: the one that unparks lets time pass as well.
///
/// Seen to fail: a task that was not woken counts as noticed; taking the token does not acquire; an unpark looks at the
/// queue only if there was a token.
#[must_use]
pub fn a_task_that_times_out_against_unpark() -> Scene {
    Stage::new(Seat::new())
        .task(|seat| async move {
            thread::park_timeout_async(SOON).await;
            if !seat.left.will.get() {
                thread::park_async().await;
                assert_eq!(seat.left.note.get(), 1);
            }
            seat.done.set();
        })
        .thread(|seat| {
            pass_time(SOON);
            seat.left();
            while !seat.done.get() {
                pass_time(SOON);
                pause();
            }
        })
        .end(|seat| seat.check(1))
}

/// A thread that blocks gets the token before a task of its own that came first, since that could not run (K2).
///
/// Seen to fail: the owner has no rank (K2); a token that is handed over stays; handing the token over does not acquire
/// (K1).
#[must_use]
pub fn a_thread_goes_before_its_own_task() -> Scene {
    Stage::new(Seat::new())
        .task(|seat| async move {
            let mut first = Box::pin(thread::park_async());
            if poll_once(first.as_mut()).await.is_pending() {
                thread::park();
            }
            bury(first);
            seat.used();
        })
        .thread(Seat::left)
        .end(|seat| seat.check(1))
}

/// A token for which a task was woken is for the next one, if the task is dropped.
///
/// Seen to fail: a task that was not woken counts as noticed; taking the token does not acquire; an unpark looks at the
/// queue only if there was a token.
#[must_use]
pub fn a_dropped_future_leaves_its_token() -> Scene {
    Stage::new(Seat::new())
        .task(|seat| async move {
            let mut first = Box::pin(thread::park_async());
            let mut second = Box::pin(thread::park_async());
            let taken = poll_once(first.as_mut()).await.is_ready()
                || poll_once(second.as_mut()).await.is_ready();
            bury(first);
            if !taken {
                second.await;
            }
            seat.used();
        })
        .thread(Seat::left)
        .end(|seat| seat.check(1))
}

/// Two tasks of one agent, two tokens: when the first task has its token, the second is noticed again.
///
/// Seen to fail: a task that was not woken counts as noticed; an unpark loads and stores; an unpark looks at the queue only
/// if there was a token.
#[must_use]
pub fn the_next_task_gets_the_next_token() -> Scene {
    Stage::new(Seat::new())
        .task(|seat: Arc<Seat>| async move {
            let mut tasks = [pin!(thread::park_async()), pin!(thread::park_async())];
            let mut waiting = [true; 2];
            loop {
                for (task, waiting) in tasks.iter_mut().zip(&mut waiting) {
                    if *waiting && matches!(poll_once(task.as_mut()).await, Poll::Ready(())) {
                        *waiting = false;
                        seat.done.set();
                    }
                }
                if waiting == [false; 2] {
                    break;
                }
                next_wake().await;
            }
            seat.check(2);
        })
        .thread(Seat::left)
        .thread(|seat| {
            while !seat.done.get() {
                pause();
            }
            seat.right();
        })
        .end(|seat| seat.check(2))
}

/// A task was woken for a token that its thread then took: it is woken for the next one too (K3).
///
/// Seen to fail: the owner has no rank (K2); a task that was not woken counts as noticed; a token that is handed over
/// stays.
#[must_use]
pub fn a_task_without_its_token_is_woken_again() -> Scene {
    Stage::new(Seat::new())
        .task(|seat| async move {
            let mut first = Box::pin(thread::park_async());
            let taken = poll_once(first.as_mut()).await.is_ready();
            if !taken {
                thread::park();
            }
            seat.done.set();
            if taken {
                thread::park();
            } else {
                first.await;
            }
            seat.check(2);
        })
        .thread(Seat::left)
        .thread(|seat| {
            while !seat.done.get() {
                pause();
            }
            seat.right();
        })
        .end(|seat| seat.check(2))
}
