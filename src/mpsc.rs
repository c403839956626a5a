//! Channels with many senders and one receiver: `std::sync::mpsc`, for every agent.
//!
//! [`channel`] makes one that holds any number of messages. Sending over it never waits, on any agent. [`sync_channel`] makes one that holds
//! only so many: who sends more waits until there is room. One that holds none makes sender and receiver meet.
//!
//! The receiver waits as its agent may: [`recv`](Receiver::recv) sleeps where that is allowed and spins on a page's main thread, where
//! [`recv_async`](Receiver::recv_async) is the better choice. The names, the errors and what happens when one side goes are std's.
//! [`mpmc`](crate::mpmc) has the same with many receivers, [`oneshot`](crate::oneshot) is for one message.
//!
//! # Memory
//! A channel takes 320 bytes of the heap, whatever its messages are. Each message takes its own size and four bytes beside it, rounded up to its
//! alignment: 8 bytes for a `u32`, 16 for a `u64`. [`sync_channel`] takes that for all its messages at the beginning; one that holds nothing takes
//! 64 bytes beside the 320 for a `u32` (88 with addresses of 64 bits), and more for larger messages. [`channel`] takes it in blocks of 31 messages:
//! the first one with the channel, which then has 576 bytes where a message has four; another one when there is no room; of those that are empty
//! it keeps up to seven, or 4 KiB, for later.
//!
//! # Disconnection
//! When the last sender is dropped, the receiver still gets what has been sent, and then an error. When the receiver is dropped, what it has
//! not received is dropped as well, and senders get their message back. Neither waits for anybody, except that the receiver of a channel that holds
//! nothing may wait for a few instructions of a sender.
//!
//! If a message panics when it is dropped so, those behind it are dropped all the same, and the panic goes on out of the receiver's drop. (std
//! may leak them.) A second one ends the program, as it does in a `Vec`. If a sender was just adding to an unbounded channel, it may be the one
//! that drops the rest: then the panic goes on out of its `send`, and its own message is dropped too, not given back.
//!
//! # Channels that hold nothing
//! A sender and the receiver of a [`sync_channel`] of 0 meet at one place, where one message at a time is handed over. Senders that wait come
//! there one after the other, each when it has been woken. So who only tries meets one of them: a second [`try_recv`](Receiver::try_recv) right
//! after the first may find nothing, although another sender waits. [`try_send`](SyncSender::try_send) may find no room, although the receiver
//! waits, as long as a message lies there for it.
//!
//! # Examples
//! ```
//! use std::thread;
//! use web_sync::mpsc::channel;
//!
//! let (sender, receiver) = channel();
//! for id in 0..3 {
//!     let sender = sender.clone();
//!     thread::spawn(move || sender.send(id).unwrap());
//! }
//! drop(sender);
//! let mut received: Vec<i32> = receiver.iter().collect();
//! received.sort();
//! assert_eq!(received, [0, 1, 2]);
//! ```

use core::fmt;
use core::panic::{Location, RefUnwindSafe};
use core::time::Duration;

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use web_time::Instant;

use crate::channel::{self, Capacity, SendTimeoutError, SoleReceiver};
use crate::iter::iterators;
use crate::sys::Call;
use crate::sys::clock::Deadline;

/// A channel that holds any number of messages: what is sent is received in the same order.
///
/// # Examples
/// ```
/// use web_sync::mpsc::channel;
///
/// let (sender, receiver) = channel();
/// std::thread::spawn(move || sender.send("from the worker").unwrap());
/// assert_eq!(receiver.recv().unwrap(), "from the worker");
/// ```
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = channel::new(Capacity::Unbounded);
    (Sender { inner: sender }, Receiver::new(receiver))
}

/// A channel that holds at most `bound` messages. To send more waits until there is room.
///
/// If `bound` is 0, to send waits until the message is received. Otherwise all the room there is is allocated here, and nothing later.
///
/// # Panics
/// If `bound` is 2<sup>30</sup> or more.
///
/// # Examples
/// ```
/// use web_sync::mpsc::sync_channel;
///
/// let (sender, receiver) = sync_channel(1);
/// sender.send(1).unwrap();
/// std::thread::spawn(move || sender.send(2).unwrap()); // waits until the first one has been received
/// assert_eq!(receiver.recv().unwrap(), 1);
/// assert_eq!(receiver.recv().unwrap(), 2);
/// ```
#[must_use]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = channel::new(Capacity::Bounded(bound));
    (SyncSender { inner: sender }, Receiver::new(receiver))
}

/// The sending end of a [`channel`]. Clone it for each who sends.
///
/// # Examples
/// ```
/// use web_sync::mpsc::{Sender, channel};
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
/// fn shorten<'a>(sender: web_sync::mpsc::Sender<&'static str>) -> web_sync::mpsc::Sender<&'a str> {
///     sender
/// }
/// ```
pub struct Sender<T> {
    inner: channel::Sender<T>,
}

