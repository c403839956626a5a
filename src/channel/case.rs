//! What a select can do: receive, or send.

use super::seat::{Availability, Seat};
use super::{Buffer, Channel, Receiver, Sender};
use crate::raw::RawEvent;
use std::sync::mpsc::{RecvError, SendError, TryRecvError};

/// What comes after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    /// Another one, whenever somebody is notified. What is just being sent is for that one.
    Another,
    /// None. What has been sent must be found, also behind a message that is just being sent.
    Last,
}

/// One of the things that a select waits for.
pub(crate) trait Act {
    /// Does it, if that is possible at once. Whether it is done; also if it was before and nobody has taken the result.
    fn act(&mut self, chance: Chance) -> bool;

    /// Whether it could be done now, if no seat of `own` counts.
    fn check(&self, own: *const Availability) -> bool;

    /// Who tells when it is worth to look again.
    fn event(&self) -> &RawEvent;

    /// Whether it can be done no more. Then it must not listen, for it would keep what others are told.
    fn is_over(&self) -> bool {
        false
    }

    /// Sits down where its channel has a table. Whether it has.
    ///
    /// # Safety
    ///
    /// As for [`Meeting::sit`](super::meeting::Meeting::sit).
    unsafe fn sit(&self, _seat: &Seat) -> bool {
        false
    }

    /// Who hears at the table that it can be claimed (M5).
    fn hearers(&self) -> Option<&RawEvent> {
        None
    }

    /// Rises from the table.
    fn rise(&self, _seat: &Seat) {}
}

/// Receives.
pub(crate) struct Receive<'a, T> {
    receiver: &'a Receiver<T>,
    received: Option<Result<T, RecvError>>,
}

impl<'a, T> Receive<'a, T> {
    pub(crate) fn new(receiver: &'a Receiver<T>) -> Self {
        let received = None;
        Self { receiver, received }
    }

    /// What was received, if it was chosen.
    pub(crate) fn take(&mut self) -> Option<Result<T, RecvError>> {
        self.received.take()
    }
}

impl<T> Act for Receive<'_, T> {
    fn act(&mut self, chance: Chance) -> bool {
        if self.received.is_none() {
            self.received = match chance {
                Chance::Another => self.receiver.look(false),
                Chance::Last => match self.receiver.try_recv() {
                    Ok(message) => Some(Ok(message)),
                    Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
                    Err(TryRecvError::Empty) => None,
                },
            };
        }
        self.received.is_some()
    }

    fn check(&self, _own: *const Availability) -> bool {
        self.receiver.can_receive()
    }

    fn event(&self) -> &RawEvent {
        &self.receiver.filled
    }

    unsafe fn sit(&self, seat: &Seat) -> bool {
        let Buffer::Rendezvous(meeting) = &self.receiver.buffer else {
            return false;
        };
        // SAFETY: by contract.
        unsafe { meeting.sit(seat) };
        true
    }

    fn hearers(&self) -> Option<&RawEvent> {
        match &self.receiver.buffer {
            Buffer::Rendezvous(meeting) => Some(&meeting.seated),
            Buffer::Unbounded(_) | Buffer::Bounded(_) => None,
        }
    }

    fn rise(&self, seat: &Seat) {
        if let Buffer::Rendezvous(meeting) = &self.receiver.buffer {
            meeting.rise(seat);
        }
    }
}

/// Sends.
pub(crate) struct Send<'a, T> {
    sender: &'a Sender<T>,
    message: Option<T>,
    /// For which message, that lies where this one is to be laid, it has sent a receiver to look.
    urged: Option<u64>,
    sent: Option<Result<(), SendError<T>>>,
}

impl<'a, T> Send<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>, message: T) -> Self {
        Self {
            sender,
            message: Some(message),
            urged: None,
            sent: None,
        }
    }

    /// Whether it was sent, if it was chosen.
    pub(crate) fn take(&mut self) -> Option<Result<(), SendError<T>>> {
        self.sent.take()
    }

    /// The message, if it was not chosen.
    pub(crate) fn into_message(self) -> Option<T> {
        self.message
    }
}

impl<T> Act for Send<'_, T> {
    fn act(&mut self, _chance: Chance) -> bool {
        if self.sent.is_none() {
            let urged = &mut self.urged;
            let send = |channel: &Channel<T>, message| channel.try_send_urging(message, urged);
            self.sent = self.sender.attempt(&mut self.message, send);
        }
        self.sent.is_some()
    }

    fn check(&self, own: *const Availability) -> bool {
        self.message.is_some() && self.sender.can_send(own)
    }

    fn event(&self) -> &RawEvent {
        self.sender.chance()
    }

    fn is_over(&self) -> bool {
        self.message.is_none() && self.sent.is_none()
    }
}
