//! Arenas: an engine behind a lock that nobody waits for, and a list for what is freed meanwhile.
//!
//! ```text
//! busy   0 FREE   who exchanges it for 1 has the engine
//!        1 TAKEN  stored back to 0 by who has it, or for ever 1 if its agent has died
//! ```

use core::cell::UnsafeCell;

use super::block::{Node, OWN};
use super::choice::Core;
use super::deferred::Deferred;
use super::engine::Span;
use super::roster::Roster;
use super::steps;
use super::try_lock::{Held, TryLock};

/// How many deferred blocks are taken back at a time.
pub(super) const DRAIN: u32 = 64;

/// How many arenas there can be. Only those whose agent has died inside are not used again. Fewer in an interpreter, see `MAX_PAGES`.
pub(super) const ARENAS: usize = if cfg!(miri) { 32 } else { 512 };

const _: () = assert!(ARENAS <= OWN as usize);

/// An arena. It lies at the beginning of its first page.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Arena<C> {
    lock: TryLock,
    deferred: Deferred,
    inner: Inner<C>,
}

/// What is behind the lock: on other cache lines, since everybody looks at the lock.
#[derive(Debug)]
#[repr(C, align(64))]
struct Inner<C>(UnsafeCell<Contents<C>>);

#[derive(Debug)]
pub(super) struct Contents<C> {
    number: u32,
    engine: C,
    /// Deferred blocks that have been taken from the list and not yet freed.
    pending: *mut Node,
}

// SAFETY: the contents are reached through the lock only (I4), and the blocks that they name are the arena's.
// An engine may be used on any agent: `Core: Send`.
unsafe impl<C: Core> Sync for Arena<C> {}

impl<C: Core> Arena<C> {
    /// An arena that is taken, by the caller.
    pub(super) fn taken(number: u32) -> Self {
        Self {
            lock: TryLock::taken(),
            deferred: Deferred::new(),
            inner: Inner(UnsafeCell::new(Contents {
                number,
                engine: C::new(number),
                pending: core::ptr::null_mut(),
            })),
        }
    }

    /// Tries once.
    pub(super) fn try_lock(&self) -> Option<Locked<'_, C>> {
        let held = self.lock.try_lock()?;
        Some(Locked { arena: self, held })
    }

    /// What the agent that has made the arena has.
    ///
    /// # Safety
    ///
    /// The caller has made the arena, and calls this once.
    pub(super) unsafe fn born(&self) -> Locked<'_, C> {
        // SAFETY: made by `taken`, by the caller.
        let held = unsafe { self.lock.assume_taken() };
        Locked { arena: self, held }
    }

    /// The list for blocks that are freed while the arena is taken.
    pub(super) fn deferred(&self) -> &Deferred {
        &self.deferred
    }
}

/// A taken arena. To drop it lets go of it.
#[derive(Debug)]
pub(super) struct Locked<'a, C> {
    arena: &'a Arena<C>,
    #[expect(dead_code, reason = "lets go when dropped")]
    held: Held<'a>,
}

impl<C: Core> Locked<'_, C> {
    fn contents(&mut self) -> &mut Contents<C> {
        // SAFETY: the lock is held (I4), and `self` is borrowed for as long as the result.
        unsafe { &mut *self.arena.inner.0.get() }
    }

    pub(super) fn engine(&mut self) -> &mut C {
        &mut self.contents().engine
    }

    /// The arena's number.
    pub(super) fn number(&mut self) -> u32 {
        self.contents().number
    }

    /// Frees up to `limit` deferred blocks; whether there were any. `give_back` gets the spans that are no longer needed.
    pub(super) fn drain(&mut self, limit: u32, give_back: impl Fn(Option<Span>)) -> bool {
        let deferred = &self.arena.deferred;
        let contents = self.contents();
        let mut freed = false;
        for _ in 0..limit {
            steps::step();
            if contents.pending.is_null() {
                contents.pending = deferred.take();
            }
            let node = contents.pending;
            if node.is_null() {
                break;
            }
            freed = true;
            // SAFETY: taken from the list, so ours (I5), and pushed there because it is of this arena.
            unsafe {
                contents.pending = Node::next(node);
                give_back(contents.engine.put(node.addr()));
            }
        }
        freed
    }
}

/// All arenas of an allocator.
pub(super) type Arenas<C> = Roster<Arena<C>, ARENAS>;
