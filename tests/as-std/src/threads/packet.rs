//! What a thread leaves for whoever joins it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::Result;

use web_sync::{Condvar, Mutex};

/// The result of a thread, once.
pub(super) struct Packet<T> {
    result: Mutex<Option<Result<T>>>,
    filled: Condvar,
}

impl<T> Packet<T> {
    pub(super) const fn new() -> Self {
        Self {
            result: Mutex::new(None),
            filled: Condvar::new(),
        }
    }

    /// Runs the closure and keeps what becomes of it; says whether it panicked.
    pub(super) fn fill(&self, work: impl FnOnce() -> T) -> bool {
        let result = catch_unwind(AssertUnwindSafe(work));
        let panicked = result.is_err();
        *self.result.lock().unwrap() = Some(result);
        self.filled.notify_all();
        panicked
    }

    /// Waits for the result and takes it.
    #[track_caller]
    pub(super) fn wait(&self) -> Result<T> {
        let result = self.result.lock().unwrap();
        let filled = self.filled.wait_while(result, |result| result.is_none());
        filled.unwrap().take().expect("there is one handle")
    }

    pub(super) fn is_full(&self) -> bool {
        self.result.lock().unwrap().is_some()
    }
}
