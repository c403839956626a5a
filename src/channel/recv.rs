//! Receiving: what is there, or what will be.

use super::{Buffer, Channel, Popped, Right, pause};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::futex;
use crate::sys::shim::Ordering;
use crate::sys::spin::Spin;
use std::sync::mpsc::{RecvError, RecvTimeoutError, TryRecvError};

impl<T> Channel<T> {
    /// Receives what is there. A message that is just being written is waited for, which is a matter of a few instructions: what has been sent
    /// is behind it.
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.expect_shared();
        // SAFETY: it locks (K6).
        unsafe { self.try_recv_by(Right::LOCKED) }
    }

    /// # Safety
    ///
    /// The caller has this right (K6).
    #[inline]
    pub(super) unsafe fn try_recv_by(&self, right: Right<'_>) -> Result<T, TryRecvError> {
        let mut spin = Spin::new();
        loop {
            // SAFETY: by contract.
            match unsafe { self.pop(right, false) } {
                Popped::Taken { message, .. } => return Ok(message),
                Popped::Claimed => pause(&mut spin),
                Popped::Empty if self.has_senders() => return Err(TryRecvError::Empty),
                // SAFETY: by contract.
                Popped::Empty => return Ok(unsafe { self.last_look(right, false) }?),
            }
        }
    }

    /// Receives, waiting until the deadline that `deadline` gives.
    pub(crate) fn recv(
        &self,
        deadline: impl FnOnce() -> Option<Deadline>,
        call: &Call,
    ) -> Result<T, RecvTimeoutError> {
        self.expect_shared();
        // SAFETY: it locks (K6).
        unsafe { self.recv_by(Right::LOCKED, deadline, call) }
    }

    /// # Safety
    ///
    /// The caller has this right (K6).
    #[inline]
    pub(super) unsafe fn recv_by(
        &self,
        right: Right<'_>,
        deadline: impl FnOnce() -> Option<Deadline>,
        call: &Call,
    ) -> Result<T, RecvTimeoutError> {
        // SAFETY: by contract.
        if let Some(received) = unsafe { self.glance(right) } {
            return Ok(received?);
        }
        // SAFETY: by contract.
        unsafe { self.recv_slow(right, deadline(), call) }
    }

    /// # Safety
    ///
    /// As for [`Channel::recv_by`].
    #[cold]
    unsafe fn recv_slow(
        &self,
        right: Right<'_>,
        deadline: Option<Deadline>,
        call: &Call,
    ) -> Result<T, RecvTimeoutError> {
        if Deadline::is_endless(deadline) {
            futex::refuse_endless(call);
        }
        // SAFETY: by contract.
        let look = || unsafe { self.glance(right) };
        // SAFETY: by contract.
        let much = || unsafe { self.has_many(right) };
        if let Some(received) = self.receiving.look(look, much) {
            return Ok(received?);
        }
        self.arrive();
        // SAFETY: by contract.
        let look = || unsafe { self.look_by(right, true) };
        match self.filled.wait(deadline, call, look) {
            Some(received) => Ok(received?),
            // SAFETY: by contract.
            None => unsafe { self.leave_by(right) }.ok_or(RecvTimeoutError::Timeout),
        }
    }

    /// Receives if there is something, or never will be. A receiver that `waits` then waits no more.
    pub(super) fn look(&self, waits: bool) -> Option<Result<T, RecvError>> {
        self.expect_shared();
        // SAFETY: it locks (K6).
        unsafe { self.look_by(Right::LOCKED, waits) }
    }

    /// # Safety
    ///
    /// The caller has this right (K6).
    unsafe fn look_by(&self, right: Right<'_>, waits: bool) -> Option<Result<T, RecvError>> {
        // SAFETY: by contract.
        match unsafe { self.pop(right, waits) } {
            Popped::Taken { message, .. } => Some(Ok(message)),
            // SAFETY: by contract.
            Popped::Empty if !self.has_senders() => Some(unsafe { self.last_look(right, waits) }),
            Popped::Empty | Popped::Claimed => None,
        }
    }

    /// Receives if there is something at first sight, or never will be: for a receiver that has not begun to wait, and looks again.
    ///
    /// # Safety
    ///
    /// The caller has this right (K6).
    #[inline]
    unsafe fn glance(&self, right: Right<'_>) -> Option<Result<T, RecvError>> {
        let popped = match &self.buffer {
            // SAFETY: by contract.
            Buffer::Unbounded(list) => unsafe { list.glance(right) },
            // SAFETY: by contract.
            Buffer::Bounded(ring) => unsafe { ring.glance(right) },
            // SAFETY: by contract.
            Buffer::Rendezvous(_) => return unsafe { self.look_by(right, false) },
        };
        match popped.map(|popped| self.announce(popped)) {
            Some(Popped::Taken { message, .. }) => Some(Ok(message)),
            // SAFETY: by contract.
            _ if !self.has_senders() => unsafe { self.look_by(right, false) },
            _ => None,
        }
    }

    /// Whether there are so many messages that senders are better left alone for a while.
    ///
    /// # Safety
    ///
    /// The caller has this right (K6).
    unsafe fn has_many(&self, right: Right<'_>) -> bool {
        match &self.buffer {
            // SAFETY: by contract.
            Buffer::Unbounded(list) => unsafe { list.has_many(right) },
            // SAFETY: by contract.
            Buffer::Bounded(ring) => unsafe { ring.has_many(right) },
            Buffer::Rendezvous(_) => false,
        }
    }

    /// What was sent before the last sender went (K2).
    ///
    /// # Safety
    ///
    /// The caller has this right (K6).
    unsafe fn last_look(&self, right: Right<'_>, waits: bool) -> Result<T, RecvError> {
        if waits {
            // SAFETY: by contract.
            return unsafe { self.leave_by(right) }.ok_or(RecvError);
        }
        // SAFETY: by contract.
        match unsafe { self.pop(right, false) } {
            Popped::Taken { message, .. } => Ok(message),
            Popped::Empty | Popped::Claimed => Err(RecvError),
        }
    }

    /// A receiver begins to wait.
    pub(super) fn arrive(&self) {
        if let Buffer::Rendezvous(meeting) = &self.buffer {
            meeting.arrive();
            meeting.seated.notify_one();
        }
    }

    /// Whether a look would find something now, or that there never will be anything.
    pub(super) fn can_receive(&self) -> bool {
        self.expect_shared();
        let found = match &self.buffer {
            Buffer::Unbounded(list) => list.peek(),
            Buffer::Bounded(ring) => ring.peek(),
            Buffer::Rendezvous(meeting) => Popped::of(meeting.has_message().then_some(())),
        };
        match found {
            Popped::Taken { .. } => true,
            Popped::Claimed => false,
            Popped::Empty => !self.has_senders(),
        }
    }

    /// A receiver waits no more, and takes what is there.
    pub(super) fn leave(&self) -> Option<T> {
        self.expect_shared();
        // SAFETY: it locks (K6).
        unsafe { self.leave_by(Right::LOCKED) }
    }

    /// # Safety
    ///
    /// The caller has this right (K6).
    unsafe fn leave_by(&self, right: Right<'_>) -> Option<T> {
        let popped = match &self.buffer {
            Buffer::Rendezvous(meeting) => self.announce(Popped::of(meeting.leave())),
            // SAFETY: by contract.
            Buffer::Unbounded(_) | Buffer::Bounded(_) => unsafe { self.pop(right, false) },
        };
        match popped {
            Popped::Taken { message, .. } => Some(message),
            Popped::Empty => None,
            // As in `try_recv`: what has been sent may be behind it.
            // SAFETY: by contract.
            Popped::Claimed => unsafe { self.try_recv_by(right) }.ok(),
        }
    }

    /// Takes the first message. A receiver that `waits` then waits no more.
    ///
    /// # Safety
    ///
    /// The caller has this right (K6).
    #[inline]
    unsafe fn pop(&self, right: Right<'_>, waits: bool) -> Popped<T> {
        self.announce(match &self.buffer {
            // SAFETY: by contract.
            Buffer::Unbounded(list) => unsafe { list.pop(right) },
            // SAFETY: by contract.
            Buffer::Bounded(ring) => unsafe { ring.pop(right) },
            Buffer::Rendezvous(meeting) => Popped::of(meeting.take(waits)),
        })
    }

    /// Notifies whom it concerns that a message was taken.
    #[inline]
    fn announce(&self, popped: Popped<T>) -> Popped<T> {
        let Popped::Taken { more, .. } = popped else {
            return popped;
        };
        if more {
            self.filled.notify_one();
        }
        match &self.buffer {
            Buffer::Unbounded(_) => {}
            Buffer::Bounded(_) => self.emptied.notify_one(),
            Buffer::Rendezvous(meeting) => {
                // All, for each sender looks for its own ticket only (M3).
                meeting.taken.notify_all();
                self.emptied.notify_one();
                meeting.seated.notify_one();
            }
        }
        popped
    }

    pub(crate) fn has_senders(&self) -> bool {
        // ORDERING: Acquire, partner of the Release in `handle`: what the senders have sent before they went.
        self.senders.load(Ordering::Acquire) > 0
    }

    /// The last sender has gone (K2).
    pub(super) fn end_of_senders(&self) {
        self.filled.notify_all();
    }
}
