//! A module that uses a mutex, a reader-writer lock and a condition variable, and does nothing else.
//!
//! `cargo xtask test wasm-check` reads the built wasm: where the wait instruction stands, what the release paths reach, how
//! large the code is. `cargo xtask size` builds it with other locks and compares.

#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]

#[cfg(feature = "check")]
mod check;
mod locks;

#[cfg(feature = "js")]
use js_sys as _;
use locks::{Condvar, Mutex, RwLock};

/// Defines functions that the module exports under their own names.
macro_rules! entry {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$meta])*
        // SAFETY: the names are this module's own and collide with no other symbol.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: $ty),*) $(-> $ret)? $body
    )*};
}
#[cfg(feature = "check")]
pub(crate) use entry;

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
