//! Select: waiting for the first of several channels, to receive from it or to send over it.
//!
//! The macro [`select!`](crate::select!) says what is to be done with each outcome, in the form that is usual for that; [`select_async!`](crate::select_async!)
//! is the same in a future. [`Select`] is what they are made of, for cases that are not known before the program runs.
//!
//! *One* case is chosen and done: the message of no other case is received or sent. Receivers and senders of [`mpsc`],
//! [`mpmc`] and [`oneshot`] can be mixed, with messages of any types, whatever the channels hold.
//!
//! A case whose channel is disconnected can be chosen as well: receiving is an error then, and sending gives the message back.
//!
//! # Blocking
//! It waits as the channels do: it sleeps where that is allowed, and spins on a page's main thread. It is notified by the channels, and looks
//! at none before. It allocates nothing, except that of a slice of cases, or a `Vec`, it keeps a list while it waits.
//!
//! # Cancel safety
//! A future that is dropped leaves everything as it is: no message is lost, and a notification goes to the next who waits. Where it receives
//! from a channel that holds nothing, to drop it may wait for a few instructions of somebody else.
//!
//! # Fairness
//! Where several cases can be done each has the same chance to be looked at first, and what comes behind it is looked at next. So one of `n`
//! cases that can be done is chosen with a chance of at least 1 in `n`, each time anew. Those who wait for a channel, in a select or without,
//! are served as the channel says.
//!
//! # Channels that hold nothing
//! A select that sends over such a channel waits for a receiver, which may be a select too. A select that receives is handed at most one
//! message, over whichever channel. [`try_send`](mpmc::Sender::try_send) meets it as well, unless it is just looking around. If the
//! receiver is a future that is dropped after it has been handed a message, that is for the next one who receives. No select meets itself.
//!
//! One of the two has to *wait*. A select that sends waits for a receiver that does, and one who only tries to receive, by
//! [`try_recv`](mpmc::Receiver::try_recv), [`try_select`](Select::try_select) or `default` without a time, waits for nobody: these two never
//! meet, however often it tries. Give it a time to wait, or send without a select.
//!
//! Nor is it first come, first served there. A sender without a select goes before one that selects, for its message lies there already when a
//! receiver comes. Of several selects another one may be served than the one that came first. And what was handed to a select another receiver may
//! take, if it comes before that one has been woken; then the select goes on waiting.
//!
//! # Examples
//! ```
//! use std::time::Duration;
//! use web_sync::{mpsc, oneshot, select};
//!
//! let (numbers, receiver) = mpsc::channel();
//! let (stop, mut stopped) = oneshot::channel();
//! std::thread::spawn(move || {
//!     (1..=3).for_each(|number| numbers.send(number).unwrap());
//!     stop.send("enough").unwrap();
//!     numbers // nor is the channel disconnected before
//! });
//! let mut sum = 0;
//! let why = loop {
//!     select! {
//!         recv(&receiver) -> number => sum += number.unwrap_or(0),
//!         recv(&mut stopped) -> why => break why.unwrap(),
//!         default(Duration::from_secs(10)) => break "nothing came",
//!     }
//! };
//! assert_eq!(why, "enough");
//! assert!(sum <= 6);
//! ```

use core::fmt;
use core::panic::Location;
use core::time::Duration;

use web_time::Instant;

use crate::channel::{case, select as raw};
use crate::mpsc::{RecvError, SendError};
use crate::sys::Call;
use crate::sys::clock::Deadline;
use crate::{mpmc, mpsc, oneshot};

/// A case that receives.
///
/// # Examples
/// See [`recv`].
pub struct RecvCase<'a, T> {
    inner: case::Receive<'a, T>,
}

/// A case that sends.
///
/// # Examples
/// See [`send`].
pub struct SendCase<'a, T> {
    inner: case::Send<'a, T>,
}

/// A reference to what a select can receive from: to the receiver of a channel, `mut` for [`oneshot`].
pub trait ReceiveFrom<'a, T>: sealed::Receiver<'a, T> {}

/// A reference to what a select can send over: to the sender of a channel.
pub trait SendOver<'a, T>: sealed::Sender<'a, T> {}

/// A case of a [`Select`]: [`RecvCase`] or [`SendCase`].
pub trait Case: sealed::Case {}

/// The cases of a [`Select`]: a tuple of exclusive references to cases, up to 12, an array of them, or an exclusive reference to a slice or a
/// `Vec` of cases.
pub trait Cases: raw::Cases {}

