//! The latest value, from one agent to one other: three buffers, one for each end and one between them.
//!
//! ```text
//! 0b011 MIDDLE   which buffer is between the ends
//! 0b100 FRESH    the writer put it there. Set by `publish`, legal to be set already; cleared by `update`
//! ```
//!
//! Either end exchanges its own buffer for the one in the middle. The scheme is old, as triple buffering of pictures; the crate
//! `triple_buffer` has the same three indices and bit.
//!
//! # Invariants
//!
//! - **T1** The writer's, the reader's and the middle buffer are three different ones: each change exchanges two of them.
//! - **T2** A buffer is accessed only by the end whose it is. The exchange that hands it over publishes what was done with it.
//! - **T3** While the middle is fresh, it has the value that was published last. While it is not, the reader has it.
//!
//! So what a reader sees never goes back in time (T3: it exchanges only for what is fresher), and it sees the last value of a writer that
//! rests.
//!
//! # Steps
//!
//! `publish` is one exchange, `update` one load and at most one exchange. Nothing is repeated whatever the other end does. (A processor
//! without an exchange of its own makes one of a loop; wasm has the instruction, x86-64 as well, ARM since 8.1.)

use super::Line;
use super::pair::End;
use crate::sys::shim::{AtomicU32, Ordering, UnsafeCell};
use core::marker::PhantomData;

const MIDDLE: u32 = 0b011;
const FRESH: u32 = 0b100;

/// What both ends have.
struct Triple<T> {
    buffers: [Line<UnsafeCell<T>>; 3],
    state: Line<AtomicU32>,
}

// SAFETY: a buffer is one end's at a time, which is as good as sending it (T2).
unsafe impl<T: Send> Sync for Triple<T> {}

/// A cell's two ends. The reader has the first value, and there is no fresh one.
pub(crate) fn triple<T>(values: [T; 3]) -> (Input<T>, Output<T>) {
    let [writers, readers] = End::both(Triple {
        buffers: values.map(|value| Line(UnsafeCell::new(value))),
        state: Line(AtomicU32::new(1)),
    });
    let input = Input {
        triple: writers,
        mine: 2,
        _value: PhantomData,
    };
    let output = Output {
        triple: readers,
        mine: 0,
        _value: PhantomData,
    };
    (input, output)
}

impl<T> Triple<T> {
    #[inline(always)]
    fn buffer(&self, index: u32) -> &UnsafeCell<T> {
        // A bound that the compiler sees.
        &self.buffers[(index & MIDDLE).min(2) as usize]
    }
}

/// The end that writes.
pub(crate) struct Input<T> {
    triple: End<Triple<T>>,
    mine: u32,
    /// A shared end shows its value.
    _value: PhantomData<T>,
}

impl<T> Unpin for Input<T> {}

impl<T> Input<T> {
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.triple.is_alone()
    }

    /// Whether the reader has taken what was published last.
    #[inline]
    pub(crate) fn is_consumed(&self) -> bool {
        // ORDERING: Relaxed, a fact by itself.
        self.triple.state.load(Ordering::Relaxed) & FRESH == 0
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        let buffer = self.triple.buffer(self.mine);
        // SAFETY: ours (T2).
        buffer.with(|value| unsafe { &*value })
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        let buffer = self.triple.buffer(self.mine);
        // SAFETY: ours (T2), and `self` is exclusive.
        buffer.with_mut(|value| unsafe { &mut *value })
    }

    /// Puts our buffer in the middle. Whether that took the place of a value that nobody had seen.
    #[inline]
    pub(crate) fn publish(&mut self) -> bool {
        // ORDERING: AcqRel, partner of the exchange in `update`. Release: the value. Acquire: the reader's accesses to the buffer that
        // we get are over.
        let old = self.triple.state.swap(self.mine | FRESH, Ordering::AcqRel);
        self.mine = old & MIDDLE;
        old & FRESH != 0
    }
}

/// The end that reads.
pub(crate) struct Output<T> {
    triple: End<Triple<T>>,
    mine: u32,
    /// A shared end shows its value.
    _value: PhantomData<T>,
}

impl<T> Unpin for Output<T> {}

impl<T> Output<T> {
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.triple.is_alone()
    }

    /// Whether there is a value to be taken.
    #[inline]
    pub(crate) fn is_fresh(&self) -> bool {
        // ORDERING: Relaxed, `update` exchanges.
        self.triple.state.load(Ordering::Relaxed) & FRESH != 0
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        let buffer = self.triple.buffer(self.mine);
        // SAFETY: ours (T2).
        buffer.with(|value| unsafe { &*value })
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        let buffer = self.triple.buffer(self.mine);
        // SAFETY: ours (T2), and `self` is exclusive.
        buffer.with_mut(|value| unsafe { &mut *value })
    }

    /// Takes the fresh value, if there is one. Whether there was.
    #[inline]
    pub(crate) fn update(&mut self) -> bool {
        if !self.is_fresh() {
            return false;
        }
        // It stays fresh: only this end takes that away.
        // ORDERING: AcqRel, partner of the exchange in `publish`. Acquire: the value. Release: our accesses to the buffer that we give are
        // over.
        let old = self.triple.state.swap(self.mine, Ordering::AcqRel);
        self.mine = old & MIDDLE;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_buffers_stay_three() {
        // Every sequence of ten publishes and updates.
        for steps in 0..1_u32 << 10 {
            let (mut input, mut output) = triple([0; 3]);
            let mut last = 0;
            for step in 0..10 {
                if steps >> step & 1 == 0 {
                    last = step + 1;
                    *input.get_mut() = last;
                    let fresh = output.is_fresh();
                    assert_eq!(input.publish(), fresh);
                    assert!(!input.is_consumed());
                } else {
                    let fresh = output.is_fresh();
                    assert_eq!(output.update(), fresh);
                    assert_eq!(*output.get(), last);
                    assert!(input.is_consumed());
                }
                let middle = input.triple.state.load(Ordering::Relaxed) & MIDDLE;
                let all = 1 << input.mine | 1 << output.mine | 1 << middle;
                assert_eq!(all, 0b111);
            }
        }
    }
}
