//! A queue from one agent to one other that never waits: for audio worklets, and whoever else has a deadline.
//!
//! One end, the [`Producer`], puts items in; the other end, the [`Consumer`], takes them out, in order, none twice and none lost. There is
//! one of each. Neither waits for the other, allocates or calls JS: a full ring says that it is full, an empty one that it is empty. All
//! memory is taken by [`RingBuffer::new`].
//!
//! Items go one by one, as slices that are copied, or as [chunks](Producer::write_chunk), slots that you fill, or read, in place. Most
//! names are those of the crate rtrb ([`migrating`](crate::migrating) has the rest); `push_slice` and `pop_slice` are called as in ringbuf.
//!
//! # In a worklet
//!
//! An audio worklet has some 3 ms for each call of `process()`: at 44,100 Hz a quantum of 128 frames. It must not wait in there; neither
//! should it allocate or free: the allocator is shared with all workers, and std's on this target is a spin lock. So:
//!
//! - Make the ring elsewhere and send one end to the worklet, in a closure or in memory that the agents share.
//! - Items that own memory, as a `Vec`, are freed where they are dropped. Send plain data, or send what has been used back through a second ring.
//! - The last end that goes frees the ring. In a worklet drop it while the other end still lives, or not at all.
//!
//! If only the newest value counts, as the position of a slider, use [`triple_buffer`](crate::triple_buffer) instead: it cannot be full.
//! Where an end may wait, and others may send, use [`mpsc`](crate::mpsc).
//!
//! # Wait-free
//!
//! Each call ends after a number of steps that does not depend on what the other end does, or whether it does anything: it may have been
//! suspended, or its worker ended, in the middle of a call. A call has no loop but the one over the items that it moves, and uses atomic
//! loads and stores only:
//!
//! | call | atomic loads | atomic stores |
//! |---|---|---|
//! | `push`, `pop`, `push_slice`, `pop_slice`, `push_entire_slice`, `pop_entire_slice` | 0 or 1 | 0 or 1 |
//! | `write_chunk`, `write_chunk_uninit`, `read_chunk` | 0 or 1 | 0 |
//! | `commit`, `commit_all`, `fill_from_iter`, each item of a chunk's iterator | 0 | 1 |
//! | `slots`, `is_full`, `is_empty`, `is_abandoned`, `peek` | 1 | 0 |
//!
//! A load is left out where what the end already knows will do: the other end's cache line is not touched then. (What `T` does when it is
//! dropped, made by default or copied is its own affair.)
//!
//! # Examples
//! ```
//! use std::thread;
//! use web_sync::spsc::RingBuffer;
//!
//! let (mut producer, mut consumer) = RingBuffer::new(1024);
//! let worker = thread::spawn(move || {
//!     let samples = [0.25_f32; 256];
//!     assert_eq!(producer.push_slice(&samples), 256);
//! });
//!
//! // One quantum of audio: what is there, and silence after it.
//! fn process(consumer: &mut web_sync::spsc::Consumer<f32>, output: &mut [f32; 128]) {
//!     let count = consumer.pop_slice(output);
//!     output[count..].fill(0.0);
//! }
//! # worker.join().unwrap();
//! let mut output = [0.0; 128];
//! process(&mut consumer, &mut output);
//! assert_eq!(output, [0.25; 128]);
//! ```

mod chunk;
mod error;

pub use chunk::{ReadChunk, ReadChunkIntoIter, WriteChunk, WriteChunkUninit};
pub use error::{ChunkError, PeekError, PopError, PushError};

use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use crate::realtime::{Reader, Writer, ring};

/// What concerns chunks, under the path that the crate rtrb has for it.
///
/// # Examples
/// ```
/// use web_sync::spsc::{RingBuffer, chunks::ReadChunk};
///
/// let (mut producer, mut consumer) = RingBuffer::new(4);
/// producer.push(1).unwrap();
/// let chunk: ReadChunk<'_, i32> = consumer.read_chunk(1).unwrap();
/// assert_eq!(chunk.as_slices().0, [1]);
/// ```
pub mod chunks {
    pub use super::{ChunkError, ReadChunk, ReadChunkIntoIter, WriteChunk, WriteChunkUninit};
}

/// Where a ring is made: [`RingBuffer::new`] returns its two ends.
///
/// # Examples
/// See the [module](self).
pub struct RingBuffer<T> {
    _never: (Infallible, PhantomData<T>),
}

