//! The buffer that holds nothing: a sender and a receiver meet.
//!
//! A sender lays its message on the table, if there is none, and waits until it has been taken; a receiver takes what lies there. One
//! that only tries to send lays its message there if a receiver waits, and goes. A select that sends is of that kind: it goes on trying,
//! whenever a receiver has come.
//!
//! A receiver that waits elsewhere as well, as a select does, is not to be had by two at once. It has a [`Seat`] here, and who has a message
//! for it *claims* it first.
//!
//! # Invariants
//!
//! - **M1** A message on the table is somebody else's only after it has been taken, with the table locked. A sender that gives up takes it
//!   back, or finds it taken: so it is sent or it is not.
//! - **M2** A receiver that waits is counted in `waiting`, and leaves in the same step in which it takes a message, or takes its last look. So
//!   what was laid there for it without a sender that waits, it takes. (A future that is dropped does not take it: it is for the next
//!   receiver then.)
//! - **M3** Whoever takes a message notifies all who wait in `taken`, for its sender is one of them, and one who waits for room. Each sender
//!   looks for its own ticket, so a notification that went to one alone could go to the wrong one, and be lost. At most one sender, whose
//!   message lies there untaken, waits again.
//! - **M4** Seats are claimed, and the message laid on the table, in one step with the table locked, and all receivers are notified then, for
//!   it is one of them that is to come. A claimed receiver looks here first. If others have taken the message, it is free again.
//! - **M5** After the table has become free, and after a receiver has come or its seat can be claimed again, one who listens to `seated`
//!   is notified.
//! - **M6** While a message lies on the table and a sender waits, a second receiver is sent to look, if there is one: by the sender that lays the
//!   message there, if others wait already, and by each that finds the table taken, once for each message that it finds there. For the
//!   receiver that was notified of what lies there may be a task that is not run, and no other one knows of it. Whoever looks while the
//!   table is taken clears it, so they do not send each other round.

use super::guarded::Guarded;
use super::seat::{Availability, Seat, Seats};
use crate::raw::RawEvent;
use crate::sys::shim::{AtomicU32, Ordering};
use core::ptr;
use std::sync::mpsc::TrySendError;

/// Where one sender and one receiver meet.
pub(super) struct Meeting<T> {
    table: Guarded<Table<T>>,
    /// Receivers that wait. It is counted down with the table locked where a message may be taken in the same step.
    waiting: AtomicU32,
    /// A message has been taken, or never will be.
    pub(super) taken: RawEvent,
    /// A receiver waits that may have been taken before, or none ever will. Who selects a send waits for that.
    pub(super) seated: RawEvent,
}

struct Table<T> {
    message: Option<T>,
    /// What the sender of the last message that was laid here knows it by.
    ticket: u64,
    /// That sender waits until it is taken.
    awaited: bool,
    closed: bool,
    /// Receivers that can be claimed.
    seats: Seats,
}

/// How a message was laid on the table.
struct Laid {
    ticket: u64,
    /// For a receiver that was claimed.
    claimed: bool,
}

/// Why a message was not laid on the table.
pub(super) enum Refused<T> {
    /// Another one lies there, with this ticket.
    Taken(T, u64),
    /// Nobody waits for it.
    Alone(T),
    /// The receivers are gone.
    Closed(T),
}

impl<T> From<Refused<T>> for TrySendError<T> {
    fn from(refused: Refused<T>) -> Self {
        match refused {
            Refused::Taken(message, _) | Refused::Alone(message) => Self::Full(message),
            Refused::Closed(message) => Self::Disconnected(message),
        }
    }
}

/// What has become of a message that was laid on the table.
pub(super) enum Fate<T> {
    /// It lies there.
    Lies,
    /// A receiver has it.
    Taken,
    /// The receivers are gone: it is the sender's again.
    Returned(T),
}

impl<T> Meeting<T> {
    pub(super) fn new() -> Self {
        Self {
            table: Guarded::new(Table {
                message: None,
                ticket: 0,
                awaited: false,
                closed: false,
                seats: Seats::new(),
            }),
            waiting: AtomicU32::new(0),
            taken: RawEvent::new(),
            seated: RawEvent::new(),
        }
    }

    /// Lays a message on the table, for a sender that will wait until it is taken. Returns its ticket.
    pub(super) fn offer(&self, message: T) -> Result<u64, Refused<T>> {
        self.lay(message, true).map(|laid| laid.ticket)
    }

