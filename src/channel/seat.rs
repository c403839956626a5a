//! Receivers that wait at several tables, and can be had by one sender only.
//!
//! ```text
//! availability  0 BUSY     its owner looks around, or waits no more. Set by the owner
//!               1 OPEN     it can be claimed. Set by the owner, who acts on nothing as long as this is so
//!               2 + index  claimed for the case with that index. Set by a sender that finds OPEN, with the table locked at which it sits
//! ```
//!
//! A list of seats is touched with its table locked, and a seat leaves its list before it ends. So the seat of a locked table is alive, and
//! with it its owner's availability.

use crate::sys::shim::{AtomicU32, Ordering};
use core::cell::Cell;
use core::ptr;

const BUSY: u32 = 0;
const OPEN: u32 = 1;
const CLAIMED: u32 = 2;

/// Whether a receiver can be claimed.
pub(crate) struct Availability(AtomicU32);

impl Availability {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(BUSY))
    }

    /// From now on it can be claimed.
    pub(super) fn open(&self) {
        // ORDERING: Relaxed: who is notified of it has passed a fence since, and so has the owner.
        self.0.store(OPEN, Ordering::Relaxed);
    }

    /// From now on it cannot. The index for which it has been claimed, if it has.
    pub(super) fn close(&self) -> Option<usize> {
        // ORDERING: Relaxed: what was laid on the table is found with the table locked, which comes after the claim then.
        let old = self.0.swap(BUSY, Ordering::Relaxed);
        (old >= CLAIMED).then(|| (old - CLAIMED) as usize)
    }

    pub(super) fn is_open(&self) -> bool {
        // ORDERING: Relaxed, as in `open`.
        self.0.load(Ordering::Relaxed) == OPEN
    }

    fn claim(&self, index: usize) -> bool {
        let claimed = CLAIMED + index as u32;
        // ORDERING: Relaxed, as in `close`.
        self.0
            .compare_exchange(OPEN, claimed, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

/// A place in a list of receivers.
pub(crate) struct Seat {
    next: Cell<*const Seat>,
    owner: *const Availability,
    /// What the owner knows this table by.
    index: usize,
}

impl Seat {
    pub(super) fn new(owner: *const Availability, index: usize) -> Self {
        Self {
            next: Cell::new(ptr::null()),
            owner,
            index,
        }
    }
}

/// The seats of one table, first come, first claimed.
pub(super) struct Seats {
    first: *const Seat,
}

// SAFETY: seats are touched by who has the table locked, whoever that is.
unsafe impl Send for Seats {}

impl Seats {
    pub(super) fn new() -> Self {
        Self { first: ptr::null() }
    }

    /// # Safety
    ///
    /// It is in no list, and stays where it is, as its owner does, until it is removed.
    pub(super) unsafe fn add(&mut self, seat: *const Seat) {
        match self.iter().last() {
            Some(last) => last.next.set(seat),
            None => self.first = seat,
        }
    }

    /// Takes a seat out, if it is there.
    pub(super) fn remove(&mut self, seat: &Seat) {
        let next = seat.next.replace(ptr::null());
        if ptr::eq(self.first, seat) {
            self.first = next;
        } else if let Some(before) = self.iter().find(|before| ptr::eq(before.next.get(), seat)) {
            before.next.set(next);
        }
    }

    /// Claims the first that can be. Whether there is one.
    pub(super) fn claim(&self) -> bool {
        // SAFETY: a seat in the list is alive, and so is its owner.
        self.iter()
            .any(|seat| unsafe { (*seat.owner).claim(seat.index) })
    }

    /// Whether there is one that can be claimed, and is not `own`.
    pub(super) fn has_one_beside(&self, own: *const Availability) -> bool {
        // SAFETY: as above.
        self.iter()
            .any(|seat| !ptr::eq(seat.owner, own) && unsafe { (*seat.owner).is_open() })
    }

    fn iter(&self) -> impl Iterator<Item = &Seat> {
        let mut next = self.first;
        core::iter::from_fn(move || {
            // SAFETY: a seat in the list is alive.
            let seat = unsafe { next.as_ref() }?;
            next = seat.next.get();
            Some(seat)
        })
    }
}
