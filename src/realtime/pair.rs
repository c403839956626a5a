//! Memory with two owners, which may be on two agents.
//!
//! # Invariants
//!
//! - **P1** The memory lives as long as one of its two ends. The second end that goes frees it, and has acquired all that the first one
//!   ever did.

use crate::sys::shim::{AtomicU32, Ordering};
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

struct Pair<S> {
    /// Not 0: one end is gone.
    half_gone: AtomicU32,
    shared: S,
}

/// One of the two ends.
pub(super) struct End<S>(NonNull<Pair<S>>);

// SAFETY: an end gives shared access to what both have, and the last one drops it (P1).
unsafe impl<S: Send + Sync> Send for End<S> {}
// SAFETY: as above.
unsafe impl<S: Send + Sync> Sync for End<S> {}

impl<S> UnwindSafe for End<S> {}
impl<S> RefUnwindSafe for End<S> {}

impl<S> End<S> {
    pub(super) fn both(shared: S) -> [Self; 2] {
        let pair = Box::new(Pair {
            half_gone: AtomicU32::new(0),
            shared,
        });
        let pair = NonNull::from(Box::leak(pair));
        [Self(pair), Self(pair)]
    }

    /// Whether the other end is gone. If so, all that it did has been acquired.
    #[inline]
    pub(super) fn is_alone(&self) -> bool {
        // ORDERING: Acquire, partner of the Release in `drop`: what the other end did before it went.
        self.pair().half_gone.load(Ordering::Acquire) != 0
    }

    #[inline(always)]
    fn pair(&self) -> &Pair<S> {
        // SAFETY: an end keeps it alive (P1).
        unsafe { self.0.as_ref() }
    }
}

impl<S> Deref for End<S> {
    type Target = S;

    #[inline(always)]
    fn deref(&self) -> &S {
        &self.pair().shared
    }
}

impl<S> Drop for End<S> {
    fn drop(&mut self) {
        // ORDERING: Release publishes what this end did, to `is_alone` and to the second end. Acquire: the second end sees what the first
        // one did (P1).
        if self.pair().half_gone.swap(1, Ordering::AcqRel) != 0 {
            // SAFETY: it came from a box, and both ends are gone (P1).
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}