impl<T> Sender<T> {
    /// Sends a message. It never waits: neither for room nor for anybody else.
    ///
    /// That it has been sent does not mean that it will be received.
    ///
    /// # Blocking
    /// Never blocks, on any agent. Once in 31 messages it may allocate.
    ///
    /// # Panics
    /// Only if a message does so when it is dropped, see [disconnection](crate::mpsc#disconnection).
    ///
    /// # Errors
    /// The message, if the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc::{SendError, channel};
    ///
    /// let (sender, receiver) = channel();
    /// sender.send(1).unwrap();
    /// drop(receiver);
    /// assert_eq!(sender.send(2), Err(SendError(2)));
    /// ```
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.inner.send_unbounded(message)
    }

    #[cfg(feature = "futures")]
    crate::sink::from_sender!("It is always ready.");

    /// Whether the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = web_sync::mpsc::channel::<i32>();
    /// assert!(!sender.is_disconnected());
    /// drop(receiver);
    /// assert!(sender.is_disconnected());
    /// ```
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.inner.is_disconnected()
    }

    /// What a select uses.
    pub(crate) fn inner(&self) -> &channel::Sender<T> {
        &self.inner
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

/// The sending end of a [`sync_channel`]. Clone it for each who sends.
///
/// # Examples
/// ```
/// use web_sync::mpsc::{SyncSender, sync_channel};
///
/// let (sender, receiver) = sync_channel(2);
/// let other: SyncSender<i32> = sender.clone();
/// other.send(1).unwrap();
/// sender.send(2).unwrap();
/// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
/// ```
pub struct SyncSender<T> {
    inner: channel::Sender<T>,
}

impl<T> SyncSender<T> {
    /// Sends a message, waiting for room if need be; in a channel that holds nothing, until it is received.
    ///
    /// # Blocking
    /// Sleeps while there is no room; on an agent that must not sleep, as a page's main thread, it spins. There use
    /// [`send_async`](Self::send_async).
    ///
    /// # Panics
    /// In a module that was built without threads, if it would wait: nobody could ever receive.
    ///
    /// # Errors
    /// The message, if the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc::sync_channel;
    ///
    /// let (sender, receiver) = sync_channel(0);
    /// std::thread::spawn(move || assert_eq!(receiver.recv(), Ok(1)));
    /// sender.send(1).unwrap();
    /// ```
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let call = sending("mpsc::SyncSender::send");
        match self.inner.send(message, || None, &call) {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Disconnected(message) | SendTimeoutError::Timeout(message)) => {
                Err(SendError(message))
            }
        }
    }

    /// Sends a message if there is room for it; in a channel that holds nothing, if the receiver waits for one
    /// ([more](crate::mpsc#channels-that-hold-nothing)).
    ///
    /// # Blocking
    /// Does not wait for room. Over a channel that holds nothing it may wait for a few instructions of somebody else.
    ///
    /// # Errors
    /// The message: [`Full`](TrySendError::Full) if there is no room, [`Disconnected`](TrySendError::Disconnected) if the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc::{TrySendError, sync_channel};
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

    /// Sends a message, waiting for room no longer than `timeout`. A time that is too long to count with means "for ever".
    ///
    /// # Blocking
    /// As [`send`](Self::send), at most for `timeout`.
    ///
    /// # Errors
    /// The message, if there was no room when the time was over, or if the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::mpmc::SendTimeoutError;
    /// use web_sync::mpsc::sync_channel;
    ///
    /// let (sender, _receiver) = sync_channel(0);
    /// let sent = sender.send_timeout(1, Duration::from_millis(5));
    /// assert_eq!(sent, Err(SendTimeoutError::Timeout(1)));
    /// ```
    #[track_caller]
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.inner.send(
            message,
            || Some(Deadline::after(timeout)),
            &sending("mpsc::SyncSender::send_timeout"),
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
    /// use web_sync::mpsc::sync_channel;
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
    /// use web_sync::mpsc::sync_channel;
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

    #[cfg(feature = "futures")]
    crate::sink::from_sender!("It waits for room.");

    /// Whether the receiver is gone.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = web_sync::mpsc::sync_channel::<i32>(1);
    /// assert!(!sender.is_disconnected());
    /// drop(receiver);
    /// assert!(sender.is_disconnected());
    /// ```
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.inner.is_disconnected()
    }

    /// What a select uses.
    pub(crate) fn inner(&self) -> &channel::Sender<T> {
        &self.inner
    }
}

