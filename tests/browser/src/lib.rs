//! Tests on the agents of a page: each file in `tests/` is one page, one worker or one Node process of its own.
//!
//! Its allocator is the one of this package, [`ALLOC`], where the program imports that or `web_sync_browser_tests as _`. That is everywhere but
//! where the subject is another allocator, one that counts.
#![cfg(target_arch = "wasm32")]

use web_sync::alloc::Arenas;

/// The allocator of the tests.
#[global_allocator]
pub static ALLOC: Arenas = Arenas::new();
