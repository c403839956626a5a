//! Where an allocator's memory comes from: pages of 64 KiB, one number each, more of them on request and never fewer.
//!
//! # Contract
//!
//! Of [`Source::grow`] and [`Source::grow_at`]:
//! - M1. The pages that it returns are the caller's: nobody has them, nor gets them again. They are readable, writable and zero.
//! - M2. Consecutive numbers are consecutive addresses; page `n` is at `address(0) + n * PAGE`, and its provenance is exposed.
//! - M3. It fails when there is no more memory. A failure changes nothing, and a later call may succeed.
//! - M4. It may be called on any agent. Others may grow the same memory meanwhile, so two results need not be adjacent.
//!
//! | build | where the pages are |
//! |---|---|
//! | wasm | a [`Region`] if there is one, then the module's memory: `memory.grow`, which JS and std's allocator use as well |
//! | others | a [`Region`], or else one reservation of address space, made at the first use |

mod region;

pub use region::Region;

core::cfg_select! {
    all(target_arch = "wasm32", not(web_sync_loom)) => {
        mod wasm;
        pub(crate) use wasm::Memory;
    }
    _ => {
        mod reserved;
        pub(crate) use reserved::Memory;
    }
}

/// Bytes of a page.
pub(crate) const PAGE: usize = 1 << 16;

/// The number of pages there can be. The last one is never used: an address behind its end would be zero.
/// Fewer in an interpreter, which looks through whatever has a place for each of them at every call (Miri, at each reference that is made).
pub(crate) const MAX_PAGES: u32 = if cfg!(miri) { 1 << 11 } else { 1 << 16 };

/// A memory that grows.
///
/// # Safety
///
/// The implementation keeps the contract of the module.
pub(crate) unsafe trait Source {
    /// Adds so many pages; the number of the first.
    fn grow(&self, pages: u32) -> Option<u32>;

    /// Adds so many pages if they would begin at this one; the number of the first. It is another one if somebody else has added some at that
    /// very moment.
    fn grow_at(&self, page: u32, pages: u32) -> Option<u32>;

    /// The address of page 0, whether that exists or not. For who has a page: before there are any it may be a number that means nothing.
    fn base(&self) -> usize;

    /// The number of the page in which an address lies, or would lie. None if no page is known to the caller.
    fn page_of(&self, address: usize) -> Option<usize> {
        Some(address.wrapping_sub(self.base()) / PAGE)
    }
}
