//! Several slots at once, in place.
//!
//! The slots of a chunk are two slices: where the ring's memory ends it goes on at its beginning.

use core::fmt;
use core::iter::FusedIterator;
use core::mem::{self, MaybeUninit};
use core::ptr;

use crate::realtime::{Reader, Writer, drop_both};

/// Slots without values, from [`Producer::write_chunk_uninit`](super::Producer::write_chunk_uninit).
///
/// Nothing is put in before it is committed: to drop the chunk changes nothing.
///
/// # Examples
/// See [`write_chunk_uninit`](super::Producer::write_chunk_uninit).
pub struct WriteChunkUninit<'a, T> {
    end: &'a mut Writer<T>,
    /// This end has seen room for as many.
    count: usize,
}

impl<'a, T> WriteChunkUninit<'a, T> {
    pub(super) fn new(end: &'a mut Writer<T>, count: usize) -> Self {
        Self { end, count }
    }

    /// The slots: fill the first slice, then the second one, which may be empty.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::new(4);
    /// let mut chunk = producer.write_chunk_uninit(2).unwrap();
    /// let (first, second) = chunk.as_mut_slices();
    /// first.iter_mut().chain(second).for_each(|slot| {
    ///     slot.write(7);
    /// });
    /// // SAFETY: both are filled.
    /// unsafe { chunk.commit_all() };
    /// assert_eq!(consumer.pop(), Ok(7));
    /// ```
    pub fn as_mut_slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        // SAFETY: there is room, and as long as `self` is borrowed nobody publishes.
        unsafe {
            let [first, second] = self.end.slots(self.count);
            (&mut *first, &mut *second)
        }
    }

    /// Puts the first `count` slots in.
    ///
    /// # Panics
    /// If the chunk has fewer.
    ///
    /// # Safety
    ///
    /// They have been filled.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::new(4);
    /// let mut chunk = producer.write_chunk_uninit(2).unwrap();
    /// chunk.as_mut_slices().0[0].write(7);
    /// // SAFETY: the first one is filled.
    /// unsafe { chunk.commit(1) };
    /// assert_eq!(consumer.slots(), 1);
    /// ```
    #[track_caller]
    pub unsafe fn commit(self, count: usize) {
        check(count, self.count);
        // SAFETY: there is room, and by contract they are filled.
        unsafe { self.end.publish(count) };
    }

    /// Puts all slots in.
    ///
    /// # Safety
    ///
    /// They have been filled.
    ///
    /// # Examples
    /// See [`as_mut_slices`](Self::as_mut_slices).
    pub unsafe fn commit_all(self) {
        // SAFETY: there is room, and by contract they are filled.
        unsafe { self.end.publish(self.count) };
    }

    /// Puts the items of an iterator in, as long as there are slots; all at once, at the end. Returns how many.
    ///
    /// If the iterator panics nothing is put in, and the items that it gave are leaked.
    ///
    /// # Examples
    /// See [`write_chunk_uninit`](super::Producer::write_chunk_uninit).
    pub fn fill_from_iter(mut self, items: impl IntoIterator<Item = T>) -> usize {
        let (first, second) = self.as_mut_slices();
        let mut count = 0;
        for (slot, item) in first.iter_mut().chain(second).zip(items) {
            slot.write(item);
            count += 1;
        }
        // SAFETY: so many are filled.
        unsafe { self.end.publish(count) };
        count
    }

    /// How many slots there are.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, _consumer) = web_sync::spsc::RingBuffer::<u8>::new(4);
    /// assert_eq!(producer.write_chunk_uninit(3).unwrap().len(), 3);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no slots.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, _consumer) = web_sync::spsc::RingBuffer::<u8>::new(4);
    /// assert!(producer.write_chunk_uninit(0).unwrap().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Slots with values, from [`Producer::write_chunk`](super::Producer::write_chunk).
