//! async-lock without its feature `std`, with which it locks a std mutex inside. It has no blocking calls on this target:
//! they are made of `try_lock` and an executor that runs one future.

use super::block_on::block_on;
use super::{Rival, Tasks};
use async_lock::{Mutex, MutexGuard, RwLock, RwLockReadGuard};

/// `async-lock` 3.
pub struct AsyncLock;

impl Rival for AsyncLock {
    const NAME: &'static str = "async-lock";
    type Mutex = Mutex<u32>;
    type Guard<'a> = MutexGuard<'a, u32>;
    type RwLock = RwLock<u32>;
    type ReadGuard<'a> = RwLockReadGuard<'a, u32>;

    fn mutex() -> Mutex<u32> {
        Mutex::new(0)
    }

    #[inline(always)]
    fn lock(mutex: &Mutex<u32>) -> MutexGuard<'_, u32> {
        match mutex.try_lock() {
            Some(guard) => guard,
            None => block_on(mutex.lock()),
        }
    }

    fn rwlock() -> RwLock<u32> {
        RwLock::new(0)
    }

    #[inline(always)]
    fn read(lock: &RwLock<u32>) -> RwLockReadGuard<'_, u32> {
        match lock.try_read() {
            Some(guard) => guard,
            None => block_on(lock.read()),
        }
    }
}

impl Tasks for AsyncLock {
    fn lock_async(mutex: &Mutex<u32>) -> impl Future<Output = MutexGuard<'_, u32>> {
        mutex.lock()
    }
}
