//! Where a job leaves its result: memory that the worker writes once and the owner of the handle reads afterwards.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::Error;

/// Set by nobody; the worker has not begun.
const QUEUED: u32 = 0;
/// Set by the worker when the job begins.
const RUNNING: u32 = 1;
/// Set by the worker after `result` is written; nothing writes the slot from then on.
const FINISHED: u32 = 2;

pub(crate) struct Slot<T> {
    state: AtomicU32,
    result: UnsafeCell<Option<Result<T, Error>>>,
}

// SAFETY: `result` is written by the one worker that runs the job before FINISHED is released, and read only after FINISHED has
// been acquired, by the one handle. It moves from thread to thread and is never shared: `T: Send` is enough.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(crate) const fn new() -> Self {
        Self {
            state: AtomicU32::new(QUEUED),
            result: UnsafeCell::new(None),
        }
    }

    pub(crate) fn begin(&self) {
        // ORDERING: Relaxed, publishes nothing: `has_begun` only answers "has it begun?".
        self.state.store(RUNNING, Ordering::Relaxed);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.state.load(Ordering::Relaxed) != QUEUED
    }

    pub(crate) fn is_finished(&self) -> bool {
        // ORDERING: Acquire, partner `finish`: publishes `result` and everything that the job did.
        self.state.load(Ordering::Acquire) == FINISHED
    }

    /// Writes the result; only the first call counts.
    ///
    /// # Safety
    ///
    /// Only the worker that runs the job may call this.
    pub(crate) unsafe fn finish(&self, result: Result<T, Error>) {
        if self.is_finished() {
            return;
        }
        // SAFETY: the caller is the one writer, and not FINISHED means that the reader keeps away.
        unsafe { *self.result.get() = Some(result) };
        // ORDERING: Release, partner `is_finished`: publishes `result`.
        self.state.store(FINISHED, Ordering::Release);
    }

    /// Takes the result, if the job has finished.
    ///
    /// # Safety
    ///
    /// Only the one handle may call this.
    pub(crate) unsafe fn take(&self) -> Option<Result<T, Error>> {
        if !self.is_finished() {
            return None;
        }
        // SAFETY: FINISHED was acquired, so the worker does not touch `result` again; the caller is the one reader.
        unsafe { (*self.result.get()).take() }
    }
}
