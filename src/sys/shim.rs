//! The only place that knows of loom: atomics, cells and spin hints, either the real ones or the model's.
//!
//! Everything above `sys` imports these names from here, so that one source of each algorithm is built for wasm, for native
//! targets and for the model checker.

#[cfg(not(web_sync_loom))]
mod imp {
    pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

    /// The fence of a Dekker pattern: `fence(SeqCst)` between the store and the load on either side.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) use core::sync::atomic::fence;
    // WASM: all atomic accesses are sequentially consistent there (threads proposal, "the memory model"), so that two of them
    // on different words never change places. What is left is to keep the compiler from changing them.
    #[cfg(target_family = "wasm")]
    pub(crate) use core::sync::atomic::compiler_fence as fence;

    /// Sets a word that nobody else can see. On wasm, where every atomic store is an exchange, that is cheaper than `store`.
    #[inline(always)]
    pub(crate) fn set_unshared(word: &mut AtomicU32, value: u32) {
        *word.get_mut() = value;
    }

    /// `UnsafeCell` with the model checker's interface: access goes through closures that say whether it writes.
    #[repr(transparent)]
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[cfg(web_sync_loom)]
#[path = "shim_model.rs"]
mod imp;

pub(crate) use imp::*;

/// Whether the model checker is the platform: for sizes that are policy, and that a model has to reach.
pub(crate) const MODEL: bool = cfg!(web_sync_loom);

/// Defines a constructor that is `const` everywhere but under loom, whose atomics register themselves with the running model.
macro_rules! const_new {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<const $size:ident: usize>)? ($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        $(#[$meta])* #[cfg(not(web_sync_loom))] $vis const fn $name $(<const $size: usize>)? ($($arg: $ty),*) -> $ret $body
        $(#[$meta])* #[cfg(web_sync_loom)] $vis fn $name $(<const $size: usize>)? ($($arg: $ty),*) -> $ret $body
    };
}
pub(crate) use const_new;

/// Items that need a constructor to be `const`, so that there are none of them under loom.
macro_rules! unmodelled {
    ($($item:item)*) => {$(#[cfg(not(web_sync_loom))] $item)*};
}
pub(crate) use unmodelled;

/// An array whose elements are all made by one expression, in a constant as well, but under loom.
macro_rules! array_new {
    ($element:expr) => {{
        #[cfg(not(web_sync_loom))]
        let array = [const { $element }; _];
        #[cfg(web_sync_loom)]
        let array = core::array::from_fn(|_| $element);
        array
    }};
}
pub(crate) use array_new;
