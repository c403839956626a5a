//! wasm_safe_mutex: asks JS on each call whether the agent may block.

use super::{CondvarTasks, Condvars, Rival, Tasks};
use wasm_safe_mutex::condvar::Condvar;
use wasm_safe_mutex::guard::{Guard, ReadGuard};
use wasm_safe_mutex::{Mutex, rwlock::RwLock};

/// `wasm_safe_mutex` 0.2.
pub struct WasmSafeMutex;

impl Rival for WasmSafeMutex {
    const NAME: &'static str = "wasm_safe_mutex";
    type Mutex = Mutex<u32>;
    type Guard<'a> = Guard<'a, u32>;
    type RwLock = RwLock<u32>;
    type ReadGuard<'a> = ReadGuard<'a, u32>;

    fn mutex() -> Mutex<u32> {
        Mutex::new(0)
    }

    #[inline(always)]
    fn lock(mutex: &Mutex<u32>) -> Guard<'_, u32> {
        mutex.lock_sync()
    }

    fn rwlock() -> RwLock<u32> {
        RwLock::new(0)
    }

    #[inline(always)]
    fn read(lock: &RwLock<u32>) -> ReadGuard<'_, u32> {
        lock.lock_sync_read()
    }
}

impl Condvars for WasmSafeMutex {
    type Condvar = Condvar;

    fn condvar() -> Condvar {
        Condvar::new()
    }

    #[inline(always)]
    fn wait<'a>(condvar: &'a Condvar, guard: Guard<'a, u32>) -> Guard<'a, u32> {
        condvar.wait_sync(guard)
    }

    #[inline(always)]
    fn notify_one(condvar: &Condvar) {
        condvar.notify_one();
    }
}

impl Tasks for WasmSafeMutex {
    fn lock_async(mutex: &Mutex<u32>) -> impl Future<Output = Guard<'_, u32>> {
        mutex.lock_async()
    }
}

impl CondvarTasks for WasmSafeMutex {
    fn wait_async<'a>(
        condvar: &'a Condvar,
        guard: Guard<'a, u32>,
    ) -> impl Future<Output = Guard<'a, u32>> {
        condvar.wait_async(guard)
    }
}
