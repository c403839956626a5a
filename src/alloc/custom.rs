//! Engines of a program's own: the trait for them, and what makes one fit behind an arena.
//!
//! ```text
//!   what the engine returned            the block's address
//!     |                                     |
//!     [   ...   | the prefix's length | header | the user's bytes ...
//!      <- as many bytes as the alignment, at least two words ->
//! ```
//!
//! The header is as in [`block`](super::block), with the arena's number and the size and without flags; nobody writes to it but who has the block. So
//! a block finds its way home through magazines, batches and deferred lists as others do, and from the two words the layout follows that the
//! engine wants back with it.

use core::alloc::Layout;

use super::block::{self, GRAIN, Header, at};
use super::choice::Core;
use super::engine::Span;
use super::lists::room;

/// What keeps account of the free memory of one arena: an engine of a program's own, for [`Arenas`](super::Arenas).
///
/// Each arena has an engine of its own, with *regions* of memory that are its alone and stay with it for ever. Agents enter it one at a time.
/// Large blocks do not come from engines, and many small ones are in magazines most of the time: so an engine is asked for
/// blocks from a few words to 256 KiB, in batches where they are small.
///
/// # Safety
///
/// Who implements it promises:
///
/// - **E1** A block that [`alloc`](Self::alloc) returns lies in a region that was added, is as large and as aligned as was asked for, and overlaps
///   no other block that is in use: one that was returned and was not given to [`dealloc`](Self::dealloc) since. So does one that
///   [`resize`](Self::resize) has returned true for, with its new size.
/// - **E2** Nothing is written to a block in use, and what [`resize`](Self::resize) has resized keeps its contents up to the smaller size. Besides itself the
///   engine touches only the regions, and of those only what is not in use.
/// - **E3** Where null or false is returned nothing has changed, and [`dealloc`](Self::dealloc) needs no memory. No function panics, waits, calls JS, or allocates, by whatever allocator, nor uses anything of std that might.
///
/// It may count on this:
///
/// - It is not moved after the first [`add`](Self::add), and never dropped. Its own state is at most 31 KiB, or less if it is aligned to more than
///   64 bytes: more is refused when the program is built.
/// - One agent at a time calls what takes `&mut self`, any agent, and what those before it did has happened before. [`new`](Self::new) and
///   [`region_for`](Self::region_for) may run on several at once.
/// - An agent may be terminated inside. Then the engine is not entered again by anybody.
/// - Each pointer that it gets may be used for all of its regions; regions that lie side by side may be used as one.
///
/// What is not a matter of safety, but of what `Arenas` is for, is the engine's to keep then: that every call takes a constant number of steps,
/// however many blocks there are (the second invariant of the [module](super)). With an engine that searches, an agent with a deadline waits
/// for the search; and others meet a busy arena more often, and make more of them.
///
/// # Examples
///
/// A list of free blocks, of which the first that is large enough is taken. It is here since it is short: how long it searches depends on how
/// many blocks are free.
///
/// ```
/// use core::alloc::Layout;
/// use core::ptr;
/// use web_sync::alloc::{Arenas, Engine};
///
#[doc = include_str!("first_fit.rs")]
///
/// #[global_allocator]
/// static ALLOC: Arenas<FirstFit> = Arenas::new();
///
/// # fn main() {
/// let threads = [1, 2, 3].map(|n| std::thread::spawn(move || vec![n; 1_000]));
/// let lists = threads.map(|thread| thread.join().unwrap());
/// assert_eq!(lists[2][999], 3);
/// assert!(ALLOC.stats().arenas > 0);
/// # }
/// ```
pub unsafe trait Engine: Send {
    /// An engine without memory.
    fn new() -> Self;

    /// How many bytes of a region [`alloc`](Self::alloc) needs for such a block, if there is nothing else: what the engine keeps beside it
    /// and loses to alignment and to rounding.
    ///
    /// A region of at least so many is added when it has found none. If it should find none there either, the block gets pages of
    /// its own, and the region, which may be 1 MiB, was added for nothing, again at each request of that kind. `usize::MAX`: no region would
    /// do, the block gets pages of its own at once. What is returned if nothing else is said will do where lists of free blocks are an eighth
    /// apart, or closer, and less than 1 KiB is kept.
    fn region_for(layout: Layout) -> usize {
        let aligned = layout.size() + layout.align();
        aligned + aligned / 8 + 1024
    }

