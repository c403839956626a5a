//! Under loom: its cells, and its atomics with a choice of what a Relaxed load sees.
//!
//! loom lets a Relaxed load return every value that the memory model allows. Where such a load feeds a compare-exchange, as nearly all
//! of this crate's do, an old value only makes that fail; but the executions multiply by hundreds. So a load sees the latest value,
//! unless the model asks for old ones with [`read_stale`], which the smaller models do. Loads with Acquire are loom's own.
//!
//! LOOM: without stale values two loads of one word depend on each other, which adds schedules and hides none.

use core::cell::Cell;
use core::ops::Deref;
use core::ptr;

use loom::sync::atomic;

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::atomic::{Ordering, fence};

thread_local! {
    static STALE: Cell<bool> = const { Cell::new(false) };
}

/// Whether Relaxed loads may return old values, from now on.
pub(crate) fn read_stale(stale: bool) {
    STALE.set(stale);
}

/// Sets a word that nobody else can see; the model checks that.
pub(crate) fn set_unshared(word: &mut AtomicU32, value: u32) {
    word.0.with_mut(|word| *word = value);
}

/// Declares an atomic that is loom's but for its loads. `$never` is a value that it never has.
macro_rules! atomic {
    ($name:ident $(<$param:ident>)?, $value:ty, $never:expr) => {
        #[derive(Debug)]
        pub struct $name $(<$param>)? (atomic::$name $(<$param>)?);

        impl $(<$param>)? $name $(<$param>)? {
            #[track_caller]
            pub(crate) fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            #[track_caller]
            pub(crate) fn load(&self, order: Ordering) -> $value {
                if order != Ordering::Relaxed || STALE.get() {
                    return self.0.load(order);
                }
                // An exchange looks at the latest value, and this one always fails.
                self.0
                    .compare_exchange($never, $never, Ordering::Relaxed, Ordering::Relaxed)
                    .unwrap_or_else(|value| value)
            }
        }

        impl $(<$param>)? Deref for $name $(<$param>)? {
            type Target = atomic::$name $(<$param>)?;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}

atomic!(AtomicU32, u32, u32::MAX);
atomic!(
    AtomicPtr<T>,
    *mut T,
    ptr::without_provenance_mut(usize::MAX)
);
