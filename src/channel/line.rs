//! Cache lines. Senders work with one end of a buffer and receivers with the other one, and each would wait for the other's writes if both
//! ends lay in one line.

use core::ops::{Deref, DerefMut};

/// What has cache lines to itself.
#[repr(align(64))]
pub(super) struct Line<D>(pub(super) D);

impl<D> Deref for Line<D> {
    type Target = D;

    #[inline(always)]
    fn deref(&self) -> &D {
        &self.0
    }
}

impl<D> DerefMut for Line<D> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut D {
        &mut self.0
    }
}
