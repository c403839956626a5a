//! Natively: a range of addresses that is reserved at once and handed out page by page, as a memory of wasm is. The system gives
//! such a range memory when it is touched.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::alloc::{GlobalAlloc, Layout, System};

use super::region::Extent;
use super::{MAX_PAGES, PAGE, Source};

/// The smallest reservation that is tried, in pages.
const LEAST: u32 = 256;

/// A range of addresses.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The range, null before it is reserved.
    range: AtomicPtr<Head>,
    /// Pages that have been handed out.
    used: AtomicU32,
    /// How many pages to ask for.
    wanted: u32,
    /// What to use in place of a range.
    region: Option<Extent>,
}

/// What a range begins with. Its page 0 is not handed out.
struct Head {
    /// How many are.
    pages: u32,
    /// What the system returned.
    whole: *mut u8,
}

impl Memory {
    pub(crate) const fn new() -> Self {
        // An interpreter fills what it reserves; 32 bits have no room for 4 GiB.
        let small = cfg!(miri) || cfg!(target_pointer_width = "32");
        Self::with_pages(if small { 1 << 10 } else { MAX_PAGES - 1 })
    }

    /// A memory of at most so many pages.
    const fn with_pages(wanted: u32) -> Self {
        Self {
            range: AtomicPtr::new(ptr::null_mut()),
            used: AtomicU32::new(0),
            wanted,
            region: None,
        }
    }

    /// The pages of a region.
    pub(crate) const fn over(region: Extent) -> Self {
        Self {
            region: Some(region),
            ..Self::with_pages(0)
        }
    }

    /// Of the pages, page 0, and one that is lost to alignment. Not aligned to pages itself: std zeroes such memory by writing to all of it.
    fn layout(pages: u32) -> Option<Layout> {
        let bytes = (pages as usize).checked_add(2)?.checked_mul(PAGE)?;
        Layout::from_size_align(bytes, align_of::<Head>()).ok()
    }

    /// The range, reserved if need be; null if there is none to be had.
    fn range(&self) -> *mut Head {
        // ORDERING: Acquire, partner of the exchange in `install`: the number of pages, and zeros.
        let range = self.range.load(Ordering::Acquire);
        if range.is_null() {
            return self.reserve();
        }
        range
    }

    /// Reserves the range, or half of it, and so on.
    #[cold]
    fn reserve(&self) -> *mut Head {
        let mut pages = self.wanted;
        while pages > 0 {
            if let Some(layout) = Self::layout(pages) {
                // SAFETY: the size is not zero.
                let whole = unsafe { System.alloc_zeroed(layout) };
                if !whole.is_null() {
                    whole.expose_provenance();
                    let before = whole.addr().next_multiple_of(PAGE) - whole.addr();
                    // SAFETY: one page more than is needed has been allocated, and it is ours.
                    let range = unsafe {
                        let range = whole.add(before).cast::<Head>();
                        range.write(Head { pages, whole });
                        range
                    };
                    return self.install(range, layout);
                }
            }
            pages = if pages > LEAST { pages / 2 } else { 0 };
        }
        ptr::null_mut()
    }

    /// Makes a range this memory's, unless somebody else's already is.
    fn install(&self, range: *mut Head, layout: Layout) -> *mut Head {
        // ORDERING: Release publishes the range's beginning and its zeros to `range`. Acquire: somebody else's.
        let installed = self.range.compare_exchange(
            ptr::null_mut(),
            range,
            Ordering::Release,
            Ordering::Acquire,
        );
        let Err(theirs) = installed else {
            return range;
        };
        // SAFETY: allocated with this layout, and nobody has seen it.
        unsafe { System.dealloc((*range).whole, layout) };
        theirs
    }

    /// Gives the range back to the system.
    ///
    /// # Safety
    ///
    /// Nobody uses its pages any more.
    #[cfg(test)]
    unsafe fn unmap(&self) {
        let range = self.range.swap(ptr::null_mut(), Ordering::Relaxed);
        if !range.is_null() {
            // SAFETY: it was allocated with the layout of its number of pages, and the caller says that it is over.
            unsafe { System.dealloc((*range).whole, Self::layout((*range).pages).unwrap()) };
        }
    }
}

// SAFETY: pages are handed out once (M1), from a range of zeros (M1) that is one allocation with its provenance exposed (M2). So is a region.
unsafe impl Source for Memory {
    fn grow(&self, pages: u32) -> Option<u32> {
        if let Some(region) = &self.region {
            return region.take(pages);
        }
        let range = self.range();
        if range.is_null() {
            return None;
        }
        // SAFETY: the range begins with its number of pages, which nobody writes any more.
        let limit = unsafe { (*range).pages };
        // Relaxed: numbers only, `range` has acquired what they stand for.
        let grown = self
            .used
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(pages).filter(|end| *end <= limit)
            });
        grown.ok().map(|used| used + 1)
    }

    fn grow_at(&self, page: u32, pages: u32) -> Option<u32> {
        if let Some(region) = &self.region {
            return region.take_at(page, pages).then_some(page);
        }
        if self.used.load(Ordering::Relaxed) + 1 != page {
            return None;
        }
        self.grow(pages)
    }

    fn base(&self) -> usize {
        if let Some(region) = &self.region {
            return region.start();
        }
        // Relaxed: who has a page has acquired the range, or was handed the page by somebody who has.
        self.range.load(Ordering::Relaxed).addr()
    }

    fn page_of(&self, address: usize) -> Option<usize> {
        let base = self.base();
        // Null: there is no range yet.
        (base != 0).then(|| address.wrapping_sub(base) / PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_handed_out_once_and_run_out() {
        let memory = Memory::with_pages(300);
        assert_eq!(memory.page_of(PAGE), None, "nothing is known of it");
        assert_eq!(memory.grow(100), Some(1));
        assert_eq!(memory.page_of(memory.base() + 5 * PAGE + 1), Some(5));
        assert_eq!(memory.grow_at(100, 1), None);
        assert_eq!(memory.grow_at(101, 200), Some(101));
        assert_eq!((memory.grow(1), memory.grow_at(301, 1)), (None, None));
        assert_eq!(memory.base() % PAGE, 0);
        // SAFETY: no page has been used.
        unsafe { memory.unmap() };
    }
}
