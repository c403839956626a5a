//! The one spin policy: how long to look again before going to sleep.
//!
//! | platform | looks | source |
//! |---|---|---|
//! | native | 100, with a pause each | std's futex mutex |
//! | web | 10 | measured, see below |
//! | loom | 0 | what comes after the spinning is what a model explores |
//!
//! Web: two workers on one mutex, medians of nanoseconds per acquisition in 12 interleaved visits (Chromium 156 / Firefox 153, two
//! idle cores of an AMD EPYC):
//!
//! | critical section | 100 looks | 10 looks | parking_lot in the same two runs |
//! |---|---|---|---|
//! | 0 steps | 30 / 26 | 13 / 7.5 | 11 / 13, 12 / 6.6 |
//! | 20 steps | 32 / 37 | 27 / 30 | 30 / 32, 24 / 29 |
//! | 200 steps | 324 / 312 | 327 / 344 | 317 / 307, 319 / 330 |
//!
//! A waiter that has been served soon before looks longer than that, some twenty microseconds, but not often: see [`Patience`].
//!
//! Who looks takes the word's cache line away from who works with it. On two busy cores of one thread each no number from 0 to 3,000
//! made a difference.

use super::platform;
use super::shim::{AtomicU32, Ordering, const_new};

/// Rounds before a waiter that may sleep goes to sleep.
const ROUNDS: u32 = platform::SPINS;

/// How many races a woken thread may lose before nobody may overtake it any more. A lock that is handed to a sleeper idles until
/// the sleeper runs: of 16 cells of the main thread's waits, in Chromium and Firefox, 10 had one over 1 ms that no preempted
/// holder explains with 2 races, 4 with 8.
pub(crate) const RACES: u32 = platform::RACES;

/// How often somebody who must not wait looks whether a list of waiters is free, before it leaves what it wants to whoever works on that
/// list. That is a matter of some dozen instructions, unless the system has taken the processor away from who does it.
pub(crate) const LOOKS: u32 = platform::LOOKS;

/// Counts the looks at a word that may change soon.
#[derive(Debug)]
pub(crate) struct Spin {
    rounds: u32,
}

impl Spin {
    pub(crate) const fn new() -> Self {
        Self { rounds: 0 }
    }

    /// Pauses for a moment; false when it is no longer worth going on.
    #[inline]
    pub(crate) fn spin(&mut self) -> bool {
        if self.rounds == ROUNDS {
            return false;
        }
        self.rounds += 1;
        Self::pause();
        true
    }

    /// Tells the processor, or the model, that this is a spin loop.
    #[inline(always)]
    pub(crate) fn pause() {
        platform::pause();
    }

    /// Pauses for a tenth of a microsecond or more, with a look before and after: for who is in no hurry.
    pub(crate) fn pause_longer() {
        platform::pause_between_looks(0);
    }

    /// Lets others have the processor, where the platform can: for loops that may take longer than a moment.
    pub(crate) fn yield_now() {
        Self::pause();
        platform::relax(None);
    }
}

/// Counts the exchanges of a word that others won.
///
/// Who has lost one keeps away for a while, up to two microseconds. Meanwhile the winner works with the word in its own cache, many times
/// faster than two that take it from each other each time.
#[derive(Debug)]
pub(crate) struct Race {
    lost: u32,
}

impl Race {
    pub(crate) const fn new() -> Self {
        Self { lost: 0 }
    }

    /// One more was lost.
    #[cold]
    pub(crate) fn lost(&mut self) {
        platform::pause_between_looks(self.lost.min(4));
        self.lost += 1;
    }
}

/// How long it is worth to look before going to sleep, and how often, as the last waits have shown.
///
/// To sleep and to be woken takes some ten microseconds. Whoever looks for as long as that, and then sleeps all the same, has waited no more than
/// twice as long as need be; and where what is waited for comes sooner it comes at once, and who brings it has nobody to wake. But to look
/// in vain takes the processor from others, so who has done that a few times does so no more, except now and then to see
/// whether it is worth it again.
///
/// Each look takes a cache line from who brings what is waited for, so between two looks there is a pause, at first of a tenth of a
/// microsecond. Where much has come when it is over, the next wait begins with a pause twice as long, up to some microseconds: who brings
/// it can then work in its own cache for as long. Where little has come, the pauses become short again. Medians of nanoseconds per message
/// of a channel for 128, in Chromium 156 on two cores of an Intel Xeon, std's in the same runs behind the slash: with pauses of at most half a
/// microsecond 110 / 52 from one worker and 148 / 82 from two, with longer ones 50 / 62 and 52 / 81.
#[derive(Debug)]
pub(crate) struct Patience {
    /// In the low bits the long looks that may still be in vain; beyond `TRUST` the number of waits without one. Above them the pace: by how
    /// many doublings the first pause is longer than the shortest.
    state: AtomicU32,
}

