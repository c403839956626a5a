//! Room for one message. Whether one is in there, and whose it is, says the word beside it.

use crate::sys::shim::UnsafeCell;
use core::mem::MaybeUninit;

/// Room for a message. To drop it drops none.
pub(super) struct MessageCell<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> MessageCell<T> {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// # Safety
    ///
    /// The room is the caller's, and empty.
    pub(super) unsafe fn put(&self, message: T) {
        self.0.with_mut(|cell| {
            // SAFETY: by contract.
            unsafe { (*cell).write(message) };
        });
    }

    /// # Safety
    ///
    /// There is a message, which is the caller's, and nobody takes it again.
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: by contract.
        self.0
            .with_mut(|cell| unsafe { (*cell).assume_init_read() })
    }
}
