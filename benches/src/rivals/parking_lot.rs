//! parking_lot with its feature `nightly`, without which it panics on the first contention.

use super::{Condvars, Rival};
use parking_lot::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

/// `parking_lot` 0.13.
pub struct ParkingLot;

impl Rival for ParkingLot {
    const NAME: &'static str = "parking_lot";
    type Mutex = Mutex<u32>;
    type Guard<'a> = MutexGuard<'a, u32>;
    type RwLock = RwLock<u32>;
    type ReadGuard<'a> = RwLockReadGuard<'a, u32>;

    fn mutex() -> Mutex<u32> {
        Mutex::new(0)
    }

    #[inline(always)]
    fn lock(mutex: &Mutex<u32>) -> MutexGuard<'_, u32> {
        mutex.lock()
    }

    fn rwlock() -> RwLock<u32> {
        RwLock::new(0)
    }

    #[inline(always)]
    fn read(lock: &RwLock<u32>) -> RwLockReadGuard<'_, u32> {
        lock.read()
    }
}

impl Condvars for ParkingLot {
    type Condvar = Condvar;

    fn condvar() -> Condvar {
        Condvar::new()
    }

    #[inline(always)]
    fn wait<'a>(condvar: &'a Condvar, mut guard: MutexGuard<'a, u32>) -> MutexGuard<'a, u32> {
        condvar.wait(&mut guard);
        guard
    }

    #[inline(always)]
    fn notify_one(condvar: &Condvar) {
        condvar.notify_one();
    }
}
