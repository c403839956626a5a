//! This project's crate.

use super::{CondvarTasks, Condvars, Rival, Tasks};
use web_sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

/// `web_sync`.
pub struct WebSync;

impl Rival for WebSync {
    const NAME: &'static str = "web-sync";
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

impl Condvars for WebSync {
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

impl Tasks for WebSync {
    async fn lock_async(mutex: &Mutex<u32>) -> MutexGuard<'_, u32> {
        mutex.lock_async().await.unwrap()
    }
}

impl CondvarTasks for WebSync {
    async fn wait_async<'a>(
        condvar: &'a Condvar,
        guard: MutexGuard<'a, u32>,
    ) -> MutexGuard<'a, u32> {
        condvar.wait_async(guard).await.unwrap()
    }
}
