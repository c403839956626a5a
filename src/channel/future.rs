//! Sending and receiving as futures.

#[cfg(feature = "futures")]
use super::Sender;
use super::{Buffer, Channel, Receiver, SendTimeoutError};
use crate::queue::Class;
use crate::raw::{Listener, RawEvent};
use crate::sys::clock::Deadline;
use crate::sys::timer::Timer;
use core::future::poll_fn;
use core::mem;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError};

/// A receiver that waits, as a task does.
struct Receiving<'a> {
    /// It is counted among those that wait.
    waits: bool,
    listener: Listener<'a>,
}

impl<'a> Receiving<'a> {
    fn new(filled: &'a RawEvent) -> Self {
        Self {
            waits: false,
            listener: Listener::new(filled, Class::Task),
        }
    }

    /// Receives from the channel that it was made for.
    fn poll<T>(
        self: Pin<&mut Self>,
        channel: &Channel<T>,
        context: &Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        // SAFETY: the listener is not moved out.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.waits {
            channel.arrive();
            this.waits = true;
        }
        // SAFETY: pinned, as `this` is.
        let listener = unsafe { Pin::new_unchecked(&mut this.listener) };
        let received = ready!(listener.poll(context, || channel.look(true)));
        this.waits = false;
        Poll::Ready(received)
    }

    /// Its future is dropped.
    fn give_up<T>(&mut self, channel: &Channel<T>) {
        if mem::take(&mut self.waits)
            && let Buffer::Rendezvous(meeting) = &channel.buffer
        {
            meeting.give_up();
        }
    }
}

/// Receives; when it is ready, the next message. Dropping it at any moment loses none.
pub(crate) struct RecvFuture<'a, T> {
    channel: &'a Channel<T>,
    receiving: Receiving<'a>,
}

impl<T> Channel<T> {
    /// Receives as a future.
    pub(crate) fn recv_async(&self) -> RecvFuture<'_, T> {
        RecvFuture {
            channel: self,
            receiving: Receiving::new(&self.filled),
        }
    }
}

impl<T> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.channel;
        // SAFETY: pinned, as `self` is; the drop does not move it either.
        let receiving = unsafe { self.map_unchecked_mut(|this| &mut this.receiving) };
        receiving.poll(channel, context)
    }
}

impl<T> RecvFuture<'_, T> {
    /// Waits no more, and takes what is there.
    fn last_look(self: Pin<&mut Self>) -> Option<T> {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        if !mem::take(&mut this.receiving.waits) {
            return None;
        }
        this.channel.leave()
    }
}

impl<T> Drop for RecvFuture<'_, T> {
    fn drop(&mut self) {
        self.receiving.give_up(self.channel);
    }
}

/// The same with a receiving end of its own.
pub(crate) struct RecvOwned<T> {
    /// Before the receiver, since it is dropped first: it borrows of the channel.
    receiving: Receiving<'static>,
    receiver: Receiver<T>,
}

impl<T> Receiver<T> {
    /// Receives as a future that keeps this end.
    pub(crate) fn recv_owned(self) -> RecvOwned<T> {
        let filled: *const RawEvent = &self.filled;
        // SAFETY: the channel stays where it is until the receiver is dropped, and the future is dropped before that.
        let filled = unsafe { &*filled };
        RecvOwned {
            receiving: Receiving::new(filled),
            receiver: self,
        }
    }
}

impl<T> Future for RecvOwned<T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: pinned, as `this` is; the drop does not move it either.
        let receiving = unsafe { Pin::new_unchecked(&mut this.receiving) };
        receiving.poll(&this.receiver, context)
    }
}

impl<T> Drop for RecvOwned<T> {
    fn drop(&mut self) {
        self.receiving.give_up(&self.receiver);
    }
}

/// A message on its way, and who waits until it is sent, as a task does.
struct Sending<'a, T> {
    message: Option<T>,
    /// The message lies on the table, and this is its ticket.
    offered: Option<u64>,
    /// For which message that lies there instead it has sent a receiver to look.
    urged: Option<u64>,
    listener: Listener<'a>,
}

impl<'a, T> Sending<'a, T> {
    fn new(emptied: &'a RawEvent, message: Option<T>) -> Self {
        Self {
            message,
            offered: None,
            urged: None,
            listener: Listener::new(emptied, Class::Task),
        }
    }

    /// Sends over the channel that it was made for.
    ///
    /// # Safety
    ///
    /// The channel stays where it is as long as this.
    unsafe fn poll(
        self: Pin<&mut Self>,
        channel: &Channel<T>,
        context: &Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        // SAFETY: the listener is not moved out. The message is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: pinned, as `this` is.
        let mut listener = unsafe { Pin::new_unchecked(&mut this.listener) };
        let (message, urged) = (&mut this.message, &mut this.urged);
        let Buffer::Rendezvous(meeting) = &channel.buffer else {
            assert!(message.is_some(), "polled again after it was ready");
            let attempt = || channel.attempt(message, Channel::try_send);
            return listener.poll(context, attempt);
        };
        let ticket = match this.offered {
            Some(ticket) => ticket,
            None => {
                assert!(message.is_some(), "polled again after it was ready");
                let attempt = || {
                    let offer = |channel: &Channel<T>, message| channel.offer(message, urged);
                    channel.attempt(message, offer)
                };
                let offered = ready!(listener.as_mut().poll(context, attempt));
                let ticket = match offered {
                    Ok(ticket) => ticket,
                    Err(error) => return Poll::Ready(Err(error)),
                };
                this.offered = Some(ticket);
                let taken: *const RawEvent = &meeting.taken;
                // SAFETY: the channel's, which by contract stays where it is.
                listener.as_mut().turn_to(unsafe { &*taken });
                ticket
            }
        };
        let sent = ready!(listener.poll(context, || Channel::fate(meeting, ticket)));
        this.offered = None;
        Poll::Ready(sent)
    }