impl<T> RingBuffer<T> {
    /// Makes a ring that holds `capacity` items, and returns its two ends.
    ///
    /// Any capacity will do. A ring of capacity 0 is always full and always empty. Memory is taken for a power of two of items: as many as
    /// `capacity`, or the next one.
    ///
    /// # Blocking
    /// It allocates, two blocks of memory; nothing that is done with the two ends does.
    ///
    /// # Panics
    /// If `capacity` is more than 2^31.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::RingBuffer;
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(100);
    /// producer.push(1).unwrap();
    /// assert_eq!(consumer.pop(), Ok(1));
    /// assert_eq!(producer.capacity(), 100);
    /// ```
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "a ring is its two ends")]
    pub fn new(capacity: usize) -> (Producer<T>, Consumer<T>) {
        Self::starting_at(capacity, 0)
    }

    /// A ring whose positions begin elsewhere: for tests of what happens when they wrap.
    #[doc(hidden)]
    #[must_use]
    pub fn starting_at(capacity: usize, start: u32) -> (Producer<T>, Consumer<T>) {
        let (writer, reader) = ring(capacity, start);
        (Producer { end: writer }, Consumer { end: reader })
    }
}

/// The end that puts items in.
///
/// It may be sent to another agent, if the items may be. There is one of a ring, and what changes the ring takes it `&mut`.
///
/// # Examples
/// See the [module](self).
pub struct Producer<T> {
    end: Writer<T>,
}

impl<T> Producer<T> {
    /// Puts an item in.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// [`Full`](PushError::Full), with the item, if there is no room.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::{PushError, RingBuffer};
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(1);
    /// assert_eq!(producer.push(1), Ok(()));
    /// assert_eq!(producer.push(2), Err(PushError::Full(2)));
    /// assert_eq!(consumer.pop(), Ok(1));
    /// assert_eq!(producer.push(3), Ok(()));
    /// ```
    #[inline]
    pub fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        if self.end.room_up_to(1) == 0 {
            return Err(PushError::Full(item));
        }
        // SAFETY: there is room for one, whose slot is filled before it is published.
        unsafe {
            let [slot, _] = self.end.slots(1);
            slot.cast::<T>().write(item);
            self.end.publish(1);
        }
        Ok(())
    }

    /// Copies as many items in as there is room for, the first ones of `items`. Returns how many.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::RingBuffer;
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(4);
    /// assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
    /// assert_eq!(producer.push_slice(&[4, 5, 6]), 1);
    /// assert_eq!(consumer.read_chunk(4).unwrap().into_iter().sum::<i32>(), 10);
    /// ```
    #[inline]
    pub fn push_slice(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        let count = self.end.room_up_to(items.len());
        // SAFETY: there is room for as many.
        unsafe { self.copy_in(&items[..count]) };
        count
    }

    /// Copies all items in, or none: frames stay whole.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// [`TooFewSlots`](ChunkError::TooFewSlots) if there is not room for all of them.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::{ChunkError, RingBuffer};
    ///
    /// let (mut producer, _consumer) = RingBuffer::new(4);
    /// assert_eq!(producer.push_entire_slice(&[1, 2, 3]), Ok(()));
    /// assert_eq!(producer.push_entire_slice(&[4, 5]), Err(ChunkError::TooFewSlots(1)));
    /// ```
    #[inline]
    pub fn push_entire_slice(&mut self, items: &[T]) -> Result<(), ChunkError>
    where
        T: Copy,
    {
        self.room_for(items.len())?;
        // SAFETY: there is room for all.
        unsafe { self.copy_in(items) };
        Ok(())
    }

    /// # Safety
    ///
    /// This end has seen that there is room for all.
    #[inline(always)]
    unsafe fn copy_in(&mut self, items: &[T])
    where
        T: Copy,
    {
        if items.is_empty() {
            return;
        }
        // SAFETY: by contract; both parts together are as long as `items`, which is memory of somebody else's.
        unsafe {
            let [first, second] = self.end.slots(items.len());
            let from = items.as_ptr();
            ptr::copy_nonoverlapping(from, first.cast(), first.len());
            ptr::copy_nonoverlapping(from.add(first.len()), second.cast(), second.len());
            self.end.publish(items.len());
        }
    }

    #[inline(always)]
    fn room_for(&mut self, count: usize) -> Result<(), ChunkError> {
        match self.end.room_up_to(count) {
            room if room == count => Ok(()),
            room => Err(ChunkError::TooFewSlots(room)),
        }
    }

    /// The next `count` slots, each with a default value, to be changed in place and then [committed](WriteChunk::commit).
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// [`TooFewSlots`](ChunkError::TooFewSlots) if there are not as many.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::{ChunkError, RingBuffer};
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(4);
    /// let mut chunk = producer.write_chunk(3).unwrap();
    /// let (first, second) = chunk.as_mut_slices();
    /// for (slot, number) in first.iter_mut().chain(second).zip(1..) {
    ///     *slot = number;
    /// }
    /// chunk.commit(2);
    /// assert_eq!(consumer.pop(), Ok(1));
    /// assert_eq!(consumer.pop(), Ok(2));
    /// assert!(consumer.is_empty());
    /// assert_eq!(producer.write_chunk(5).unwrap_err(), ChunkError::TooFewSlots(4));
    /// ```
    pub fn write_chunk(&mut self, count: usize) -> Result<WriteChunk<'_, T>, ChunkError>
    where
        T: Default,
    {
        self.write_chunk_uninit(count).map(WriteChunk::filled)
    }

    /// The next `count` slots without values.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// As [`write_chunk`](Self::write_chunk).
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::RingBuffer;
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(4);
    /// let chunk = producer.write_chunk_uninit(3).unwrap();
    /// assert_eq!(chunk.fill_from_iter(["a", "b"]), 2);
    /// assert_eq!(consumer.pop(), Ok("a"));
    /// ```
    pub fn write_chunk_uninit(
        &mut self,
        count: usize,
    ) -> Result<WriteChunkUninit<'_, T>, ChunkError> {
        self.room_for(count)?;
        Ok(WriteChunkUninit::new(&mut self.end, count))
    }

    /// How many items there is room for. It only grows until the next item is put in.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, _consumer) = web_sync::spsc::RingBuffer::new(4);
    /// producer.push(1).unwrap();
    /// assert_eq!(producer.slots(), 3);
    /// ```
    #[inline]
    #[must_use]
    pub fn slots(&self) -> usize {
        self.end.room()
    }

    /// Whether there is no room. That may change at once, if it is so.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, _consumer) = web_sync::spsc::RingBuffer::new(1);
    /// producer.push(1).unwrap();
    /// assert!(producer.is_full());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.slots() == 0
    }

    /// Whether the consumer is gone. Items may be put in all the same; they are dropped with this end.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, consumer) = web_sync::spsc::RingBuffer::new(1);
    /// assert!(!producer.is_abandoned());
    /// drop(consumer);
    /// assert!(producer.is_abandoned());
    /// # producer.push(1).unwrap();
    /// ```
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.end.is_alone()
    }

    /// How many items the ring holds.
    ///
    /// # Examples
    /// ```
    /// let (producer, _consumer) = web_sync::spsc::RingBuffer::<u8>::new(100);
    /// assert_eq!(producer.capacity(), 100);
    /// ```
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.end.capacity()
    }
}

