//! The allocators that are compared. Each is called directly; the module's own allocator stays std's, so that all meet the same harness.

use std::alloc::{GlobalAlloc, System};

use lol_alloc::{FreeListAllocator, LockedAllocator};
use talc::sync::TalcLock;
use talc::wasm::{WasmBinning, WasmGrowAndClaim};
use web_sync::alloc::Arenas;

/// An allocator.
pub trait Allocator: 'static {
    /// Its name in the results.
    const NAME: &'static str;

    /// The one instance of it.
    fn get() -> &'static impl GlobalAlloc;
}

macro_rules! allocators {
    ($($(#[$meta:meta])* $name:ident = $title:literal: $ty:ty = $value:expr;)*) => {$(
        $(#[$meta])*
        pub struct $name;

        impl Allocator for $name {
            const NAME: &'static str = $title;

            fn get() -> &'static impl GlobalAlloc {
                static ALLOC: $ty = $value;
                &ALLOC
            }
        }
    )*};
}

allocators! {
    /// This crate's.
    WebSync = "web-sync": Arenas = Arenas::new();
    /// std's: dlmalloc behind a spin lock.
    Std = "std": System = System;
    /// talc as its documentation has it for threads: behind a spin lock.
    Talc = "talc": TalcLock<spinning_top::RawSpinlock, WasmGrowAndClaim, WasmBinning> =
        TalcLock::new(WasmGrowAndClaim);
    /// lol_alloc's free list, behind a spin lock.
    LolAlloc = "lol_alloc": LockedAllocator<FreeListAllocator> =
        LockedAllocator::new(FreeListAllocator::new());
}