/// The most long looks in vain, one after the other.
const TRUST: u32 = 4;
/// Waits without a long look, before another one is tried.
const PAUSE: u32 = 16;
/// Bits for these.
const CREDIT_BITS: u32 = 8;
/// The longest pause, in doublings of the shortest.
const SLOWEST: u32 = 7;
/// Within one wait the pauses become so long at least.
const STEADY: u32 = 2;

impl Patience {
    const_new! {
        pub(crate) fn new() -> Self {
            Self { state: AtomicU32::new(TRUST) }
        }
    }

    /// Looks until something is found, for as long as that seems to be worth it. Then `much` says whether there is more where that came from.
    pub(crate) fn look<R>(
        &self,
        mut look: impl FnMut() -> Option<R>,
        much: impl FnOnce() -> bool,
    ) -> Option<R> {
        // Relaxed throughout: a guess, which may get lost.
        let state = self.state.load(Ordering::Relaxed);
        let (credit, pace) = (state & ((1 << CREDIT_BITS) - 1), state >> CREDIT_BITS);
        let set = |credit, pace| {
            let new = credit | pace << CREDIT_BITS;
            if new != state {
                self.state.store(new, Ordering::Relaxed);
            }
        };
        if credit == 0 || credit > TRUST {
            let paused = credit.max(TRUST) + 1;
            set(if paused < TRUST + PAUSE { paused } else { 1 }, pace);
            return None;
        }
        let mut left = platform::LONG_LOOK;
        let mut pause = pace;
        while left > 0 {
            platform::pause_between_looks(pause);
            if let Some(found) = look() {
                let pace = if much() {
                    SLOWEST.min(pace + 1)
                } else {
                    pace.saturating_sub(2)
                };
                set(TRUST, pace);
                return Some(found);
            }
            left = left.saturating_sub(1 << pause);
            pause = pause.max(STEADY.min(pause + 1));
        }
        set(credit - 1, 0);
        None
    }
}

#[cfg(all(test, not(web_sync_loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_ends_and_stays_ended() {
        let mut spin = Spin::new();
        let mut rounds = 0;
        while spin.spin() {
            rounds += 1;
        }
        assert_eq!(rounds, ROUNDS);
        assert!(!spin.spin());
    }

    /// How often one wait looks in vain.
    fn looks(patience: &Patience) -> u32 {
        let mut looks = 0;
        let found: Option<()> = patience.look(
            || {
                looks += 1;
                None
            },
            || unreachable!("nothing was found"),
        );
        assert!(found.is_none());
        looks
    }

    /// A wait that finds something at the first look.
    fn find(patience: &Patience, much: bool) {
        assert_eq!(patience.look(|| Some("found"), || much), Some("found"));
    }

    #[test]
    fn patience_ends_and_is_tried_again() {
        let patience = Patience::new();
        let many = looks(&patience);
        assert!(many > 1);
        for _ in 1..TRUST {
            assert_eq!(looks(&patience), many);
        }
        for _ in 0..3 {
            for _ in 0..PAUSE {
                assert_eq!(looks(&patience), 0);
            }
            assert_eq!(looks(&patience), many);
        }
    }

    #[test]
    fn what_is_found_gives_patience() {
        let patience = Patience::new();
        for _ in 0..TRUST - 1 {
            looks(&patience);
        }
        let mut left = 3;
        let third = || {
            left -= 1;
            (left == 0).then_some("found")
        };
        assert_eq!(patience.look(third, || false), Some("found"));
        for _ in 0..TRUST {
            assert!(looks(&patience) > 0);
        }
        assert_eq!(looks(&patience), 0);
    }

    #[test]
    fn where_much_comes_it_looks_less_often() {
        let patience = Patience::new();
        let often = looks(&patience);
        for _ in 0..2 * SLOWEST {
            find(&patience, true);
        }
        let seldom = looks(&patience);
        assert!(seldom < often / 10, "{seldom} and {often} looks");
        // In vain: the next wait begins anew.
        assert_eq!(looks(&patience), often);
        for _ in 0..2 * SLOWEST {
            find(&patience, true);
        }
        for _ in 0..SLOWEST {
            find(&patience, false);
        }
        assert_eq!(looks(&patience), often);
    }
}
