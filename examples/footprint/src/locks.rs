//! The locks that the module is built with, behind functions of one shape.

/// `web_sync::nonpoison`: what the size of the others is compared with.
#[cfg(not(any(feature = "poison", feature = "std", feature = "parking-lot")))]
mod chosen {
    pub(crate) use web_sync::nonpoison::{Condvar, Mutex, RwLock};
    use web_sync::nonpoison::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock()
    }

    pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        mutex.try_lock().ok()
    }

    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mut guard = guard;
        condvar.wait(&mut guard);
        guard
    }

    pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
        lock.read()
    }

    pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
        lock.write()
    }
}

/// Locks with poisoning: ours, or std's.
#[cfg(all(any(feature = "poison", feature = "std"), not(feature = "parking-lot")))]
mod chosen {
    #[cfg(feature = "std")]
    use std::sync as given;
    #[cfg(not(feature = "std"))]
    use web_sync as given;

    pub(crate) use given::{Condvar, Mutex, RwLock};
    use given::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }

    pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        mutex.try_lock().ok()
    }

    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        condvar.wait(guard).unwrap()
    }

    pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
        lock.read().unwrap()
    }

    pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
        lock.write().unwrap()
    }
}

#[cfg(feature = "parking-lot")]
mod chosen {
    pub(crate) use parking_lot::{Condvar, Mutex, RwLock};
    use parking_lot::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock()
    }

    pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        mutex.try_lock()
    }

    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mut guard = guard;
        condvar.wait(&mut guard);
        guard
    }

    pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
        lock.read()
    }

    pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
        lock.write()
    }
}

pub(crate) use chosen::{Condvar, Mutex, RwLock, lock, read, try_lock, wait, write};
