//! A global allocator for programs with a main thread and workers: no agent ever waits for another.
//!
//! ```
//! use web_sync::alloc::Arenas;
//!
//! #[global_allocator]
//! static ALLOC: Arenas = Arenas::new();
//!
//! # fn main() {
//! let numbers: Vec<u32> = (0..1_000).collect();
//! assert_eq!(numbers.iter().sum::<u32>(), 499_500);
//! # }
//! ```
//!
//! That line is all there is to do; nothing else of this crate is needed for it. std's allocator for wasm with threads is one heap
//! behind one spin lock. When the system takes the processor from the worker that holds it, every other agent spins until it
//! comes back, the main thread as well; and when that worker is terminated, all of them spin for ever. Here each agent has
//! *magazines* of small free blocks to itself. When they are empty or full it takes one of a few *arenas*, by a lock that is tried and
//! never waited for: if one arena is busy there is another one, or one is made.
//!
//! If you would rather keep std's allocator, for size, or have another one of your own: [`NeverWait`] stands before it, and lets no main
//! thread wait for it.
//!
//! # The engine
//!
//! Behind each arena's lock is two-level segregated fit, [`Tlsf`]. It was chosen because it allocates, frees and
//! resizes in a constant number of steps, however many blocks there are, which is what an agent with a deadline needs; best-fit trees (dlmalloc) and
//! bins that are searched (talc) do not promise that. Behind the same magazines and arenas rlsf's lists, talc's bins and dlmalloc's trees were as fast, within a
//! tenth in most cells, and held 11 to 16 MiB where this one held 10 (`cargo xtask bench alloc`, "arenas over ..."). And the word before each block, which it needs for the size, has room for
//! the number of the arena: so blocks find their way home without a header more, and a span that is free as a whole goes back to the pages.
//!
//! A program can have another one there: it implements [`Engine`] and says `Arenas<ItsEngine>`. Each block then has two words more (or as many
//! bytes as it is aligned to, if that is more), for its arena, its size and its alignment; memory that was given to an engine stays with it; and of the
//! invariants below I1, I2, I7 and I8 are that engine's to keep, and I5 for what is free in it. Magazines, batches, deferred lists and large blocks are the same.
//!
//! # What an agent holds
//!
//! An agent's magazines hold at most 336 KiB of free blocks (in wasm32), mostly far less (a block that could not be made smaller in a busy arena
//! counts as what it was made to), and what waits for whoever needs it next is at most
//! 2.6 MiB for all agents together. Agents end without telling anybody, so call
//! [`Arenas::thread_exit`] as the last thing on a worker that ends by itself; without that the magazines' blocks are lost. A worker that
//! is terminated loses them, and if it was inside an arena at that moment, the arena as well: the others go on without it. What is free in
//! that arena is lost then, and so is what is freed of it later. That may be much: more arenas are made only when one is busy, so
//! the first one can have most of the program's small and medium blocks. If it had pages in hand at that moment, they are lost: a run as
//! long as it had asked for, what the memory had just grown by, or pages that it was about to give back.
//!
//! Two small things on top. A block that was made when no arena could be had has pages of its own, so in a magazine it is 64 KiB. And
//! wasm-bindgen's start function allocates the first agent's thread-local memory while that agent still uses the copy in the module's data;
//! the cache that is made then, with up to 15 blocks, is not used again: once for each memory.
//!
//! Memory that wasm has grown by is never given back to the browser. Pages that are free as a whole are used again for any size.
//!
//! # Invariants
//!
//! On every agent, and so on those that must not wait:
//!
//! - **I1** In a module that is built for release, the four functions of `GlobalAlloc` reach no wait instruction, no import, no call through a
//!   pointer and no panic. `cargo xtask test wasm-check` reads that from one. Without optimisation there are checks that could panic.
//! - **I2** Every loop has a constant bound: 50 tries of the arena of last time, 8 of 16 arenas, and all of that twice where it has to get more
//!   memory, with 16 arenas in between that may have some; 64 deferred blocks for each arena that is
//!   entered; a batch of 1 to 16 blocks; 64 tries to free; the words of the page pool, and where free and used pages alternate the pages, of
//!   which there are 65,536. Only when memory has run out it is more, before null is returned: all batches, and 1,024 rounds of all
//!   arenas, in each of which 4,096 deferred blocks of an arena are freed, its free blocks of a page or more are looked at, and the pool is
//!   searched. After a round that has met somebody busy, in an arena or with pages in hand, there are 64 pauses of a tenth of a microsecond.
//!   To take pages off a region is an exchange that is repeated when it was lost, which is at most once for each page of the region.
//!   (Natively, where `memory.grow` is such an exchange too, and one that may fail without a cause, that loop has no bound.)
//! - **I3** Nothing is completed by another agent. One that is suspended or ended at any instruction costs what it held: an arena, its
//!   magazines, a batch, a run of pages.
//! - **I4** An engine is entered by who has exchanged its arena's lock from free to taken, and left by a store. Nothing else writes what is
//!   behind the lock, nor the neighbour bits of the headers of its blocks.
//! - **I5** A block is in one place: with the user, in one magazine, in one batch, in one arena's deferred list, or free in its engine. What
//!   puts it into a list touches it no more.
//! - **I6** Thread-local memory is read for small blocks, to allocate medium ones, and before a large allocation fails; it is written only after
//!   it was seen to be initialised. Without it there are no magazines, and everything else is the same. To free a medium or large block does
//!   not read it.
//! - **I7** When memory cannot grow the result is null, everything is as it was, and to free needs no memory, nor does to make a block smaller.
//!   Null is no answer for who has met somebody busy, before 1,024 rounds: that one may have what is free in an arena (I4), or pages in hand
//!   that it has got and not put down yet (`hands`). Two agents that want the same pages at the same moment are the exception, see `pages`.
//! - **I8** Nothing here allocates, uses thread-local values that need a destructor, floats or locks of std; so nothing is entered twice.
//!
//! # Memory ordering
//!
//! What hands blocks or pages over is a Release and an Acquire of the same word: an arena's lock (`try_lock`), its deferred list
//! (`deferred`), a place for a batch (`exchange`), a word of the page pool (`pages`), the list of arenas (`roster`). That pages are in
//! somebody's hands is told by fences (`hands`). Between users,
//! who hands a block to another agent has synchronised with it.

