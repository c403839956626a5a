//! Blocks that lie side by side: what was allocated in a row is mostly freed so, and goes back as one.

use super::block::Header;

/// Blocks of one arena that lie side by side.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The first one.
    block: usize,
    /// The size of all.
    size: usize,
    arena: u32,
}

impl Row {
    /// One block.
    ///
    /// # Safety
    ///
    /// It is the caller's, and has a header.
    pub(super) unsafe fn of(block: usize) -> Self {
        // SAFETY: as the caller says.
        let header = unsafe { Header::of(block) };
        Self {
            block,
            size: header.size(),
            arena: header.arena(),
        }
    }

    /// The first of its blocks.
    pub(super) fn block(self) -> usize {
        self.block
    }

    /// The size of all.
    pub(super) fn size(self) -> usize {
        self.size
    }

    /// Adds a block if it lies before or behind the row, and is of the same arena.
    ///
    /// # Safety
    ///
    /// It is the caller's, and has a header.
    pub(super) unsafe fn extend(&mut self, block: usize) -> bool {
        // SAFETY: as the caller says.
        let next = unsafe { Self::of(block) };
        let behind = self.block + self.size == next.block;
        if next.arena != self.arena || !behind && next.block + next.size != self.block {
            return false;
        }
        self.block = self.block.min(next.block);
        self.size += next.size;
        true
    }
}
