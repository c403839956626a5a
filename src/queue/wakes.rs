//! Wakes collected while a queue is locked and delivered after it is unlocked.

use super::{Signal, Waiter};
use crate::sys::wake_task;
use core::ptr;
use core::task::Waker;

/// How many of each kind one locked section may collect: enough that a crowd of readers is let in with few rounds, small
/// enough to live on the stack.
const CAPACITY: usize = 8;

/// Threads to signal and tasks to wake.
pub(crate) struct Wakes {
    threads: [(*const Waiter, Signal); CAPACITY],
    thread_count: usize,
    wakers: [Option<Waker>; CAPACITY],
    waker_count: usize,
}

impl Wakes {
    pub(crate) const fn new() -> Self {
        Self {
            threads: [(ptr::null(), Signal::Retry); CAPACITY],
            thread_count: 0,
            wakers: [const { None }; CAPACITY],
            waker_count: 0,
        }
    }

    /// Whether one more thread or task might not fit.
    pub(crate) fn is_full(&self) -> bool {
        self.thread_count == CAPACITY || self.waker_count == CAPACITY
    }

    /// Adds a thread, just taken out of its queue.
    pub(crate) fn push_thread(&mut self, waiter: *const Waiter, signal: Signal) {
        self.threads[self.thread_count] = (waiter, signal);
        self.thread_count += 1;
    }

    /// Adds the waker of a task.
    pub(crate) fn push_waker(&mut self, waker: Waker) {
        self.wakers[self.waker_count] = Some(waker);
        self.waker_count += 1;
    }

    /// Signals the threads, then runs the wakers, first come, first woken. No queue may be locked: wakers are foreign code.
    ///
    /// A waker that panics does not keep the others from being woken, nor does it unwind a stack whose waiter is linked (Q2).
    pub(crate) fn deliver(self) {
        for &(waiter, signal) in &self.threads[..self.thread_count] {
            // SAFETY: taken out of its queue and not signalled before, so its owner still waits for this (Q2, Q3).
            unsafe { Waiter::send(waiter, signal) };
        }
        for waker in self.wakers.into_iter().flatten() {
            wake_task(waker);
        }
    }
}