mod sealed {
    use super::{RecvCase, SendCase, raw};

    pub trait Receiver<'a, T> {
        fn case(self) -> RecvCase<'a, T>;
    }

    pub trait Sender<'a, T> {
        fn case(self, message: T) -> SendCase<'a, T>;
    }

    pub trait Case {
        fn act(&mut self) -> raw::Acting<'_>;
    }
}

macro_rules! ends {
    ($($Public:ident is $sealed:ident, $Case:ident of $inner:ident($($message:ident)?): $Reference:ty;)*) => {$(
        impl<'a, T> $Public<'a, T> for $Reference {}

        impl<'a, T> sealed::$sealed<'a, T> for $Reference {
            fn case(self $(, $message: T)?) -> $Case<'a, T> {
                let inner = case::$inner::new(self.inner() $(, $message)?);
                $Case { inner }
            }
        }
    )*};
}

ends! {
    ReceiveFrom is Receiver, RecvCase of Receive(): &'a mpsc::Receiver<T>;
    ReceiveFrom is Receiver, RecvCase of Receive(): &'a mpmc::Receiver<T>;
    ReceiveFrom is Receiver, RecvCase of Receive(): &'a mut oneshot::Receiver<T>;
    SendOver is Sender, SendCase of Send(message): &'a mpsc::Sender<T>;
    SendOver is Sender, SendCase of Send(message): &'a mpsc::SyncSender<T>;
    SendOver is Sender, SendCase of Send(message): &'a mpmc::Sender<T>;
}

/// A case that receives. It can be used again and again.
///
/// # Examples
/// ```
/// use web_sync::mpsc;
/// use web_sync::select::{Select, recv};
///
/// let (sender, receiver) = mpsc::channel();
/// let (_other, silent) = mpsc::channel::<()>();
/// sender.send("a message").unwrap();
/// let (mut one, mut two) = (recv(&receiver), recv(&silent));
/// assert_eq!(Select::new((&mut one, &mut two)).select(), 0);
/// assert_eq!(one.take(), Some(Ok("a message")));
/// assert_eq!(two.take(), None);
/// ```
pub fn recv<'a, T>(receiver: impl ReceiveFrom<'a, T>) -> RecvCase<'a, T> {
    receiver.case()
}

/// A case that sends a message, once. When its result has been taken it is never chosen again.
///
/// # Examples
/// ```
/// use web_sync::mpsc;
/// use web_sync::select::{Select, send};
///
/// let (full, _receiver) = mpsc::sync_channel(1);
/// full.send(1).unwrap();
/// let (sender, receiver) = mpsc::sync_channel(1);
/// let (mut one, mut two) = (send(&full, 2), send(&sender, 3));
/// assert_eq!(Select::new((&mut one, &mut two)).select(), 1);
/// assert_eq!(two.take(), Some(Ok(())));
/// assert_eq!(receiver.recv(), Ok(3));
/// assert_eq!(one.into_message(), Some(2));
/// ```
pub fn send<'a, T>(sender: impl SendOver<'a, T>, message: T) -> SendCase<'a, T> {
    sender.case(message)
}

impl<T> RecvCase<'_, T> {
    /// What was received, if this case has been chosen and that has not been asked before.
    ///
    /// What is not taken is kept, and the case chosen again.
    ///
    /// # Errors
    /// If all senders are gone, and with them all messages.
    ///
    /// # Examples
    /// See [`recv`].
    pub fn take(&mut self) -> Option<Result<T, RecvError>> {
        self.inner.take()
    }
}

impl<T> SendCase<'_, T> {
    /// Whether it has been sent, if this case has been chosen and that has not been asked before.
    ///
    /// What is not taken is kept, and the case chosen again.
    ///
    /// # Errors
    /// The message, if all receivers are gone.
    ///
    /// # Examples
    /// See [`send`].
    pub fn take(&mut self) -> Option<Result<(), SendError<T>>> {
        self.inner.take()
    }

    /// The message, if this case has not been chosen.
    ///
    /// # Examples
    /// See [`send`].
    #[must_use]
    pub fn into_message(self) -> Option<T> {
        self.inner.into_message()
    }
}

macro_rules! cases {
    ($($Case:ident)*) => {$(
        impl<T> Case for $Case<'_, T> {}

        impl<T> sealed::Case for $Case<'_, T> {
            fn act(&mut self) -> raw::Acting<'_> {
                raw::Acting(&mut self.inner)
            }
        }

        impl<T> fmt::Debug for $Case<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Case)).finish_non_exhaustive()
            }
        }
    )*};
}

