//! The one receiver of a channel of `mpsc`. As long as nobody else can look into its buffer it does so without the lock.
//!
//! It is not `Sync`, so its own calls are one agent's. Its futures, and what else borrows it and may go to another agent, are made by it too, on
//! the same agent: with [`SoleReceiver::shared`], after which everybody locks, for good. That may happen inside a call that waits: one that
//! spins for long says so on the console, and there a program can have put a function of its own. So a [`Right`] is no answer, but where to
//! look for it, and who works on the head asks it each time.

use super::{Channel, Receiver};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::shim::{AtomicU32, Ordering};
use core::cell::Cell;
use core::marker::PhantomData;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};

/// By which right a receiver works on the head of a buffer.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    /// As long as this is 0 it is the only one that can (K6).
    shared: Option<&'a AtomicU32>,
}

impl Right<'_> {
    /// It has the head locked.
    pub(crate) const LOCKED: Self = Self { shared: None };

    /// Whether it may do without the lock, now: until other code runs than the channel's own.
    #[inline(always)]
    pub(super) fn is_sole(self) -> bool {
        // ORDERING: Relaxed, see `SoleReceiver::shared`.
        self.shared
            .is_some_and(|shared| shared.load(Ordering::Relaxed) == 0)
    }
}

/// The receiving end, which cannot be cloned.
pub(crate) struct SoleReceiver<T> {
    receiver: Receiver<T>,
    _not_sync: PhantomData<Cell<()>>,
}

impl<T> SoleReceiver<T> {
    /// From a new channel's, which nobody else has seen.
    pub(crate) fn new(receiver: Receiver<T>) -> Self {
        // ORDERING: Relaxed: senders do not read it, and see `shared`.
        receiver.shared.store(0, Ordering::Relaxed);
        let _not_sync = PhantomData;
        Self {
            receiver,
            _not_sync,
        }
    }

    /// The receiver as others may use it too.
    pub(crate) fn shared(&self) -> &Receiver<T> {
        // ORDERING: Relaxed: who else looks got the reference from here, and who reads it is this agent, or the one to which the
        // receiver has been moved.
        self.receiver.shared.store(1, Ordering::Relaxed);
        &self.receiver
    }

    /// The receiver as somebody else's.
    #[cfg(feature = "futures")]
    pub(crate) fn into_shared(self) -> Receiver<T> {
        self.shared();
        self.receiver
    }

    #[inline]
    fn right(&self) -> Right<'_> {
        let shared = Some(&self.receiver.shared);
        Right { shared }
    }

    #[inline]
    pub(crate) fn recv(
        &self,
        deadline: impl FnOnce() -> Option<Deadline>,
        call: &Call,
    ) -> Result<T, RecvTimeoutError> {
        let channel: &Channel<T> = &self.receiver;
        // SAFETY: the sole receiver, or it locks (K6).
        unsafe { channel.recv_by(self.right(), deadline, call) }
    }

    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        let channel: &Channel<T> = &self.receiver;
        // SAFETY: as above.
        unsafe { channel.try_recv_by(self.right()) }
    }

    pub(crate) fn is_disconnected(&self) -> bool {
        self.receiver.is_disconnected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Capacity, new};

    /// A receiver that waits may have to report a long spin; the console may be the program's own, and there it can make a future.
    #[test]
    fn a_right_ends_when_the_receiver_is_shared() {
        for capacity in [Capacity::Unbounded, Capacity::Bounded(1)] {
            let (_sender, receiver) = new::<u32>(capacity);
            let receiver = SoleReceiver::new(receiver);
            let before = receiver.right();
            assert!(before.is_sole() && !Right::LOCKED.is_sole());
            let _future = receiver.shared().recv_async();
            assert!(!before.is_sole() && !receiver.right().is_sole());
        }
    }

    #[cfg(all(debug_assertions, panic = "unwind"))]
    #[test]
    #[should_panic = "a sole receiver does not lock"]
    fn nobody_else_looks_before_that() {
        let (_sender, receiver) = new::<u32>(Capacity::Unbounded);
        SoleReceiver::new(receiver).receiver.len();
    }
}
