//! Pages in an agent's hands: those that it has got from the memory and has not put into the pool yet.
//!
//! They are nowhere to be found meanwhile, so a memory that has ended and a pool without pages do not say that there are none. Who has found none
//! asks whether the others' hands were empty all the while: if they were, there are none, and if not it looks again.
//!
//! ```text
//! word  low 16 bits   agents that have some; one that ends with them stays counted
//!       high 16 bits  how often agents have put some down
//! ```
//!
//! The hands were empty if the word is the same before and after the look, and its low half zero. Who has got nothing leaves the word as it was, so
//! two that look at the same time do not keep each other looking.

use crate::sys::shim::{AtomicU32, Ordering, const_new, fence};

/// Added by who begins: an agent, and a time.
const BEGUN: u32 = 1 << 16 | 1;
/// Taken off by who has put down what it had.
const ENDED: u32 = 1;

/// See the module.
#[derive(Debug)]
pub struct Hands {
    word: AtomicU32,
}

/// What the word was at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen(u32);

impl Seen {
    /// Whether nobody had pages in hand.
    pub fn is_empty(self) -> bool {
        self.0 as u16 == 0
    }
}

impl Hands {
    const_new! {
        /// Empty.
        #[allow(clippy::new_without_default, reason = "not const")]
        pub fn new() -> Self {
            Self {
                word: AtomicU32::new(0),
            }
        }
    }

    /// Gets pages by `get`, which has put down what is too much when it returns. None is nothing, at no time.
    pub fn hold<T>(&self, get: impl FnOnce() -> Option<T>) -> Option<T> {
        self.word.fetch_add(BEGUN, Ordering::Relaxed);
        // ORDERING: Release, partner of the fence in `seen`: who misses pages that `get` has, or sees a memory that `get` has made end, sees that
        // this has begun.
        fence(Ordering::Release);
        let got = get();
        let done = if got.is_some() { ENDED } else { BEGUN };
        // ORDERING: Release, partner of the load in `seen`: what was put down is there for who sees that this has ended.
        self.word.fetch_sub(done, Ordering::Release);
        got
    }

    /// The word: for before and after a look.
    pub fn seen(&self) -> Seen {
        // ORDERING: Acquire, partner of the fence in `hold`: what the look has seen comes before.
        fence(Ordering::Acquire);
        // ORDERING: Acquire, partner of the subtraction in `hold`: what was put down is there for the look that comes after.
        Seen(self.word.load(Ordering::Acquire))
    }
}
