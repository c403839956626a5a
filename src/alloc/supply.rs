//! Runs of pages: out of a pool, or of what a memory can still grow by.

use super::hands::Hands;
use super::pages::Runs;
use crate::sys::memory::{PAGE, Source};

/// What takes its pages from a memory, and keeps those that are free in a pool.
pub(super) trait Supply {
    /// The memory.
    fn source(&self) -> &impl Source;

    /// The free pages.
    fn pages(&self) -> &Runs;

    /// Of those who have got pages from the memory and not put them into the pool yet.
    fn hands(&self) -> &Hands;

    /// Grows the memory, and keeps account of that. For who has the [`Hands`] for it.
    fn grow(&self, pages: u32) -> Option<u32>;

    /// By so many pages the memory grows at least, if it can.
    fn growth(&self) -> u32;

    /// The address of a page. For who has one.
    fn address(&self, page: u32) -> usize {
        self.source().base() + page as usize * PAGE
    }

    /// Takes a run of pages that is aligned so, and says whether they are known to be zero.
    fn claim(&self, pages: u32, align: usize) -> Option<(u32, bool)> {
        // One of so many pages is aligned: the one at address 0, if there were one, and others as far away. Who knows no page yet cannot tell.
        let step = u32::try_from(align / PAGE).ok()?.max(1);
        if let Some(aligned) = self.source().page_of(0)
            && let Some(page) = self.pages().take_aligned(pages, aligned as u32, step)
        {
            return Some((page, false));
        }
        let least = pages.checked_add(step - 1)?;
        let growth = self.growth();
        let more = (least < growth)
            .then(|| self.claim_of_more(growth, pages, align))
            .flatten();
        // At the end of the memory as many as are needed.
        let page = more.or_else(|| self.claim_of_more(least, pages, align))?;
        Some((page, true))
    }

    /// Grows the memory, takes a run that is aligned so, and puts the rest into the pool.
    #[inline(never)]
    fn claim_of_more(&self, growth: u32, pages: u32, align: usize) -> Option<u32> {
        self.hands().hold(|| {
            let first = self.grow(growth)?;
            let gap = self.address(first).wrapping_neg() & (align - 1);
            let before = (gap / PAGE) as u32;
            self.pages().put(first, before);
            self.pages()
                .put(first + before + pages, growth - before - pages);
            Some(first + before)
        })
    }

    /// Makes sure that the pool has a run of so many pages.
    fn reserve_pages(&self, pages: u32) -> bool {
        if pages == 0 || self.pages().has_run(pages) {
            return true;
        }
        let grown = self.hands().hold(|| {
            self.pages().put(self.grow(pages)?, pages);
            Some(())
        });
        grown.is_some()
    }
}
