//! Channels with many senders and many receivers: std's unstable `std::sync::mpmc`, for every agent.
//!
//! Both ends can be cloned. Each message goes to one receiver: whoever comes first. [`channel`] makes one that holds any number of
//! messages, so that sending never waits; [`sync_channel`] one that holds only so many.
//!
//! Waiting, [memory](crate::mpsc#memory) and [disconnection](crate::mpsc#disconnection) are as in [`mpsc`](crate::mpsc); what is said there of the receiver is true
//! here of the last one.
//!
//! # Fairness
//! Receivers that wait are served in the order in which they came, threads and tasks in one queue, except that an agent that must not sleep
//! goes first. But one that does not wait may take a message in passing (*barging*), and where a task is served a waiting thread may look as
//! well. The same is true of senders that wait for room. What one sender has sent is received in that order.
//!
//! # Channels that hold nothing
//! The ends of a [`sync_channel`] of 0 meet at one place, where one message at a time is handed over. Those that wait come there one after the
//! other, each when it has been woken. So who only tries meets one of them: a second [`try_recv`](Receiver::try_recv) or
//! [`try_send`](Sender::try_send) right after the first may fail, although another one waits.
//!
//! # Examples
//! ```
//! use std::thread;
//! use web_sync::mpmc::channel;
//!
//! let (sender, receiver) = channel();
//! let workers: Vec<_> = (0..3)
//!     .map(|_| {
//!         let receiver = receiver.clone();
//!         thread::spawn(move || receiver.iter().sum::<u32>())
//!     })
//!     .collect();
//! (0..10).for_each(|number| sender.send(number).unwrap());
//! drop(sender);
//! let sum: u32 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
//! assert_eq!(sum, 45);
//! ```

use core::fmt;
use core::panic::Location;
use core::time::Duration;

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use web_time::Instant;

pub use crate::channel::SendTimeoutError;
use crate::channel::{self, Capacity};
use crate::iter::iterators;
use crate::sys::Call;
use crate::sys::clock::Deadline;

/// A channel that holds any number of messages.
///
/// # Examples
/// ```
/// use web_sync::mpmc::channel;
///
/// let (sender, receiver) = channel();
/// std::thread::spawn(move || sender.send("from the worker").unwrap());
/// assert_eq!(receiver.recv().unwrap(), "from the worker");
/// ```
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    new(Capacity::Unbounded)
}

/// A channel that holds at most `cap` messages. To send more waits until there is room.
///
/// If `cap` is 0, to send waits until the message is received. Otherwise all the room there is is allocated here, and nothing later.
///
/// # Panics
/// If `cap` is 2<sup>30</sup> or more.
///
/// # Examples
/// ```
/// use web_sync::mpmc::sync_channel;
///
/// let (sender, receiver) = sync_channel(1);
/// sender.send(1).unwrap();
/// std::thread::spawn(move || sender.send(2).unwrap()); // waits until the first one has been received
/// assert_eq!(receiver.recv().unwrap(), 1);
/// assert_eq!(receiver.recv().unwrap(), 2);
/// ```
#[must_use]
pub fn sync_channel<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    new(Capacity::Bounded(cap))
}

fn new<T>(capacity: Capacity) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = channel::new(capacity);
    (Sender { inner: sender }, Receiver { inner: receiver })
}

/// A sending end of a channel.
///
/// # Examples
/// ```
/// use web_sync::mpmc::{Sender, channel};
///
/// let (sender, receiver) = channel();
/// let other: Sender<i32> = sender.clone();
/// other.send(1).unwrap();
/// sender.send(2).unwrap();
/// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
/// ```
///
/// What is sent must be as good as the receiver expects:
///
/// ```compile_fail
/// fn shorten<'a>(sender: web_sync::mpmc::Sender<&'static str>) -> web_sync::mpmc::Sender<&'a str> {
///     sender
/// }
/// ```
pub struct Sender<T> {
    inner: channel::Sender<T>,
}