    /// Lays a message there for a receiver that waits. Whether one was claimed, so that all are to be notified (M4).
    pub(super) fn hand_over(&self, message: T) -> Result<bool, Refused<T>> {
        self.lay(message, false).map(|laid| laid.claimed)
    }

    fn lay(&self, message: T, awaited: bool) -> Result<Laid, Refused<T>> {
        self.table.with(|table| {
            if table.closed {
                return Err(Refused::Closed(message));
            }
            if table.message.is_some() {
                return Err(Refused::Taken(message, table.ticket));
            }
            let claimed = !awaited && !self.somebody_waits();
            if claimed && !table.seats.claim() {
                return Err(Refused::Alone(message));
            }
            table.message = Some(message);
            table.awaited = awaited;
            table.ticket += 1;
            let ticket = table.ticket;
            Ok(Laid { ticket, claimed })
        })
    }

    /// Whether a message could be handed over, but not to `own`, or will never be.
    pub(super) fn awaits_one(&self, own: *const Availability) -> bool {
        self.table.with(|table| {
            let somebody = || self.somebody_waits() || table.seats.has_one_beside(own);
            table.closed || table.message.is_none() && somebody()
        })
    }

    /// Whether a message lies there.
    pub(super) fn has_message(&self) -> bool {
        self.table.with(|table| table.message.is_some())
    }

    /// Gives a receiver a seat.
    ///
    /// # Safety
    ///
    /// The seat is in no list. It and what it points to stay where they are until [`rise`](Self::rise).
    pub(super) unsafe fn sit(&self, seat: &Seat) {
        // SAFETY: by contract; the table is locked.
        self.table
            .with(|table| unsafe { table.seats.add(ptr::from_ref(seat)) });
    }

    /// Takes its seat from a receiver.
    pub(super) fn rise(&self, seat: &Seat) {
        self.table.with(|table| table.seats.remove(seat));
    }

    /// What has become of the sender's message.
    pub(super) fn fate(&self, ticket: u64) -> Fate<T> {
        self.table.with(|table| match &table.message {
            Some(_) if table.ticket == ticket => match table.closed {
                true => table.message.take().map_or(Fate::Taken, Fate::Returned),
                false => Fate::Lies,
            },
            _ => Fate::Taken,
        })
    }

    /// Takes the sender's message back, if it has not been taken (M1).
    pub(super) fn withdraw(&self, ticket: u64) -> Option<T> {
        self.table.with(|table| {
            if table.ticket == ticket {
                table.message.take()
            } else {
                None
            }
        })
    }

    /// Takes the message that lies there, if one does. `waits`: for a receiver that is counted, and then is no more (M2).
    pub(super) fn take(&self, waits: bool) -> Option<T> {
        self.table.with(|table| {
            let message = table.message.take();
            if message.is_some() && waits {
                self.give_up();
            }
            message
        })
    }

    /// Counts a receiver that waits.
    pub(super) fn arrive(&self) {
        // ORDERING: Relaxed, a number. Who comes looks at the table afterwards.
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// A receiver waits no more; this is its last look (M2).
    pub(super) fn leave(&self) -> Option<T> {
        self.table.with(|table| {
            self.give_up();
            table.message.take()
        })
    }

    /// A receiver waits no more, and cannot take anything any more. Waits for nobody.
    pub(super) fn give_up(&self) {
        // ORDERING: Relaxed, a number: what is to be one step with it is done with the table locked.
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    fn somebody_waits(&self) -> bool {
        // ORDERING: Relaxed, as in `give_up`.
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Whether the receivers are gone.
    pub(super) fn is_closed(&self) -> bool {
        self.table.with(|table| table.closed)
    }

    /// From now on messages go back to who sends them.
    pub(super) fn close(&self) {
        self.table.with(|table| table.closed = true);
    }

    /// Takes out what nobody will receive, nor take back.
    pub(super) fn clear(&self) -> Option<T> {
        self.table.with(|table| match table.awaited {
            true => None,
            false => table.message.take(),
        })
    }
}

// What the documentation of `mpsc` says.
#[cfg(not(web_sync_loom))]
const _: () = assert!(size_of::<Meeting<u32>>() == if size_of::<usize>() == 4 { 64 } else { 88 });
