//! Sending: at once, or when there is room for the message.

use super::meeting::{Fate, Meeting, Refused};
use super::seat::Availability;
use super::{Buffer, Channel, SendTimeoutError};
use crate::raw::RawEvent;
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::sys::futex;
use std::sync::mpsc::{SendError, TrySendError};

impl<T> Channel<T> {
    /// Sends without waiting.
    #[inline]
    pub(crate) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.try_send_urging(message, &mut None)
    }

    /// The same for one who may try again with this message, and by `urged` knows for which other one it has sent a receiver to look (M6).
    #[inline]
    pub(super) fn try_send_urging(
        &self,
        message: T,
        urged: &mut Option<u64>,
    ) -> Result<(), TrySendError<T>> {
        match &self.buffer {
            Buffer::Unbounded(list) => list.push(message)?,
            Buffer::Bounded(ring) => ring.push(message)?,
            Buffer::Rendezvous(meeting) => match meeting.hand_over(message) {
                Ok(false) => {
                    self.laid(meeting);
                    return Ok(());
                }
                Ok(true) => {
                    // All, for the one that was claimed is to come (M4).
                    self.filled.notify_all();
                    return Ok(());
                }
                Err(refused) => return Err(self.refuse(refused, urged)),
            },
        }
        self.filled.notify_one();
        Ok(())
    }

    /// Sends over a channel that is unbounded. Waits for nobody.
    #[inline]
    pub(crate) fn send_unbounded(&self, message: T) -> Result<(), SendError<T>> {
        // By a way of its own, so that the built module shows that nothing on it waits.
        let Buffer::Unbounded(list) = &self.buffer else {
            unreachable!("a bounded channel");
        };
        list.push(message)?;
        self.filled.notify_one();
        Ok(())
    }

    /// Sends the only message of a bounded channel. Waits for nobody.
    pub(crate) fn send_only(&self, message: T) -> Result<(), SendError<T>> {
        // As above.
        let Buffer::Bounded(ring) = &self.buffer else {
            unreachable!("not a bounded channel");
        };
        match ring.push(message) {
            Ok(()) => {}
            Err(TrySendError::Disconnected(message) | TrySendError::Full(message)) => {
                return Err(SendError(message));
            }
        }
        self.filled.notify_one();
        Ok(())
    }

    /// Sends, waiting for room until the deadline that `deadline` gives; where there is no buffer, for a receiver.
    pub(crate) fn send(
        &self,
        message: T,
        deadline: impl FnOnce() -> Option<Deadline>,
        call: &Call,
    ) -> Result<(), SendTimeoutError<T>> {
        if let Buffer::Rendezvous(meeting) = &self.buffer {
            return self.meet(meeting, message, deadline(), call);
        }
        let mut message = Some(message);
        let sent = self.attempt(&mut message, Self::try_send);
        let sent = sent.or_else(|| {
            // Before the look, which may take a while.
            let deadline = deadline();
            let mut attempt = || self.attempt(&mut message, Self::try_send);
            if let Some(sent) = self.sending.look(&mut attempt, || self.has_much_room()) {
                return Some(sent);
            }
            self.emptied.wait(deadline, call, attempt)
        });
        outcome(sent, message)
    }

    /// Whether there is so much room that receivers are better left alone for a while.
    fn has_much_room(&self) -> bool {
        match &self.buffer {
            Buffer::Bounded(ring) => ring.has_much_room(),
            Buffer::Unbounded(_) | Buffer::Rendezvous(_) => false,
        }
    }

    /// Lays the message on the table, waiting until it is free, and waits until a receiver has taken it.
    fn meet(
        &self,
        meeting: &Meeting<T>,
        message: T,
        deadline: Option<Deadline>,
        call: &Call,
    ) -> Result<(), SendTimeoutError<T>> {
        if Deadline::is_endless(deadline) && self.has_receivers() {
            // Before the message lies there. (Where they are gone nothing is waited for.)
            futex::refuse_endless(call);
        }
        let (mut message, mut urged) = (Some(message), None);
        let mut offer = || {
            let offer = |channel: &Self, message| channel.offer(message, &mut urged);
            self.attempt(&mut message, offer)
        };
        let offered = offer().or_else(|| self.emptied.wait(deadline, call, &mut offer));
        let ticket = match offered {
            Some(Ok(ticket)) => ticket,
            failed => return outcome(failed.map(|result| result.map(drop)), message),
        };
        let taken = meeting
            .taken
            .wait(deadline, call, || Self::fate(meeting, ticket));
        match taken {
            Some(sent) => Ok(sent?),
            None => self
                .withdraw(meeting, ticket)
                .map_or(Ok(()), |back| Err(SendTimeoutError::Timeout(back))),
        }
    }

    /// What it means that a message was not laid on the table. If another one lies there somebody is to take it (M6).
    #[cold]
    fn refuse(&self, refused: Refused<T>, urged: &mut Option<u64>) -> TrySendError<T> {
        if let Refused::Taken(_, ticket) = refused
            && urged.replace(ticket) != Some(ticket)
        {
            self.filled.notify_one();
        }
        refused.into()
    }

    /// Sends a receiver to what now lies on the table, and one more if other senders wait (M6).
    fn laid(&self, meeting: &Meeting<T>) {
        self.filled.notify_one();
        if self.emptied.is_awaited() || meeting.seated.is_awaited() {
            self.filled.notify_one();
        }
    }

    /// Lays a message on the table; an error where there is none. `urged` as above.
    pub(super) fn offer(
        &self,
        message: T,
        urged: &mut Option<u64>,
    ) -> Result<u64, TrySendError<T>> {
        let Buffer::Rendezvous(meeting) = &self.buffer else {
            return Err(TrySendError::Full(message));
        };
        let ticket = match meeting.offer(message) {
            Ok(ticket) => ticket,
            Err(refused) => return Err(self.refuse(refused, urged)),
        };
        self.laid(meeting);
        Ok(ticket)
    }

    /// Whether the message has been sent, if that is certain.
    pub(super) fn fate(meeting: &Meeting<T>, ticket: u64) -> Option<Result<(), SendError<T>>> {
        match meeting.fate(ticket) {
            Fate::Lies => None,
            Fate::Taken => Some(Ok(())),
            Fate::Returned(message) => Some(Err(SendError(message))),
        }
    }

    /// Takes a message back from the table, if it has not been received.
    pub(super) fn withdraw(&self, meeting: &Meeting<T>, ticket: u64) -> Option<T> {
        let message = meeting.withdraw(ticket)?;
        self.emptied.notify_one();
        meeting.seated.notify_one();
        Some(message)
    }

    /// Sends what is in `message`, if that can be done or never will be; if neither it stays there.
    pub(super) fn attempt<R>(
        &self,
        message: &mut Option<T>,
        send: impl FnOnce(&Self, T) -> Result<R, TrySendError<T>>,
    ) -> Option<Result<R, SendError<T>>> {
        match send(self, message.take()?) {
            Ok(sent) => Some(Ok(sent)),
            Err(TrySendError::Disconnected(back)) => Some(Err(SendError(back))),
            Err(TrySendError::Full(back)) => {
                *message = Some(back);
                None
            }
        }
    }

    /// What those wait for that try to send, and try again.
    pub(super) fn chance(&self) -> &RawEvent {
        match &self.buffer {
            Buffer::Rendezvous(meeting) => &meeting.seated,
            Buffer::Unbounded(_) | Buffer::Bounded(_) => &self.emptied,
        }
    }

    /// Whether an attempt to send would come to something now, if none of `own` seats counts.
    pub(super) fn can_send(&self, own: *const Availability) -> bool {
        match &self.buffer {
            Buffer::Unbounded(_) => true,
            Buffer::Bounded(ring) => ring.has_room() || ring.is_closed(),
            Buffer::Rendezvous(meeting) => meeting.awaits_one(own),
        }
    }

    /// Whether a sent message can still be received.
    pub(crate) fn has_receivers(&self) -> bool {
        !match &self.buffer {
            Buffer::Unbounded(list) => list.is_closed(),
            Buffer::Bounded(ring) => ring.is_closed(),
            Buffer::Rendezvous(meeting) => meeting.is_closed(),
        }
    }

    /// The last receiver goes (K3).
    pub(super) fn end_of_receivers(&self) {
        match &self.buffer {
            Buffer::Unbounded(list) => list.close(),
            Buffer::Bounded(ring) => ring.close(),
            Buffer::Rendezvous(meeting) => {
                meeting.close();
                meeting.taken.notify_all();
                meeting.seated.notify_all();
            }
        }
        self.emptied.notify_all();
        match &self.buffer {
            // SAFETY: the last receiver, and closed just now.
            Buffer::Unbounded(list) => unsafe { list.clear() },
            // SAFETY: as above.
            Buffer::Bounded(ring) => unsafe { ring.clear() },
            Buffer::Rendezvous(meeting) => drop(meeting.clear()),
        }
    }
}

/// The result of an attempt to send `message`, which is still there if nothing came of it.
fn outcome<T>(
    sent: Option<Result<(), SendError<T>>>,
    message: Option<T>,
) -> Result<(), SendTimeoutError<T>> {
    match (sent, message) {
        (Some(sent), _) => Ok(sent?),
        (None, Some(message)) => Err(SendTimeoutError::Timeout(message)),
        (None, None) => unreachable!("neither sent nor there"),
    }
}
