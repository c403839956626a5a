//! What an agent with a deadline may use: a ring and a latest-value cell. `spsc` and `triple_buffer` are their faces.
//!
//! | module | |
//! |---|---|
//! | [`pair`] | memory with two owners: it goes with the second one |
//! | [`ring`] | a queue from one agent to one other |
//! | [`triple`] | the latest value, from one agent to one other |
//!
//! This layer knows no waiters: nothing here waits, wakes, allocates after it was made, or loops; `sys::futex` is not used.

mod pair;
mod ring;
mod triple;

pub(crate) use ring::{Reader, Writer, ring};
pub(crate) use triple::{Input, Output, triple};

use core::ops::Deref;
use core::ptr;

/// A value that shares its cache line with nobody.
///
/// 128 bytes: x86-64 fetches lines of 64 bytes in pairs, Apple's processors have lines of 128. A wasm module cannot know which it runs on.
#[repr(align(128))]
struct Line<T>(T);

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Drops the items of both slices, even if one of them panics.
///
/// # Safety
///
/// They are items, and nobody uses them again.
pub(crate) unsafe fn drop_both<T>([first, second]: [*mut [T]; 2]) {
    struct Rest<T>(*mut [T]);

    impl<T> Drop for Rest<T> {
        fn drop(&mut self) {
            // SAFETY: by contract. A slice drops all of its items, even if one of them panics.
            unsafe { ptr::drop_in_place(self.0) };
        }
    }

    let _second = Rest(second);
    drop(Rest(first));
}