cases!(RecvCase SendCase);

macro_rules! tuples {
    ($($count:literal: $($Case:ident $index:tt)*;)*) => {$(
        impl<$($Case: Case),*> Cases for ($(&mut $Case,)*) {}

        impl<$($Case: Case),*> raw::Cases for ($(&mut $Case,)*) {
            type Nodes = [raw::Node; $count];

            fn count(&self) -> usize {
                $count
            }

            fn nodes(&self) -> Self::Nodes {
                [raw::Node::EMPTY; $count]
            }

            fn case(&mut self, index: usize) -> raw::Acting<'_> {
                match index {
                    $($index => self.$index.act(),)*
                    _ => unreachable!("a case"),
                }
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 F 5;
    7: A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    8: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    9: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    10: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    11: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    12: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
}

macro_rules! lists {
    ($($List:ty, with $($N:ident)?: $Nodes:ty = $nodes:expr;)*) => {$(
        impl<C: Case $(, const $N: usize)?> Cases for $List {}

        impl<C: Case $(, const $N: usize)?> raw::Cases for $List {
            type Nodes = $Nodes;

            fn count(&self) -> usize {
                self.len()
            }

            fn nodes(&self) -> Self::Nodes {
                let nodes: fn(&Self) -> Self::Nodes = $nodes;
                nodes(self)
            }

            fn case(&mut self, index: usize) -> raw::Acting<'_> {
                self[index].act()
            }
        }
    )*};
}

/// As many as there are cases.
fn some_nodes<C>(cases: &[C]) -> Vec<raw::Node> {
    cases.iter().map(|_| raw::Node::EMPTY).collect()
}

lists! {
    [&mut C; N], with N: [raw::Node; N] = |_| [raw::Node::EMPTY; N];
    &mut [C], with: Vec<raw::Node> = |cases| some_nodes(cases);
    &mut Vec<C>, with: Vec<raw::Node> = |cases| some_nodes(cases);
}

/// Waits for the first of several cases.
///
/// Each method does one case, and returns its index. What came of it the case knows: [`RecvCase::take`], [`SendCase::take`].
///
/// # Examples
/// One of a number of receivers:
///
/// ```
/// use web_sync::mpmc;
/// use web_sync::select::{Select, recv};
///
/// let channels: Vec<_> = (0..3).map(|_| mpmc::channel()).collect();
/// channels[2].0.send("hello").unwrap();
/// let mut cases: Vec<_> = channels.iter().map(|(_, receiver)| recv(receiver)).collect();
/// let index = Select::new(&mut cases).select();
/// assert_eq!(index, 2);
/// assert_eq!(cases[index].take(), Some(Ok("hello")));
/// ```
#[must_use = "nothing is selected before a method says how"]
pub struct Select<C: Cases> {
    inner: raw::Select<C>,
}

impl<C: Cases> Select<C> {
    /// A select from these cases.
    ///
    /// # Panics
    /// If there is none.
    ///
    /// # Examples
    /// See [`Select`].
    pub fn new(cases: C) -> Self {
        let inner = raw::Select::new(cases);
        Self { inner }
    }

    /// Does a case if one can be done at once.
    ///
    /// # Blocking
    /// Does not wait for a case; as [`try_recv`](mpmc::Receiver::try_recv) and [`try_send`](mpmc::Sender::try_send) it may wait for a few
    /// instructions of somebody else.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc;
    /// use web_sync::select::{Select, recv};
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let mut case = recv(&receiver);
    /// assert_eq!(Select::new([&mut case]).try_select(), None);
    /// sender.send(1).unwrap();
    /// assert_eq!(Select::new([&mut case]).try_select(), Some(0));
    /// assert_eq!(case.take(), Some(Ok(1)));
    /// ```
    pub fn try_select(mut self) -> Option<usize> {
        self.inner.try_act()
    }

    /// Does the first case that can be done.
    ///
    /// # Blocking
    /// Sleeps as long as none can be done; on an agent that must not sleep, as a page's main thread, it spins. There use
    /// [`select_async`](Self::select_async).
    ///
    /// # Panics
    /// In a module that was built without threads, if it would wait: nobody could ever come.
    ///
    /// # Examples
    /// See [`recv`] and [`send`].
    #[track_caller]
    pub fn select(self) -> usize {
        match self.inner.wait(|| None, &selecting("Select::select")) {
            Some(chosen) => chosen,
            None => unreachable!("no deadline"),
        }
    }

    /// Does the first case that can be done, waiting no longer than `timeout`. A time that is too long to count with means "for ever".
    ///
    /// # Blocking
    /// As [`select`](Self::select), at most for `timeout`; then once more as [`try_select`](Self::try_select).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::mpsc;
    /// use web_sync::select::{Select, recv};
    ///
    /// let (_sender, receiver) = mpsc::channel::<()>();
    /// let mut case = recv(&receiver);
    /// let chosen = Select::new([&mut case]).select_timeout(Duration::from_millis(5));
    /// assert_eq!(chosen, None);
    /// ```
    #[track_caller]
    pub fn select_timeout(self, timeout: Duration) -> Option<usize> {
        self.inner.wait(
            || Some(Deadline::after(timeout)),
            &selecting("Select::select_timeout"),
        )
    }

    /// Does the first case that can be done, waiting no longer than until `deadline`.
    ///
    /// # Blocking
    /// As [`select`](Self::select), at most until `deadline`; then once more as [`try_select`](Self::try_select).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::select::{Select, recv};
    /// use web_sync::{Instant, mpsc};
    ///
    /// let (sender, receiver) = mpsc::channel::<()>();
    /// drop(sender);
    /// let mut case = recv(&receiver);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// assert_eq!(Select::new([&mut case]).select_deadline(deadline), Some(0));
    /// assert!(case.take().unwrap().is_err());
    /// ```
    #[track_caller]
    pub fn select_deadline(self, deadline: Instant) -> Option<usize> {
        self.inner.wait(
            || Some(Deadline::at(deadline)),
            &selecting("Select::select_deadline"),
        )
    }

    /// Does the first case that can be done; the task is suspended, and the agent free, while there is none.
    ///
    /// # Cancel safety
    /// The future may be dropped at any time: then no case has been done, unless the future was ready, and no notification is lost. It is
    /// `Send` if the messages are.
    ///
    /// # Examples
    /// ```
    /// use web_sync::mpsc;
    /// use web_sync::select::{Select, recv};
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = mpsc::channel();
    /// let (_other, silent) = mpsc::channel::<()>();
    /// std::thread::spawn(move || sender.send(1).unwrap());
    /// let (mut one, mut two) = (recv(&receiver), recv(&silent));
    /// assert_eq!(Select::new((&mut one, &mut two)).select_async().await, 0);
    /// assert_eq!(one.take(), Some(Ok(1)));
    /// # });
    /// ```
    pub fn select_async(self) -> impl Future<Output = usize> {
        self.inner.wait_async()
    }

    /// The async twin of [`select_timeout`](Self::select_timeout). The time begins with the call.
    ///
    /// # Cancel safety
    /// As for [`select_async`](Self::select_async).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::mpsc;
    /// use web_sync::select::{Select, recv};
    ///
    /// # pollster::block_on(async {
    /// let (_sender, receiver) = mpsc::channel::<()>();
    /// let mut case = recv(&receiver);
    /// let select = Select::new([&mut case]);
    /// assert_eq!(select.select_timeout_async(Duration::from_millis(5)).await, None);
    /// # });
    /// ```
    pub fn select_timeout_async(self, timeout: Duration) -> impl Future<Output = Option<usize>> {
        self.inner.wait_until_async(Deadline::after(timeout))
    }

    /// The async twin of [`select_deadline`](Self::select_deadline).
    ///
    /// # Cancel safety
    /// As for [`select_async`](Self::select_async).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use web_sync::select::{Select, recv};
    /// use web_sync::{Instant, mpsc};
    ///
    /// # pollster::block_on(async {
    /// let (sender, receiver) = mpsc::channel();
    /// sender.send(1).unwrap();
    /// let mut case = recv(&receiver);
    /// let deadline = Instant::now() + Duration::from_millis(5);
    /// let chosen = Select::new([&mut case]).select_deadline_async(deadline).await;
    /// assert_eq!((chosen, case.take()), (Some(0), Some(Ok(1))));
    /// # });
    /// ```
    pub fn select_deadline_async(self, deadline: Instant) -> impl Future<Output = Option<usize>> {
        self.inner.wait_until_async(Deadline::at(deadline))
    }
}

#[track_caller]
fn selecting(name: &'static str) -> Call {
    Call {
        name,
        instead: "Select::select_async",
        caller: Location::caller(),
    }
}

impl<C: Cases> fmt::Debug for Select<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").finish_non_exhaustive()
    }
}
