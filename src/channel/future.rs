//! Sending and receiving as futures.

use super::meeting::Meeting;
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

impl<T> Channel<T> {
    /// Sends as a future.
    pub(crate) fn send_async(&self, message: T) -> SendFuture<'_, T> {
        SendFuture {
            channel: self,
            message: Some(message),
            offered: None,
            urged: false,
            listener: Listener::new(&self.emptied, Class::Task),
        }
    }
}

/// Sends. Dropped before it is ready, it drops its message as well, unless that has been received.
pub(crate) struct SendFuture<'a, T> {
    channel: &'a Channel<T>,
    message: Option<T>,
    /// The message lies on the table, and this is its ticket.
    offered: Option<(&'a Meeting<T>, u64)>,
    /// It has sent a receiver to look for what lies there instead.
    urged: bool,
    listener: Listener<'a>,
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the listener is not moved out, and neither is anything that its drop relies on. The message is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let channel = this.channel;
        // SAFETY: pinned, as `this` is.
        let mut listener = unsafe { Pin::new_unchecked(&mut this.listener) };
        let message = &mut this.message;
        let Buffer::Rendezvous(meeting) = &channel.buffer else {
            assert!(message.is_some(), "polled again after it was ready");
            let attempt = || channel.attempt(message, Channel::try_send);
            return listener.poll(context, attempt);
        };
        let ticket = match this.offered {
            Some((_, ticket)) => ticket,
            None => {
                assert!(message.is_some(), "polled again after it was ready");
                let urged = &mut this.urged;
                let attempt = || {
                    let offer = |channel: &Channel<T>, message| channel.offer(message, urged);
                    channel.attempt(message, offer)
                };
                let offered = ready!(listener.as_mut().poll(context, attempt));
                let ticket = match offered {
                    Ok(ticket) => ticket,
                    Err(error) => return Poll::Ready(Err(error)),
                };
                this.offered = Some((meeting, ticket));
                listener.as_mut().turn_to(&meeting.taken);
                ticket
            }
        };
        let sent = ready!(listener.poll(context, || Channel::fate(meeting, ticket)));
        this.offered = None;
        Poll::Ready(sent)
    }
}

impl<T> SendFuture<'_, T> {
    /// The message, if it has not been sent and now will not be.
    fn take_back(&mut self) -> Option<T> {
        match self.offered.take() {
            Some((meeting, ticket)) => self.channel.withdraw(meeting, ticket),
            None => self.message.take(),
        }
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        drop(self.take_back());
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
            let back = unsafe { send.as_mut().get_unchecked_mut() }.take_back();
            Poll::Ready(back.map_or(Ok(()), |back| Err(SendTimeoutError::Timeout(back))))
        })
        .await
    }
}
