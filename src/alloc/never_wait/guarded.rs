//! The inner allocator behind its gate, and the reserve beside it.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;

use super::gate::{Gate, Inside, TRIES};
use super::reserve::Reserve;
use crate::alloc::block::{Node, WORD, at};
use crate::alloc::steps;
use crate::sys::memory::Source;
use crate::sys::shim::{MODEL, const_new};

/// See the module.
pub(super) struct Guarded<A, S> {
    /// For who is inside the gate.
    pub(super) inner: A,
    pub(super) gate: Gate,
    pub(super) reserve: Reserve<S>,
}

// SAFETY: the inner allocator is used inside the gate only, by one agent at a time.
unsafe impl<A: Send, S: Sync> Sync for Guarded<A, S> {}

/// What is written into a block that waits to be freed.
#[repr(C)]
struct Freed {
    node: Node,
    layout: Layout,
}

/// What the inner allocator is asked for: room for a [`Freed`], as aligned as that.
///
/// # Safety
///
/// The alignment is a layout's, and the size at most [`MAX`] if there is no such block yet.
#[inline]
unsafe fn rounded(size: usize, align: usize) -> Layout {
    let (size, align) = (size.max(size_of::<Freed>()), align.max(align_of::<Freed>()));
    // SAFETY: as the caller says: what an alignment of less than a word adds to a size is less than a word.
    unsafe { Layout::from_size_align_unchecked(size, align) }
}

/// The largest size that can be rounded.
const MAX: usize = isize::MAX as usize - align_of::<Freed>();

const _: () = assert!(MODEL || size_of::<Freed>() == 3 * WORD);
const _: () = assert!(MODEL || align_of::<Freed>() == WORD);

/// How often blocks that were left are freed for one allocation, while the inner allocator has no memory.
const BATCHES: u32 = 1_024;

impl<A, S> Guarded<A, S> {
    const_new! {
        pub(super) fn new(inner: A, source: S) -> Self {
            Self {
                inner,
                gate: Gate::new(),
                reserve: Reserve::new(source),
            }
        }
    }
}

impl<A: GlobalAlloc, S: Source> Guarded<A, S> {
    /// See `GlobalAlloc`.
    pub(super) fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: there is no block to move.
        unsafe { self.take(ptr::null_mut(), layout, layout.size()) }
    }

    /// See `GlobalAlloc`.
    ///
    /// # Safety
    ///
    /// The block is from this allocator, with this layout, and nobody uses it any more.
    pub(super) unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says: a block of the reserve or of the inner allocator, with the rounded layout.
        unsafe {
            let layout = rounded(layout.size(), layout.align());
            if self.reserve.owns(block) {
                self.reserve.dealloc(block.addr(), layout);
            } else {
                self.put(block, layout);
            }
        }
    }

    /// See `GlobalAlloc`.
    ///
    /// # Safety
    ///
    /// As for [`Guarded::dealloc`].
    pub(super) unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > MAX {
            return ptr::null_mut();
        }
        // Its user may have been entitled to fewer bytes than it has.
        let block = at::<u8>(block.addr());
        // SAFETY: as the caller says; the sizes were looked at. Two blocks do not overlap, and the smaller size is in both.
        unsafe {
            let (from, to) = (
                rounded(layout.size(), layout.align()),
                rounded(size, layout.align()),
            );
            let owned = self.reserve.owns(block);
            let stay = || owned && self.reserve.resize(block.addr(), from, to);
            // A page for what would be a small block only if there is nothing else.
            if owned && self.reserve.is_fit(block.addr(), to) && stay() {
                return block;
            }
            let inner = if owned { ptr::null_mut() } else { block };
            let new = self.take(inner, layout, size);
            if new.is_null() {
                return if stay() { block } else { new };
            }
            // Where it was and where it is now tell who has moved it.
            if owned || self.reserve.owns(new) {
                new.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }

    /// A block of that size: the inner allocator's, or the reserve's if that cannot be had, or has none.
    ///
    /// # Safety
    ///
    /// `from` is null, or a block of the inner allocator with this layout, that is the caller's: then the inner allocator moves it.
    unsafe fn take(&self, from: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > MAX {
            return ptr::null_mut();
        }
        // SAFETY: the alignment is a layout's, the sizes were looked at, now or when the block was taken. The new layout has a size.
        unsafe {
            let to = rounded(size, layout.align());
            let from = (!from.is_null()).then(|| (from, rounded(layout.size(), layout.align())));
            let entered = self.gate.enter();
            let busy = entered.is_none();
            let mut block = entered.map_or(ptr::null_mut(), |inside| self.ask(inside, from, to));
            if block.is_null() && busy {
                block = self.reserve.alloc_soon(to);
                // The inner allocator may have memory: who is in there may soon be out.
                if block.is_null()
                    && let Some(inside) = self.gate.enter_late()
                {
                    block = self.ask(inside, from, to);
                }
            }
            // Others may have freed blocks of the reserve meanwhile, or have some in hand.
            if block.is_null() {
                block = self.reserve.alloc(to);
            }
            block
        }
    }

    /// Frees some of what was left, and asks the inner allocator. As long as that has no memory and there is more to free, again.
    ///
    /// # Safety
    ///
    /// `from` is for the inner allocator to move: a block of its own with its layout, that is the caller's. The new layout has a size.
    unsafe fn ask(
        &self,
        mut inside: Inside<'_>,
        from: Option<(*mut u8, Layout)>,
        to: Layout,
    ) -> *mut u8 {
        for _ in 0..BATCHES {
            steps::step();
            let more = self.drain(&mut inside);
            // SAFETY: as the caller says. Inside the gate.
            let block = unsafe {
                match from {
                    Some((from, layout)) => self.inner.realloc(from, layout, to.size()),
                    None => self.inner.alloc(to),
                }
            };
            if !block.is_null() {
                // So that the address is enough to get at all of it again, see `put`.
                block.expose_provenance();
                return block;
            }
            if !more {
                break;
            }
        }
        ptr::null_mut()
    }

    /// Frees a block of the inner allocator, or leaves it for later. On every agent alike: who frees does not sleep.
    ///
    /// # Safety
    ///
    /// The block is the inner allocator's, with this layout, and nobody uses it any more.
    unsafe fn put(&self, block: *mut u8, layout: Layout) {
        // Its user may have been entitled to fewer bytes than it has.
        let freed = at::<Freed>(block.addr());
        // SAFETY: a rounded block has room, and is ours. Nothing is done to it once it was left.
        unsafe {
            freed.write(Freed {
                node: Node::new(),
                layout,
            });
            for _ in 0..TRIES {
                steps::step();
                if let Some(mut inside) = self.gate.try_enter() {
                    inside.add(freed.cast());
                    self.drain(&mut inside);
                    return;
                }
                if self.gate.defer(freed.cast()) {
                    return;
                }
            }
        }
    }

    /// Frees some of what was left; whether there may be more.
    fn drain(&self, inside: &mut Inside<'_>) -> bool {
        inside.drain(|node| {
            // SAFETY: what was left is a `Freed` in a block of the inner allocator, and this agent's now, which is inside.
            unsafe {
                let layout = (*node.cast::<Freed>()).layout;
                self.inner.dealloc(node.cast(), layout);
            }
        })
    }
}