#[track_caller]
fn sending(name: &'static str) -> Call {
    Call {
        name,
        instead: "mpsc::SyncSender::send_async",
        caller: Location::caller(),
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}

/// The receiving end of a channel. There is one.
///
/// # Blocking
/// To drop it drops the messages that are left, and waits for nobody. In a channel that holds nothing it may wait for a few instructions of
/// a sender.
///
/// # Examples
/// ```
/// use web_sync::mpsc::{Receiver, channel};
///
/// let (sender, receiver) = channel();
/// let receiver: Receiver<i32> = receiver;
/// std::thread::spawn(move || (0..3).for_each(|number| sender.send(number).unwrap()));
/// for (expected, number) in receiver.into_iter().enumerate() {
///     assert_eq!(number, expected as i32);
/// }
/// ```
///
/// It is not shared between threads, as std's is not:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(web_sync::mpsc::channel::<i32>().1);
/// ```
pub struct Receiver<T> {
    /// Not for sharing, as it is not `Sync`.
    sole: SoleReceiver<T>,
}

// As std's: a panic leaves a channel as it was.
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    fn new(inner: channel::Receiver<T>) -> Self {
        let sole = SoleReceiver::new(inner);
        Self { sole }
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
    /// use web_sync::mpsc::{RecvError, channel};
    ///
    /// let (sender, receiver) = channel();
    /// std::thread::spawn(move || sender.send(1).unwrap());
    /// assert_eq!(receiver.recv(), Ok(1));
    /// assert_eq!(receiver.recv(), Err(RecvError));
    /// ```
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.sole
            .recv(|| None, &receiving("mpsc::Receiver::recv"))
            .map_err(|_| RecvError)
    }

    /// Receives a message if there is one; in a channel that holds nothing, if a sender waits with one
    /// ([more](crate::mpsc#channels-that-hold-nothing)). That is not so for one that waits in a
    /// [`select`](mod@crate::select#channels-that-hold-nothing), which needs a receiver that waits.
    ///
    /// # Blocking
    /// Does not wait for a message. It waits for a sender that has begun to lay its message down, a matter of a few instructions.
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty) if there is none, [`Disconnected`](TryRecvError::Disconnected) if there never will be.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc::{TryRecvError, channel};
    ///
    /// let (sender, receiver) = channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.sole.try_recv()
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
    /// use web_sync::mpsc::{RecvTimeoutError, channel};
    ///
    /// let (sender, receiver) = channel::<i32>();
    /// let timeout = Duration::from_millis(5);
    /// assert_eq!(receiver.recv_timeout(timeout), Err(RecvTimeoutError::Timeout));
    /// drop(sender);
    /// assert_eq!(receiver.recv_timeout(timeout), Err(RecvTimeoutError::Disconnected));
    /// ```
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.sole.recv(
            || Some(Deadline::after(timeout)),
            &receiving("mpsc::Receiver::recv_timeout"),
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
    /// use web_sync::{Instant, mpsc};
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.recv_deadline(Instant::now() + Duration::from_millis(5)), Ok(1));
    /// ```
    #[track_caller]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.sole.recv(
            || Some(Deadline::at(deadline)),
            &receiving("mpsc::Receiver::recv_deadline"),
        )
    }

    /// Receives a message; the task is suspended, and the agent free, while there is none.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: no message is lost. It is `Send` if `T` is, although the receiver is not `Sync`.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc::channel;
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
        self.sole.shared().recv_async()
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
    /// use web_sync::mpsc::{RecvTimeoutError, channel};
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
        self.sole
            .shared()
            .recv_until_async(Deadline::after(timeout))
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
    /// use web_sync::{Instant, mpsc};
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = mpsc::channel();
    /// sender.send(1).unwrap();
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert_eq!(receiver.recv_deadline_async(deadline).await, Ok(1));
    /// # });
    /// ```
    pub fn recv_deadline_async(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<T, RecvTimeoutError>> + use<'_, T> {
        self.sole.shared().recv_until_async(Deadline::at(deadline))
    }

    #[cfg(feature = "futures")]
    crate::stream::from_receiver!(this => this.sole.shared(), this.sole.into_shared());

    /// What is received, until the channel is disconnected. Waits as [`recv`](Self::recv) does.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc::channel;
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
    /// use web_sync::mpsc::channel;
    ///
    /// let (sender, receiver) = channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1]);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Whether all senders are gone. There may be messages all the same.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = web_sync::mpsc::channel::<i32>();
    /// assert!(!receiver.is_disconnected());
    /// drop(sender);
    /// assert!(receiver.is_disconnected());
    /// ```
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.sole.is_disconnected()
    }

    /// What a select uses, on this agent or another.
    pub(crate) fn inner(&self) -> &channel::Receiver<T> {
        self.sole.shared()
    }
}

#[track_caller]
fn receiving(name: &'static str) -> Call {
    Call {
        name,
        instead: "mpsc::Receiver::recv_async",
        caller: Location::caller(),
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

iterators!();
