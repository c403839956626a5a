//! What senders send, as sinks: feature `futures`.
//!
//! [`Sink`] is that of `futures-sink`, so that all that is made for sinks can be used. A stream of messages that is forwarded to one goes no faster
//! than they are received, if the channel is bounded.
//!
//! # Capacity
//! A sink has one message *in hand*, beside those that the channel holds: the last one that was given to it, while there is no room for that. It
//! is ready for the next one when it has none in hand. Over an unbounded channel it always is. Over one that holds nothing, it is when the
//! message has been received, or left for a receiver that waits.
//!
//! # Examples
//! ```
//! use std::future::poll_fn;
//! use std::pin::Pin;
//! use web_sync::mpsc::sync_channel;
//! use web_sync::sink::Sink;
//!
//! # pollster::block_on(async {
//! let (sender, receiver) = sync_channel(1);
//! let other = std::thread::spawn(move || receiver.iter().sum::<i32>());
//! let mut sink = sender.sink();
//! drop(sender);
//! // With `SinkExt` of the crate `futures`: `sink.feed(number).await?`, and `sink.close().await?` in the end.
//! for number in 0..10 {
//!     poll_fn(|context| Pin::new(&mut sink).poll_ready(context)).await.unwrap();
//!     Pin::new(&mut sink).start_send(number).unwrap();
//! }
//! poll_fn(|context| Pin::new(&mut sink).poll_close(context)).await.unwrap();
//! assert_eq!(other.join().unwrap(), 45);
//! # });
//! ```

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

pub use futures_sink::Sink;

use crate::channel::{self, SendOwned};
use crate::mpsc::SendError;

/// What sends over a channel, with a sender of its own: from [`mpsc::Sender::sink`](crate::mpsc::Sender::sink),
/// [`mpsc::SyncSender::sink`](crate::mpsc::SyncSender::sink) and [`mpmc::Sender::sink`](crate::mpmc::Sender::sink).
///
/// The channel is not disconnected as long as the sink is there, unless it has been closed.
///
/// # Cancel safety
/// The sink may be dropped at any time. It then drops the message that it has in hand, unless that has been received; what it gave to the channel
/// before stays there. Flush or close it first, and nothing is lost. Over a channel that holds nothing, to drop it may wait for a few instructions
/// of another agent. A future that waits until it is ready, or flushed, may be dropped too: then the sink goes on where it was. But it keeps its
/// place among those that wait for room, and what it is told there no other sender is told: poll it again, or drop it.
///
/// It is `Send` if `T` is, and `Unpin`: what it waits with is in a box.
///
/// # Panics
/// [`start_send`](Sink::start_send) panics if a message is in hand: if [`poll_ready`](Sink::poll_ready) has not been ready before.
///
/// # Errors
/// The message, if all receivers are gone. It is the one in hand where the sink is polled, and the one that was given to `start_send` there. The
/// sink can be used further, but each message comes back. So does one that is given to a sink that has been closed.
///
/// # Examples
/// See the [module](self).
#[must_use = "sinks do nothing unless they are polled"]
pub struct SendSink<T> {
    /// None after it has been closed.
    sending: Option<Pin<Box<SendOwned<T>>>>,
}

/// Defines how a sender becomes a sink, in its `impl`, and says when that is ready.
macro_rules! from_sender {
    ($ready:literal) => {
        /// A [`Sink`](crate::sink::Sink) that sends over this channel, by a clone of this sender.
        #[doc = $ready]
        ///
        /// # Cancel safety
        /// Dropped, the sink drops the message that it has in hand, if it has one: see [`SendSink`](crate::sink::SendSink).
        ///
        /// # Examples
        /// See [`sink`](crate::sink).
        pub fn sink(&self) -> crate::sink::SendSink<T> {
            crate::sink::SendSink::new(self.inner.clone())
        }
    };
}
pub(crate) use from_sender;

impl<T> SendSink<T> {
    pub(crate) fn new(sender: channel::Sender<T>) -> Self {
        let sending = Some(Box::pin(sender.send_owned()));
        Self { sending }
    }

    /// Whether none is in hand any more.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        match &mut self.sending {
            Some(sending) => sending.as_mut().poll_sent(context),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<T> Sink<T> for SendSink<T> {
    type Error = SendError<T>;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        self.get_mut().poll_sent(context)
    }

    fn start_send(self: Pin<&mut Self>, message: T) -> Result<(), SendError<T>> {
        match &mut self.get_mut().sending {
            Some(sending) => sending.as_mut().start(message),
            None => Err(SendError(message)),
        }
    }

    fn poll_flush(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        self.get_mut().poll_sent(context)
    }

    /// Flushes, and drops the sender then.
    fn poll_close(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        let this = self.get_mut();
        let sent = ready!(this.poll_sent(context));
        this.sending = None;
        Poll::Ready(sent)
    }
}

impl<T> fmt::Debug for SendSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink").finish_non_exhaustive()
    }
}
