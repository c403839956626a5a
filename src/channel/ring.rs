//! The bounded buffer: a ring of slots, each with a stamp that says for which lap it is ready.
//!
//! It is the queue that Dmitry Vyukov published in 2010 ("bounded MPMC queue"), in the form that crossbeam's array channel gave it,
//! except that one agent at a time takes messages.
//!
//! A *position* is the index of a slot and, above it, the number of the lap. Between the two is a bit that no position has:
//!
//! ```text
//! position   | lap | 0 | index |      the bit is `mark`
//! tail       the next position to claim; with the mark once the ring is closed. Moved by senders, the mark set once
//! stamp      of the slot at `index`:
//!              position             free, for the sender that claims this position. Set by who takes a message, a lap ahead
//!              position + 1         full. Set by that sender, the last time that it touches the slot
//!              position + 1 | mark  abandoned: whoever closes the ring was here before the sender. The message is the sender's again
//! ```
//!
//! # Invariants
//!
//! - **R1** A sender claims a position by moving the tail beyond it, and touches the slot after that, when it is free for this position, until
//!   it publishes.
//! - **R2** One agent at a time takes messages, in the order of their positions: it has the head to itself (K6).
//! - **R3** A message is the property of who changed its slot's stamp last: of the sender that finds the mark, of whoever finds it full.
//! - **R4** When the ring is closed, the last receiver drains it, and waits for no sender.

use super::cell::MessageCell;
use super::guarded::Guarded;
use super::line::Line;
use super::{Head, MANY, Popped, Right, drop_all, pause};
use crate::sys::shim::{AtomicU32, Ordering};
use crate::sys::spin::{Race, Spin};
use core::iter;
use std::sync::mpsc::TrySendError;

/// Positions have 32 bits, of which a lap needs at least one, and an index that may be one too large the others.
const MOST: usize = (1 << 30) - 1;

struct Slot<T> {
    stamp: AtomicU32,
    message: MessageCell<T>,
}

/// A bounded buffer.
pub(super) struct Ring<T> {
    tail: Line<AtomicU32>,
    /// Its place is the position of the next message to take.
    head: Line<Guarded<Head<u32>>>,
    /// The bit between index and lap.
    mark: u32,
    slots: Box<[Slot<T>]>,
}