///
/// Nothing is put in before it is committed: to drop the chunk drops the values.
///
/// # Examples
/// See [`write_chunk`](super::Producer::write_chunk).
pub struct WriteChunk<'a, T> {
    chunk: WriteChunkUninit<'a, T>,
    /// So many slots have a value.
    filled: usize,
}

impl<'a, T> WriteChunk<'a, T> {
    pub(super) fn filled(chunk: WriteChunkUninit<'a, T>) -> Self
    where
        T: Default,
    {
        let mut chunk = Self { chunk, filled: 0 };
        let (first, second) = chunk.chunk.as_mut_slices();
        for slot in first.iter_mut().chain(second) {
            slot.write(T::default());
            chunk.filled += 1;
        }
        chunk
    }

    /// The slots: the first slice comes before the second one, which may be empty.
    ///
    /// # Examples
    /// See [`write_chunk`](super::Producer::write_chunk).
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let (first, second) = self.chunk.as_mut_slices();
        // SAFETY: all slots have values.
        unsafe { (first.assume_init_mut(), second.assume_init_mut()) }
    }

    /// Puts the first `count` slots in. The values of the others are dropped.
    ///
    /// # Panics
    /// If the chunk has fewer.
    ///
    /// # Examples
    /// See [`write_chunk`](super::Producer::write_chunk).
    #[track_caller]
    pub fn commit(mut self, count: usize) {
        check(count, self.filled);
        // Before anything is published: if a value panics, nothing is put in.
        self.keep(count);
        self.filled = 0;
        // SAFETY: there is room, and the first ones have values, which are not ours any more.
        unsafe { self.chunk.end.publish(count) };
    }

    /// Puts all slots in.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::<i32>::new(4);
    /// producer.write_chunk(2).unwrap().commit_all();
    /// assert_eq!(consumer.pop(), Ok(0));
    /// ```
    pub fn commit_all(self) {
        let count = self.filled;
        self.commit(count);
    }

    /// How many slots there are.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, _consumer) = web_sync::spsc::RingBuffer::<u8>::new(4);
    /// assert_eq!(producer.write_chunk(3).unwrap().len(), 3);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether there are no slots.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, _consumer) = web_sync::spsc::RingBuffer::<u8>::new(4);
    /// assert!(producer.write_chunk(0).unwrap().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Drops all values but the first `count`.
    fn keep(&mut self, count: usize) {
        let filled = mem::replace(&mut self.filled, count);
        if filled == count {
            // After a commit the slots are not ours any more: they must not even be borrowed.
            return;
        }
        let (first, second) = self.chunk.as_mut_slices();
        let middle = first.len();
        let first = &mut first[count.min(middle)..filled.min(middle)];
        let second = &mut second[count.saturating_sub(middle)..filled.saturating_sub(middle)];
        // SAFETY: so many have values, and the chunk does not count them any more.
        unsafe { drop_both([first, second].map(|part| ptr::from_mut(part) as *mut [T])) };
    }
}

impl<T> Drop for WriteChunk<'_, T> {
    fn drop(&mut self) {
        self.keep(0);
    }
}

/// Items, from [`Consumer::read_chunk`](super::Consumer::read_chunk).
///
/// They stay in the ring until they are committed, which drops them, or moved out by the iterator: to drop the chunk changes nothing.
///
/// # Examples
/// See [`read_chunk`](super::Consumer::read_chunk).
pub struct ReadChunk<'a, T> {
    end: &'a mut Reader<T>,
    /// This end has seen as many items.
    count: usize,
}

impl<'a, T> ReadChunk<'a, T> {
    pub(super) fn new(end: &'a mut Reader<T>, count: usize) -> Self {
        Self { end, count }
    }

