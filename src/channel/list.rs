//! The unbounded buffer: a list of blocks, to which a sender adds without waiting for anybody.
//!
//! The tail is one word: the address of the last block, and in the bits that its alignment leaves free the offset of the next slot
//! in it, and `CLOSED`. A sender *claims* that slot by moving the tail on with one compare-exchange, writes its message, and
//! *publishes* it. The one that claims the last slot of a block has made the next block before, and moves the tail to its first
//! slot in the same exchange; so no sender finds a block full, nor waits for another. It links the two blocks before it writes.
//!
//! ```text
//! slot   0 EMPTY      nobody has claimed it, or its sender is about to write
//!        1 FULL       written. Set by the sender that has claimed it, the last time that it touches the slot
//!        2 ABANDONED  whoever closes the list was here before the sender: the message is the sender's again
//! tail   CLOSED       nothing can be claimed any more. Set once, by the last receiver
//! ```
//!
//! # Invariants
//!
//! - **B1** A sender touches a block only after it has claimed a slot there, and not after it has published it.
//! - **B2** One agent at a time takes messages: it has the head to itself (K6). It takes them in the order of the slots, so that a block whose
//!   last slot has been taken is nobody's any more (B1) and can be freed, or used again. A sender that has seen such a block's
//!   address as the tail finds the tail changed, or finds the block to be the tail's again: then its claim is as good as any.
//! - **B3** The sender of a block's last slot sets `next` before it publishes. So who has found that slot `FULL` can go on. It does so before
//!   it writes its message, which may be large: who only counts ([`List::len`]) waits for that one store.
//! - **B4** A message is the property of who changed its slot's state last: of the sender that finds `ABANDONED`, of whoever finds `FULL`.
//! - **B5** When the list is closed, one agent at a time *drains* it, first the last receiver. It waits for no sender. Where a
//!   block's last slot is not published yet, the way on may not be there either, and that slot's sender goes on draining.

use super::block::{ABANDONED, ALIGN, BLOCK, Block, EMPTY, FULL};
use super::guarded::Guarded;
use super::line::Line;
use super::spares::Spares;
use super::{Head, MANY, Popped, Right, drop_all, pause};
use crate::sys::shim::{AtomicPtr, Ordering};
use crate::sys::spin::{Race, Spin};
use core::iter;
use core::ptr;
use std::sync::mpsc::SendError;

/// The bits of the tail that are no address.
const TAGS: usize = ALIGN - 1;
const OFFSET: usize = 0b01_1111;
const CLOSED: usize = 0b10_0000;

const _: () = assert!(BLOCK as usize <= OFFSET + 1 && OFFSET | CLOSED == TAGS);

/// Where a slot is.
struct Place<T> {
    block: *mut Block<T>,
    offset: u32,
}

// SAFETY: an address, which may be used by who has the head.
unsafe impl<T: Send> Send for Place<T> {}

/// The end of the list.
struct End<T> {
    tail: AtomicPtr<Block<T>>,
    /// Blocks for the next senders that need one.
    spares: Spares<T>,
}

/// An unbounded buffer.
pub(super) struct List<T> {
    /// What senders work with.
    end: Line<End<T>>,
    /// Its place is the slot of the next message to take.
    head: Line<Guarded<Head<Place<T>>>>,
}

/// By its address: the tail that a sender has loaded may name a block that has ended meanwhile, in whose place another one began, and a
/// claim is good all the same (B2).
fn block_of<T>(tail: *mut Block<T>) -> *mut Block<T> {
    ptr::with_exposed_provenance_mut(tail.addr() & !TAGS)
}

fn offset_of<T>(tail: *mut Block<T>) -> u32 {
    (tail.addr() & OFFSET) as u32
}

