//! `NeverWait`: another allocator, made fit for a main thread.
//!
//! ```text
//! alloc    enter the gate ── inside ──> drain, inner allocator ── null, nothing left to drain ──┐
//!            └── it stays shut, and this agent must not sleep ──────────────────────────────────┴──> the reserve
//!                null, and the gate was shut: many more looks, then drain, inner allocator, or else the reserve again
//! realloc  of the reserve, and there is room: stays, bits are set; else as alloc, copy, dealloc
//! dealloc  of the reserve (its pages are known): set bits
//!          else try the gate ── inside ──> drain, inner allocator
//!            └── shut ──> leave the block at the gate
//! ```
//!
//! The invariants of `alloc` hold with these differences:
//!
//! - **I1** Allocating reaches the crate's one wait instruction, for agents that are known to be able to sleep ([`futex::may_nap`]). Freeing
//!   reaches none. The rest is the inner allocator's own.
//! - **I2** An agent that must not sleep looks at the gate 64 times to allocate, drains 64 blocks inside, and looks at 8 chunks of 64
//!   words and at the words of the page pool. Only when memory has run out it is more, before null is returned. Then it looks at the words of
//!   all chunks, of which there are no more than pages; 64 times if others have pages in hand, with 65,536 pauses in between. Inside it
//!   drains 1,024 times 64 blocks, with a question to the inner allocator after each 64. Who was not inside looks at the gate 65,536
//!   times more, for some ten milliseconds, as the inner allocator may only be busy, and then at the reserve again. Who frees tries 64 times
//!   to enter or to leave the block; if others were first each time, the block is lost. Sleep ends after a second without a wake.
//! - **I4** The inner allocator is used inside the gate only.
//! - **I5** A block is with the user, free in the inner allocator, left at the gate, pending there, or a bit of the reserve.
//! - **I6** Thread-local memory is read when the gate is shut, to allocate and never to free: one word that says that the agent may sleep.
//!
//! [`futex::may_nap`]: crate::sys::futex::may_nap

mod gate;
mod guarded;
mod reserve;
#[cfg(test)]
mod reserve_tests;
#[cfg(test)]
mod tests;

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;

use crate::sys::memory::Memory;
use crate::sys::shim::const_new;
use guarded::Guarded;

#[cfg(feature = "__test")]
pub use gate::{Gate, Inside};

/// Another allocator, std's for instance, with a lock in front that an agent that must not sleep never waits for.
///
/// One agent at a time is in the inner allocator, so that may be one that is made for a single thread. If an agent wants to allocate meanwhile:
///
/// - One that may sleep looks 64 times whether the other has done, and then sleeps until it has.
/// - One that must not sleep, a page's main thread, looks as often, and then takes its block from a *reserve*: pages that this
///   allocator has got from the memory itself.
///
/// Who wants to free does not wait on any agent. The block is left for the next one that comes in, which frees up to 64 of them. To leave it
/// is tried 64 times; if other agents were first each time, the block is lost. Blocks of the reserve need no lock at all.
///
/// Where the system offers nothing to sleep on that needs no memory, as natively on macOS and Windows, no agent sleeps: each that finds the lock
/// taken for 64 looks lives on the reserve for that block.
///
/// An agent counts as one that must not sleep until it is known that it may, since to find out is a call into JS, which an allocator must not make.
/// So **ask once on each worker**: [`agent::may_block()`](crate::agent::may_block), whose answer is remembered; whoever has waited for something of
/// this crate has asked as well. Without that it works all the same, from the reserve.
///
/// # Which one?
///
/// [`Arenas`](super::Arenas) is the default: nobody sleeps, agents do not meet in one heap, and it is several times as fast where more than one
/// allocates. Take `NeverWait`
///
/// - for size: around std's allocator, which most programs have in them anyway, it is less code;
/// - for an allocator that you prefer, or that packs blocks more tightly.
///
/// std's own parts that use `System` directly (thread handles, the list of thread-local destructors) do so beside this lock, by std's spin lock.
/// Who is inside waits for them there: moments, but without a bound. An allocator of your own, a dlmalloc for instance, has no such second door.
///
/// The inner allocator must not use the global one. If it does, it meets a lock that its own agent has: an agent that may sleep sleeps for a
/// second before it takes from the reserve.
///
/// # When a worker is terminated
///
/// If it was waiting, nothing is lost. If it was in the inner allocator at that moment, that is shut for good, with all that is free in it: agents
/// that may sleep wait for a second, each one time, and from then on everybody lives on the reserve. What is freed of the inner allocator is
/// not used again then. If it was in the reserve, that costs what it had in its hands: a block; a run of as many pages as it had asked for; or
/// the pages that the memory had just grown by, 16 or as many as were asked for.
///
/// There is one case that `NeverWait` cannot help: around `System` a worker may end, or be preempted, inside std's own lock, by the second door
/// above. Then whoever enters, a main thread as well, spins in std's lock: for ever, or until that worker goes on.
///
/// # Memory
///
/// Every layout is rounded up to three words (12 bytes in wasm32), aligned to one. In the reserve blocks are multiples of 32 bytes up to
/// 16 KiB, and whole pages beyond. The reserve keeps the pages that it has got, and makes chunks for small blocks of them that serve only small
/// ones from then on; it is used when the inner allocator has no memory left, too. Where there is none anywhere the result is null, and null
/// comes late: all blocks that were left are freed first, up to 65,536, and who could not enter looks for some ten milliseconds whether the
/// inner allocator is free after all, each time when its agent was terminated inside. So it does, before and after that, where another agent has
/// pages of the reserve in hand. As with
/// `Arenas` the pages come from `memory.grow`, beside whoever else uses that, so a module whose initial memory is its maximum has no reserve.
///
/// `alloc_zeroed` clears the block outside the lock. `realloc` is the inner allocator's, and inside; a block of the reserve stays where it is if
/// it becomes smaller, or grows into what it was rounded up to, and moves otherwise.
///
/// # Blocking
///
/// As above: never on an agent that must not sleep, nor on any agent to free. Everything else is bounded too: 64 looks at the lock; 64 blocks freed
/// for others; in the reserve a walk over 8 bitmaps of 64 words each, or over that of the pages; and more where memory has run out, see above. Beside
/// that it takes as long as the inner allocator does.
///
/// # Examples
///
/// ```
/// use std::alloc::System;
/// use web_sync::alloc::NeverWait;
///
/// #[global_allocator]
/// static ALLOC: NeverWait<System> = NeverWait::new(System);
///
/// # fn main() {
/// let threads = [1, 2, 3].map(|n| {
///     std::thread::spawn(move || {
///         web_sync::agent::may_block(); // asked once, remembered: this thread may sleep for the lock
///         vec![n; 1_000]
///     })
/// });
/// let lists = threads.map(|thread| thread.join().unwrap());
/// assert_eq!(lists[2][999], 3);
/// # }
/// ```
pub struct NeverWait<A>(Guarded<A, Memory>);

