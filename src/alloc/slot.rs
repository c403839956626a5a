//! Where an agent finds its cache: two thread-local words, that may be read before thread-local memory exists.
//!
//! WASM: wasm-bindgen's start function calls the allocator, for the stack and for the thread-local memory itself, before `__tls_base`
//! is set; on every agent but the first it is zero then, and the words are read at the address that is their offset in thread-local memory
//! (`cli-support/src/transforms/threads/mod.rs` of wasm-bindgen 0.2.130). As rustc links with `--stack-first` that is the far end of the
//! first agent's stack, which is zero unless that is almost full; behind more thread-local data than the stack is long, 1 MiB if nothing
//! else is asked for, it is data of the module, which could be the words below only by chance. When it ends an agent, it frees the
//! thread-local memory, and then the stack, with a `__tls_base` that no address comes from. So (I6):
//!
//! - the first word is never zero in memory that has been initialised, and nothing is written before it has been seen not to be;
//! - large and medium blocks are freed without a look here: a stack is a multiple of 64 KiB;
//! - the cache is not in thread-local memory.

use core::cell::Cell;

use super::cache::Cache;
use crate::sys::agent_local;

/// Added to an allocator's number: neither zero nor what a stack holds by chance.
const KEY: u32 = 0x5EED_A110;
/// The agent has not allocated yet.
const FRESH: u32 = KEY - 1;
/// The agent has given its cache back.
const GONE: u32 = KEY - 2;

agent_local! {
    /// Whose cache it is, or one of the words above.
    static OWNER: Cell<u32> = FRESH;
    /// The address of the cache, if it is somebody's.
    static CACHE: Cell<usize> = 0;
}

/// What the slot of the running agent says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// No thread-local memory, or another allocator's cache, or no more.
    None,
    /// A cache may be put here.
    Fresh,
}

/// The cache of this allocator; null if there is none here.
#[inline(always)]
pub(super) fn cache(allocator: u32) -> *mut Cache {
    // Numbers begin with 1.
    if OWNER.with(Cell::get) == KEY.wrapping_add(allocator) {
        super::block::at(CACHE.with(Cell::get))
    } else {
        core::ptr::null_mut()
    }
}

/// Where there is no cache: whether there may be one.
#[inline]
pub(super) fn state() -> State {
    if OWNER.with(Cell::get) == FRESH {
        State::Fresh
    } else {
        State::None
    }
}

/// Puts a cache into a slot that is [`State::Fresh`].
pub(super) fn set(allocator: u32, cache: *mut Cache) {
    CACHE.with(|cell| cell.set(cache.expose_provenance()));
    OWNER.with(|cell| cell.set(KEY.wrapping_add(allocator)));
}

/// Leaves the slot without a cache for good.
pub(super) fn leave() {
    OWNER.with(|cell| cell.set(GONE));
    CACHE.with(|cell| cell.set(0));
}
