//! A module that uses a mutex, a reader-writer lock and a condition variable, and does nothing else. With the feature `boxes` it has a few
//! boxes and vectors instead.
//!
//! `cargo xtask test wasm-check` reads the built wasm: where the wait instruction stands, what the release paths reach, how
//! large the code is. `cargo xtask size` builds it with other locks, and with other allocators, and compares.

#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]

#[cfg(feature = "boxes")]
mod boxes;
#[cfg(feature = "check")]
mod check;
#[cfg(not(feature = "boxes"))]
mod locks;
#[cfg(not(feature = "boxes"))]
mod uses;

#[cfg(feature = "js")]
use js_sys as _;

/// Defines functions that the module exports under their own names.
#[cfg(any(feature = "check", not(feature = "boxes")))]
macro_rules! entry {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$meta])*
        // SAFETY: the names are this module's own and collide with no other symbol.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: $ty),*) $(-> $ret)? $body
    )*};
}
#[cfg(any(feature = "check", not(feature = "boxes")))]
pub(crate) use entry;