// SAFETY: messages are sent from one agent to another, and nothing else of them is shared.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    /// Room for so many messages, which is at least one.
    pub(super) fn new(capacity: usize) -> Self {
        assert!(
            (1..=MOST).contains(&capacity),
            "a channel cannot hold {capacity} messages; {MOST} are the most"
        );
        let slots = (0..capacity as u32).map(|index| Slot {
            stamp: AtomicU32::new(index),
            message: MessageCell::new(),
        });
        Self {
            tail: Line(AtomicU32::new(0)),
            head: Line(Guarded::new(Head::new(0))),
            mark: (capacity as u32 + 1).next_power_of_two(),
            slots: slots.collect(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, position: u32) -> &Slot<T> {
        &self.slots[(position & (self.mark - 1)) as usize]
    }

    /// The position behind this one.
    fn after(&self, position: u32) -> u32 {
        let index = position & (self.mark - 1);
        if index as usize + 1 < self.capacity() {
            position + 1
        } else {
            (position - index).wrapping_add(2 * self.mark)
        }
    }

    /// Adds a message if there is room for it.
    pub(super) fn push(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut race = Race::new();
        // ORDERING: Relaxed, a guess: who claims exchanges.
        let mut tail = self.tail.load(Ordering::Relaxed);
        loop {
            if tail & self.mark != 0 {
                return Err(TrySendError::Disconnected(message));
            }
            // ORDERING: Acquire, partner of the exchange in `publish` and of the store in `pop`: if others have used the slot since the
            // tail was this, then the next load of the tail sees where it is now.
            if self.slot(tail).stamp.load(Ordering::Acquire) == tail {
                // ORDERING: Relaxed, a claim publishes nothing.
                match self.tail.compare_exchange_weak(
                    tail,
                    self.after(tail),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    // SAFETY: claimed, by us.
                    Ok(_) => return unsafe { self.publish(tail, message) },
                    Err(_) => {
                        race.lost();
                        tail = self.tail.load(Ordering::Relaxed);
                    }
                }
            } else {
                let now = self.tail.load(Ordering::Relaxed);
                if now == tail {
                    return Err(TrySendError::Full(message));
                }
                tail = now;
            }
        }
    }

    /// Writes a message into a claimed slot.
    ///
    /// # Safety
    ///
    /// The caller has claimed this position.
    unsafe fn publish(&self, position: u32, message: T) -> Result<(), TrySendError<T>> {
        let slot = self.slot(position);
        // It was free when the caller looked, so it is; unless the caller has slept since then for exactly as long as positions need
        // to come round. Then it has claimed a position whose turn has yet to come.
        let mut spin = Spin::new();
        loop {
            // ORDERING: Acquire, partner of the Release in `pop`: the message before has been taken.
            match slot.stamp.load(Ordering::Acquire) {
                stamp if stamp == position => break,
                stamp if stamp & self.mark != 0 => return Err(TrySendError::Disconnected(message)),
                _ => pause(&mut spin),
            }
        }
        // SAFETY: claimed and free, so ours until it is published (R1).
        unsafe { slot.message.put(message) };
        // ORDERING: Release publishes the message to `pop` and `clear`.
        let published = slot.stamp.compare_exchange(
            position,
            position + 1,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if published.is_ok() {
            return Ok(());
        }
        // SAFETY: abandoned, so the message is ours again (R3).
        let message = unsafe { slot.message.take() };
        Err(TrySendError::Disconnected(message))
    }

    /// Takes the first message.
    ///
    /// # Safety
    ///
    /// The caller has this right (K6).
    #[inline]
    pub(super) unsafe fn pop(&self, right: Right<'_>) -> Popped<T> {
        let act = |head: &mut Head<u32>| {
            let taken = self.take(head);
            taken.unwrap_or_else(|| head.find_none(self.is_at_tail(head.place)))
        };
        // SAFETY: by contract.
        unsafe { self.head.with_unless(right.is_sole(), act) }
    }

    /// Takes the first message, unless somebody else is at it. If there is none this does not ask why, and owes nobody anything (K5).
    ///
    /// # Safety
    ///
    /// As for [`Ring::pop`].
    #[inline]
    pub(super) unsafe fn glance(&self, right: Right<'_>) -> Option<Popped<T>> {
        let act = |head: &mut Head<u32>| self.take(head);
        // SAFETY: by contract.
        unsafe { self.head.try_with_unless(right.is_sole(), act) }.flatten()
    }

    /// Takes the first message, if it is published.
    #[inline]
    fn take(&self, head: &mut Head<u32>) -> Option<Popped<T>> {
        let position = head.place;
        let slot = self.slot(position);
        // ORDERING: Acquire, partner of the exchange in `publish`: the message.
        if slot.stamp.load(Ordering::Acquire) != position + 1 {
            return None;
        }
        // SAFETY: full, and nobody else takes it (R2, R3).
        let message = unsafe { slot.message.take() };
        // ORDERING: Release, partner of the Acquire in `push` and `publish`: the message has been taken.
        slot.stamp
            .store(position.wrapping_add(2 * self.mark), Ordering::Release);
        let next = self.after(position);
        head.place = next;
        let full = || {
            // ORDERING: Relaxed, the message is not touched.
            self.slot(next).stamp.load(Ordering::Relaxed) == next + 1
        };
        let more = head.find_one(|| self.is_at_tail(next), full);
        Some(Popped::Taken { message, more })
    }

    /// Whether the first message can be taken. (If it is being written, that is remembered as if it had been wanted, see K5.)
    pub(super) fn peek(&self) -> Popped<()> {
        self.head.with(|head| {
            let position = head.place;
            // ORDERING: Relaxed, the message is not touched.
            if self.slot(position).stamp.load(Ordering::Relaxed) == position + 1 {
                return Popped::of(Some(()));
            }
            head.find_none(self.is_at_tail(position))
        })
    }

    /// Whether a position can be claimed.
    pub(super) fn has_room(&self) -> bool {
        // ORDERING: Relaxed, a guess, as in `push`.
        let mut tail = self.tail.load(Ordering::Relaxed) & !self.mark;
        loop {
            // ORDERING: Acquire, as in `push`.
            if self.slot(tail).stamp.load(Ordering::Acquire) == tail {
                return true;
            }
            let now = self.tail.load(Ordering::Relaxed) & !self.mark;
            if now == tail {
                return false;
            }
            tail = now;
        }
    }

    /// Whether no sender has claimed this position, which the head is at.
    fn is_at_tail(&self, position: u32) -> bool {
        // ORDERING: Relaxed, a number to compare with.
        self.tail.load(Ordering::Relaxed) & !self.mark == position
    }

    /// Whether there are [`MANY`] messages; false also where somebody else is at the head.
    ///
    /// # Safety
    ///
    /// As for [`Ring::pop`].
    pub(super) unsafe fn has_many(&self, right: Right<'_>) -> bool {
        let act = |head: &mut Head<u32>| self.len_from(head) >= MANY as usize;
        // SAFETY: by contract.
        unsafe { self.head.try_with_unless(right.is_sole(), act) }.unwrap_or(false)
    }

    /// Whether there is room for [`MANY`] messages.
    pub(super) fn has_much_room(&self) -> bool {
        // ORDERING: Relaxed, guesses.
        let mut position = self.tail.load(Ordering::Relaxed) & !self.mark;
        for _ in 1..MANY {
            position = self.after(position);
        }
        self.slot(position).stamp.load(Ordering::Relaxed) == position
    }

    /// How many messages there are, those included that are being written. None if the ring is closed.
    pub(super) fn len(&self) -> usize {
        self.head.read(|head| self.len_from(head))
    }

    fn len_from(&self, head: &Head<u32>) -> usize {
        // ORDERING: Relaxed, a number.
        let tail = self.tail.load(Ordering::Relaxed);
        if tail & self.mark != 0 || tail == head.place {
            return 0;
        }
        let index = |position| (position & (self.mark - 1)) as usize;
        match (index(head.place), index(tail)) {
            (head, tail) if head < tail => tail - head,
            (head, tail) => self.capacity() - head + tail,
        }
    }

    /// Whether the receivers are gone.
    pub(super) fn is_closed(&self) -> bool {
        // ORDERING: Relaxed, a fact by itself.
        self.tail.load(Ordering::Relaxed) & self.mark != 0
    }

    /// From now on messages go back to who sends them.
    pub(super) fn close(&self) {
        // ORDERING: Relaxed, it publishes nothing: what was sent is found in the slots.
        self.tail.fetch_or(self.mark, Ordering::Relaxed);
    }

    /// Drops what is there. Waits for nobody.
    ///
    /// # Safety
    ///
    /// The caller is the last receiver and has closed the ring.
    pub(super) unsafe fn clear(&self) {
        // ORDERING: Relaxed: closed by us, so it does not change any more.
        let end = self.tail.load(Ordering::Relaxed) & !self.mark;
        // SAFETY: by contract no receiver is left that could move it, and senders only read it, to count.
        let mut position = unsafe { self.head.read_unlocked(|head| head.place) };
        drop_all(iter::from_fn(|| {
            while position != end {
                let slot = self.slot(position);
                // ORDERING: Acquire, partner of the exchange in `publish`: the message.
                let stamp = slot
                    .stamp
                    .swap((position + 1) | self.mark, Ordering::Acquire);
                let full = stamp == position + 1;
                position = self.after(position);
                if full {
                    // SAFETY: found full, so it is ours (R3).
                    return Some(unsafe { slot.message.take() });
                }
            }
            None
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring whose positions are about to come round.
    fn late_ring(capacity: usize) -> Ring<u32> {
        let ring = Ring::new(capacity);
        let lap = 2 * ring.mark;
        let start = 0_u32.wrapping_sub(lap);
        ring.tail.store(start, Ordering::Relaxed);
        ring.head.with(|head| head.place = start);
        for (index, slot) in (0..).zip(&ring.slots) {
            slot.stamp.store(start + index, Ordering::Relaxed);
        }
        ring
    }

    fn take(ring: &Ring<u32>) -> Option<u32> {
        // SAFETY: it locks.
        match unsafe { ring.pop(Right::LOCKED) } {
            Popped::Taken { message, .. } => Some(message),
            Popped::Claimed | Popped::Empty => None,
        }
    }

    #[test]
    fn positions_come_round() {
        for capacity in [1, 2, 3, 4, 5, 8] {
            let ring = late_ring(capacity);
            for round in 0..4 {
                for number in 0..capacity {
                    assert_eq!(ring.len(), number);
                    ring.push(round).unwrap();
                }
                assert_eq!(ring.push(9), Err(TrySendError::Full(9)));
                assert_eq!(ring.len(), capacity);
                for _ in 0..capacity {
                    assert_eq!(take(&ring), Some(round));
                }
                assert_eq!((take(&ring), ring.len()), (None, 0));
            }
        }
    }

    #[test]
    fn many_and_much_room_are_known_from_afar() {
        // SAFETY: it locks.
        let has_many = |ring: &Ring<u32>| unsafe { ring.has_many(Right::LOCKED) };
        let capacity = 5;
        let ring = late_ring(capacity);
        for sent in 0..=capacity as u32 {
            assert_eq!(has_many(&ring), sent >= MANY);
            assert_eq!(ring.has_much_room(), capacity as u32 - sent >= MANY);
            let _ = ring.push(sent);
        }
        let small = Ring::<u32>::new(MANY as usize - 1);
        assert!(!small.has_much_room());
    }

    /// Who counts has the head locked.
    #[test]
    fn the_last_receiver_does_not_wait_for_who_counts() {
        let ring = Ring::new(2);
        let token = std::sync::Arc::new(());
        ring.push(token.clone()).unwrap();
        let ends = ring.head.is_read_during(|| {
            ring.close();
            // SAFETY: just closed, and we are the only receiver.
            unsafe { ring.clear() };
        });
        assert!(ends, "it waited");
        assert_eq!(std::sync::Arc::strong_count(&token), 1);
    }

    /// A sender that has slept while all positions came round claims one whose slot is not free.
    #[test]
    fn a_claim_that_comes_too_early_waits_for_its_turn() {
        for closes in [false, true] {
            let ring = Ring::new(1);
            ring.push(1).unwrap();
            let position = ring.tail.load(Ordering::Relaxed);
            ring.tail.store(ring.after(position), Ordering::Relaxed);
            std::thread::scope(|scope| {
                // SAFETY: claimed, by hand.
                let sender = scope.spawn(|| unsafe { ring.publish(position, 2) });
                std::thread::sleep(core::time::Duration::from_millis(20));
                assert!(!sender.is_finished());
                if closes {
                    ring.close();
                    // SAFETY: just closed, and we are the only receiver.
                    unsafe { ring.clear() };
                    assert_eq!(sender.join().unwrap(), Err(TrySendError::Disconnected(2)));
                } else {
                    assert_eq!(take(&ring), Some(1));
                    assert_eq!(sender.join().unwrap(), Ok(()));
                    assert_eq!(take(&ring), Some(2));
                }
            });
        }
    }
}
