//! The gate before an allocator that one agent at a time may enter: some wait before it, others leave what they wanted to free and go on.
//!
//! ```text
//! word  0 FREE       who exchanges it for another value is inside
//!       1 TAKEN      exchanged for FREE by who leaves
//!       2 AWAITED    the same, and who leaves wakes one agent; set by who is about to sleep
//!       3 ABANDONED  the same, and nobody goes to sleep; set by who has slept for NAPS times NAP in vain
//! ```
//!
//! Nobody is inside who has not exchanged FREE for something else, and only who is inside makes it FREE again. So an agent that ends
//! inside leaves the gate shut. Then those that may sleep find that out once, which takes them a second, and are like those that
//! must not from there on. If the agent inside was only slow, its leaving opens the gate for all.
//!
//! Who is woken may lose the gate to somebody else, and sleeps again, as AWAITED. Who is woken and ends before it has come in takes a
//! wake with it; another sleeper finds the gate free when its nap ends.
//!
//! Loops: [`TRIES`] looks for all, and [`LATE_TRIES`] more for who finds no memory elsewhere. Only agents that may sleep go on from the
//! first, until they are in or have slept [`NAPS`] times.

use core::ptr;

use crate::alloc::block::Node;
use crate::alloc::deferred::Deferred;
use crate::alloc::steps;
use crate::sys::futex::{self, Outcome};
use crate::sys::shim::{AtomicU32, MODEL, Ordering, UnsafeCell, const_new};
use crate::sys::spin::Spin;

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const AWAITED: u32 = 2;
const ABANDONED: u32 = 3;

/// How often an agent looks whether the gate is free, before it goes to sleep or does without.
pub(super) const TRIES: u32 = if MODEL { 1 } else { 64 };
/// How often an agent looks that would have no memory otherwise: for some ten milliseconds.
pub(super) const LATE_TRIES: u32 = if MODEL {
    1
} else if cfg!(miri) {
    512
} else {
    64 * 1024
};
/// How many naps that nobody ends an agent takes before it does without: a second.
const NAPS: u32 = if MODEL { 1 } else { 10 };
/// How many blocks are taken back at a time.
pub(super) const DRAIN: u32 = if MODEL { 2 } else { 64 };

/// See the module.
#[derive(Debug)]
pub struct Gate {
    word: AtomicU32,
    /// What agents wanted to free while somebody else was inside.
    deferred: Deferred,
    /// For who is inside: what was taken from that list and is not freed yet.
    pending: UnsafeCell<*mut Node>,
}

// SAFETY: `pending` is for who is inside, one agent at a time, and what it names is the gate's.
unsafe impl Sync for Gate {}
// SAFETY: as above.
unsafe impl Send for Gate {}

impl Gate {
    const_new! {
        /// A free gate.
        #[allow(clippy::new_without_default, reason = "not const")]
        pub fn new() -> Self {
            Self {
                word: AtomicU32::new(FREE),
                deferred: Deferred::new(),
                pending: UnsafeCell::new(ptr::null_mut()),
            }
        }
    }

    /// Enters if nobody is inside: one try.
    #[inline]
    pub fn try_enter(&self) -> Option<Inside<'_>> {
        if self.word.load(Ordering::Relaxed) != FREE {
            return None;
        }
        // ORDERING: Acquire, partner of the swap in `drop`: what who was inside before did.
        let entered = self
            .word
            .compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed);
        // Lazily: to drop an `Inside` opens the gate, whoever is inside.
        entered.is_ok().then(|| Inside(self))
    }

    /// Enters. None if the gate was not free for [`TRIES`] looks and the agent must not sleep, or has slept long enough.
    #[inline]
    pub fn enter(&self) -> Option<Inside<'_>> {
        for _ in 0..TRIES {
            steps::step();
            if let Some(inside) = self.try_enter() {
                return Some(inside);
            }
            Spin::pause();
        }
        self.sleep()
    }

    /// Enters, if need be after [`LATE_TRIES`] looks: for who has found no memory elsewhere. On every agent alike, so nobody sleeps.
    #[cold]
    pub fn enter_late(&self) -> Option<Inside<'_>> {
        for _ in 0..LATE_TRIES {
            steps::step();
            if let Some(inside) = self.try_enter() {
                return Some(inside);
            }
            Spin::pause_longer();
        }
        None
    }

    #[cold]
    fn sleep(&self) -> Option<Inside<'_>> {
        let mut naps = if futex::may_nap() { NAPS } else { 0 };
        while naps > 0 {
            // Relaxed: abandoned or not, it is a guess.
            let word = self.word.load(Ordering::Relaxed);
            if word == ABANDONED {
                break;
            }
            // From what was seen, so that it stays abandoned if it became that meanwhile.
            // ORDERING: Acquire, as in `try_enter`.
            let exchanged =
                self.word
                    .compare_exchange(word, AWAITED, Ordering::Acquire, Ordering::Relaxed);
            match exchanged {
                Ok(FREE) => return Some(Inside(self)),
                Ok(_) => {}
                Err(_) => continue,
            }
            if futex::nap(&self.word, AWAITED) == Outcome::TimedOut {
                naps -= 1;
                if naps == 0 {
                    // Relaxed: as above. Not if somebody has left meanwhile.
                    let _ = self.word.compare_exchange(
                        AWAITED,
                        ABANDONED,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    );
                }
            }
        }
        None
    }

    /// Leaves a block to whoever enters next: one try. False if another agent's came in between.
    ///
    /// # Safety
    ///
    /// The node is the caller's, and no longer when this returns true. It is one that `free` in [`Inside::drain`] can free.
    pub unsafe fn defer(&self, node: *mut Node) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.deferred.push(node) }
    }
}

/// The running agent is inside. To drop it leaves.
#[derive(Debug)]
pub struct Inside<'a>(&'a Gate);

impl Inside<'_> {
    /// Adds a block to those that were left, as the first.
    ///
    /// # Safety
    ///
    /// As for [`Gate::defer`].
    pub unsafe fn add(&mut self, node: *mut Node) {
        self.0.pending.with_mut(|pending| {
            // SAFETY: this agent is inside, and the node is its own.
            unsafe {
                Node::set_next(node, *pending);
                *pending = node;
            }
        });
    }

    /// Frees up to [`DRAIN`] of the blocks that were left; whether there may be more.
    pub fn drain(&mut self, mut free: impl FnMut(*mut Node)) -> bool {
        for _ in 0..DRAIN {
            steps::step();
            let node = self.0.pending.with_mut(|pending| {
                // SAFETY: this agent is inside. What is in the list is the gate's, so this agent's from here on.
                unsafe {
                    if (*pending).is_null() {
                        *pending = self.0.deferred.take();
                    }
                    let node = *pending;
                    if !node.is_null() {
                        *pending = Node::next(node);
                    }
                    node
                }
            });
            if node.is_null() {
                return false;
            }
            free(node);
        }
        true
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let word = &raw const self.0.word;
        // ORDERING: Release, partner of the exchanges in `try_enter` and `sleep`: what was done inside.
        if self.0.word.swap(FREE, Ordering::Release) >= AWAITED {
            futex::wake_napper(word);
        }
    }
}
