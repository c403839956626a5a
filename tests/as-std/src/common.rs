//! What std's tests share: `library/std/tests/common`, as far as the tests of `sync` use it.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::rand::XorShift;

/// A generator with another seed for each call.
pub fn test_rng() -> XorShift {
    static SEED: AtomicU64 = AtomicU64::new(0);
    // ORDERING: Relaxed, publishes nothing: the seeds only differ.
    let turn = SEED.fetch_add(1, Ordering::Relaxed);
    // 2^64 divided by the golden ratio: seeds that are far apart.
    XorShift::new((turn + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
