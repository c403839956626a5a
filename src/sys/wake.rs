//! Waking a task, and letting go of its waker: foreign code, which may panic.

use core::mem;
use core::task::Waker;
use std::panic::{self, AssertUnwindSafe};

/// Wakes a task. A panic of its waker, which the hook has reported, ends here: whoever wakes has others to wake, and may be a
/// guard's `drop`, a timer's thread, or a caller whose own waiter is linked.
pub(crate) fn wake_task(waker: Waker) {
    contain(|| waker.wake());
}

/// Drops a waker, if there is one, where a panic would lose what its task has just been given.
pub(crate) fn drop_waker(waker: impl Into<Option<Waker>>) {
    if let Some(waker) = waker.into() {
        contain(|| drop(waker));
    }
}

fn contain(foreign: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(foreign)) {
        // The payload is foreign too, and so is what its own drop may panic with: that one is leaked.
        if let Err(last) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(last);
        }
    }
}
