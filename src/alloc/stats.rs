//! What an allocator has done so far.

use crate::sys::memory::PAGE;
use crate::sys::shim::{AtomicU32, Ordering, const_new};

/// Counted on slow paths, each by itself.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) hops: AtomicU32,
    pub(super) deferred: AtomicU32,
    pub(super) given_up: AtomicU32,
    grown: AtomicU32,
}

impl Counters {
    const_new! {
        pub(super) fn new() -> Self {
            Self {
                hops: AtomicU32::new(0),
                deferred: AtomicU32::new(0),
                given_up: AtomicU32::new(0),
                grown: AtomicU32::new(0),
            }
        }
    }

    pub(super) fn add(counter: &AtomicU32) {
        // Relaxed, as all here: numbers for people.
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn grown(&self, pages: u32) {
        self.grown.fetch_add(pages, Ordering::Relaxed);
    }

    /// Pages that the memory has grown by.
    pub(super) fn pages(&self) -> u32 {
        self.grown.load(Ordering::Relaxed)
    }

    pub(super) fn stats(&self, arenas: u32, free: u32) -> Stats {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        Stats {
            held: self.pages() as usize * PAGE,
            pooled: free as usize * PAGE,
            arenas: arenas as usize,
            hops: count(&self.hops),
            deferred: count(&self.deferred),
            given_up: count(&self.given_up),
        }
    }
}

/// What an allocator holds and how its agents have met, as [`Arenas::stats`](super::Arenas::stats) tells.
///
/// Each number is exact for some moment of the call, not all for the same. The counts wrap round after 2³².
///
/// # Examples
///
/// ```
/// use web_sync::alloc::Arenas;
///
/// static ALLOC: Arenas = Arenas::new();
///
/// assert_eq!(ALLOC.stats().held, 0);
/// assert!(ALLOC.reserve(1 << 20));
/// assert_eq!(ALLOC.stats().pooled, 1 << 20);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes that the memory has grown by for this allocator. It never becomes less.
    pub held: usize,
    /// Bytes of these in whole pages that nobody uses. An agent that is terminated while it takes some leaves them counted.
    pub pooled: usize,
    /// Arenas that have been made, those included whose agent has died inside.
    pub arenas: usize,
    /// How often an agent found its arena busy and took another.
    pub hops: u32,
    /// How many blocks were left for later because their arena was busy when they were freed.
    pub deferred: u32,
    /// How many blocks could not even be left for later, since other agents came first 64 times in a row. They are lost.
    pub given_up: u32,
}