mod arena;
mod block;
mod cache;
mod choice;
mod class;
mod custom;
#[cfg(test)]
mod custom_tests;
mod deferred;
mod engine;
mod exchange;
mod give;
mod hands;
mod heap;
#[cfg(test)]
mod limits_tests;
mod lists;
mod never_wait;
mod pages;
#[cfg(feature = "__test")]
#[doc(hidden)]
pub mod parts;
mod roster;
mod row;
mod slot;
mod stats;
mod steps;
mod supply;
mod take;
#[cfg(test)]
mod tests;
mod try_lock;

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;

use crate::sys::memory::Memory;
use crate::sys::shim::const_new;
use choice::AnyEngine;
use heap::Heap;

pub use crate::sys::memory::Region;
pub use custom::Engine;
pub use engine::Tlsf;
pub use never_wait::NeverWait;
pub use stats::Stats;

/// An allocator that no agent ever waits in: magazines for each agent over a few arenas.
///
/// On wasm it grows the module's memory by `memory.grow`, beside whoever else does, and uses only what that returns. Natively the same code
/// works on one reservation of addresses: 4 GiB, or what the system gives. That is for programs that run in both places, and for their
/// tests: natively a thread that ends without [`Arenas::thread_exit`] loses its magazines as well. Without threads it is one arena.
///
/// | layout | where it comes from |
/// |---|---|
/// | up to 16 KiB (in wasm32), aligned to 8 | the agent's magazine; about 4 bytes more, and above 508 bytes up to a quarter more |
/// | up to 256 KiB, aligned to at most 4 KiB | an arena; at most a sixteenth more |
/// | more of either | whole pages of 64 KiB |
///
/// With an [`Engine`] of your own each block has two words more, or as much as it is aligned to, and what that engine adds.
///
/// `realloc` stays in place within a size class, in an arena if the neighbour is free (or your engine can do it), and with pages if the next
/// ones are.
/// `alloc_zeroed` does not clear pages that the memory has just grown by. Where there is no more memory the result is null, never a trap, and
/// works again when something has been freed.
///
/// Null comes late. First all arenas are looked through, again and again for some ten milliseconds as long as one of them is busy or somebody has
/// pages in hand, since what is free may be there. An agent that was terminated there is busy for ever. The same time passes before a block
/// that could not be moved is made smaller where it lies. What could not be had with all pages free is refused at once. What is free at the end
/// of the memory does not count together with what the memory could still grow by: where neither is enough for a large block the result is null.
/// Nor is a large block that is aligned to more than a page found in the last pages that the memory could grow by, if they have no room to spare.
///
/// With [`Arenas::new`] all memory comes from `memory.grow`: leave the initial memory as small as the linker makes it, and let the maximum be what
/// the program needs. **A memory whose initial size is its maximum cannot grow**, and every allocation from it would be null: give the allocator
/// a [`Region`] there, see [`Arenas::over`]. What such a memory has behind the module's data is of no use to it, since that is std's
/// allocator's, which takes it at its first use, also where it is not the global one.
///
/// An agent uses the magazines of the first allocator that it allocates from. With a second one it works without magazines.
///
/// `E` is [`Tlsf`], or an [`Engine`] of your own. It is taken from the type of the static: elsewhere write `Arenas::<Tlsf>::new()`.
///
/// # Blocking
///
/// Never blocks, and never spins for longer than a constant number of steps: some ten milliseconds, where memory has run out.
/// `memory.grow` itself stops the other agents for a moment: see [`Arenas::reserve`].
///
/// # Examples
///
/// ```
/// use web_sync::alloc::Arenas;
///
/// #[global_allocator]
/// static ALLOC: Arenas = Arenas::new();
///
/// # fn main() {
/// let threads = [1, 2, 3].map(|n| std::thread::spawn(move || vec![n; 1_000]));
/// let lists = threads.map(|thread| thread.join().unwrap());
/// assert_eq!(lists[2][999], 3);
/// assert!(ALLOC.stats().held > 0);
/// # }
/// ```
pub struct Arenas<E: AnyEngine = Tlsf>(Heap<Memory, E::Core>);

