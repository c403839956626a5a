/// The free blocks in the order of their addresses.
pub struct FirstFit(*mut Free);

/// What a free block begins with.
struct Free {
    next: *mut Free,
    bytes: usize,
}

/// What addresses and sizes are multiples of.
const GRAIN: usize = size_of::<Free>();

// SAFETY: what the pointers lead to is the engine's alone.
unsafe impl Send for FirstFit {}

impl FirstFit {
    /// Puts memory into its place in the list, and makes it one with what lies beside it.
    unsafe fn insert(&mut self, start: *mut u8, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let free = start.cast::<Free>();
        let (mut before, mut next) = (ptr::null_mut::<Free>(), self.0);
        // SAFETY: what is in the list is free, and begins with a `Free`; so does this from now on.
        unsafe {
            while !next.is_null() && next < free {
                (before, next) = (next, (*next).next);
            }
            free.write(Free { next, bytes });
            Self::merge(free);
            if before.is_null() {
                self.0 = free;
            } else {
                (*before).next = free;
                Self::merge(before);
            }
        }
    }

    /// Makes a free block one with the next, if that begins where it ends.
    unsafe fn merge(free: *mut Free) {
        // SAFETY: both are in the list.
        unsafe {
            let Free { next, bytes } = free.read();
            if !next.is_null() && next.addr() == free.addr() + bytes {
                let after = next.read();
                free.write(Free {
                    next: after.next,
                    bytes: bytes + after.bytes,
                });
            }
        }
    }
}

// SAFETY: a block that is taken is cut out of what is in the list, which only has regions and what was given back (E1). Only what is
// in the list is read and written (E2). Nothing is called but these functions (E3).
unsafe impl Engine for FirstFit {
    fn new() -> Self {
        Self(ptr::null_mut())
    }

    unsafe fn add(&mut self, start: *mut u8, bytes: usize) {
        // SAFETY: the memory is the engine's from now on.
        unsafe { self.insert(start, bytes) };
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let bytes = layout.size().next_multiple_of(GRAIN);
        let mut link = &raw mut self.0;
        // SAFETY: a link is `self.0` or in a block in the list, which is free and has so many bytes.
        unsafe {
            while !(*link).is_null() {
                let start = (*link).cast::<u8>();
                let found = (**link).bytes;
                let gap = start.addr().wrapping_neg() & (layout.align() - 1);
                if gap + bytes <= found {
                    *link = (**link).next;
                    self.insert(start, gap);
                    self.insert(start.add(gap + bytes), found - gap - bytes);
                    return start.add(gap);
                }
                link = &raw mut (**link).next;
            }
        }
        ptr::null_mut()
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the block was cut out of the list with so many bytes.
        unsafe { self.insert(block, layout.size().next_multiple_of(GRAIN)) };
    }
}
