//! Channels for one message: std's unstable `std::sync::oneshot`, for every agent.
//!
//! An answer that somebody waits for. Sending never waits, on any agent, and either end is used up by what it does.
//!
//! # Examples
//! ```
//! use std::thread;
//! use web_sync::oneshot::channel;
//!
//! let (answer, question) = channel();
//! thread::spawn(move || answer.send(6 * 7).unwrap());
//! assert_eq!(question.recv(), Ok(42));
//!
//! # pollster::block_on(async {
//! // On the main thread:
//! let (answer, question) = channel();
//! thread::spawn(move || answer.send(6 * 7).unwrap());
//! assert_eq!(question.await, Ok(42));
//! # });
//! ```

use core::error::Error;
use core::fmt;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

pub use std::sync::mpsc::{RecvError, SendError};

use web_time::Instant;

use crate::channel::{self, Capacity, RecvOwned};
use crate::sys::Call;
use crate::sys::clock::Deadline;

/// A channel for one message.
///
/// # Examples
/// See the [module](self).
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = channel::new(Capacity::Bounded(1));
    (Sender { inner: sender }, Receiver { inner: receiver })
}

/// The end that sends.
///
/// # Examples
/// ```
/// use web_sync::oneshot::{Sender, channel};
///
/// let (sender, receiver) = channel();
/// let sender: Sender<i32> = sender;
/// sender.send(1).unwrap();
/// assert_eq!(receiver.recv(), Ok(1));
/// ```
pub struct Sender<T> {
    inner: channel::Sender<T>,
}

// SAFETY: all that a shared sender tells is whether the receiver is there. To send takes the sender itself.
unsafe impl<T> Sync for Sender<T> {}

impl<T> Sender<T> {
    /// Sends the message. It never waits.
    ///
    /// # Blocking
    /// Never blocks, on any agent.
    ///
    /// # Errors
    /// The message, if the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// use web_sync::oneshot::{SendError, channel};
    ///
    /// let (sender, receiver) = channel();
    /// drop(receiver);
    /// assert_eq!(sender.send(1), Err(SendError(1)));
    /// ```
    pub fn send(self, message: T) -> Result<(), SendError<T>> {
        self.inner.send_only(message)
    }

    /// Whether the receiver is gone: then nobody needs what is to be sent.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = web_sync::oneshot::channel::<i32>();
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_disconnected()
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// The end that receives. It can be awaited.
///
/// # Examples
/// See the [module](self).
pub struct Receiver<T> {
    inner: channel::Receiver<T>,
}

// SAFETY: a shared receiver does nothing. To receive takes the receiver itself, or an exclusive reference to it.
unsafe impl<T> Sync for Receiver<T> {}

impl<T> Receiver<T> {
    /// Receives the message, waiting for it if need be.
    ///
    /// # Blocking
    /// Sleeps while it has not been sent; on an agent that must not sleep, as a page's main thread, it spins. There await the receiver.
    ///
    /// # Panics
    /// In a module that was built without threads, if it would wait: nobody could ever send.
    ///
    /// # Errors
    /// If the sender is gone without having sent.
    ///
    /// # Examples
    /// ```
    /// use web_sync::oneshot::{RecvError, channel};
    ///
    /// let (sender, receiver) = channel::<i32>();
    /// std::thread::spawn(move || drop(sender));
    /// assert_eq!(receiver.recv(), Err(RecvError));
    /// ```
    #[track_caller]
    pub fn recv(self) -> Result<T, RecvError> {
        self.inner
            .recv(|| None, &receiving("oneshot::Receiver::recv"))
            .map_err(|_| RecvError)
    }

