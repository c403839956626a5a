//! std. On an agent that must not block, a contended call executes a wait instruction.

use super::{Condvars, Rival};
use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

/// `std::sync`.
pub struct Std;

impl Rival for Std {
    const NAME: &'static str = "std";
    type Mutex = Mutex<u32>;
    type Guard<'a> = MutexGuard<'a, u32>;
    type RwLock = RwLock<u32>;
    type ReadGuard<'a> = RwLockReadGuard<'a, u32>;

    fn mutex() -> Mutex<u32> {
        Mutex::new(0)
    }

    #[inline(always)]
    fn lock(mutex: &Mutex<u32>) -> MutexGuard<'_, u32> {
        mutex.lock().unwrap()
    }

    fn rwlock() -> RwLock<u32> {
        RwLock::new(0)
    }

    #[inline(always)]
    fn read(lock: &RwLock<u32>) -> RwLockReadGuard<'_, u32> {
        lock.read().unwrap()
    }
}

impl Condvars for Std {
    type Condvar = Condvar;

    fn condvar() -> Condvar {
        Condvar::new()
    }

    #[inline(always)]
    fn wait<'a>(condvar: &'a Condvar, guard: MutexGuard<'a, u32>) -> MutexGuard<'a, u32> {
        condvar.wait(guard).unwrap()
    }

    #[inline(always)]
    fn notify_one(condvar: &Condvar) {
        condvar.notify_one();
    }
}