    /// The message, if it has not been sent and now will not be.
    fn take_back(&mut self, channel: &Channel<T>) -> Option<T> {
        match (self.offered.take(), &channel.buffer) {
            (Some(ticket), Buffer::Rendezvous(meeting)) => channel.withdraw(meeting, ticket),
            _ => self.message.take(),
        }
    }
}

/// Sends. Dropped before it is ready, it drops its message as well, unless that has been received.
pub(crate) struct SendFuture<'a, T> {
    channel: &'a Channel<T>,
    sending: Sending<'a, T>,
}

impl<T> Channel<T> {
    /// Sends as a future.
    pub(crate) fn send_async(&self, message: T) -> SendFuture<'_, T> {
        SendFuture {
            channel: self,
            sending: Sending::new(&self.emptied, Some(message)),
        }
    }
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.channel;
        // SAFETY: pinned, as `self` is; the drop does not move it either. It borrows the channel.
        unsafe {
            self.map_unchecked_mut(|this| &mut this.sending)
                .poll(channel, context)
        }
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        drop(self.sending.take_back(self.channel));
    }
}

/// Sends one message after the other, with a sending end of its own. Dropped, it drops what has not been sent.
#[cfg(feature = "futures")]
pub(crate) struct SendOwned<T> {
    /// Before the sender, since it is dropped first: it borrows of the channel.
    sending: Sending<'static, T>,
    sender: Sender<T>,
}

#[cfg(feature = "futures")]
impl<T> Sender<T> {
    /// What sends over this end, and has nothing to send yet.
    pub(crate) fn send_owned(self) -> SendOwned<T> {
        // SAFETY: the sender is kept for longer.
        let emptied = unsafe { self.emptied_for_long() };
        SendOwned {
            sending: Sending::new(emptied, None),
            sender: self,
        }
    }

    /// What senders wait for.
    ///
    /// # Safety
    ///
    /// It is not used after this end has been dropped. (Until then the channel stays where it is.)
    unsafe fn emptied_for_long(&self) -> &'static RawEvent {
        let emptied: *const RawEvent = &self.emptied;
        // SAFETY: by contract.
        unsafe { &*emptied }
    }
}

#[cfg(feature = "futures")]
impl<T> SendOwned<T> {
    /// Sends a message at once, or else takes it in hand, where there must be none.
    pub(crate) fn start(self: Pin<&mut Self>, message: T) -> Result<(), SendError<T>> {
        // SAFETY: the listener is not moved out. The message is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let sending = &mut this.sending;
        assert!(
            sending.is_idle(),
            "a message was given to a sink that was not ready"
        );
        (sending.message, sending.urged) = (Some(message), None);
        let urged = &mut sending.urged;
        let send = |channel: &Channel<T>, message| channel.try_send_urging(message, urged);
        if let Some(sent) = this.sender.attempt(&mut sending.message, send) {
            return sent;
        }
        // SAFETY: pinned, as `this` is.
        let listener = unsafe { Pin::new_unchecked(&mut sending.listener) };
        // SAFETY: the sender is dropped after the listener.
        listener.turn_to(unsafe { this.sender.emptied_for_long() });
        Ok(())
    }

    /// Whether there is none in hand any more.
    pub(crate) fn poll_sent(
        self: Pin<&mut Self>,
        context: &Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        if this.sending.is_idle() {
            return Poll::Ready(Ok(()));
        }
        // SAFETY: pinned, as `this` is; the drop does not move it either. The sender keeps the channel, and is dropped after it.
        unsafe { Pin::new_unchecked(&mut this.sending).poll(&this.sender, context) }
    }
}

#[cfg(feature = "futures")]
impl<T> Sending<'_, T> {
    /// Whether it has no message that may still have to be sent.
    fn is_idle(&self) -> bool {
        self.message.is_none() && self.offered.is_none()
    }
}

#[cfg(feature = "futures")]
impl<T> Drop for SendOwned<T> {
    fn drop(&mut self) {
        drop(self.sending.take_back(&self.sender));
    }
}

impl<T> Channel<T> {
    /// Receives as a future, until the deadline.
    pub(crate) async fn recv_until_async(&self, deadline: Deadline) -> Result<T, RecvTimeoutError> {
        let mut receive = pin!(self.recv_async());
        let mut timer = pin!(Timer::new(deadline));
        poll_fn(|context| {
            if let Poll::Ready(received) = receive.as_mut().poll(context) {
                return Poll::Ready(Ok(received?));
            }
            ready!(timer.as_mut().poll(context));
            let last = receive.as_mut().last_look();
            Poll::Ready(last.ok_or(RecvTimeoutError::Timeout))
        })
        .await
    }

    /// Sends as a future, until the deadline.
    pub(crate) async fn send_until_async(
        &self,
        message: T,
        deadline: Deadline,
    ) -> Result<(), SendTimeoutError<T>> {
        let mut send = pin!(self.send_async(message));
        let mut timer = pin!(Timer::new(deadline));
        poll_fn(|context| {
            if let Poll::Ready(sent) = send.as_mut().poll(context) {
                return Poll::Ready(Ok(sent?));
            }
            ready!(timer.as_mut().poll(context));
            // SAFETY: the message is not pinned, and nothing else is moved out.
            let back = unsafe { send.as_mut().get_unchecked_mut() }
                .sending
                .take_back(self);
            Poll::Ready(back.map_or(Ok(()), |back| Err(SendTimeoutError::Timeout(back))))
        })
        .await
    }
}
