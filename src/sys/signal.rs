//! An event that happens once, and the task that waits for it.
//!
//! # Protocol
//!
//! Whoever touches `waker` holds [`LOCKED`]. It is held for a few instructions, in which no code of a user runs: wakers are
//! cloned before and woken or dropped after. So spinning for it is short on every agent.

use core::cell::UnsafeCell;
use core::mem;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll, Waker};

use super::spin::Spin;
use super::{drop_waker, wake_task};

/// Somebody reads or writes `waker`. Set and cleared by [`Signal::with`].
const LOCKED: u32 = 0b01;
/// The event has happened. Set by [`Signal::complete`], never cleared.
const DONE: u32 = 0b10;

/// An event that happens once.
#[derive(Debug)]
pub(crate) struct Signal {
    /// [`LOCKED`] and [`DONE`].
    state: AtomicU32,
    /// The task to wake; only under [`LOCKED`].
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: `waker` is only reached in `with`, which gives one thread at a time access; `Waker` is Send and Sync.
unsafe impl Sync for Signal {}

impl Signal {
    pub(crate) const fn new() -> Self {
        Self {
            state: AtomicU32::new(0),
            waker: UnsafeCell::new(None),
        }
    }

    /// Makes the event happen and wakes the task that waits for it.
    pub(crate) fn complete(&self) {
        let waker = self.with(|waker| (waker.take(), DONE));
        if let Some(waker) = waker {
            wake_task(waker);
        }
    }

    /// Whether the event has happened.
    pub(crate) fn is_done(&self) -> bool {
        // ORDERING: Acquire pairs with the release in `with`, called by `complete`: who sees the event sees what came before it.
        self.state.load(Ordering::Acquire) & DONE != 0
    }

    /// Ready when the event has happened; otherwise the task is woken when it does.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.is_done() {
            return Poll::Ready(());
        }
        let new = context.waker().clone();
        let old = self.with(|waker| (waker.replace(new), 0));
        drop(old);
        // After the waker is in place: an event that happened before has not seen it.
        if self.is_done() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Runs `act` alone, and sets the bits that it returns.
    fn with<R>(&self, act: impl FnOnce(&mut Option<Waker>) -> (R, u32)) -> R {
        // ORDERING: Acquire pairs with the release below: the waker that the last holder left is whole.
        while self.state.fetch_or(LOCKED, Ordering::Acquire) & LOCKED != 0 {
            Spin::pause();
        }
        // SAFETY: LOCKED was clear and is now set, by us: nobody else is in here. `act` does not come back here, since it only
        // moves wakers.
        let (result, bits) = act(unsafe { &mut *self.waker.get() });
        // Relaxed: only the holder of LOCKED changes the other bits.
        let done = (self.state.load(Ordering::Relaxed) | bits) & DONE;
        // ORDERING: Release pairs with the acquire above, and with `is_done`.
        self.state.store(done, Ordering::Release);
        result
    }
}

impl Drop for Signal {
    /// It may go in the middle of a poll, together with a timer.
    fn drop(&mut self) {
        drop_waker(self.waker.get_mut().take());
    }
}

const _: () = assert!(mem::size_of::<Signal>() <= 3 * mem::size_of::<usize>());

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_last_waker_is_woken_once() {
        let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let signal = Signal::new();
        for count in [&first, &last] {
            let waker = Waker::from(Arc::clone(count));
            assert!(signal.poll(&Context::from_waker(&waker)).is_pending());
        }
        signal.complete();
        signal.complete();
        assert!(signal.is_done());
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(last.0.load(Ordering::Relaxed), 1);
        let waker = Waker::from(first);
        assert!(signal.poll(&Context::from_waker(&waker)).is_ready());
    }

    #[test]
    fn an_event_that_races_with_poll_is_not_missed() {
        for _ in 0..30 {
            let signal = Arc::new(Signal::new());
            let count = Arc::new(Count::default());
            let waker = Waker::from(Arc::clone(&count));
            let other = std::thread::spawn({
                let signal = Arc::clone(&signal);
                move || signal.complete()
            });
            let polled = signal.poll(&Context::from_waker(&waker));
            other.join().unwrap();
            assert!(polled.is_ready() || count.0.load(Ordering::Relaxed) == 1);
        }
    }
}
