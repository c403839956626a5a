//! Blocks as they lie in memory: the header before each, and the link in one that nobody uses.
//!
//! ```text
//!          header of this block           header of the next
//!               |                               |
//!   ... [ word ][ word | word | ... | word ] [ word ][ ...
//!                 ^ the block's address,   ^ its last word: the size, while it is free in its arena
//!                   a multiple of GRAIN
//! ```
//!
//! A block's *size* counts its header, and is a multiple of [`GRAIN`]; what the user gets is [`WORD`] less. The header is one
//! 32-bit number:
//!
//! ```text
//! bit  0       FREE        in its arena's free lists
//! bit  1       BEFORE_FREE the block before is, and the word before the header has its size
//! bit  2       FIRST       no block is before it in its span
//! bits 3..=21  the size, in grains; 0 is the end of a span
//! bits 22..=31 the arena, or OWN
//! ```
//!
//! The arena and the size do not change while a block is in use, so that whoever has the block may read them. The other bits
//! change when its neighbours do, and are for who holds the arena. So a header is read atomically, and that of a block that may be somebody
//! else's is written atomically ([`Header::mark`]), both Relaxed: what hands a block over has handed its header over as well.
//!
//! LOOM: addresses are numbers to the model checker, so it sees no header. Miri and ThreadSanitizer do.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::sys::shim::UnsafeCell;

/// Bytes of a word.
pub(super) const WORD: usize = size_of::<usize>();
/// What sizes and addresses of blocks are multiples of.
pub(super) const GRAIN: usize = 2 * WORD;
/// The smallest size: a header, two links and the size at the end.
pub(super) const SMALLEST: usize = 2 * GRAIN;

pub(super) const FREE: u32 = 0b001;
pub(super) const BEFORE_FREE: u32 = 0b010;
pub(super) const FIRST: u32 = 0b100;
const SIZE_SHIFT: u32 = 3;
const SIZE_MASK: u32 = (1 << 19) - 1;
const ARENA_SHIFT: u32 = 22;

/// In place of an arena's number: the block has pages of its own.
pub(super) const OWN: u32 = (1 << 10) - 1;

/// What is written before a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header(u32);

impl Header {
    pub(super) fn new(arena: u32, size: usize, flags: u32) -> Self {
        let grains = (size / GRAIN) as u32;
        debug_assert!(arena <= OWN && grains <= SIZE_MASK && size.is_multiple_of(GRAIN));
        Self(arena << ARENA_SHIFT | grains << SIZE_SHIFT | flags)
    }

    pub(super) fn arena(self) -> u32 {
        self.0 >> ARENA_SHIFT
    }

    pub(super) fn size(self) -> usize {
        (self.0 >> SIZE_SHIFT & SIZE_MASK) as usize * GRAIN
    }

    pub(super) fn flags(self) -> u32 {
        self.0 & (FREE | BEFORE_FREE | FIRST)
    }

    pub(super) fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn with(self, flag: u32) -> Self {
        Self(self.0 | flag)
    }

    pub(super) fn without(self, flag: u32) -> Self {
        Self(self.0 & !flag)
    }

    /// Reads the header of the block at `block`.
    ///
    /// # Safety
    ///
    /// A block of this allocator is there.
    pub(super) unsafe fn of(block: usize) -> Self {
        // SAFETY: as the caller says; the word before a block is its header, aligned.
        let header = unsafe { AtomicU32::from_ptr(at(block - WORD)) };
        Self(header.load(Ordering::Relaxed))
    }

    /// Writes it before a block that is nobody else's.
    ///
    /// # Safety
    ///
    /// The memory is the allocator's, and the block new, or free or the caller's own; in an arena the caller holds that, unless nobody
    /// else knows of it yet.
    pub(super) unsafe fn write(self, block: usize) {
        // SAFETY: as the caller says. So nobody reads it meanwhile, and what hands the block over comes after it.
        unsafe { at::<u32>(block - WORD).write(self.0) };
    }

    /// Sets or clears [`BEFORE_FREE`] of a block that may be in use. It is seldom a change, and then an atomic store, which WASM: engines
    /// make sequentially consistent, on x86-64 by a locked exchange (V8 and SpiderMonkey, `i32.atomic.store`).
    ///
    /// # Safety
    ///
    /// A block of this allocator is there, and the caller holds its arena.
    pub(super) unsafe fn mark(block: usize, before_free: bool) {
        // SAFETY: as the caller says; the word before a block is its header, aligned.
        unsafe {
            let header = Self::of(block);
            if header.has(BEFORE_FREE) != before_free {
                let place = AtomicU32::from_ptr(at(block - WORD));
                place.store(header.0 ^ BEFORE_FREE, Ordering::Relaxed);
            }
        }
    }
}

/// A pointer to what is at an address of the source's memory.
pub(super) fn at<T>(address: usize) -> *mut T {
    // The source has exposed its memory (M2). What comes back from users may be entitled to their own block only.
    ptr::with_exposed_provenance_mut(address)
}

/// Reads a word.
///
/// # Safety
///
/// The address is of a word that has been written and is the caller's.
pub(super) unsafe fn read(address: usize) -> usize {
    // SAFETY: as the caller says.
    unsafe { at::<usize>(address).read() }
}

/// Writes a word.
///
/// # Safety
///
/// The address is of a word that is the caller's.
pub(super) unsafe fn write(address: usize, value: usize) {
    // SAFETY: as the caller says.
    unsafe { at::<usize>(address).write(value) }
}

/// A block that waits in a list outside its arena: in a magazine, in a batch, or among the deferred.
#[derive(Debug)]
pub struct Node(UnsafeCell<*mut Node>);

impl Node {
    /// A node in no list.
    #[allow(clippy::new_without_default, reason = "for models only")]
    pub fn new() -> Self {
        Self(UnsafeCell::new(ptr::null_mut()))
    }

    /// Makes the block at an address a node.
    ///
    /// # Safety
    ///
    /// The block is the caller's, and nothing else uses it.
    pub(super) unsafe fn make(block: usize) -> *mut Self {
        let node = at::<Self>(block);
        // SAFETY: as the caller says; each block has room for a word and is aligned for it.
        unsafe { node.write(Self::new()) };
        node
    }

    /// The node after this one.
    ///
    /// # Safety
    ///
    /// The node is the caller's.
    pub unsafe fn next(node: *mut Self) -> *mut Self {
        // SAFETY: as the caller says (I5).
        unsafe { (*node).0.with(|next| *next) }
    }

    /// Sets the node after this one.
    ///
    /// # Safety
    ///
    /// The node is the caller's.
    pub unsafe fn set_next(node: *mut Self, next: *mut Self) {
        // SAFETY: as the caller says (I5).
        unsafe { (*node).0.with_mut(|place| *place = next) }
    }
}
