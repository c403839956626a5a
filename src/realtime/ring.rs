//! A queue from one agent to one other: a ring of slots, and two positions.
//!
//! Leslie Lamport's queue of 1977 ("Proving the Correctness of Multiprocess Programs"), with the additions that today's rings have: each
//! end keeps its own position and a copy of the other's, so that it looks at the other's cache line only if the copy does not suffice.
//!
//! ```text
//! head   position of the oldest item; stored by the reader
//! tail   position behind the youngest; stored by the writer
//! ```
//!
//! A position counts items from the start on, and wraps at 2^32: after a day of 48,000 items a second, so it is not rare. The number of
//! slots is a power of two, so it divides 2^32: a position's slot is its low bits, also across the wrap. The difference of two positions
//! is right across the wrap as well, if it is at most 2^31. The capacity is what was asked for, and may be less than the number of slots;
//! a ring of capacity 0 has one slot, that is never used.
//!
//! # Invariants
//!
//! - **W1** `tail - head` is between 0 and the capacity, which is at most [`MOST`], for the true positions; and for a position together with
//!   an old copy of the other one.
//! - **W2** The slots from `head` to `tail` have items, and are the reader's. All others are the writer's.
//! - **W3** Only the writer moves the tail, only the reader moves the head, and each only forwards: an old copy makes less room, or fewer
//!   items, than there are, never more.
//!
//! # Steps
//!
//! No loop and no read-modify-write is here: each function is at most one load and one store of an atomic, on every machine, whatever the
//! other end does.

use super::pair::End;
use super::{Line, drop_both};
use crate::sys::cells::Cells;
use crate::sys::shim::{AtomicU32, Ordering};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// The largest capacity: half of the positions, so that their differences are right (W1).
const MOST: usize = 1 << 31;

/// What both ends have.
struct Ring<T> {
    slots: Cells<T>,
    /// How many items there may be.
    capacity: u32,
    /// The number of slots, which is a power of two, less one.
    mask: u32,
    head: Line<AtomicU32>,
    tail: Line<AtomicU32>,
}

/// The slots of so many positions from `start` on: up to the last slot, and from the first one on.
#[inline(always)]
fn parts(mask: u32, start: u32, count: usize) -> [Range<usize>; 2] {
    let start = (start & mask) as usize;
    let first = count.min(mask as usize + 1 - start);
    [start..start + first, 0..count - first]
}

impl<T> Ring<T> {
    #[inline(always)]
    fn parts(&self, start: u32, count: usize) -> [Range<usize>; 2] {
        parts(self.mask, start, count)
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // ORDERING: Relaxed, the last end has acquired what the other one did (P1).
        let [head, tail] = [&self.head, &self.tail].map(|place| place.load(Ordering::Relaxed));
        let parts = self.parts(head, tail.wrapping_sub(head) as usize);
        let items = parts.map(|part| {
            self.slots.write(part.clone());
            // SAFETY: inside; nobody else is here any more.
            unsafe { self.slots.range(part) as *mut [T] }
        });
        // SAFETY: items that nobody else has (W2).
        unsafe { drop_both(items) };
    }
}

/// A ring's two ends. `start` is where its positions begin: 0, but in tests.
pub(crate) fn ring<T>(capacity: usize, start: u32) -> (Writer<T>, Reader<T>) {
    assert!(
        capacity <= MOST,
        "a ring cannot hold {capacity} items; {MOST} are the most"
    );
    let slots = capacity.next_power_of_two();
    let [writers, readers] = End::both(Ring {
        slots: Cells::new(slots),
        capacity: capacity as u32,
        mask: (slots - 1) as u32,
        head: Line(AtomicU32::new(start)),
        tail: Line(AtomicU32::new(start)),
    });
    let writer = Writer {
        ring: writers,
        tail: start,
        head: start,
    };
    let reader = Reader {
        ring: readers,
        head: start,
        tail: start,
        _items: PhantomData,
    };
    (writer, reader)
}

/// The end that puts items in.
pub(crate) struct Writer<T> {
    ring: End<Ring<T>>,
    /// The tail, which is ours.
    tail: u32,
    /// An old copy of the head (W3).
    head: u32,
}

impl<T> Writer<T> {
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.ring.capacity as usize
    }

    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.ring.is_alone()
    }

    /// How many items there is room for, as the head was a moment ago.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        // ORDERING: Acquire, partner of the store in `Reader::release`: the items that were there have been taken.
        self.room_with(self.ring.head.load(Ordering::Acquire))
    }

    #[inline(always)]
    fn room_with(&self, head: u32) -> usize {
        (self.ring.capacity - self.tail.wrapping_sub(head)) as usize
    }

    /// How many items there is room for, at most `most`. It looks at the head only if it must.
    #[inline]
    pub(crate) fn room_up_to(&mut self, most: usize) -> usize {
        let room = self.room_with(self.head);
        if room >= most {
            return most;
        }
        // ORDERING: as in `room`.
        self.head = self.ring.head.load(Ordering::Acquire);
        self.room_with(self.head).min(most)
    }

    /// The slots of the next `count` items, to be filled.
    ///
    /// # Safety
    ///
    /// There is room for as many: this end has seen it, by a `&mut self` method.
    #[inline]
    pub(crate) unsafe fn slots(&mut self, count: usize) -> [*mut [MaybeUninit<T>]; 2] {
        self.ring.parts(self.tail, count).map(|part| {
            self.ring.slots.write(part.clone());
            // SAFETY: behind the tail and before the head, so they are the writer's (W2).
            unsafe { self.ring.slots.range(part) }
        })
    }

    /// Hands the next `count` slots to the reader.
    ///
    /// # Safety
    ///
    /// As [`slots`](Self::slots), and they have been filled.
    #[inline]
    pub(crate) unsafe fn publish(&mut self, count: usize) {
        for part in self.ring.parts(self.tail, count) {
            self.ring.slots.write(part);
        }
        self.tail = self.tail.wrapping_add(count as u32);
        // ORDERING: Release, partner of the Acquire in `Reader::ready` and `ready_up_to`: the items.
        self.ring.tail.store(self.tail, Ordering::Release);
    }
}

