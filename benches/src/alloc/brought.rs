//! Engines of other crates behind this crate's arenas: what another engine would change, with magazines, arenas and pages the same.

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::{self, NonNull};

use dlmalloc::Dlmalloc;
use rlsf::Tlsf;
use talc::base::Talc;
use talc::source::Manual;
use talc::wasm::WasmBinning;
use web_sync::alloc::Engine;

use super::dlmalloc::{FromSource, Source};

/// rlsf's two-level segregated fit, with as many lists as this crate's has.
pub struct Rlsf(Tlsf<'static, u32, u16, 20, 16>);

// SAFETY: rlsf's pool is an allocator of what is inserted; it neither waits nor allocates, and has checks only where debug assertions are on.
unsafe impl Engine for Rlsf {
    fn new() -> Self {
        Self(Tlsf::new())
    }

    unsafe fn add(&mut self, start: *mut u8, bytes: usize) {
        if let Some(start) = NonNull::new(start) {
            let region = NonNull::slice_from_raw_parts(start, bytes);
            // SAFETY: as the caller says.
            unsafe { self.0.insert_free_block_ptr(region) };
        }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let block = self.0.allocate(layout);
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: as the caller says.
            unsafe { self.0.deallocate(block, layout.align()) };
        }
    }
}

/// talc's bins.
pub struct TalcBase(Talc<Manual, WasmBinning>);

// SAFETY: as above. talc's own lists lie in the first region, and it has no source to ask.
unsafe impl Engine for TalcBase {
    fn new() -> Self {
        Self(Talc::new(Manual))
    }

    unsafe fn add(&mut self, start: *mut u8, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe { self.0.claim(start, bytes) };
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is not zero.
        let block = unsafe { self.0.try_allocate(layout) };
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.0.deallocate(block, layout) };
    }

    #[inline]
    unsafe fn resize(&mut self, block: *mut u8, layout: Layout, size: usize) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.0.try_realloc_in_place(block, layout, size) }
    }
}

/// dlmalloc's trees. It asks for memory by itself, and gets what was added since.
pub struct DlTrees(Dlmalloc<FromSource<Added>>);

/// A region that was added and not asked for yet.
struct Added(Cell<(*mut u8, usize)>);

/// None.
const NONE: (*mut u8, usize) = (ptr::null_mut(), 0);

// SAFETY: what the pointer leads to is the engine's alone.
unsafe impl Send for Added {}

// SAFETY: each region is handed out once. The first may be smaller than what was asked for: it is kept, and the request fails. The others are
// not (`region_for`, and what `add` says of the call after it).
unsafe impl Source for Added {
    const ZEROS: bool = false;

    fn more(&self, _: usize) -> (*mut u8, usize) {
        self.0.replace(NONE)
    }
}

// SAFETY: as above. Its memory is the region that was added last, which it asks for in the first call that finds nothing else: a region is
// only added after such a call, but for the first one, which is followed by one.
unsafe impl Engine for DlTrees {
    fn new() -> Self {
        Self(Dlmalloc::new_with_allocator(FromSource(Added(Cell::new(
            NONE,
        )))))
    }

    unsafe fn add(&mut self, start: *mut u8, bytes: usize) {
        self.0.allocator().0.0.set((start, bytes));
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is not zero.
        unsafe { self.0.malloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.0.free(block, layout.size(), layout.align()) };
    }
}