/// What both ends tell of their channel.
macro_rules! looks {
    ($of:literal, $other:literal) => {
        /// Whether no message is there. Always true of a channel that holds none.
        ///
        /// # Examples
        /// ```
        /// let (sender, receiver) = web_sync::mpmc::channel();
        /// assert!(sender.is_empty() && receiver.is_empty());
        /// sender.send(1).unwrap();
        /// assert!(!sender.is_empty() && !receiver.is_empty());
        /// ```
        #[must_use]
        pub fn is_empty(&self) -> bool {
            self.inner.is_empty()
        }

        /// Whether there is no room for a message. Never true of an unbounded channel, always of one that holds none.
        ///
        /// # Examples
        /// ```
        /// let (sender, receiver) = web_sync::mpmc::sync_channel(1);
        /// assert!(!sender.is_full() && !receiver.is_full());
        /// sender.send(1).unwrap();
        /// assert!(sender.is_full() && receiver.is_full());
        /// ```
        #[must_use]
        pub fn is_full(&self) -> bool {
            self.capacity()
                .is_some_and(|capacity| self.len() == capacity)
        }

        /// How many messages are there, those included that are just being sent.
        ///
        /// # Blocking
        /// In an unbounded channel it takes the longer the more there are: it counts blocks of 31. Receivers wait meanwhile, senders do not.
        /// It may itself wait for a few instructions of somebody else.
        ///
        /// # Examples
        /// ```
        /// let (sender, receiver) = web_sync::mpmc::channel();
        /// sender.send(1).unwrap();
        /// assert_eq!((sender.len(), receiver.len()), (1, 1));
        /// ```
        #[must_use]
        pub fn len(&self) -> usize {
            self.inner.len()
        }

        /// How many messages there is room for; `None` if the channel is unbounded.
        ///
        /// # Examples
        /// ```
        /// use web_sync::mpmc::{channel, sync_channel};
        ///
        /// assert_eq!(sync_channel::<i32>(8).0.capacity(), Some(8));
        /// assert_eq!(channel::<i32>().1.capacity(), None);
        /// ```
        #[must_use]
        pub fn capacity(&self) -> Option<usize> {
            self.inner.capacity()
        }

        #[doc = concat!("Whether both ", $of, " are of one channel.")]
        ///
        /// # Examples
        /// ```
        /// let (sender, receiver) = web_sync::mpmc::channel::<i32>();
        /// assert!(sender.same_channel(&sender.clone()));
        /// assert!(!receiver.same_channel(&web_sync::mpmc::channel().1));
        /// ```
        #[must_use]
        pub fn same_channel(&self, other: &Self) -> bool {
            self.inner.same_channel(&other.inner)
        }

        #[doc = concat!("Whether all ", $other, " are gone.")]
        ///
        /// # Examples
        /// ```
        /// let (sender, receiver) = web_sync::mpmc::channel::<i32>();
        /// assert!(!sender.is_disconnected() && !receiver.is_disconnected());
        /// drop(receiver);
        /// assert!(sender.is_disconnected());
        /// ```
        #[must_use]
        pub fn is_disconnected(&self) -> bool {
            self.inner.is_disconnected()
        }
    };
}

