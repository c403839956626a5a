//! What the arenas need of an engine, and which engine it is: [`Tlsf`], or a program's own behind [`Custom`].
//!
//! A *size* here is one of [`size_for`](super::lists::size_for): it counts a word before the block, which has the header, and the user gets
//! the rest. Whatever the engine, that header has the arena's number and the size in the format of [`block`](super::block), and neither
//! changes while the block is in use but by `resize`.

use super::block::GRAIN;
use super::custom::{Custom, Engine};
use super::engine::{Span, Tlsf};
use super::row::Row;
use super::steps;

/// An engine as the arenas use it. All of it is called by who has the arena (I4).
///
/// Not to be named outside of this crate: what programs implement is [`Engine`].
///
/// # Safety
///
/// A block that `take` returns is null or lies in a span that was added and not given up, has the header and is aligned, and overlaps no other
/// that is in use. Nothing in here panics, waits, allocates or looks at anything that is not this engine's.
pub unsafe trait Core: Send + Sized {
    /// An engine without memory, for the arena with this number. It is moved only before memory is added.
    fn new(arena: u32) -> Self;

    /// Bytes that a span must have for `take` to find a block in it.
    fn least(size: usize, align: usize) -> usize;

    /// Bytes of all spans.
    fn held(&self) -> usize;

    /// Adds memory; the first span is the one that stays.
    ///
    /// # Safety
    ///
    /// The memory is the caller's, starts at a multiple of [`GRAIN`], ends with a page, and is shorter than a header can tell.
    unsafe fn add(&mut self, span: Span);

    /// Takes a block of at least this size; 0 if there is none.
    ///
    /// # Safety
    ///
    /// The size is a multiple of a grain, and at least the smallest; `align` is a power of two.
    unsafe fn take(&mut self, size: usize, align: usize) -> usize;

    /// Takes up to `count` blocks of this size, and gives each to `keep`.
    ///
    /// # Safety
    ///
    /// As for `take`. Those that are kept are the caller's.
    unsafe fn take_many(&mut self, size: usize, count: u32, mut keep: impl FnMut(usize)) {
        for _ in 0..count {
            steps::step();
            // SAFETY: as the caller says.
            match unsafe { self.take(size, GRAIN) } {
                0 => return,
                block => keep(block),
            }
        }
    }

    /// Takes a block back. A span that is no longer needed is the caller's.
    ///
    /// # Safety
    ///
    /// The block was taken from this engine, and nobody uses it any more. Its first word may have been overwritten, its header not.
    unsafe fn put(&mut self, block: usize) -> Option<Span>;

    /// Whether blocks that lie side by side can be taken back as one.
    const ROWS: bool;

    /// Takes the blocks of a row back, of which there is more than one only if they can be taken back so.
    ///
    /// # Safety
    ///
    /// As for `put`, for each of them.
    unsafe fn put_row(&mut self, row: Row) -> Option<Span> {
        // SAFETY: as the caller says.
        unsafe { self.put(row.block()) }
    }

    /// Gives a block another size where it lies; false if it cannot.
    ///
    /// # Safety
    ///
    /// The block is in use, of this engine, and the size comes from `size_for`.
    unsafe fn resize(&mut self, block: usize, size: usize) -> bool;

    /// Gives up every span that can be; whether there were any.
    ///
    /// # Safety
    ///
    /// As for all: the caller has the arena.
    unsafe fn spare(&mut self, give: impl FnMut(Span)) -> bool;
}

/// [`Tlsf`] or an [`Engine`]. Not to be named outside of this crate, so that there are no others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no engine for `Arenas`",
    label = "not an engine",
    note = "an engine of your own implements `web_sync::alloc::Engine`"
)]
pub trait AnyEngine {
    /// What is behind the locks of the arenas.
    type Core: Core;
}

impl AnyEngine for Tlsf {
    type Core = Self;
}

impl<E: Engine> AnyEngine for E {
    type Core = Custom<E>;
}