/// The end that takes items out.
///
/// It may be sent to another agent, if the items may be. There is one of a ring, and what changes the ring takes it `&mut`.
///
/// # Examples
/// See the [module](self).
pub struct Consumer<T> {
    end: Reader<T>,
}

impl<T> Consumer<T> {
    /// Takes the next item out.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// [`Empty`](PopError::Empty) if there is none. If the producer [was gone](Self::is_abandoned) *before* this call, there will be none
    /// ever more.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::{PopError, RingBuffer};
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(1);
    /// assert_eq!(consumer.pop(), Err(PopError::Empty));
    /// producer.push(1).unwrap();
    /// assert_eq!(consumer.pop(), Ok(1));
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Result<T, PopError> {
        if self.end.ready_up_to(1) == 0 {
            return Err(PopError::Empty);
        }
        // SAFETY: there is an item, which is moved out before its slot is released.
        unsafe {
            let [item, _] = self.end.items(1);
            let item = item.cast::<T>().read();
            self.end.release(1);
            Ok(item)
        }
    }

    /// The next item, without taking it out.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// [`Empty`](PeekError::Empty) if there is none.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::{PeekError, RingBuffer};
    ///
    /// let (mut producer, consumer) = RingBuffer::new(1);
    /// assert_eq!(consumer.peek(), Err(PeekError::Empty));
    /// producer.push(1).unwrap();
    /// assert_eq!(consumer.peek(), Ok(&1));
    /// assert_eq!(consumer.slots(), 1);
    /// ```
    #[inline]
    pub fn peek(&self) -> Result<&T, PeekError> {
        if self.is_empty() {
            return Err(PeekError::Empty);
        }
        // SAFETY: there is an item, which stays as long as nobody calls a `&mut self` method.
        unsafe {
            let [item, _] = self.end.items(1);
            Ok(&*item.cast::<T>())
        }
    }

    /// Copies as many items out as there are and as `items` has room for. Returns how many; the rest of `items` stays as it was.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::RingBuffer;
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(4);
    /// producer.push_slice(&[1, 2, 3]);
    /// let mut items = [0; 2];
    /// assert_eq!(consumer.pop_slice(&mut items), 2);
    /// assert_eq!(items, [1, 2]);
    /// assert_eq!(consumer.pop_slice(&mut items), 1);
    /// assert_eq!(items, [3, 2]);
    /// ```
    #[inline]
    pub fn pop_slice(&mut self, items: &mut [T]) -> usize
    where
        T: Copy,
    {
        let count = self.end.ready_up_to(items.len());
        // SAFETY: there are as many.
        unsafe { self.copy_out(&mut items[..count]) };
        count
    }

