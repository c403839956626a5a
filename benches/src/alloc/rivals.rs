//! The allocators that are compared. Each is called directly; the module's own allocator stays std's, so that all meet the same harness.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

use lol_alloc::{FreeListAllocator, LockedAllocator};
use talc::sync::TalcLock;
use talc::wasm::{WasmBinning, WasmGrowAndClaim};
use web_sync::alloc::Arenas;

use super::brought::{DlTrees, Rlsf, TalcBase};
use super::dlmalloc::SpinDlmalloc;

/// An allocator.
pub trait Allocator: 'static {
    /// Its name in the results.
    const NAME: &'static str;

    /// Whether it wants agents that have used no other of this crate's allocators: an agent has the magazines of the first one.
    const ALONE: bool = false;

    /// The one instance of it.
    fn get() -> &'static impl GlobalAlloc;

    /// What it wants to be told when a worker ends.
    fn exit() {}
}

macro_rules! allocators {
    ($($(#[$meta:meta])* $name:ident = $title:literal: $ty:ty = $value:expr $(, at exit $exit:ident)? $(, alone $alone:literal)?;)*) => {$(
        $(#[$meta])*
        pub struct $name;

        impl $name {
            fn instance() -> &'static $ty {
                static ALLOC: $ty = $value;
                &ALLOC
            }
        }

        impl Allocator for $name {
            const NAME: &'static str = $title;
            $(const ALONE: bool = $alone;)?

            fn get() -> &'static impl GlobalAlloc {
                Self::instance()
            }

            $(fn exit() {
                Self::instance().$exit();
            })?
        }
    )*};
}

allocators! {
    /// This crate's.
    WebSync = "web-sync": Arenas = Arenas::new(), at exit thread_exit;
    /// std's: dlmalloc behind a spin lock.
    Std = "std": System = System;
    /// The same with memory of its own.
    Dl = "dlmalloc": SpinDlmalloc = SpinDlmalloc::new();
    /// talc as its documentation has it for threads: behind a spin lock.
    Talc = "talc": TalcLock<spinning_top::RawSpinlock, WasmGrowAndClaim, WasmBinning> =
        TalcLock::new(WasmGrowAndClaim);
    /// lol_alloc's free list, behind a spin lock.
    LolAlloc = "lol_alloc": LockedAllocator<FreeListAllocator> =
        LockedAllocator::new(FreeListAllocator::new());
    /// Arenas with agents that are as fresh as those of the next ones.
    OverTlsf = "arenas over Tlsf": Arenas = Arenas::new(), at exit thread_exit, alone true;
    /// Other engines behind this crate's arenas.
    OverRlsf = "arenas over rlsf": Arenas<Rlsf> = Arenas::new(), at exit thread_exit, alone true;
    OverTalc = "arenas over talc": Arenas<TalcBase> = Arenas::new(), at exit thread_exit, alone true;
    OverDl = "arenas over dlmalloc": Arenas<DlTrees> = Arenas::new(), at exit thread_exit, alone true;
    /// No allocator: what the harness costs, and how often the system interrupts it.
    Raw = "raw": Places = Places;
}

/// Hands out the places of the running agent's own table in turn. They serve for [`COUNT`] blocks, which is enough for a case where each
/// block is freed before so many others are allocated.
pub struct Places;

/// Places of an agent: more than `work::LIVE` and a batch of the main thread.
const COUNT: usize = 128;
/// Bytes of a place, for the blocks of `work::churn`.
const SIZE: usize = 264;

#[repr(align(8))]
struct Table(UnsafeCell<[[u8; SIZE]; COUNT]>);

thread_local! {
    static TABLE: Table = const { Table(UnsafeCell::new([[0; SIZE]; COUNT])) };
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: by the rule above nobody has the place that is handed out.
unsafe impl GlobalAlloc for Places {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        assert!(layout.size() <= SIZE, "no room");
        let next = NEXT.get();
        NEXT.set((next + 1) % COUNT);
        TABLE.with(|table| table.0.get().cast::<u8>().wrapping_add(next * SIZE))
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        std::hint::black_box(block);
    }
}