    /// The items: first those of the first slice, then those of the second one, which may be empty.
    ///
    /// # Examples
    /// See [`read_chunk`](super::Consumer::read_chunk).
    #[must_use]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        // SAFETY: there are as many, and as long as `self` is borrowed nobody releases.
        unsafe {
            let [first, second] = self.end.items(self.count);
            (&*first, &*second)
        }
    }

    /// The items, to be changed before they are read again.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::new(4);
    /// producer.push(1).unwrap();
    /// let mut chunk = consumer.read_chunk(1).unwrap();
    /// chunk.as_mut_slices().0[0] = 2;
    /// drop(chunk);
    /// assert_eq!(consumer.pop(), Ok(2));
    /// ```
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        // SAFETY: as above, and `self` is exclusive.
        unsafe {
            let [first, second] = self.end.items(self.count);
            (&mut *first, &mut *second)
        }
    }

    /// Drops the first `count` items and gives their slots back. If one of them panics, the others are dropped all the same.
    ///
    /// # Panics
    /// If the chunk has fewer.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::new(4);
    /// producer.push_slice(&[1, 2, 3]);
    /// consumer.read_chunk(3).unwrap().commit(2);
    /// assert_eq!(consumer.pop(), Ok(3));
    /// ```
    #[track_caller]
    pub fn commit(self, count: usize) {
        /// Gives the slots back, whatever happens.
        struct GiveBack<'a, T>(&'a mut Reader<T>, usize);

        impl<T> Drop for GiveBack<'_, T> {
            fn drop(&mut self) {
                // SAFETY: there are as many, and they have been dropped.
                unsafe { self.0.release(self.1) };
            }
        }

        check(count, self.count);
        let given = GiveBack(self.end, count);
        // SAFETY: there are as many, and nobody uses them again.
        unsafe { drop_both(given.0.items(count)) };
    }

    /// Drops all items and gives their slots back.
    ///
    /// # Examples
    /// See [`read_chunk`](super::Consumer::read_chunk).
    pub fn commit_all(self) {
        let count = self.count;
        self.commit(count);
    }

    /// How many items there are.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::new(4);
    /// producer.push_slice(&[1, 2, 3]);
    /// assert_eq!(consumer.read_chunk(2).unwrap().len(), 2);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no items.
    ///
    /// # Examples
    /// ```
    /// let (_producer, mut consumer) = web_sync::spsc::RingBuffer::<u8>::new(4);
    /// assert!(consumer.read_chunk(0).unwrap().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a, T> IntoIterator for ReadChunk<'a, T> {
    type Item = T;
    type IntoIter = ReadChunkIntoIter<'a, T>;

    fn into_iter(self) -> ReadChunkIntoIter<'a, T> {
        ReadChunkIntoIter { chunk: self }
    }
}

/// Moves the items of a [`ReadChunk`] out, one by one. Those that it has not come to stay in the ring.
///
/// # Examples
/// ```
/// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::new(4);
/// producer.push_slice(&[1, 2, 3]);
/// assert_eq!(consumer.read_chunk(3).unwrap().into_iter().next(), Some(1));
/// assert_eq!(consumer.slots(), 2);
/// ```
pub struct ReadChunkIntoIter<'a, T> {
    /// What is left.
    chunk: ReadChunk<'a, T>,
}

impl<T> Iterator for ReadChunkIntoIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.chunk.count = self.chunk.count.checked_sub(1)?;
        // SAFETY: there was one more, which is moved out before its slot is released. Each by itself, so that nothing is moved out twice
        // if the iterator is forgotten.
        unsafe {
            let [item, _] = self.chunk.end.items(1);
            let item = item.cast::<T>().read();
            self.chunk.end.release(1);
            Some(item)
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.chunk.count, Some(self.chunk.count))
    }
}

impl<T> ExactSizeIterator for ReadChunkIntoIter<'_, T> {}
impl<T> FusedIterator for ReadChunkIntoIter<'_, T> {}

#[track_caller]
fn check(count: usize, most: usize) {
    assert!(
        count <= most,
        "the chunk has {most} slots, {count} are to be committed"
    );
}

macro_rules! debugs {
    ($($Chunk:ident)*) => {$(
        impl<T> fmt::Debug for $Chunk<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Chunk)).field("len", &self.len()).finish_non_exhaustive()
            }
        }
    )*};
}

debugs! { WriteChunkUninit WriteChunk ReadChunk ReadChunkIntoIter }