impl<T> Sender<T> {
    /// Sends a message if there is room for it; in a channel that holds nothing, if a receiver waits for one
    /// ([more](crate::mpmc#channels-that-hold-nothing)).
    ///
    /// # Blocking
    /// Does not wait for room. Over a channel that holds nothing it may wait for a few instructions of somebody else.
    ///
    /// # Errors
    /// The message: [`Full`](TrySendError::Full) if there is no room, [`Disconnected`](TrySendError::Disconnected) if all receivers are gone.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::{TrySendError, sync_channel};
    ///
    /// let (sender, receiver) = sync_channel(1);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.inner.try_send(message)
    }

    /// Sends a message, waiting for room if need be; in a channel that holds nothing, until it is received.
    ///
    /// # Blocking
    /// Over an unbounded channel it never waits. Elsewhere it sleeps while there is no room; on an agent that must not sleep, as a page's main
    /// thread, it spins. There use [`send_async`](Self::send_async).
    ///
    /// # Panics
    /// In a module that was built without threads, if it would wait: nobody could ever receive.
    ///
    /// # Errors
    /// The message, if all receivers are gone.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::sync_channel;
    ///
    /// let (sender, receiver) = sync_channel(0);
    /// std::thread::spawn(move || assert_eq!(receiver.recv(), Ok(1)));
    /// sender.send(1).unwrap();
    /// ```
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let call = sending("mpmc::Sender::send");
        match self.inner.send(message, || None, &call) {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Disconnected(message) | SendTimeoutError::Timeout(message)) => {
                Err(SendError(message))
            }
        }
    }

    /// Sends a message, waiting for room no longer than `timeout`. A time that is too long to count with means "for ever".
    ///
    /// # Blocking
    /// As [`send`](Self::send), at most for `timeout`.
    ///
    /// # Errors
    /// The message, if there was no room when the time was over, or if all receivers are gone.
    ///
    /// # Examples
    /// See [`SendTimeoutError`].
    #[track_caller]
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.inner.send(
            message,
            || Some(Deadline::after(timeout)),
            &sending("mpmc::Sender::send_timeout"),
        )
    }

    /// Sends a message, waiting for room no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`send`](Self::send), at most until `deadline`.
    ///
    /// # Errors
    /// As [`send_timeout`](Self::send_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, mpmc};
    ///
    /// let (sender, receiver) = mpmc::sync_channel(1);
    /// sender.send_deadline(1, Instant::now() + Duration::from_millis(5)).unwrap();
    /// assert_eq!(receiver.recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.inner.send(
            message,
            || Some(Deadline::at(deadline)),
            &sending("mpmc::Sender::send_deadline"),
        )
    }

    /// Sends a message; the task is suspended, and the agent free, while there is no room.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: the message has then been sent, or is dropped with the future. It is `Send` if `T` is.
    /// Over a channel that holds nothing, to drop it may wait for a few instructions of another agent.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::sync_channel;
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = sync_channel(1);
    /// let other = std::thread::spawn(move || receiver.iter().sum::<i32>());
    /// for number in 0..10 {
    ///     sender.send_async(number).await.unwrap();
    /// }
    /// drop(sender);
    /// assert_eq!(other.join().unwrap(), 45);
    /// # });
    /// ```
    pub fn send_async(
        &self,
        message: T,
    ) -> impl Future<Output = Result<(), SendError<T>>> + use<'_, T> {
        self.inner.send_async(message)
    }

    /// The async twin of [`send_timeout`](Self::send_timeout). The time begins with the call.
    ///
    /// # Cancel safety
    /// As for [`send_async`](Self::send_async).
    ///
    /// # Errors
    /// As for [`send_timeout`](Self::send_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::mpmc::SendTimeoutError;
    /// use web_sync::mpmc::sync_channel;
    ///
    /// # pollster::block_on(async {
    /// let (sender, _receiver) = sync_channel(0);
    /// let sent = sender.send_timeout_async(1, Duration::from_millis(5)).await;
    /// assert_eq!(sent, Err(SendTimeoutError::Timeout(1)));
    /// # });
    /// ```
    pub fn send_timeout_async(
        &self,
        message: T,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), SendTimeoutError<T>>> + use<'_, T> {
        self.inner
            .send_until_async(message, Deadline::after(timeout))
    }

    /// The async twin of [`send_deadline`](Self::send_deadline).
    ///
    /// # Cancel safety
    /// As for [`send_async`](Self::send_async).
    ///
    /// # Errors
    /// As for [`send_timeout`](Self::send_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, mpmc};
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = mpmc::sync_channel(1);
    /// sender.send_deadline_async(1, Instant::now() + Duration::from_millis(5)).await.unwrap();
    /// assert_eq!(receiver.recv(), Ok(1));
    /// # });
    /// ```
    pub fn send_deadline_async(
        &self,
        message: T,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), SendTimeoutError<T>>> + use<'_, T> {
        self.inner.send_until_async(message, Deadline::at(deadline))
    }

    #[cfg(feature = "futures")]
    crate::sink::from_sender!("It waits for room where that is limited.");

    looks!("senders", "receivers");

    /// What a select uses.
    pub(crate) fn inner(&self) -> &channel::Sender<T> {
        &self.inner
    }
}

