//! The module's own memory: a region in it first, if there is one, then what it grows by.

use core::arch::wasm32;

use super::region::Extent;
use super::{MAX_PAGES, PAGE, Source};

/// The memory of this module. Every allocator of the module shares it.
#[derive(Debug)]
pub(crate) struct Memory {
    region: Option<Extent>,
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self { region: None }
    }

    /// With a region, whose pages come first.
    pub(crate) const fn over(region: Extent) -> Self {
        Self {
            region: Some(region),
        }
    }
}

/// The number of the page at an address.
fn number(address: usize) -> u32 {
    (address / PAGE) as u32
}

/// Grows the module's memory.
fn grow_module(pages: u32) -> Option<u32> {
    // What would reach the last page is refused before: the memory has grown even if nobody uses what it has grown by.
    let end = (wasm32::memory_size::<0>() as u32).checked_add(pages)?;
    if end >= MAX_PAGES {
        return None;
    }
    let first = wasm32::memory_grow::<0>(pages as usize);
    // Again, as others may have grown it meanwhile. A failure is the largest number, and so is refused here as well.
    let end = first.checked_add(pages as usize)?;
    (end < MAX_PAGES as usize).then_some(first as u32)
}

// SAFETY: `memory.grow` is atomic, also with JS and other users, adds zeroed pages at the end, and never takes any away (M1, M3, M4).
// A region gives each page once, and is zero: WASM: a static without a value is in no data segment; the linker's start code clears it with
// `memory.fill` where the memory is imported, once, before any agent is past that code (`__wasm_init_memory` of lld). Addresses start at
// 0 (M2). WASM: core specification, "growing memories"; threads proposal, "memory.grow".
unsafe impl Source for Memory {
    fn grow(&self, pages: u32) -> Option<u32> {
        if let Some(region) = &self.region
            && let Some(first) = region.take(pages)
        {
            return Some(number(region.start()) + first);
        }
        grow_module(pages)
    }

    fn grow_at(&self, page: u32, pages: u32) -> Option<u32> {
        if let Some(region) = &self.region {
            let index = page.wrapping_sub(number(region.start()));
            if region.has(index) {
                return region.take_at(index, pages).then_some(page);
            }
        }
        if wasm32::memory_size::<0>() != page as usize {
            return None;
        }
        grow_module(pages)
    }

    #[inline(always)]
    fn base(&self) -> usize {
        0
    }
}