    /// Receives the message if it is there.
    ///
    /// # Blocking
    /// Does not wait for the message, unless the sender has begun to lay it down: that is a matter of a few instructions.
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty), with the receiver, if it has not been sent; [`Disconnected`](TryRecvError::Disconnected) if it never
    /// will be.
    ///
    /// # Examples
    /// ```
    /// use web_sync::oneshot::{TryRecvError, channel};
    ///
    /// let (sender, receiver) = channel();
    /// let Err(TryRecvError::Empty(receiver)) = receiver.try_recv() else {
    ///     panic!("nothing has been sent");
    /// };
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv().unwrap(), 1);
    /// ```
    pub fn try_recv(self) -> Result<T, TryRecvError<T>> {
        self.inner.try_recv().map_err(|error| match error {
            std::sync::mpsc::TryRecvError::Empty => TryRecvError::Empty(self),
            std::sync::mpsc::TryRecvError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives the message, waiting for it no longer than `timeout`. A time that is too long to count with means "for ever".
    ///
    /// # Blocking
    /// As [`recv`](Self::recv), at most for `timeout`; then once more as [`try_recv`](Self::try_recv).
    ///
    /// # Errors
    /// [`Timeout`](RecvTimeoutError::Timeout), with the receiver, if it had not been sent when the time was over;
    /// [`Disconnected`](RecvTimeoutError::Disconnected) if it never will be.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::oneshot::{RecvTimeoutError, channel};
    ///
    /// let (sender, receiver) = channel::<i32>();
    /// let received = receiver.recv_timeout(Duration::from_millis(5));
    /// assert!(matches!(received, Err(RecvTimeoutError::Timeout(_))));
    /// # drop(sender);
    /// ```
    #[track_caller]
    pub fn recv_timeout(self, timeout: Duration) -> Result<T, RecvTimeoutError<T>> {
        let call = receiving("oneshot::Receiver::recv_timeout");
        self.recv_until(|| Deadline::after(timeout), &call)
    }

    /// Receives the message, waiting for it no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`recv`](Self::recv), at most until `deadline`; then once more as [`try_recv`](Self::try_recv).
    ///
    /// # Errors
    /// As [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, oneshot};
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// sender.send(1).unwrap();
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert_eq!(receiver.recv_deadline(deadline).unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn recv_deadline(self, deadline: Instant) -> Result<T, RecvTimeoutError<T>> {
        let call = receiving("oneshot::Receiver::recv_deadline");
        self.recv_until(|| Deadline::at(deadline), &call)
    }

    fn recv_until(
        self,
        deadline: impl FnOnce() -> Deadline,
        call: &Call,
    ) -> Result<T, RecvTimeoutError<T>> {
        let received = self.inner.recv(|| Some(deadline()), call);
        self.or_receiver(received)
    }

    /// Receives the message as awaiting the receiver does, but does not use it up: for a race with something else. Once it has received,
    /// the receiver soon finds the channel disconnected: when the sender's `send` has returned.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: the message is not lost. It is `Send` if `T` is.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    ///
    /// # Examples
    /// ```
    /// # pollster::block_on(async {
    /// let (sender, mut receiver) = web_sync::oneshot::channel();
    /// std::thread::spawn(move || sender.send(1).unwrap());
    /// assert_eq!(receiver.recv_async().await, Ok(1));
    /// # });
    /// ```
    pub fn recv_async(&mut self) -> impl Future<Output = Result<T, RecvError>> + use<'_, T> {
        self.inner.recv_async()
    }

    /// The async twin of [`recv_timeout`](Self::recv_timeout). The time begins with the call.
    ///
    /// # Cancel safety
    /// To drop the future is to drop the receiver. It is `Send` if `T` is.
    ///
    /// # Errors
    /// As for [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::oneshot::{RecvTimeoutError, channel};
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = channel::<i32>();
    /// let received = receiver.recv_timeout_async(Duration::from_millis(5)).await;
    /// assert!(matches!(received, Err(RecvTimeoutError::Timeout(_))));
    /// # drop(sender);
    /// # });
    /// ```
    pub fn recv_timeout_async(
        self,
        timeout: Duration,
    ) -> impl Future<Output = Result<T, RecvTimeoutError<T>>> {
        self.recv_until_async(Deadline::after(timeout))
    }

    /// The async twin of [`recv_deadline`](Self::recv_deadline).
    ///
    /// # Cancel safety
    /// As for [`recv_timeout_async`](Self::recv_timeout_async).
    ///
    /// # Errors
    /// As for [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, oneshot};
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = oneshot::channel();
    /// sender.send(1).unwrap();
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert_eq!(receiver.recv_deadline_async(deadline).await.unwrap(), 1);
    /// # });
    /// ```
    pub fn recv_deadline_async(
        self,
        deadline: Instant,
    ) -> impl Future<Output = Result<T, RecvTimeoutError<T>>> {
        self.recv_until_async(Deadline::at(deadline))
    }

    async fn recv_until_async(self, deadline: Deadline) -> Result<T, RecvTimeoutError<T>> {
        let received = self.inner.recv_until_async(deadline).await;
        self.or_receiver(received)
    }

    fn or_receiver(
        self,
        received: Result<T, std::sync::mpsc::RecvTimeoutError>,
    ) -> Result<T, RecvTimeoutError<T>> {
        received.map_err(|error| match error {
            std::sync::mpsc::RecvTimeoutError::Timeout => RecvTimeoutError::Timeout(self),
            std::sync::mpsc::RecvTimeoutError::Disconnected => RecvTimeoutError::Disconnected,
        })
    }

    /// What a select uses.
    pub(crate) fn inner(&self) -> &channel::Receiver<T> {
        &self.inner
    }
}

#[track_caller]
fn receiving(name: &'static str) -> Call {
    Call {
        name,
        instead: "oneshot::Receiver::recv_async",
        caller: Location::caller(),
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl<T> IntoFuture for Receiver<T> {
    type Output = Result<T, RecvError>;
    type IntoFuture = Recv<T>;

    fn into_future(self) -> Recv<T> {
        Recv {
            inner: self.inner.recv_owned(),
        }
    }
}

/// The message to come: a [`Receiver`] that is awaited.
///
/// # Cancel safety
/// To drop it is to drop the receiver.
///
/// # Examples
/// See the [module](self).
#[must_use = "futures do nothing unless they are polled"]
pub struct Recv<T> {
    inner: RecvOwned<T>,
}

impl<T> Future for Recv<T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: pinned, as `self` is, and never moved out.
        unsafe { self.map_unchecked_mut(|this| &mut this.inner) }.poll(context)
    }
}

impl<T> fmt::Debug for Recv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").finish_non_exhaustive()
    }
}