impl<A> NeverWait<A> {
    const_new! {
        /// Wraps an allocator. The reserve takes memory when it is first needed.
        ///
        /// # Examples
        ///
        /// ```
        /// use std::alloc::System;
        /// use web_sync::alloc::NeverWait;
        ///
        /// #[global_allocator]
        /// static ALLOC: NeverWait<System> = NeverWait::new(System);
        /// # fn main() {}
        /// ```
        pub fn new(inner: A) -> Self {
            Self(Guarded::new(inner, Memory::new()))
        }
    }

    /// Makes sure that the reserve has that many bytes in a row, so that it needs not grow until they are used up. False if the memory
    /// cannot grow so far.
    ///
    /// For what comes before audio or a first frame: on an agent that must be in time, growth is what takes longest.
    ///
    /// # Blocking
    ///
    /// Never blocks. The memory grows, which stops the other agents for a moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::alloc::System;
    /// use web_sync::alloc::NeverWait;
    ///
    /// static ALLOC: NeverWait<System> = NeverWait::new(System);
    ///
    /// assert!(ALLOC.reserve(1 << 20));
    /// assert_eq!(ALLOC.held(), 1 << 20);
    /// ```
    pub fn reserve(&self, bytes: usize) -> bool {
        self.0.reserve.reserve(bytes)
    }

    /// Bytes that the memory has grown by for the reserve. It never becomes less.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::alloc::System;
    /// use web_sync::alloc::NeverWait;
    ///
    /// static ALLOC: NeverWait<System> = NeverWait::new(System);
    ///
    /// assert_eq!(ALLOC.held(), 0);
    /// ```
    pub fn held(&self) -> usize {
        self.0.reserve.held()
    }
}

impl<A> fmt::Debug for NeverWait<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeverWait")
            .field("held", &self.held())
            .field("pooled", &self.0.reserve.pooled())
            .finish_non_exhaustive()
    }
}

// SAFETY: what is returned is a block of the inner allocator, with a layout at least as large and aligned, or one of the reserve, which
// is in nobody's hands (I5). Where a block came from its address tells. Nothing unwinds, if the inner allocator does not.
unsafe impl<A: GlobalAlloc> GlobalAlloc for NeverWait<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.alloc(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.0.dealloc(block, layout) }
    }

    // `alloc_zeroed` is that of the trait: it clears what `alloc` returns, so outside the gate.

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller says.
        unsafe { self.0.realloc(block, layout, size) }
    }
}
