//! The module's own memory.

use core::arch::wasm32;

use super::{MAX_PAGES, Source};

/// The memory of this module. Every allocator of the module shares it.
#[derive(Debug)]
pub(crate) struct Memory(());

impl Memory {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

// SAFETY: `memory.grow` is atomic, also with JS and other users, adds zeroed pages at the end, and never takes any away (M1, M3, M4).
// Addresses start at 0 (M2). WASM: core specification, "growing memories"; threads proposal, "memory.grow".
unsafe impl Source for Memory {
    fn grow(&self, pages: u32) -> Option<u32> {
        // What would reach the last page is refused before: the memory has grown even if nobody uses what it has grown by.
        let end = self.size().checked_add(pages)?;
        if end >= MAX_PAGES {
            return None;
        }
        let first = wasm32::memory_grow::<0>(pages as usize);
        // Again, as others may have grown it meanwhile. A failure is the largest number, and so is refused here as well.
        let end = first.checked_add(pages as usize)?;
        (end < MAX_PAGES as usize).then_some(first as u32)
    }

    fn size(&self) -> u32 {
        wasm32::memory_size::<0>() as u32
    }

    #[inline(always)]
    fn base(&self) -> usize {
        0
    }
}
