//! Tasks that wait for a word, where there is no `Atomics.waitAsync`: a table of addresses and the signals of the tasks.
//!
//! A task that is dropped leaves the table, and hands on a wake that it has got but not seen.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering, fence};
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::futex::Outcome;
use super::shim::AtomicU32;
use super::signal::Signal;

/// One task that waits.
struct Entry {
    address: usize,
    signal: Arc<Signal>,
}

/// Who waits, oldest first.
static TABLE: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// The length of the table, or one more for each task that is about to enter it.
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn table() -> MutexGuard<'static, Vec<Entry>> {
    // Nothing under the lock panics but for want of memory.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether any task waits for any word.
pub(crate) fn any() -> bool {
    // Relaxed: the fences of `native::wake` and `WaitAsync::poll` order it.
    COUNT.load(Ordering::Relaxed) != 0
}

/// Completes the oldest task that waits for that address; false when there is none.
pub(crate) fn wake(word: *const AtomicU32) -> bool {
    let found = remove(&mut table(), |entry| entry.address == word.addr());
    if let Some(entry) = &found {
        // Outside the lock, for it runs a waker.
        entry.signal.complete();
    }
    found.is_some()
}

fn remove(table: &mut Vec<Entry>, matches: impl FnMut(&Entry) -> bool) -> Option<Entry> {
    let index = table.iter().position(matches)?;
    // Relaxed: see `any`; the table's lock keeps count and table together.
    COUNT.fetch_sub(1, Ordering::Relaxed);
    Some(table.remove(index))
}

/// The future of `wait_async`.
#[derive(Debug)]
pub(crate) struct WaitAsync {
    word: &'static AtomicU32,
    expected: u32,
    /// Present while this is, or was, in the table.
    signal: Option<Arc<Signal>>,
}

impl WaitAsync {
    pub(crate) fn new(word: &'static AtomicU32, expected: u32) -> Self {
        Self {
            word,
            expected,
            signal: None,
        }
    }

    /// Enters the table unless the word differs.
    fn enter(&mut self) -> bool {
        let mut table = table();
        // Relaxed: the fence orders it.
        COUNT.fetch_add(1, Ordering::Relaxed);
        // ORDERING: SeqCst fence B; fence A is in `native::wake`, where the two cases are argued.
        fence(Ordering::SeqCst);
        // Relaxed: the future never synchronises, its user re-reads the word.
        if self.word.load(Ordering::Relaxed) != self.expected {
            // Relaxed: see `any`.
            COUNT.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        let signal = Arc::new(Signal::new());
        table.push(Entry {
            address: core::ptr::from_ref(self.word).addr(),
            signal: Arc::clone(&signal),
        });
        self.signal = Some(signal);
        true
    }
}

impl Future for WaitAsync {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        if self.signal.is_none() && !self.enter() {
            return Poll::Ready(Outcome::Mismatch);
        }
        let signal = self.signal.as_ref().expect("`enter` has set it");
        match signal.poll(context) {
            Poll::Ready(()) => {
                self.signal = None;
                Poll::Ready(Outcome::Woken)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for WaitAsync {
    fn drop(&mut self) {
        let Some(signal) = self.signal.take() else {
            return;
        };
        let removed = remove(&mut table(), |entry| Arc::ptr_eq(&entry.signal, &signal));
        if removed.is_none() {
            // The wake has come, and nobody has seen it.
            super::futex::wake(self.word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::pin::pin;
    use core::task::Waker;

    #[test]
    fn a_task_that_is_dropped_hands_its_wake_on_and_leaves_nothing_behind() {
        static WORD: AtomicU32 = AtomicU32::new(0);
        let mut context = Context::from_waker(Waker::noop());
        let mut wait = || {
            let mut task = Box::pin(WaitAsync::new(&WORD, 0));
            assert!(task.as_mut().poll(&mut context).is_pending());
            task
        };
        let (gone, first, mut second) = (wait(), wait(), wait());
        drop(gone);
        assert!(wake(&WORD));
        // Completed, not polled.
        drop(first);
        assert_eq!(
            second.as_mut().poll(&mut context),
            Poll::Ready(Outcome::Woken)
        );
        drop(second);
        assert!(!wake(&WORD));
    }

    #[test]
    fn a_task_that_came_too_late_does_not_count() {
        static WORD: AtomicU32 = AtomicU32::new(1);
        let mut context = Context::from_waker(Waker::noop());
        let mut task = pin!(WaitAsync::new(&WORD, 0));
        let ready = Poll::Ready(Outcome::Mismatch);
        assert_eq!(task.as_mut().poll(&mut context), ready);
        assert!(!wake(&WORD));
    }
}
