//! The latest value, from one agent to one other, without waiting: for audio worklets, and whoever else has a deadline.
//!
//! One end, the [`Input`], publishes values; the other end, the [`Output`], looks at the newest one. Values in between are skipped. Neither
//! end waits for the other, allocates or calls JS; and the reader has its value for as long as it likes, whatever is published meanwhile.
//! There are three buffers for that: one for each end and one on the way. The names are those of the crate triple_buffer.
//!
//! # What is promised
//!
//! - No value is torn: the reader sees what one `publish` handed over.
//! - It never goes back in time: once a value has been seen, no older one is.
//! - If the writer rests, the next [`update`](Output::update) has the last value.
//! - Each call ends after a constant number of steps, whatever the other end does, or whether it does anything: `publish` and `write` are one
//!   atomic exchange, `update` and `read` one load and at most one exchange, all others at most one load.
//!
//! # In a worklet
//!
//! A value is dropped where another one is written over it, which is at the writer's. So a worklet that reads frees nothing; one that
//! writes values with memory of their own should change them in place, by [`input_buffer_mut`](Input::input_buffer_mut). The last end
//! that goes frees the buffers: in a worklet drop it while the other end still lives, or not at all.
//!
//! If each value counts, use [`spsc`](crate::spsc). If there are several readers or writers that may wait, use [`RwLock`](crate::RwLock).
//!
//! # Examples
//! ```
//! use std::thread;
//! use web_sync::triple_buffer::triple_buffer;
//!
//! #[derive(Clone)]
//! struct Settings {
//!     gain: f32,
//! }
//!
//! let (mut input, mut output) = triple_buffer(&Settings { gain: 1.0 });
//! assert_eq!(output.read().gain, 1.0);
//!
//! // A slider has been moved.
//! thread::spawn(move || input.write(Settings { gain: 0.5 })).join().unwrap();
//!
//! // In `process()`:
//! assert_eq!(output.read().gain, 0.5);
//! ```

use core::array;
use core::fmt;
use core::ops::{Deref, DerefMut};

use crate::realtime::{self, triple};

/// Makes a cell whose value is a clone of `initial`, and returns its two ends.
///
/// # Blocking
/// It allocates, one block of memory; nothing that is done with the two ends does.
///
/// # Examples
/// See the [module](self).
#[must_use]
pub fn triple_buffer<T: Clone>(initial: &T) -> (Input<T>, Output<T>) {
    triple_buffer_with(|| initial.clone())
}

/// Makes a cell, its three buffers by a function: for what cannot be cloned.
///
/// # Blocking
/// As [`triple_buffer`].
///
/// # Examples
/// ```
/// use web_sync::triple_buffer::triple_buffer_with;
///
/// // Three blocks of memory that are used again and again.
/// let (mut input, mut output) = triple_buffer_with(|| vec![0.0_f32; 1024].into_boxed_slice());
/// input.input_buffer_mut().fill(0.5);
/// input.publish();
/// assert_eq!(output.read()[1023], 0.5);
/// ```
#[must_use]
pub fn triple_buffer_with<T>(mut make: impl FnMut() -> T) -> (Input<T>, Output<T>) {
    let (input, output) = triple(array::from_fn(|_| make()));
    (Input { end: input }, Output { end: output })
}

/// The end that writes.
///
/// # Examples
/// See the [module](self).
pub struct Input<T> {
    end: realtime::Input<T>,
}

impl<T> Input<T> {
    /// Publishes a value. The older value that was in the buffer is dropped.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&0);
    /// input.write(1);
    /// input.write(2);
    /// assert_eq!(output.read(), &2);
    /// ```
    #[inline]
    pub fn write(&mut self, value: T) {
        *self.end.get_mut() = value;
        self.end.publish();
    }

