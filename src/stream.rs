//! What receivers receive, as streams: feature `futures`.
//!
//! [`Stream`] and [`FusedStream`] are those of `futures-core`, so that all that is made for streams can be used.
//!
//! # Examples
//! ```
//! use std::future::poll_fn;
//! use std::pin::Pin;
//! use web_sync::mpsc::channel;
//! use web_sync::stream::Stream;
//!
//! # pollster::block_on(async {
//! let (sender, receiver) = channel();
//! std::thread::spawn(move || (0..3).for_each(|number| sender.send(number).unwrap()));
//! let mut stream = receiver.into_stream();
//! let mut sum = 0;
//! // With `StreamExt` of the crate `futures`: `while let Some(number) = stream.next().await`.
//! while let Some(number) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
//!     sum += number;
//! }
//! assert_eq!(sum, 3);
//! # });
//! ```

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

pub use futures_core::{FusedStream, Stream};

use crate::channel::{RecvFuture, RecvOwned};

/// Defines how a receiver becomes a stream, in its `impl`: what it receives from, shared and as its own.
macro_rules! from_receiver {
    ($this:ident => $shared:expr, $owned:expr) => {
        /// What is received as a [`Stream`](crate::stream::Stream), which ends when the channel is disconnected.
        ///
        /// # Cancel safety
        /// The stream may be dropped at any time: no message is lost.
        ///
        /// # Examples
        /// See [`stream`](crate::stream).
        pub fn stream(&self) -> crate::stream::RecvStream<'_, T> {
            let $this = self;
            crate::stream::RecvStream::new($shared.recv_async())
        }

        /// The same with a receiver that goes with the stream.
        ///
        /// # Examples
        /// See [`stream`](crate::stream).
        pub fn into_stream(self) -> crate::stream::IntoStream<T> {
            let $this = self;
            crate::stream::IntoStream::new($owned.recv_owned())
        }
    };
}
pub(crate) use from_receiver;

macro_rules! streams {
    ($($(#[$doc:meta])* $Name:ident<$($a:lifetime)?> of $Future:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// It ends when the channel is disconnected.
        ///
        /// # Cancel safety
        /// It may be dropped at any time: no message is lost. It is `Send` if `T` is, and `Unpin`: what it waits with is in a box.
        ///
        /// # Examples
        /// See the [module](self).
        #[must_use = "streams do nothing unless they are polled"]
        pub struct $Name<$($a,)? T> {
            /// None after the end.
            next: Option<Pin<Box<$Future<$($a,)? T>>>>,
        }

        impl<$($a,)? T> $Name<$($a,)? T> {
            pub(crate) fn new(next: $Future<$($a,)? T>) -> Self {
                let next = Some(Box::pin(next));
                Self { next }
            }
        }

        impl<$($a,)? T> Stream for $Name<$($a,)? T> {
            type Item = T;

            fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
                let Some(next) = &mut self.next else {
                    return Poll::Ready(None);
                };
                let received = ready!(next.as_mut().poll(context));
                if received.is_err() {
                    self.next = None;
                }
                Poll::Ready(received.ok())
            }
        }

        impl<$($a,)? T> FusedStream for $Name<$($a,)? T> {
            fn is_terminated(&self) -> bool {
                self.next.is_none()
            }
        }

        impl<$($a,)? T> fmt::Debug for $Name<$($a,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Name)).finish_non_exhaustive()
            }
        }
    )*};
}

streams! {
    /// What a receiver receives that stays usable.
    RecvStream<'a> of RecvFuture;
    /// What a receiver receives that goes with this.
    IntoStream<> of RecvOwned;
}