    /// Adds a region.
    ///
    /// # Safety
    ///
    /// The memory is nobody's, and the engine's from now on. It begins at a multiple of two words, and ends at a multiple of 64 KiB, which is not
    /// the end of all addresses. It is whole pages of 64 KiB, but for the first one, which begins behind the arena's own state and is at
    /// least half a page; and no more than 1 MiB, or what [`region_for`](Self::region_for) has asked for if that is more. What is in it may be anything. After
    /// each region but the first the next call is [`alloc`](Self::alloc), with the layout that it had found nothing for.
    unsafe fn add(&mut self, start: *mut u8, bytes: usize);

    /// Takes a block; null if there is none. Then it is asked again, and again after a region was added.
    ///
    /// # Safety
    ///
    /// The layout has at least five words and at most 264 KiB, not always a multiple of the alignment, which is from two words to 4 KiB.
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8;

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// The block is from this engine, with this layout or resized to it, nobody uses it any more, and it was not given back yet.
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout);

    /// Gives a block another size where it lies; false, and nothing has changed, if it cannot. One that cannot is moved, except that it
    /// may stay where it is if it was to become smaller by less than half.
    ///
    /// # Safety
    ///
    /// As for [`dealloc`](Self::dealloc), but that the block stays in use; `size` is as for [`alloc`](Self::alloc).
    unsafe fn resize(&mut self, block: *mut u8, layout: Layout, size: usize) -> bool {
        let _ = (block, layout, size);
        false
    }
}

/// An engine of a program's own, behind an arena.
#[derive(Debug)]
pub struct Custom<E> {
    /// The arena's number, for headers.
    arena: u32,
    /// Bytes of all regions.
    held: usize,
    pub(super) engine: E,
}

/// The bytes before a block.
fn prefix(align: usize) -> usize {
    align.max(GRAIN)
}

/// What the engine is asked for a block of this size with such a prefix.
fn with_prefix(size: usize, prefix: usize) -> Layout {
    // SAFETY: a prefix is an alignment, so a power of two; a size is one that a header can tell, so the sum is no more than some MiB.
    unsafe { Layout::from_size_align_unchecked(prefix + room(size), prefix) }
}

impl<E> Custom<E> {
    /// What the engine has returned for a block in use, and the layout that it was asked for.
    ///
    /// # Safety
    ///
    /// The block is of this engine, and the caller's.
    unsafe fn origin(block: usize) -> (*mut u8, Layout) {
        // SAFETY: as the caller says; both words are the block's, and were written by `take`.
        unsafe {
            let prefix = block::read(block - GRAIN);
            (
                at(block - prefix),
                with_prefix(Header::of(block).size(), prefix),
            )
        }
    }
}

// SAFETY: the engine's blocks are as they should be (E1, E2), and what is returned is one without its prefix, in which the header is. For the
// rest see E3.
unsafe impl<E: Engine> Core for Custom<E> {
    fn new(arena: u32) -> Self {
        Self {
            arena,
            held: 0,
            engine: E::new(),
        }
    }

    fn least(size: usize, align: usize) -> usize {
        // No pages are no region, whatever the engine says.
        E::region_for(with_prefix(size, prefix(align))).max(1)
    }

    fn held(&self) -> usize {
        self.held
    }

    unsafe fn add(&mut self, span: Span) {
        self.held += span.len;
        // SAFETY: as the caller says.
        unsafe { self.engine.add(at(span.start), span.len) };
    }

    unsafe fn take(&mut self, size: usize, align: usize) -> usize {
        let prefix = prefix(align);
        // SAFETY: the layout is as it should be. What the engine returns is ours, and has room for the prefix, which is two words at least.
        unsafe {
            let whole = self.engine.alloc(with_prefix(size, prefix));
            if whole.is_null() {
                return 0;
            }
            let block = whole.addr() + prefix;
            block::write(block - GRAIN, prefix);
            Header::new(self.arena, size, 0).write(block);
            block
        }
    }

    const ROWS: bool = false;

    unsafe fn put(&mut self, block: usize) -> Option<Span> {
        // SAFETY: as the caller says.
        unsafe {
            let (whole, layout) = Self::origin(block);
            self.engine.dealloc(whole, layout);
        }
        // Regions stay.
        None
    }

    unsafe fn resize(&mut self, block: usize, size: usize) -> bool {
        // SAFETY: as the caller says. The header is the block's, and nobody else has that.
        unsafe {
            let its = Header::of(block).size();
            let (whole, layout) = Self::origin(block);
            let wanted = with_prefix(size, layout.align()).size();
            if self.engine.resize(whole, layout, wanted) {
                Header::new(self.arena, size, 0).write(block);
                return true;
            }
            // What it has will do, if that is not twice too much.
            (its / 2..=its).contains(&size)
        }
    }

    unsafe fn spare(&mut self, _: impl FnMut(Span)) -> bool {
        false
    }
}
