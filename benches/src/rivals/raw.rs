//! What locks are made of: the floor that no lock can be under. Waits for nobody.

use super::Rival;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};

/// A compare-exchange to lock, a swap to unlock.
pub struct Raw;

#[derive(Default)]
pub struct Word {
    state: AtomicU32,
    value: UnsafeCell<u32>,
}

// SAFETY: `value` is reached through a guard, and `take` gives out one at a time.
unsafe impl Sync for Word {}

pub struct Guard<'a>(&'a Word);

impl Word {
    #[inline(always)]
    fn take(&self) -> Guard<'_> {
        // ORDERING: Acquire, partner of the Release in `drop`.
        let taken = self
            .state
            .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_err() {
            contended();
        }
        Guard(self)
    }
}

impl Drop for Guard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // ORDERING: Release, partner of the Acquire in `take`.
        if self.0.state.swap(0, Ordering::Release) == 2 {
            contended();
        }
    }
}

#[cold]
fn contended() {
    panic!("the bare atomics have no queue");
}

impl Deref for Guard<'_> {
    type Target = u32;

    #[inline(always)]
    fn deref(&self) -> &u32 {
        // SAFETY: the guard is the only one.
        unsafe { &*self.0.value.get() }
    }
}

impl DerefMut for Guard<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut u32 {
        // SAFETY: the guard is the only one.
        unsafe { &mut *self.0.value.get() }
    }
}

impl Rival for Raw {
    const NAME: &'static str = "raw";
    type Mutex = Word;
    type Guard<'a> = Guard<'a>;
    type RwLock = Word;
    type ReadGuard<'a> = Guard<'a>;

    fn mutex() -> Word {
        Word::default()
    }

    #[inline(always)]
    fn lock(mutex: &Word) -> Guard<'_> {
        mutex.take()
    }

    fn rwlock() -> Word {
        Word::default()
    }

    #[inline(always)]
    fn read(lock: &Word) -> Guard<'_> {
        lock.take()
    }
}
