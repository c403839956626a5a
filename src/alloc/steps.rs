//! Counts the turns of loops, for the tests of invariant I2; in a build that is no test it is nothing.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static STEPS: Cell<u32> = const { Cell::new(0) };
}

/// One turn of some loop.
#[inline(always)]
pub(super) fn step() {
    #[cfg(test)]
    STEPS.set(STEPS.get() + 1);
}

/// The turns since the last call.
#[cfg(test)]
pub(super) fn taken() -> u32 {
    STEPS.replace(0)
}