    /// Fills all of `items`, or takes nothing out.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// [`TooFewSlots`](ChunkError::TooFewSlots) if there are not enough items.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::{ChunkError, RingBuffer};
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(4);
    /// producer.push_slice(&[1, 2, 3]);
    /// let mut frame = [0; 2];
    /// assert_eq!(consumer.pop_entire_slice(&mut frame), Ok(()));
    /// assert_eq!(consumer.pop_entire_slice(&mut frame), Err(ChunkError::TooFewSlots(1)));
    /// ```
    #[inline]
    pub fn pop_entire_slice(&mut self, items: &mut [T]) -> Result<(), ChunkError>
    where
        T: Copy,
    {
        self.ready_for(items.len())?;
        // SAFETY: there are as many.
        unsafe { self.copy_out(items) };
        Ok(())
    }

    /// # Safety
    ///
    /// This end has seen that there are as many.
    #[inline(always)]
    unsafe fn copy_out(&mut self, items: &mut [T])
    where
        T: Copy,
    {
        if items.is_empty() {
            return;
        }
        // SAFETY: by contract; both parts together are as long as `items`, which is memory of somebody else's.
        unsafe {
            let [first, second] = self.end.items(items.len());
            let to = items.as_mut_ptr();
            ptr::copy_nonoverlapping(first.cast(), to, first.len());
            ptr::copy_nonoverlapping(second.cast(), to.add(first.len()), second.len());
            self.end.release(items.len());
        }
    }

    #[inline(always)]
    fn ready_for(&mut self, count: usize) -> Result<(), ChunkError> {
        match self.end.ready_up_to(count) {
            ready if ready == count => Ok(()),
            ready => Err(ChunkError::TooFewSlots(ready)),
        }
    }

    /// The next `count` items, to be read in place, and then [dropped](ReadChunk::commit) or moved out (it is an iterator).
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Errors
    /// [`TooFewSlots`](ChunkError::TooFewSlots) if there are not as many.
    ///
    /// # Examples
    /// ```
    /// use web_sync::spsc::RingBuffer;
    ///
    /// let (mut producer, mut consumer) = RingBuffer::new(4);
    /// producer.push_slice(&[1, 2, 3]);
    /// let chunk = consumer.read_chunk(2).unwrap();
    /// let (first, second) = chunk.as_slices();
    /// assert_eq!(first.iter().chain(second).sum::<i32>(), 3);
    /// chunk.commit_all();
    /// assert_eq!(consumer.pop(), Ok(3));
    /// ```
    pub fn read_chunk(&mut self, count: usize) -> Result<ReadChunk<'_, T>, ChunkError> {
        self.ready_for(count)?;
        Ok(ReadChunk::new(&mut self.end, count))
    }

    /// How many items there are. It only grows until the next item is taken out.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, consumer) = web_sync::spsc::RingBuffer::new(4);
    /// producer.push(1).unwrap();
    /// assert_eq!(consumer.slots(), 1);
    /// ```
    #[inline]
    #[must_use]
    pub fn slots(&self) -> usize {
        self.end.ready()
    }

    /// Whether there is no item. That may change at once, if it is so.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, consumer) = web_sync::spsc::RingBuffer::new(4);
    /// assert!(consumer.is_empty());
    /// producer.push(1).unwrap();
    /// assert!(!consumer.is_empty());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots() == 0
    }

    /// Whether the producer is gone. If so, what is there now is all that ever will be.
    ///
    /// # Examples
    /// ```
    /// let (mut producer, mut consumer) = web_sync::spsc::RingBuffer::new(4);
    /// producer.push(1).unwrap();
    /// drop(producer);
    ///
    /// // First whether it is gone, then what is there: nothing is missed.
    /// let over = consumer.is_abandoned();
    /// assert_eq!(consumer.pop(), Ok(1));
    /// assert!(over && consumer.pop().is_err());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.end.is_alone()
    }

    /// How many items the ring holds.
    ///
    /// # Examples
    /// ```
    /// let (_producer, consumer) = web_sync::spsc::RingBuffer::<u8>::new(100);
    /// assert_eq!(consumer.capacity(), 100);
    /// ```
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.end.capacity()
    }
}

impl<T> fmt::Debug for RingBuffer<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self._never.0 {}
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("slots", &self.slots())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("slots", &self.slots())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