/// The end that takes items out.
pub(crate) struct Reader<T> {
    ring: End<Ring<T>>,
    /// The head, which is ours.
    head: u32,
    /// An old copy of the tail (W3).
    tail: u32,
    /// A shared reader shows an item.
    _items: PhantomData<T>,
}

impl<T> Unpin for Reader<T> {}
impl<T> UnwindSafe for Reader<T> {}
impl<T> RefUnwindSafe for Reader<T> {}

impl<T> Reader<T> {
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.ring.capacity as usize
    }

    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.ring.is_alone()
    }

    /// How many items there are, as the tail was a moment ago.
    #[inline]
    pub(crate) fn ready(&self) -> usize {
        // ORDERING: Acquire, partner of the store in `Writer::publish`: the items.
        self.ready_with(self.ring.tail.load(Ordering::Acquire))
    }

    #[inline(always)]
    fn ready_with(&self, tail: u32) -> usize {
        tail.wrapping_sub(self.head) as usize
    }

    /// How many items there are, at most `most`. It looks at the tail only if it must.
    #[inline]
    pub(crate) fn ready_up_to(&mut self, most: usize) -> usize {
        let ready = self.ready_with(self.tail);
        if ready >= most {
            return most;
        }
        // ORDERING: as in `ready`.
        self.tail = self.ring.tail.load(Ordering::Acquire);
        self.ready_with(self.tail).min(most)
    }

    /// The next `count` items. They stay the reader's until they are released.
    ///
    /// # Safety
    ///
    /// There are as many: this end has seen it.
    #[inline]
    pub(crate) unsafe fn items(&self, count: usize) -> [*mut [T]; 2] {
        self.ring.parts(self.head, count).map(|part| {
            self.ring.slots.read(part.clone());
            // SAFETY: between head and tail, so they are items, and the reader's (W2).
            unsafe { self.ring.slots.range(part) as *mut [T] }
        })
    }

    /// Gives the slots of the next `count` items back to the writer. It drops none.
    ///
    /// # Safety
    ///
    /// As [`items`](Self::items), and they have been moved out or dropped, or need no drop.
    #[inline]
    pub(crate) unsafe fn release(&mut self, count: usize) {
        for part in self.ring.parts(self.head, count) {
            self.ring.slots.write(part);
        }
        self.head = self.head.wrapping_add(count as u32);
        // ORDERING: Release, partner of the Acquire in `Writer::room` and `room_up_to`: the items are not touched any more.
        self.ring.head.store(self.head, Ordering::Release);
    }
}

#[cfg(not(web_sync_loom))]
const _: () = {
    // Each end writes a line of its own, and both only read the one before.
    assert!(align_of::<Ring<u8>>() == 128);
    assert!(size_of::<Line<AtomicU32>>() == 128);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_slots_of_the_positions() {
        for mask in [0_u32, 1, 3, 7] {
            for start in (0..9).chain(u32::MAX - 8..=u32::MAX) {
                for count in 0..=mask as usize + 1 {
                    let [first, second] = parts(mask, start, count);
                    let slots: Vec<usize> = first.chain(second).collect();
                    let wanted = (0..count as u32).map(|at| start.wrapping_add(at) & mask);
                    let wanted: Vec<usize> = wanted.map(|slot| slot as usize).collect();
                    assert_eq!(slots, wanted, "{mask} {start} {count}");
                }
            }
        }
    }

    /// Positions wrap at any point of a lap, and nothing is to be seen of that.
    #[test]
    fn positions_wrap() {
        for capacity in 0..6 {
            for before in 0..8_u32 {
                let (mut writer, mut reader) = ring(capacity, 0_u32.wrapping_sub(before));
                let mut next = 0;
                for round in 0..10 {
                    let count = writer.room_up_to(usize::MAX);
                    assert_eq!((count, writer.room()), (capacity, capacity));
                    // SAFETY: there is room for as many.
                    for part in unsafe { writer.slots(count) } {
                        // SAFETY: ours.
                        for slot in unsafe { &mut *part } {
                            slot.write(next);
                            next += 1;
                        }
                    }
                    // SAFETY: filled.
                    unsafe { writer.publish(count) };
                    assert_eq!((writer.room_up_to(1), reader.ready()), (0, capacity));
                    let taken = reader.ready_up_to(usize::MAX);
                    // SAFETY: there are as many.
                    let parts = unsafe { reader.items(taken) };
                    // SAFETY: ours.
                    let items = parts.iter().flat_map(|part| unsafe { &**part });
                    let items: Vec<usize> = items.copied().collect();
                    let first = round * capacity;
                    assert_eq!(items, (first..first + capacity).collect::<Vec<_>>());
                    // SAFETY: numbers need no drop.
                    unsafe { reader.release(taken) };
                    assert_eq!(reader.ready_up_to(1), 0);
                }
            }
        }
    }
}
