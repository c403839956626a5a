//! Lots: numbers that nobody can foretell well enough to be favoured, for choices that have to be fair. Not for secrets.

use core::cell::Cell;

use super::agent;
use super::platform;
use super::shim::MODEL;

platform::agent_local! {
    static LAST: Cell<u32> = 0;
}

/// A number below `count`, which is not 0.
///
/// LOOM: always 0, so that a model says what is looked at first.
pub(crate) fn draw(count: usize) -> usize {
    if MODEL {
        return 0;
    }
    LAST.with(|last| {
        let next = next(match last.get() {
            0 => agent::id().wrapping_mul(0x9E37_79B9) | 1,
            last => last,
        });
        last.set(next);
        // The high half of the product: as even as the number itself.
        ((u64::from(next) * count as u64) >> 32) as usize
    })
}

/// The number behind this one in a round of all but 0: George Marsaglia's xorshift of 2003, with 13, 17 and 5.
fn next(mut number: u32) -> u32 {
    number ^= number << 13;
    number ^= number >> 17;
    number ^ (number << 5)
}

// They count, which would take Miri minutes and shows it nothing.
#[cfg(all(test, not(web_sync_loom), not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn each_lot_is_drawn_as_often() {
        for count in 1..=5 {
            let mut drawn = vec![0_u32; count];
            for _ in 0..10_000 * count {
                drawn[draw(count)] += 1;
            }
            assert!(
                drawn.iter().all(|times| (9_000..11_000).contains(times)),
                "{drawn:?}"
            );
        }
    }

    /// Who draws in turn with somebody else on the same agent gets all lots as well.
    #[test]
    fn every_other_lot_is_even() {
        let mut drawn = [0_u32; 2];
        for _ in 0..20_000 {
            drawn[draw(2)] += 1;
            draw(2);
        }
        assert!(
            drawn.iter().all(|times| (9_000..11_000).contains(times)),
            "{drawn:?}"
        );
    }
}
