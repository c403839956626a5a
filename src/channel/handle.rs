//! The two ends of a channel. Each is counted, and the channel goes with the last of both.

use super::{Capacity, Channel};
use crate::sys::shim::{AtomicU32, Ordering};
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;
use std::process;

/// More handles than there can be, unless they are leaked in a loop.
const TOO_MANY: u32 = u32::MAX / 2;

/// A new channel's two ends.
pub(crate) fn new<T>(capacity: Capacity) -> (Sender<T>, Receiver<T>) {
    let channel = NonNull::from(Box::leak(Box::new(Channel::new(capacity))));
    (Sender { channel }, Receiver { channel })
}

/// Frees the channel, if the other side is gone already.
///
/// Its drop does so: a message that panics when it is dropped does not keep it from that.
struct Leave<T>(NonNull<Channel<T>>);

impl<T> Drop for Leave<T> {
    fn drop(&mut self) {
        // SAFETY: it lives until both sides have been here.
        let half_gone = unsafe { &self.0.as_ref().half_gone };
        // ORDERING: AcqRel: the second side sees all that the first one did.
        if half_gone.swap(1, Ordering::AcqRel) != 0 {
            // SAFETY: it came from a box, and both sides are gone.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

/// One more handle of a side.
fn count(handles: &AtomicU32) {
    // ORDERING: Relaxed, the new handle is made from one that exists.
    if handles.fetch_add(1, Ordering::Relaxed) > TOO_MANY {
        process::abort();
    }
}

/// One handle less. Whether that was the last.
fn uncount(handles: &AtomicU32) -> bool {
    // ORDERING: Release: what was done with the handle, for who finds that there is none (`Channel::has_senders`; after a message
    // the fence of its notification would do as well), and for the last one, which acquires.
    handles.fetch_sub(1, Ordering::AcqRel) == 1
}

macro_rules! handles {
    ($($(#[$doc:meta])* $Name:ident, counted by $count:ident, ends with $end:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $Name<T> {
            channel: NonNull<Channel<T>>,
        }

        // SAFETY: the messages are sent from one agent to another; the channel itself is for all.
        unsafe impl<T: Send> Send for $Name<T> {}
        // SAFETY: as above.
        unsafe impl<T: Send> Sync for $Name<T> {}

        impl<T> UnwindSafe for $Name<T> {}
        impl<T> RefUnwindSafe for $Name<T> {}

        impl<T> $Name<T> {
            /// Whether both are of the same channel.
            pub(crate) fn same_channel(&self, other: &Self) -> bool {
                self.channel == other.channel
            }
        }

        impl<T> Deref for $Name<T> {
            type Target = Channel<T>;

            #[inline]
            fn deref(&self) -> &Channel<T> {
                // SAFETY: a handle keeps it alive.
                unsafe { self.channel.as_ref() }
            }
        }

        impl<T> Clone for $Name<T> {
            fn clone(&self) -> Self {
                count(&self.$count);
                Self { channel: self.channel }
            }
        }

        impl<T> Drop for $Name<T> {
            fn drop(&mut self) {
                if uncount(&self.$count) {
                    let _leave = Leave(self.channel);
                    self.$end();
                }
            }
        }
    )*};
}

handles! {
    /// An end for sending.
    Sender, counted by senders, ends with end_of_senders;
    /// An end for receiving.
    Receiver, counted by receivers, ends with end_of_receivers;
}

impl<T> Sender<T> {
    /// Whether the receivers are gone.
    pub(crate) fn is_disconnected(&self) -> bool {
        !self.has_receivers()
    }
}

impl<T> Receiver<T> {
    /// Whether the senders are gone. There may be messages all the same.
    pub(crate) fn is_disconnected(&self) -> bool {
        !self.has_senders()
    }
}
