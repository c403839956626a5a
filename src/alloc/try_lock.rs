//! A lock that can be tried and not waited for.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::shim::{AtomicU32, const_new};

const FREE: u32 = 0;
const TAKEN: u32 = 1;

/// The lock of an arena.
#[derive(Debug)]
pub struct TryLock {
    busy: AtomicU32,
}

/// The lock is taken; to drop this lets go.
#[derive(Debug)]
pub struct Held<'a>(&'a TryLock);

impl TryLock {
    const_new! {
        /// A free lock.
        #[cfg(feature = "__test")]
        #[allow(clippy::new_without_default, reason = "not const")]
        pub fn new() -> Self {
            Self { busy: AtomicU32::new(FREE) }
        }
    }

    const_new! {
        /// A lock that the caller has.
        pub fn taken() -> Self {
            Self { busy: AtomicU32::new(TAKEN) }
        }
    }

    /// Tries once.
    #[inline]
    pub fn try_lock(&self) -> Option<Held<'_>> {
        if self.busy.load(Relaxed) != FREE {
            return None;
        }
        // LOOM: a swap of a taken lock would do no harm, but a model then takes its store for newer than that of who lets go.
        // ORDERING: Acquire, partner of the store in `drop`: what its holder before did.
        let taken = self
            .busy
            .compare_exchange(FREE, TAKEN, Acquire, Relaxed)
            .is_ok();
        // Lazily: to drop a `Held` lets go of the lock, whoever has it.
        taken.then(|| Held(self))
    }

    /// The lock of who has made it taken.
    ///
    /// # Safety
    ///
    /// The caller has the lock, and nothing yet that lets go of it.
    pub unsafe fn assume_taken(&self) -> Held<'_> {
        Held(self)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // ORDERING: Release, partner of the exchange in `try_lock`: what was done under the lock.
        self.0.busy.store(FREE, Release);
    }
}