impl<E: AnyEngine> Arenas<E> {
    const_new! {
        /// An allocator without memory: it takes what it needs when it is first used.
        ///
        /// # Examples
        ///
        /// ```
        /// use web_sync::alloc::Arenas;
        ///
        /// #[global_allocator]
        /// static ALLOC: Arenas = Arenas::new();
        /// # fn main() {}
        /// ```
        #[allow(clippy::new_without_default, reason = "an allocator is a static")]
        pub fn new() -> Self {
            Self(Heap::new(Memory::new()))
        }
    }

    const_new! {
        /// An allocator over a region of the module's own data, for a memory that cannot grow.
        ///
        /// On wasm the region's pages are used first, and then what the memory grows by, if it does. Natively the region is all there is.
        ///
        /// To link a module whose initial memory is its maximum, as some browsers want it, give both the same size: what the module
        /// has in data, its stack and the region, and something for std's allocator, which keeps a little of std's own.
        ///
        /// ```text
        /// -Clink-arg=--initial-memory=100663296 -Clink-arg=--max-memory=100663296
        /// ```
        ///
        /// (The `wasm-bindgen` CLI adds a page for starting threads to both.)
        ///
        /// # Examples
        ///
        /// ```
        /// use web_sync::alloc::{Arenas, Region};
        ///
        /// static HEAP: Region<{ 64 << 20 }> = Region::new();
        ///
        /// #[global_allocator]
        /// static ALLOC: Arenas = Arenas::over(&HEAP);
        ///
        /// # fn main() {
        /// assert!(ALLOC.stats().held <= 64 << 20);
        /// # }
        /// ```
        pub fn over<const BYTES: usize>(region: &'static Region<BYTES>) -> Self {
            Self(Heap::new(Memory::over(region.extent())))
        }
    }

    /// Gives back what the running agent's magazines hold, and their own memory: for the end of a worker.
    ///
    /// The agent may go on allocating; it does so without magazines.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Examples
    ///
    /// ```
    /// use web_sync::alloc::Arenas;
    ///
    /// #[global_allocator]
    /// static ALLOC: Arenas = Arenas::new();
    ///
    /// # fn main() {
    /// std::thread::spawn(|| {
    ///     drop(vec![1, 2, 3]);
    ///     ALLOC.thread_exit();
    /// });
    /// # }
    /// ```
    pub fn thread_exit(&self) {
        self.0.thread_exit();
    }

    /// Empties the running agent's magazines and the places where agents leave batches for each other, frees what other agents have left for
    /// later, and makes whole pages that are free fit for any use.
    ///
    /// For an agent that will do nothing for a while, and after a phase that has freed much. It takes as long as freeing the
    /// blocks does. Arenas that are busy are passed over.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Examples
    ///
    /// ```
    /// use web_sync::alloc::Arenas;
    ///
    /// #[global_allocator]
    /// static ALLOC: Arenas = Arenas::new();
    ///
    /// # fn main() {
    /// let list: Vec<Box<[u8; 100]>> = (0..10_000).map(|_| Box::new([0; 100])).collect();
    /// drop(list);
    /// ALLOC.collect();
    /// assert!(ALLOC.stats().pooled > 0);
    /// # }
    /// ```
    pub fn collect(&self) {
        self.0.collect();
    }

    /// Makes sure that the pool has that many bytes in a row, so that no allocation has to grow the memory until they are used up. False if
    /// the memory cannot grow so far.
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
    /// use web_sync::alloc::Arenas;
    ///
    /// #[global_allocator]
    /// static ALLOC: Arenas = Arenas::new();
    ///
    /// # fn main() {
    /// assert!(ALLOC.reserve(8 << 20));
    /// let before = ALLOC.stats().held;
    /// drop(vec![0_u8; 4 << 20]);
    /// assert_eq!(ALLOC.stats().held, before);
    /// # }
    /// ```
    pub fn reserve(&self, bytes: usize) -> bool {
        self.0.reserve(bytes)
    }

    /// What the allocator holds, and how its agents have met so far.
    ///
    /// # Blocking
    ///
    /// Never blocks, and costs a few loads.
    ///
    /// # Examples
    ///
    /// ```
    /// use web_sync::alloc::Arenas;
    ///
    /// static ALLOC: Arenas = Arenas::new();
    ///
    /// assert_eq!(ALLOC.stats().arenas, 0);
    /// ```
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}

impl<E: AnyEngine> fmt::Debug for Arenas<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arenas")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

// SAFETY: a block is in one place at a time (I5), so what is returned is nobody else's, and it lies in memory that is never given
// back. The kind of a layout says how large and how aligned it is. Nothing unwinds (I1).
unsafe impl<E: AnyEngine> GlobalAlloc for Arenas<E> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: asks for nothing.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { self.0.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: asks for nothing.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller says.
        unsafe { self.0.realloc(block, layout, size) }
    }
}
