//! Deadlines as saturating nanoseconds, for agents that have no `Instant` too.
//!
//! std's `Instant::now` panics on wasm32-unknown-unknown and web-time's panics in a worklet, where there is no `performance`.
//! A [`Deadline`] works on every agent, and one that was made on one agent means the same point in time on another: on the web
//! the origin is the Unix epoch (`performance.timeOrigin + performance.now()`, or `Date.now()` kept monotonic where there is no
//! `performance`), natively it is the first use in this process.

use core::time::Duration;

use super::platform;

/// A point in time: saturating nanoseconds since an arbitrary origin, 584 years at most.
///
/// A duration that does not fit saturates: it is never cut short, and never becomes "no deadline".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Deadline(u64);

impl Deadline {
    /// The point in time that is `duration` from now.
    pub(crate) fn after(duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(platform::now().saturating_add(nanos))
    }

    /// The same point in time as `instant`.
    pub(crate) fn at(instant: web_time::Instant) -> Self {
        Self::after(platform::until(instant))
    }

    /// The time that is left, or `None` when the deadline has passed.
    pub(crate) fn remaining(self) -> Option<Duration> {
        match self.0.saturating_sub(platform::now()) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Whether a wait with this deadline, or none, does not end by itself: a time that is too long to count with means "for ever".
    pub(crate) fn is_endless(deadline: Option<Self>) -> bool {
        deadline.is_none_or(|deadline| deadline.0 == u64::MAX)
    }

    /// Whether the deadline has passed.
    pub(crate) fn passed(self) -> bool {
        self.remaining().is_none()
    }

    /// Nanoseconds since the platform's origin.
    #[cfg_attr(
        not(web_sync_loom),
        expect(dead_code, reason = "only the model's clock is set")
    )]
    pub(crate) fn nanos(self) -> u64 {
        self.0
    }
}

#[cfg(all(test, not(web_sync_loom)))]
mod tests {
    use super::*;

    #[test]
    fn zero_has_passed_at_once() {
        assert!(Deadline::after(Duration::ZERO).passed());
        assert!(Deadline::at(web_time::Instant::now()).passed());
    }

    #[test]
    fn the_longest_duration_saturates_and_never_passes() {
        let longest = Deadline::after(Duration::MAX);
        assert_eq!(longest, Deadline(u64::MAX));
        assert!(!longest.passed());
        assert!(Deadline::is_endless(Some(longest)) && Deadline::is_endless(None));
        let long = Deadline::after(Duration::from_secs(1 << 32));
        assert!(!Deadline::is_endless(Some(long)));
        assert!(longest.remaining().unwrap() > Duration::from_secs(1 << 32));
    }

    #[test]
    fn remaining_shrinks_and_does_not_exceed_what_was_asked() {
        let asked = Duration::from_secs(100);
        let deadline = Deadline::after(asked);
        let first = deadline.remaining().unwrap();
        let second = deadline.remaining().unwrap();
        assert!(second <= first && first <= asked);
        assert!(first > Duration::from_secs(50));
    }

    #[test]
    fn an_instant_and_a_duration_mean_the_same_point() {
        let span = Duration::from_secs(10);
        let before = Deadline::after(span);
        let at = Deadline::at(web_time::Instant::now() + span);
        let after = Deadline::after(span);
        let slack = Duration::from_millis(5).as_nanos() as u64;
        assert!(before.0 <= at.0 + slack && at.0 <= after.0 + slack);
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut last = platform::now();
        for _ in 0..1_000 {
            let now = platform::now();
            assert!(now >= last);
            last = now;
        }
    }
}