#[track_caller]
fn sending(name: &'static str) -> Call {
    Call {
        name,
        instead: "mpmc::Sender::send_async",
        caller: Location::caller(),
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// A receiving end of a channel. Each message goes to one of them.
///
/// # Blocking
/// To drop the last one drops the messages that are left, and waits for nobody. In a channel that holds nothing it may wait for a few instructions of
/// a sender.
///
/// # Examples
/// ```
/// use web_sync::mpmc::{Receiver, channel};
///
/// let (sender, receiver) = channel();
/// let other: Receiver<i32> = receiver.clone();
/// sender.send(1).unwrap();
/// sender.send(2).unwrap();
/// assert_eq!(other.recv(), Ok(1));
/// assert_eq!(receiver.recv(), Ok(2));
/// ```
pub struct Receiver<T> {
    inner: channel::Receiver<T>,
}

impl<T> Receiver<T> {
    /// Receives a message if there is one; in a channel that holds nothing, if a sender waits with one
    /// ([more](crate::mpmc#channels-that-hold-nothing)). That is not so for one that waits in a
    /// [`select`](mod@crate::select#channels-that-hold-nothing), which needs a receiver that waits.
    ///
    /// # Blocking
    /// Does not wait for a message. It waits for a sender that has begun to lay its message down, and for a receiver that is just at work: a matter
    /// of a few instructions.
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty) if there is none, [`Disconnected`](TryRecvError::Disconnected) if there never will be.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::{TryRecvError, channel};
    ///
    /// let (sender, receiver) = channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.inner.try_recv()
    }

    /// Receives a message, waiting for one if need be.
    ///
    /// # Blocking
    /// Sleeps while there is no message and a sender is left; on an agent that must not sleep, as a page's main thread, it spins. There use
    /// [`recv_async`](Self::recv_async).
    ///
    /// # Panics
    /// In a module that was built without threads, if it would wait: nobody could ever send.
    ///
    /// # Errors
    /// If all senders are gone, and with them all messages.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::{RecvError, channel};
    ///
    /// let (sender, receiver) = channel();
    /// std::thread::spawn(move || sender.send(1).unwrap());
    /// assert_eq!(receiver.recv(), Ok(1));
    /// assert_eq!(receiver.recv(), Err(RecvError));
    /// ```
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.inner
            .recv(|| None, &receiving("mpmc::Receiver::recv"))
            .map_err(|_| RecvError)
    }

    /// Receives a message, waiting for one no longer than `timeout`. A time that is too long to count with means "for ever".
    ///
    /// # Blocking
    /// As [`recv`](Self::recv), at most for `timeout`; then once more as [`try_recv`](Self::try_recv).
    ///
    /// # Errors
    /// [`Timeout`](RecvTimeoutError::Timeout) if there was no message when the time was over,
    /// [`Disconnected`](RecvTimeoutError::Disconnected) if there never will be one.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::mpmc::{RecvTimeoutError, channel};
    ///
    /// let (sender, receiver) = channel::<i32>();
    /// let timeout = Duration::from_millis(5);
    /// assert_eq!(receiver.recv_timeout(timeout), Err(RecvTimeoutError::Timeout));
    /// drop(sender);
    /// assert_eq!(receiver.recv_timeout(timeout), Err(RecvTimeoutError::Disconnected));
    /// ```
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.inner.recv(
            || Some(Deadline::after(timeout)),
            &receiving("mpmc::Receiver::recv_timeout"),
        )
    }

    /// Receives a message, waiting for one no longer than until `deadline`.
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
    /// use web_sync::{Instant, mpmc};
    ///
    /// let (sender, receiver) = mpmc::channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.recv_deadline(Instant::now() + Duration::from_millis(5)), Ok(1));
    /// ```
    #[track_caller]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.inner.recv(
            || Some(Deadline::at(deadline)),
            &receiving("mpmc::Receiver::recv_deadline"),
        )
    }

    /// Receives a message; the task is suspended, and the agent free, while there is none.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: no message is lost, and if it had just been notified of one, another receiver is. It is
    /// `Send` if `T` is.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::channel;
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = channel();
    /// std::thread::spawn(move || (0..3).for_each(|number| sender.send(number).unwrap()));
    /// let mut sum = 0;
    /// while let Ok(number) = receiver.recv_async().await {
    ///     sum += number;
    /// }
    /// assert_eq!(sum, 3);
    /// # });
    /// ```
    pub fn recv_async(&self) -> impl Future<Output = Result<T, RecvError>> + use<'_, T> {
        self.inner.recv_async()
    }

    /// The async twin of [`recv_timeout`](Self::recv_timeout). The time begins with the call.
    ///
    /// # Cancel safety
    /// As for [`recv_async`](Self::recv_async).
    ///
    /// # Errors
    /// As for [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::mpmc::{RecvTimeoutError, channel};
    ///
    /// # pollster::block_on(async {
    /// let (_sender, receiver) = channel::<i32>();
    /// let received = receiver.recv_timeout_async(Duration::from_millis(5)).await;
    /// assert_eq!(received, Err(RecvTimeoutError::Timeout));
    /// # });
    /// ```
    pub fn recv_timeout_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<T, RecvTimeoutError>> + use<'_, T> {
        self.inner.recv_until_async(Deadline::after(timeout))
    }

    /// The async twin of [`recv_deadline`](Self::recv_deadline).
    ///
    /// # Cancel safety
    /// As for [`recv_async`](Self::recv_async).
    ///
    /// # Errors
    /// As for [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::{Instant, mpmc};
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = mpmc::channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.recv_deadline_async(Instant::now() + Duration::from_millis(5)).await, Ok(1));
    /// # });
    /// ```
    pub fn recv_deadline_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<T, RecvTimeoutError>> + use<'_, T> {
        self.inner.recv_until_async(Deadline::at(deadline))
    }

    #[cfg(feature = "futures")]
    crate::stream::from_receiver!(this => this.inner, this.inner);

    /// What is received, until the channel is disconnected. Waits as [`recv`](Self::recv) does.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::channel;
    ///
    /// let (sender, receiver) = channel();
    /// std::thread::spawn(move || (0..3).for_each(|number| sender.send(number).unwrap()));
    /// assert_eq!(receiver.iter().sum::<i32>(), 3);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// What is there now. Does not wait.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpmc::channel;
    ///
    /// let (sender, receiver) = channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1]);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    looks!("receivers", "senders");

    /// What a select uses.
    pub(crate) fn inner(&self) -> &channel::Receiver<T> {
        &self.inner
    }
}

#[track_caller]
fn receiving(name: &'static str) -> Call {
    Call {
        name,
        instead: "mpmc::Receiver::recv_async",
        caller: Location::caller(),
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

iterators!();
