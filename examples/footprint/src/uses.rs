//! What the module does with the locks.

use crate::entry;
use crate::locks::{self, Condvar, Mutex, RwLock};

static COUNT: Mutex<u32> = Mutex::new(0);
static TABLE: RwLock<[u32; 4]> = RwLock::new([0; 4]);
static CHANGED: Condvar = Condvar::new();

entry! {
    /// Adds under the mutex and wakes everyone who waits for the sum.
    fn footprint_add(amount: u32) -> u32 {
        let mut count = locks::lock(&COUNT);
        *count = count.wrapping_add(amount);
        CHANGED.notify_all();
        *count
    }

    /// Adds if the mutex is free.
    fn footprint_try_add(amount: u32) -> bool {
        let Some(mut count) = locks::try_lock(&COUNT) else {
            return false;
        };
        *count = count.wrapping_add(amount);
        CHANGED.notify_one();
        true
    }

    /// Waits until the sum is at least `least`.
    fn footprint_wait_for(least: u32) -> u32 {
        let mut count = locks::lock(&COUNT);
        while *count < least {
            count = locks::wait(&CHANGED, count);
        }
        *count
    }

    /// Reads the table.
    fn footprint_read(index: usize) -> u32 {
        locks::read(&TABLE)[index & 3]
    }

    /// Writes the table.
    fn footprint_write(index: usize, value: u32) {
        locks::write(&TABLE)[index & 3] = value;
    }
}

/// Makes every variant a module with wasm-bindgen in it, as every module with threads on the web is.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn footprint_sum(amount: u32) -> u32 {
    footprint_add(amount)
}
