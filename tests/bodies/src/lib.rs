//! Stress bodies: one body, run by native threads (plain, under Miri, under ThreadSanitizer) and by browser workers together with
//! the main thread.
//!
//! A body takes a [`Pool`] and a number of rounds, lets every worker *and the calling agent* work on one primitive, and asserts
//! an invariant. Data behind a lock is plain memory that a missing exclusion tears; a lost wake-up is a job that does not finish,
//! which the kit reports.

pub mod alloc;
pub mod barrier;
pub mod channel;
pub mod condvar;
pub mod event;
pub mod lazy_lock;
pub mod mutex;
pub mod once;
pub mod once_lock;
pub mod reentrant_lock;
pub mod rwlock;
pub mod select;
pub mod semaphore;
pub mod spsc;
pub mod thread;
pub mod triple_buffer;

use std::cell::UnsafeCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use web_sync_testkit::{Handle, Pool};

/// Two numbers that every writer moves in lockstep, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    left: u64,
    right: u64,
}

impl Pair {
    /// One step; asserts that nobody else was half-way.
    #[track_caller]
    pub(crate) fn step(&mut self) -> u64 {
        let left = self.get();
        self.left = left + 1;
        self.linger(left % 8);
        self.right = left + 1;
        left + 1
    }

    /// The number of steps, which stays what it is for a while.
    #[track_caller]
    pub(crate) fn get(&self) -> u64 {
        let left = self.left;
        self.linger(left % 8);
        let seen = [self.left, self.right];
        assert_eq!(seen, [left; 2], "two agents were inside");
        left
    }

    /// Widens the window in which somebody else must not come, without a call that could synchronise.
    fn linger(&self, turns: u64) {
        let turns = if cfg!(miri) { turns } else { 10 * turns };
        for _ in 0..turns {
            core::hint::black_box(self);
        }
    }
}

/// A pair without a lock around it: for what keeps agents apart by other means.
#[derive(Debug, Default)]
pub(crate) struct Shared(UnsafeCell<Pair>);

// SAFETY: that agents are kept apart is what the bodies assert; a fault tears the pair, and Miri and ThreadSanitizer report it.
unsafe impl Sync for Shared {}

impl Shared {
    /// One step of the pair.
    #[track_caller]
    pub(crate) fn step(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).step() }
    }

    /// The number of steps.
    #[track_caller]
    pub(crate) fn get(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).get() }
    }
}

/// Runs the job on every worker and, when all have begun, on this agent, which is the last index. The results in that order.
pub(crate) async fn everywhere<S, T>(pool: &Pool, state: &Arc<S>, job: fn(&S, u32) -> T) -> Vec<T>
where
    S: Send + Sync + 'static,
    T: Send + 'static,
{
    let handles = on_workers(pool, state, job).await;
    let here = job(state, pool.len() as u32);
    let mut results = join(handles).await;
    results.push(here);
    results
}

/// Starts the job on every worker; resolves when all have begun.
pub(crate) async fn on_workers<S, T>(
    pool: &Pool,
    state: &Arc<S>,
    job: fn(&S, u32) -> T,
) -> Vec<Handle<T>>
where
    S: Send + Sync + 'static,
    T: Send + 'static,
{
    let handles: Vec<_> = (0..pool.len())
        .map(|index| {
            let state = state.clone();
            pool.run(index, move || job(&state, index as u32))
        })
        .collect();
    for handle in &handles {
        handle.started().await.unwrap();
    }
    handles
}

pub(crate) async fn join<T: Send>(handles: Vec<Handle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for handle in handles {
        results.push(handle.join_async().await.unwrap());
    }
    results
}

/// Polls a future once with the waker of the task that runs here.
pub(crate) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    core::future::poll_fn(|cx: &mut Context<'_>| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Lets other tasks of this agent run.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    core::future::poll_fn(|cx: &mut Context<'_>| {
        if core::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Numbers that differ from agent to agent and are the same in every run.
pub(crate) struct Dice(u32);

impl Dice {
    pub(crate) fn new(seed: u32) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9) | 1)
    }

    /// One of `0..sides`.
    pub(crate) fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % sides
    }
}