/// Why [`try_recv`](Receiver::try_recv) has received nothing.
///
/// # Examples
/// See [`try_recv`](Receiver::try_recv).
pub enum TryRecvError<T> {
    /// The message has not been sent. Here is the receiver.
    Empty(Receiver<T>),
    /// The sender is gone without having sent.
    Disconnected,
}

/// Why [`recv_timeout`](Receiver::recv_timeout) has received nothing.
///
/// # Examples
/// See [`recv_timeout`](Receiver::recv_timeout).
pub enum RecvTimeoutError<T> {
    /// The message had not been sent when the time was over. Here is the receiver.
    Timeout(Receiver<T>),
    /// The sender is gone without having sent.
    Disconnected,
}

macro_rules! errors {
    ($($Error:ident: $Early:ident is $text:literal;)*) => {$(
        impl<T> fmt::Debug for $Error<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($Error)).finish_non_exhaustive()
            }
        }

        impl<T> fmt::Display for $Error<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self {
                    $Error::$Early(_) => $text,
                    $Error::Disconnected => "receiving on a closed oneshot channel",
                })
            }
        }

        impl<T> Error for $Error<T> {}

        impl<T> From<RecvError> for $Error<T> {
            fn from(_: RecvError) -> Self {
                $Error::Disconnected
            }
        }
    )*};
}

errors! {
    TryRecvError: Empty is "receiving on an empty oneshot channel";
    RecvTimeoutError: Timeout is "timed out waiting on oneshot channel";
}