    /// The buffer that is published next, to be changed in place.
    ///
    /// What is in it is not the last value but an older one, or what the reader [made of it](Output::output_buffer_mut).
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&[0; 3]);
    /// input.input_buffer_mut()[1] = 7;
    /// assert_eq!(output.read(), &[0; 3]);
    /// input.publish();
    /// assert_eq!(output.read(), &[0, 7, 0]);
    /// ```
    #[inline]
    pub fn input_buffer_mut(&mut self) -> &mut T {
        self.end.get_mut()
    }

    /// The buffer that is published next.
    ///
    /// # Examples
    /// ```
    /// let (input, _output) = web_sync::triple_buffer::triple_buffer(&1);
    /// assert_eq!(input.input_buffer(), &1);
    /// ```
    #[inline]
    #[must_use]
    pub fn input_buffer(&self) -> &T {
        self.end.get()
    }

    /// Publishes the buffer. Whether a value was skipped for it, that is, published and never seen.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&0);
    /// assert!(!input.publish());
    /// assert!(input.publish());
    /// output.update();
    /// assert!(!input.publish());
    /// ```
    #[inline]
    pub fn publish(&mut self) -> bool {
        self.end.publish()
    }

    /// The buffer that is published next; it is published when what is returned is dropped.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&[0; 3]);
    /// input.input_buffer_publisher()[2] = 9;
    /// assert_eq!(output.read(), &[0, 0, 9]);
    /// ```
    #[inline]
    pub fn input_buffer_publisher(&mut self) -> InputPublishGuard<'_, T> {
        InputPublishGuard { end: &mut self.end }
    }

    /// Whether the reader has taken the last value. That it has not says nothing: it may come at any moment.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&0);
    /// input.write(1);
    /// assert!(!input.consumed());
    /// output.update();
    /// assert!(input.consumed());
    /// ```
    #[inline]
    #[must_use]
    pub fn consumed(&self) -> bool {
        self.end.is_consumed()
    }

    /// Whether the reader is gone. Values may be published all the same.
    ///
    /// # Examples
    /// ```
    /// let (input, output) = web_sync::triple_buffer::triple_buffer(&0);
    /// drop(output);
    /// assert!(input.is_abandoned());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.end.is_alone()
    }
}

/// Publishes when it is dropped: from [`Input::input_buffer_publisher`].
///
/// # Examples
/// See [`input_buffer_publisher`](Input::input_buffer_publisher).
pub struct InputPublishGuard<'a, T> {
    end: &'a mut realtime::Input<T>,
}

impl<T> Deref for InputPublishGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.end.get()
    }
}

impl<T> DerefMut for InputPublishGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.end.get_mut()
    }
}

impl<T> Drop for InputPublishGuard<'_, T> {
    fn drop(&mut self) {
        self.end.publish();
    }
}

/// The end that reads.
///
/// # Examples
/// See the [module](self).
pub struct Output<T> {
    end: realtime::Output<T>,
}

impl<T> Output<T> {
    /// The newest value: [`update`](Self::update), and a look at it.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&0);
    /// assert_eq!(output.read(), &0);
    /// input.write(1);
    /// assert_eq!(output.read(), &1);
    /// ```
    #[inline]
    pub fn read(&mut self) -> &T {
        self.end.update();
        self.end.get()
    }

    /// Takes the newest value. Whether there was one since the last time.
    ///
    /// # Blocking
    /// Never blocks, on any agent; wait-free.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&0);
    /// assert!(!output.update());
    /// input.write(1);
    /// assert!(output.update());
    /// assert_eq!(output.output_buffer(), &1);
    /// ```
    #[inline]
    pub fn update(&mut self) -> bool {
        self.end.update()
    }

    /// Whether there is a value that has not been taken.
    ///
    /// # Examples
    /// ```
    /// let (mut input, output) = web_sync::triple_buffer::triple_buffer(&0);
    /// assert!(!output.updated());
    /// input.write(1);
    /// assert!(output.updated());
    /// ```
    #[inline]
    #[must_use]
    pub fn updated(&self) -> bool {
        self.end.is_fresh()
    }

    /// The value that was taken last.
    ///
    /// # Examples
    /// See [`update`](Self::update).
    #[inline]
    #[must_use]
    pub fn output_buffer(&self) -> &T {
        self.end.get()
    }

    /// The value that was taken last, to be changed. When a newer one is taken the writer gets it, to write over it.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&vec![1]);
    /// let first = std::mem::take(output.output_buffer_mut());
    /// assert_eq!(first, [1]);
    /// # input.publish();
    /// ```
    #[inline]
    pub fn output_buffer_mut(&mut self) -> &mut T {
        self.end.get_mut()
    }

    /// Whether the writer is gone. If so, the value that [`read`](Self::read) returns now is the last one.
    ///
    /// # Examples
    /// ```
    /// let (mut input, mut output) = web_sync::triple_buffer::triple_buffer(&0);
    /// input.write(1);
    /// drop(input);
    /// assert!(output.is_abandoned());
    /// assert_eq!(output.read(), &1);
    /// ```
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.end.is_alone()
    }
}

impl<T: fmt::Debug> fmt::Debug for InputPublishGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("input_buffer", self.input_buffer())
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("output_buffer", self.output_buffer())
            .finish_non_exhaustive()
    }
}
