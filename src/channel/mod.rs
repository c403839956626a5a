//! Channels: buffers of messages, and who waits for them. `mpsc`, `mpmc` and `oneshot` are faces of this one core.
//!
//! | module | |
//! |---|---|
//! | [`list`] | the unbounded buffer; [`block`], [`spares`]: what it is made of |
//! | [`ring`] | the bounded buffer |
//! | [`meeting`] | the buffer that holds nothing |
//! | [`send`], [`recv`] | what is done with a buffer and its events |
//! | [`handle`] | the two ends, counted: the channel goes with the last of them |
//! | [`sole`] | the end for receiving that one agent at a time has |
//! | [`future`] | sending and receiving as futures |
//! | [`select`], [`case`], [`seat`] | waiting for several channels at once |
//! | [`guarded`] | data that one agent at a time works on, for a few instructions |
//! | [`line`] | cache lines that one side works with |
//!
//! A channel is a buffer and two events: `filled`, for which receivers wait, and `emptied`, for which senders of a bounded channel wait.
//! Whoever changes the buffer notifies the other side's event once for each message that it added or took, so that as many are on
//! their way as there is something for them (`raw::event`, E3).
//!
//! # Invariants
//!
//! - **K1** A message that has been sent is received once, or dropped once: by the last receiver, or by a sender that was about to add to
//!   what that one drops. One that panics when it is dropped does not keep the others from it ([`drop_all`]).
//! - **K2** The last sender ends its count, *then* notifies all receivers. A receiver that finds nothing, then no sender, and then
//!   nothing still, is told that the channel is disconnected.
//! - **K3** The last receiver closes the buffer, *then* notifies all senders, and then drops what is in the buffer. It waits for nobody, except
//!   that where there is no buffer it locks the table.
//! - **K4** No code of the user runs inside a lock of the channel: messages are dropped, and wakers woken and dropped, outside.
//! - **K5** A receiver that finds its message claimed but not published waits for the notification that comes with publishing. It may have
//!   been notified for the sake of a message behind that one. So from then on whoever takes a message sends somebody for the next
//!   one, until the buffer was empty once ([`Head::passed`]).
//! - **K6** Who takes messages or counts them has the buffer's head locked, or is the sole receiver of `mpsc` while nothing else has been made
//!   that could do either: `shared` is 0, which it asks before each look, as other code may have run since the last one. A sender takes
//!   none, and where there is a sole receiver it counts none. Who counts only reads, so the last receiver may read as well, without the
//!   lock, when it drops what is left.

mod block;
pub(crate) mod case;
mod cell;
mod error;
mod future;
mod guarded;
mod handle;
mod line;
mod list;
mod meeting;
mod recv;
mod ring;
mod seat;
pub(crate) mod select;
mod send;
mod sole;
mod spares;

pub use error::SendTimeoutError;
pub(crate) use future::RecvOwned;
#[cfg(feature = "futures")]
pub(crate) use future::{RecvFuture, SendOwned};
pub(crate) use handle::{Receiver, Sender, new};
use sole::Right;
pub(crate) use sole::SoleReceiver;

use crate::raw::RawEvent;
use crate::sys::shim::{AtomicU32, MODEL, Ordering};
use crate::sys::spin::{Patience, Spin};
use list::List;
use meeting::Meeting;
use ring::Ring;

/// So many messages at once, or so much room, are worth a longer pause next time: a cache line of small ones.
const MANY: u32 = 3;

/// Waits for a few instructions of another agent, as often as that takes. That agent may have lost its processor meanwhile.
fn pause(spin: &mut Spin) {
    if !spin.spin() {
        Spin::yield_now();
    }
}

/// What a look at a buffer finds.
enum Popped<T> {
    /// The first message. If there is `more`, somebody is to be notified of that (K5).
    Taken { message: T, more: bool },
    /// The first message is being written.
    Claimed,
    /// Nothing has been sent.
    Empty,
}

impl<T> Popped<T> {
    /// What a buffer of one message holds.
    fn of(message: Option<T>) -> Self {
        match message {
            Some(message) => Self::Taken {
                message,
                more: false,
            },
            None => Self::Empty,
        }
    }
}

/// What one receiver at a time works on: where the next message is taken.
struct Head<P> {
    place: P,
    /// Somebody has found the first message claimed and not published (K5).
    passed: bool,
}

