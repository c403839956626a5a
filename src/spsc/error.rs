//! The errors of both ends.

use core::error::Error;
use core::fmt;

/// Nothing was put in: there is no room. The item comes back.
///
/// # Examples
/// See [`Producer::push`](super::Producer::push).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PushError<T> {
    /// As many items are there as the ring holds.
    Full(T),
}

/// Nothing was taken out: nothing is there.
///
/// # Examples
/// See [`Consumer::pop`](super::Consumer::pop).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PopError {
    /// All that was put in has been taken out.
    Empty,
}

/// There is no item to look at.
///
/// # Examples
/// See [`Consumer::peek`](super::Consumer::peek).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeekError {
    /// All that was put in has been taken out.
    Empty,
}

/// There are fewer slots, or items, than were asked for.
///
/// # Examples
/// See [`Producer::write_chunk`](super::Producer::write_chunk).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// There are so many.
    TooFewSlots(usize),
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("pushing on a full ring")
    }
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("popping on an empty ring")
    }
}

impl fmt::Display for PeekError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("peeking on an empty ring")
    }
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::TooFewSlots(count) = self;
        write!(f, "only {count} slots are there")
    }
}

impl<T> Error for PushError<T> {}
impl Error for PopError {}
impl Error for PeekError {}
impl Error for ChunkError {}