fn is_closed<T>(tail: *mut Block<T>) -> bool {
    tail.addr() & CLOSED != 0
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<T> {}

impl<T> List<T> {
    pub(super) fn new() -> Self {
        let block = Block::new();
        Self {
            end: Line(End {
                tail: AtomicPtr::new(block),
                spares: Spares::new(),
            }),
            head: Line(Guarded::new(Head::new(Place { block, offset: 0 }))),
        }
    }

    /// Adds a message; an error if the list is closed. Waits for nobody.
    pub(super) fn push(&self, message: T) -> Result<(), SendError<T>> {
        let mut fresh = ptr::null_mut();
        let mut race = Race::new();
        // ORDERING: Relaxed, the exchange acquires.
        let mut tail = self.end.tail.load(Ordering::Relaxed);
        let last = loop {
            if is_closed(tail) {
                // SAFETY: taken out by us, and not used.
                unsafe { self.end.spares.keep(fresh) };
                return Err(SendError(message));
            }
            let last = offset_of(tail) + 1 == BLOCK;
            let next = if last {
                if fresh.is_null() {
                    fresh = self.end.spares.take();
                }
                fresh
            } else {
                tail.map_addr(|addr| addr + 1)
            };
            // ORDERING: Release publishes the next block. Acquire, partner of the exchange that put this block here, which all
            // claims in it follow: its slots are empty.
            match self.end.tail.compare_exchange_weak(
                tail,
                next,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => break last,
                Err(_) => {
                    race.lost();
                    tail = self.end.tail.load(Ordering::Relaxed);
                }
            }
        };
        // SAFETY: claimed, by us.
        let published = unsafe { self.publish(block_of(tail), offset_of(tail), message, fresh) };
        if !last {
            // Last, as it may be freed: nobody is to wait for our message until the allocator has done that.
            // SAFETY: taken out by us, and not used.
            unsafe { self.end.spares.keep(fresh) };
        }
        published
    }

    /// Writes a message into a claimed slot.
    ///
    /// # Safety
    ///
    /// The caller has claimed that slot, and moved the tail to `next` if it is the last one of the block.
    unsafe fn publish(
        &self,
        block: *mut Block<T>,
        offset: u32,
        message: T,
        next: *mut Block<T>,
    ) -> Result<(), SendError<T>> {
        let last = offset + 1 == BLOCK;
        if last {
            // ORDERING: Relaxed, published with the slot (B3), or for `len` the next block with the tail.
            // SAFETY: the block exists until we have published (B1, B2).
            unsafe { (*block).next.store(next, Ordering::Relaxed) };
        }
        // SAFETY: as above, and the slot's cell is ours until then (B4).
        let slot = unsafe {
            let slot = Block::slot(block, offset);
            slot.message.put(message);
            slot
        };
        // ORDERING: Release publishes the message to `pop` and `drain`. Acquire, partner of the swap in `drain`, if that was here
        // before: what it has left to us (B5).
        let published =
            slot.state
                .compare_exchange(EMPTY, FULL, Ordering::Release, Ordering::Acquire);
        if published.is_ok() {
            return Ok(());
        }
        // SAFETY: abandoned, so the message is ours again (B4), and a closed list keeps such a block.
        let message = unsafe { slot.message.take() };
        let message = SendError(message);
        if last {
            // SAFETY: left to us, as it found the last slot of this block not published (B5).
            unsafe { self.drain::<false>(next, 0) };
        }
        Err(message)
    }

    /// Takes the first message.
    ///
    /// # Safety
    ///
    /// The caller has this right (K6).
    #[inline]
    pub(super) unsafe fn pop(&self, right: Right<'_>) -> Popped<T> {
        let mut emptied = ptr::null_mut();
        let act = |head: &mut Head<Place<T>>| {
            let taken = self.take(head, &mut emptied);
            taken.unwrap_or_else(|| head.find_none(self.is_at_tail(&head.place)))
        };
        // SAFETY: by contract.
        let popped = unsafe { self.head.with_unless(right.is_sole(), act) };
        // Outside the lock: it may be freed.
        // SAFETY: all its messages have been taken, so it is nobody's (B2).
        unsafe { self.end.spares.keep(emptied) };
        popped
    }

    /// Takes the first message, unless somebody else is at it. If there is none this does not ask why, and owes nobody anything (K5).
    ///
    /// # Safety
    ///
    /// As for [`List::pop`].
    #[inline]
    pub(super) unsafe fn glance(&self, right: Right<'_>) -> Option<Popped<T>> {
        let mut emptied = ptr::null_mut();
        let act = |head: &mut Head<Place<T>>| self.take(head, &mut emptied);
        // SAFETY: by contract.
        let taken = unsafe { self.head.try_with_unless(right.is_sole(), act) };
        // SAFETY: all its messages have been taken, so it is nobody's (B2).
        unsafe { self.end.spares.keep(emptied) };
        taken.flatten()
    }

    /// Takes the first message, if it is published.
    #[inline]
    fn take(&self, head: &mut Head<Place<T>>, emptied: &mut *mut Block<T>) -> Option<Popped<T>> {
        let place = &mut head.place;
        // SAFETY: the head's block exists as long as the head is there (B2).
        let slot = unsafe { Block::slot(place.block, place.offset) };
        // ORDERING: Acquire, partner of the exchange in `publish`: the message, and the way to the next block (B3).
        if slot.state.load(Ordering::Acquire) != FULL {
            return None;
        }
        // SAFETY: full, and nobody else takes it (B2, B4). The head moves on, so it is not looked at again.
        let message = unsafe { slot.message.take() };
        place.offset += 1;
        if place.offset == BLOCK {
            *emptied = place.block;
            // ORDERING: Relaxed, acquired with the slot (B3).
            // SAFETY: as above.
            place.block = unsafe { (**emptied).next.load(Ordering::Relaxed) };
            place.offset = 0;
        }
        let next = *place;
        let full = || {
            // SAFETY: as above.
            let slot = unsafe { Block::slot(next.block, next.offset) };
            // ORDERING: Relaxed, the message is not touched.
            slot.state.load(Ordering::Relaxed) == FULL
        };
        let more = head.find_one(|| self.is_at_tail(&next), full);
        Some(Popped::Taken { message, more })
    }

    /// Whether the first message can be taken. (If it is being written, that is remembered as if it had been wanted, see K5.)
    pub(super) fn peek(&self) -> Popped<()> {
        self.head.with(|head| {
            // SAFETY: as in `pop`.
            let slot = unsafe { Block::slot(head.place.block, head.place.offset) };
            // ORDERING: Relaxed, the message is not touched.
            if slot.state.load(Ordering::Relaxed) == FULL {
                return Popped::of(Some(()));
            }
            let at_tail = self.is_at_tail(&head.place);
            head.find_none(at_tail)
        })
    }

    /// Whether no sender has claimed this place, which the head is at.
    fn is_at_tail(&self, place: &Place<T>) -> bool {
        // ORDERING: Relaxed, the pointer is not followed.
        let tail = self.end.tail.load(Ordering::Relaxed);
        ptr::eq(block_of(tail), place.block) && offset_of(tail) == place.offset
    }

    /// Whether there are [`MANY`] messages, or nearly; false also where somebody else is at the head.
    ///
    /// # Safety
    ///
    /// As for [`List::pop`].
    pub(super) unsafe fn has_many(&self, right: Right<'_>) -> bool {
        // ORDERING: Relaxed, the pointer is not followed.
        let tail = self.end.tail.load(Ordering::Relaxed);
        let act = |head: &mut Head<Place<T>>| {
            let same = ptr::eq(block_of(tail), head.place.block);
            !same || offset_of(tail) >= head.place.offset + MANY
        };
        // SAFETY: by contract.
        unsafe { self.head.try_with_unless(right.is_sole(), act) }.unwrap_or(false)
    }

    /// How many messages there are, those included that are being written. None if the list is closed.
    ///
    /// It goes from block to block, and has the head locked for as long.
    pub(super) fn len(&self) -> usize {
        self.head.read(|head| {
            // ORDERING: Acquire, partner of the exchange in `push`: the blocks up to here.
            let tail = self.end.tail.load(Ordering::Acquire);
            if is_closed(tail) {
                return 0;
            }
            let (mut block, mut length) = (head.place.block, 0);
            while !ptr::eq(block, block_of(tail)) {
                length += BLOCK as usize;
                // SAFETY: a block from the head on, and not the tail's, has a next one, or will have with the next store of its last
                // sender (B3); none is freed while the head is locked (B2).
                block = unsafe { next_of(block) };
            }
            length + offset_of(tail) as usize - head.place.offset as usize
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.read(|head| self.is_at_tail(&head.place)) || self.is_closed()
    }

    /// Whether the receivers are gone.
    pub(super) fn is_closed(&self) -> bool {
        // ORDERING: Relaxed, a fact by itself.
        is_closed(self.end.tail.load(Ordering::Relaxed))
    }

    /// From now on messages go back to who sends them.
    pub(super) fn close(&self) {
        // ORDERING: Relaxed, it publishes nothing: what was sent is found in the slots.
        let mut tail = self.end.tail.load(Ordering::Relaxed);
        while let Err(now) = self.end.tail.compare_exchange_weak(
            tail,
            tail.map_addr(|addr| addr | CLOSED),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            tail = now;
        }
    }

    /// Drops what is there. Waits for nobody.
    ///
    /// # Safety
    ///
    /// The caller is the last receiver and has closed the list.
    pub(super) unsafe fn clear(&self) {
        let place = |head: &Head<Place<T>>| (head.place.block, head.place.offset);
        // SAFETY: by contract no receiver is left that could move it, and senders only read it, to count.
        let (block, offset) = unsafe { self.head.read_unlocked(place) };
        // SAFETY: by contract, nobody has begun to drain. The senders have done with what is before the head.
        unsafe { self.drain::<true>(block, offset) };
    }

    /// Drops the messages from here to the end of a closed list.
    ///
    /// `FREES`: no sender has to do with the block any more in which this begins, up to here, nor with any before. As long as that goes on
    /// blocks are freed, the other ones with the list. (A sender that drains must not: that takes the head's lock.) It also ends when somebody
    /// counts: who has the head locked may be on its way through the blocks, and whoever locks it later finds the list closed.
    ///
    /// # Safety
    ///
    /// It is for the caller to drain (B5), and this is where to begin.
    unsafe fn drain<const FREES: bool>(&self, mut block: *mut Block<T>, mut offset: u32) {
        let mut clean = true;
        // ORDERING: Relaxed: closed by us, or acquired from who did (`publish`); it does not change any more.
        let tail = self.end.tail.load(Ordering::Relaxed);
        assert!(is_closed(tail), "only a closed list is drained");
        drop_all(iter::from_fn(|| {
            while !ptr::eq(block, block_of(tail)) || offset != offset_of(tail) {
                // SAFETY: not freed yet.
                let slot = unsafe { Block::slot(block, offset) };
                // ORDERING: Acquire, partner of the exchange in `publish`: the message and the next block (B3). Release: what we have
                // done, for the sender that finds its slot abandoned.
                let full = slot.state.swap(ABANDONED, Ordering::AcqRel) == FULL;
                // SAFETY: found full, so it is ours (B4).
                let message = full.then(|| unsafe { slot.message.take() });
                clean &= full;
                offset += 1;
                if offset == BLOCK {
                    if !full {
                        return None;
                    }
                    // ORDERING: Relaxed, acquired with the slot (B3).
                    // SAFETY: as above.
                    let next = unsafe { (*block).next.load(Ordering::Relaxed) };
                    if FREES && clean {
                        let place = Place {
                            block: next,
                            offset: 0,
                        };
                        let advance = |head: &mut Head<Place<T>>| head.place = place;
                        // SAFETY: it locks.
                        let advanced = unsafe { self.head.try_with_unless(false, advance) };
                        clean = advanced.is_some();
                        if clean {
                            // SAFETY: it came from `Block::new`, and nobody has to do with it any more.
                            unsafe { Block::free(block) };
                        }
                    }
                    (block, offset) = (next, 0);
                }
                if message.is_some() {
                    return message;
                }
            }
            None
        }));
    }
}

/// The block behind one that is not the last.
///
/// # Safety
///
/// Both exist, or the second is about to be linked.
unsafe fn next_of<T>(block: *mut Block<T>) -> *mut Block<T> {
    let mut spin = Spin::new();
    loop {
        // ORDERING: Relaxed, the block itself has been acquired with the tail.
        // SAFETY: by contract.
        let next = unsafe { (*block).next.load(Ordering::Relaxed) };
        if !next.is_null() {
            return next;
        }
        pause(&mut spin);
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        // There are blocks, and no messages: those have been taken or drained (B5).
        let mut block = self.head.get_mut().place.block;
        while !block.is_null() {
            // ORDERING: Relaxed, the last handle of each side has acquired what all others did.
            // SAFETY: nobody else is here any more.
            let next = unsafe { (*block).next.load(Ordering::Relaxed) };
            // SAFETY: as above.
            unsafe { Block::free(block) };
            block = next;
        }
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
