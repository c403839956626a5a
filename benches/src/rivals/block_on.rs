//! An executor that runs one future, for rivals that have no blocking calls on this target.

use std::arch::wasm32::{memory_atomic_notify, memory_atomic_wait32};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Set by the waker, taken back before each poll.
const WOKEN: i32 = 1;

struct Signal(AtomicI32);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // ORDERING: Release, partner of the swap in `block_on`.
        self.0.store(WOKEN, Ordering::Release);
        // SAFETY: the address of a live atomic.
        unsafe { memory_atomic_notify(self.0.as_ptr(), 1) };
    }
}

thread_local! {
    static SIGNAL: Arc<Signal> = Arc::new(Signal(AtomicI32::new(0)));
}

/// Sleeps between polls where the agent may sleep, spins elsewhere.
#[cold]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let signal = SIGNAL.with(Arc::clone);
    let waker = Waker::from(signal.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        // ORDERING: Acquire, partner of the store in `wake`.
        while signal.0.swap(0, Ordering::Acquire) != WOKEN {
            if web_sync::agent::may_block() {
                // SAFETY: the address of a live atomic, on an agent that may block.
                unsafe { memory_atomic_wait32(signal.0.as_ptr(), 0, -1) };
            }
        }
    }
}
