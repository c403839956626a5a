//! dlmalloc as std has it for wasm with threads, with memory of its own.
//!
//! std's `System` is the same engine behind the same lock, and serves the harness as well. So what `System` holds says nothing about a
//! case; of this one everything is known. In the other cases it shows what the harness costs: it should be as fast as `System`.

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::memory_grow;
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

/// Bytes of a page of wasm.
const PAGE: usize = 64 * 1024;

/// Where an engine has its memory from; it never gives any back.
///
/// # Safety
///
/// What it gives is nobody else's, and zero if it says so.
pub unsafe trait Source {
    /// Whether that is zero.
    const ZEROS: bool;

    /// More memory and how much it is, for so many bytes or whatever there is; null if there is none.
    fn more(&self, bytes: usize) -> (*mut u8, usize);
}

/// A source, as dlmalloc wants it.
pub struct FromSource<S>(pub S);

// SAFETY: what is asked of a source.
unsafe impl<S: Source + Send> Allocator for FromSource<S> {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let (start, bytes) = self.0.more(size);
        (start, bytes, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        S::ZEROS
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}

/// Takes memory by `memory.grow` only. dlmalloc's own source would first take what is left of the initial memory, which std's has.
struct Grow;

// SAFETY: pages that the memory has just grown by are nobody else's, and zero.
unsafe impl Source for Grow {
    const ZEROS: bool = true;

    fn more(&self, bytes: usize) -> (*mut u8, usize) {
        let pages = bytes.div_ceil(PAGE);
        let first = memory_grow::<0>(pages);
        // The last page of all is not used: its end would be address 0.
        if first == usize::MAX || first + pages > usize::MAX / PAGE {
            return (ptr::null_mut(), 0);
        }
        let start = ptr::with_exposed_provenance_mut(first * PAGE);
        (start, pages * PAGE)
    }
}

/// The engine behind a spin lock.
pub struct SpinDlmalloc {
    locked: AtomicU32,
    engine: UnsafeCell<Dlmalloc<FromSource<Grow>>>,
}

// SAFETY: the engine is reached through the lock only.
unsafe impl Sync for SpinDlmalloc {}

impl SpinDlmalloc {
    pub const fn new() -> Self {
        Self {
            locked: AtomicU32::new(0),
            engine: UnsafeCell::new(Dlmalloc::new_with_allocator(FromSource(Grow))),
        }
    }

    /// As std does it: a swap, again and again, without a pause.
    fn with<T>(&self, run: impl FnOnce(&mut Dlmalloc<FromSource<Grow>>) -> T) -> T {
        // ORDERING: Acquire, partner of the swap below: the engine.
        while self.locked.swap(1, Ordering::Acquire) != 0 {}
        // SAFETY: the lock is held.
        let result = run(unsafe { &mut *self.engine.get() });
        // ORDERING: Release, partner of the swap above: the engine.
        self.locked.swap(0, Ordering::Release);
        result
    }
}

// SAFETY: the engine is an allocator, and one agent at a time is in it.
unsafe impl GlobalAlloc for SpinDlmalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        self.with(|engine| unsafe { engine.malloc(layout.size(), layout.align()) })
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        self.with(|engine| unsafe { engine.free(block, layout.size(), layout.align()) });
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller says.
        self.with(|engine| unsafe { engine.realloc(block, layout.size(), layout.align(), size) })
    }
}
