//! Memory that is part of the program: pages of a static, for a memory that cannot grow.
//!
//! The count of pages that have been taken is in the region itself, so that no two users of it get the same page.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{MAX_PAGES, PAGE};

/// `BYTES` of memory in a static, for [`Arenas::over`]: what an allocator lives on where the module's memory cannot grow.
///
/// It is whole pages of 64 KiB, and takes up one more. It is zero at the start and so adds nothing to the size of a module. (An allocator over it
/// adds its own 16 KiB, which are zeros but for the place of the region.) Where the memory is imported, as with threads, the module's
/// start function clears it once, on the first agent: that touches all of it, so make it no larger than the program needs.
///
/// Pages are taken off it from the front and never put back: two allocators over one region share it. Where the memory can grow it is asked for
/// 256 KiB to 1 MiB at a time, so that what is left of a region, if it is less, is used last.
///
/// [`Arenas::over`]: crate::alloc::Arenas::over
///
/// # Examples
///
/// ```
/// use web_sync::alloc::{Arenas, Region};
///
/// static HEAP: Region<{ 16 << 20 }> = Region::new();
///
/// #[global_allocator]
/// static ALLOC: Arenas = Arenas::over(&HEAP);
///
/// # fn main() {
/// assert_eq!(vec![1; 1_000].len(), 1_000);
/// # }
/// ```
#[repr(C)]
#[cfg_attr(target_arch = "wasm32", repr(align(65536)))]
pub struct Region<const BYTES: usize> {
    bytes: UnsafeCell<[u8; BYTES]>,
    /// Not every system aligns a static to pages as large as these. There they begin within the first of these bytes.
    #[cfg(not(target_arch = "wasm32"))]
    more: UnsafeCell<[u8; PAGE]>,
    /// Pages that have been taken.
    used: AtomicU32,
}

// SAFETY: `Extent::take` gives each page to one caller only, and nobody else touches the bytes.
unsafe impl<const BYTES: usize> Sync for Region<BYTES> {}

impl<const BYTES: usize> Region<BYTES> {
    /// Memory that nobody uses yet. A number of bytes that is not one of whole pages does not compile.
    ///
    /// # Examples
    ///
    /// ```
    /// use web_sync::alloc::Region;
    ///
    /// static HEAP: Region<{ 1 << 20 }> = Region::new();
    /// ```
    ///
    /// ```compile_fail
    /// use web_sync::alloc::Region;
    ///
    /// static HEAP: Region<100_000> = Region::new();
    /// ```
    #[allow(clippy::new_without_default, reason = "a region is a static")]
    pub const fn new() -> Self {
        const {
            assert!(
                BYTES > 0 && BYTES.is_multiple_of(PAGE),
                "whole pages of 64 KiB"
            );
            assert!(BYTES / PAGE < MAX_PAGES as usize, "less than 4 GiB");
        }
        Self {
            bytes: UnsafeCell::new([0; BYTES]),
            #[cfg(not(target_arch = "wasm32"))]
            more: UnsafeCell::new([0; PAGE]),
            used: AtomicU32::new(0),
        }
    }

    /// What of it an allocator keeps.
    pub(crate) const fn extent(&'static self) -> Extent {
        Extent {
            memory: ptr::from_ref(self).cast_mut().cast(),
            pages: (BYTES / PAGE) as u32,
            used: &self.used,
        }
    }
}

#[cfg(target_arch = "wasm32")]
const _: () = assert!(align_of::<Region<PAGE>>() == PAGE);

impl<const BYTES: usize> fmt::Debug for Region<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("pages", &(BYTES / PAGE))
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

/// A region of any size.
#[derive(Debug)]
pub(crate) struct Extent {
    /// Where it begins.
    memory: *mut u8,
    /// How many there are.
    pages: u32,
    /// How many have been taken.
    used: &'static AtomicU32,
}

// SAFETY: a static region, which is `Sync`.
unsafe impl Sync for Extent {}
// SAFETY: as above.
unsafe impl Send for Extent {}

impl Extent {
    /// The next so many pages: the first one's index.
    ///
    /// The loop ends: an exchange is lost only to somebody who has taken a page, and there are no more than `pages` of them.
    pub(super) fn take(&self, pages: u32) -> Option<u32> {
        self.memory.expose_provenance();
        // Relaxed: nothing is published by who takes pages, and what is in them was there before any agent.
        let taken = self
            .used
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(pages).filter(|end| *end <= self.pages)
            });
        taken.ok()
    }

    /// Takes so many pages from this one on, if it is the next. False also where that is the end of the region.
    pub(super) fn take_at(&self, index: u32, pages: u32) -> bool {
        let Some(end) = index.checked_add(pages).filter(|end| *end <= self.pages) else {
            return false;
        };
        // Relaxed: as in `take`, by which somebody has got what lies before.
        let taken = self
            .used
            .compare_exchange(index, end, Ordering::Relaxed, Ordering::Relaxed);
        taken.is_ok()
    }

    /// Whether the page is one of the region's, or the one behind its last, which is nobody else's.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn has(&self, index: u32) -> bool {
        index <= self.pages
    }

    /// The address of its first page.
    pub(super) fn start(&self) -> usize {
        let start = self.memory.addr();
        // Natively there is one page more, see `Region`.
        start.next_multiple_of(PAGE)
    }
}