impl<P> Head<P> {
    fn new(place: P) -> Self {
        let passed = false;
        Self { place, passed }
    }

    /// No message is published here.
    fn find_none<T>(&mut self, at_tail: bool) -> Popped<T> {
        if at_tail {
            return Popped::Empty;
        }
        self.passed = true;
        Popped::Claimed
    }

    /// A message has been taken, and the place is now the next one's. Whether somebody is to be notified of that.
    ///
    /// As a rule nobody is, and then neither question is asked: the answers are words that senders work with.
    #[inline]
    fn find_one(&mut self, at_tail: impl FnOnce() -> bool, full: impl FnOnce() -> bool) -> bool {
        if !self.passed {
            return false;
        }
        self.passed = !at_tail();
        self.passed && full()
    }
}

/// Drops all messages. If one of them panics the others are dropped all the same; if a second one does so the program ends, as with those of
/// a `Vec`.
fn drop_all<T>(messages: impl Iterator<Item = T>) {
    struct Rest<I: Iterator>(I);

    impl<I: Iterator> Drop for Rest<I> {
        fn drop(&mut self) {
            self.0.by_ref().for_each(drop);
        }
    }

    // After a panic another one goes on.
    let mut rest = Rest(messages.fuse());
    rest.0.by_ref().for_each(drop);
}

/// How many messages a new channel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capacity {
    Unbounded,
    Bounded(usize),
}

enum Buffer<T> {
    Unbounded(List<T>),
    Bounded(Ring<T>),
    /// In a box of its own: it has room for a message, which the other kinds do not need there.
    Rendezvous(Box<Meeting<T>>),
}

/// A channel. Its handles keep it alive.
pub(crate) struct Channel<T> {
    buffer: Buffer<T>,
    /// How long a receiver looks before it sleeps.
    receiving: Patience,
    /// The same for a sender.
    sending: Patience,
    /// Something can be received, or nothing ever more.
    filled: RawEvent,
    /// Something can be sent, or nothing ever more.
    emptied: RawEvent,
    senders: AtomicU32,
    receivers: AtomicU32,
    /// Not 0: one side is gone. The other one frees the channel.
    half_gone: AtomicU32,
    /// 0: there is a sole receiver, and others than that one do not look (K6).
    shared: AtomicU32,
}

impl<T> Channel<T> {
    fn new(capacity: Capacity) -> Self {
        let buffer = match capacity {
            Capacity::Unbounded => Buffer::Unbounded(List::new()),
            Capacity::Bounded(0) => Buffer::Rendezvous(Box::new(Meeting::new())),
            Capacity::Bounded(most) => Buffer::Bounded(Ring::new(most)),
        };
        Self {
            buffer,
            receiving: Patience::new(),
            sending: Patience::new(),
            filled: RawEvent::new(),
            emptied: RawEvent::new(),
            senders: AtomicU32::new(1),
            receivers: AtomicU32::new(1),
            half_gone: AtomicU32::new(0),
            shared: AtomicU32::new(1),
        }
    }

    /// The caller is going to lock the head. That keeps only those out who do so too (K6).
    #[inline]
    fn expect_shared(&self) {
        // ORDERING: Relaxed, see `SoleReceiver::shared`. (Not in a model, where each load makes for more ways to go.)
        debug_assert!(
            MODEL || self.shared.load(Ordering::Relaxed) != 0,
            "a sole receiver does not lock"
        );
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> usize {
        self.expect_shared();
        match &self.buffer {
            Buffer::Unbounded(list) => list.len(),
            Buffer::Bounded(ring) => ring.len(),
            Buffer::Rendezvous(_) => 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.expect_shared();
        match &self.buffer {
            Buffer::Unbounded(list) => list.is_empty(),
            _ => self.len() == 0,
        }
    }

    /// How many messages there is room for, if that is limited.
    pub(crate) fn capacity(&self) -> Option<usize> {
        match &self.buffer {
            Buffer::Unbounded(_) => None,
            Buffer::Bounded(ring) => Some(ring.capacity()),
            Buffer::Rendezvous(_) => Some(0),
        }
    }
}

// What the documentation of `mpsc` says; the same for 32 bits and for 64.
#[cfg(not(web_sync_loom))]
const _: () =
    assert!(size_of::<Channel<u32>>() == 320 && size_of::<Channel<[u8; 1 << 16]>>() == 320);
