//! std as the generated tests of `cargo xtask test std-suite` see it: std itself, with this project's crate in the place of
//! `std::sync`, and with already started workers in the place of `std::thread` on the web.
//!
//! A test of std needs one change to run here: `std::` becomes `as_std::`.
//!
//! ```
//! use as_std::sync::{Arc, Mutex};
//! use as_std::{mem, thread};
//!
//! let shared = Arc::new(Mutex::new(1));
//! let theirs = shared.clone();
//! thread::spawn(move || *theirs.lock().unwrap() += 1).join().unwrap();
//! assert_eq!(mem::take(&mut *shared.lock().unwrap()), 2);
//! ```

pub use std::*;

pub mod common;
pub mod rand;
pub mod threads;

/// `std::sync`.
pub mod sync {
    pub use web_sync::*;
}

/// `std::thread`: std's own where it works.
pub mod thread {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    pub use crate::threads::*;
    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    pub use std::thread::*;
}

/// `std::time`, with a clock that works on the web.
pub mod time {
    pub use std::time::*;
    pub use web_sync::Instant;
}

pub use threads::ready;

/// As a program with threads would have it.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[global_allocator]
static ALLOC: web_sync::alloc::Arenas = web_sync::alloc::Arenas::new();
