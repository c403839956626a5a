//! As much of the crate `rand` as std's tests of `sync` use.

/// A source of random numbers.
pub trait Rng {
    /// The next number.
    fn next(&mut self) -> u64;

    /// True with this probability.
    fn random_bool(&mut self, probability: f64) -> bool {
        // The upper half is the better one of a xorshift.
        let sample = (self.next() >> 32) as f64 / f64::from(u32::MAX);
        sample < probability
    }
}

/// George Marsaglia's xorshift64.
pub struct XorShift(u64);

impl XorShift {
    /// A generator whose numbers follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }
}

impl Rng for XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_about_a_tenth() {
        let mut rng = XorShift::new(7);
        let hits = (0..10_000).filter(|_| rng.random_bool(0.1)).count();
        assert!((800..1_200).contains(&hits), "{hits}");
    }
}
