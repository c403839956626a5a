//! Where blocks go: to another agent as a batch, to their arena, or to its list if it is busy. And how they are resized.

use super::arena::{Arena, DRAIN, Locked};
use super::block::{Header, Node, OWN};
use super::cache::Cache;
use super::choice::Core;
use super::class::CLASSES;
use super::exchange::PLACES;
use super::heap::Heap;
use super::lists::{room, size_for};
use super::row::Row;
use super::stats::Counters;
use super::steps;
use crate::sys::memory::{PAGE, Source};

/// How often an arena and its list are tried before a block that is freed is given up.
const FREE_TRIES: u32 = 64;

/// What a round of all arenas has come to.
#[derive(Debug)]
pub(super) struct Round<T> {
    pub(super) found: Option<T>,
    /// A block or a span was freed.
    pub(super) freed: bool,
    /// An arena was passed over.
    pub(super) busy: bool,
}

impl<S: Source, C: Core> Heap<S, C> {
    /// Frees a block that has a header.
    ///
    /// # Safety
    ///
    /// The block is the caller's, and no longer afterwards.
    pub(super) unsafe fn free(&self, block: usize) {
        // SAFETY: the block has a header, and is of the arena that this names (I5).
        unsafe {
            let header = Header::of(block);
            let Some(arena) = self.arenas.get(header.arena()) else {
                if header.arena() == OWN {
                    let first = block & !(PAGE - 1);
                    let pages = (block - first + header.size()).div_ceil(PAGE) as u32;
                    self.pages.put(self.page(first), pages);
                }
                return;
            };
            for _ in 0..FREE_TRIES {
                steps::step();
                if let Some(mut arena) = arena.try_lock() {
                    self.drain(&mut arena, DRAIN);
                    self.give_back(arena.engine().put(block));
                    return;
                }
                if arena.deferred().push(Node::make(block)) {
                    Counters::add(&self.counters.deferred);
                    return;
                }
            }
            Counters::add(&self.counters.given_up);
        }
    }

    /// A batch that an agent has too much.
    ///
    /// # Safety
    ///
    /// The batch is the caller's, and no longer afterwards.
    #[cold]
    pub(super) unsafe fn overflow(&self, class: usize, batch: *mut Node) {
        // SAFETY: as the caller says.
        unsafe {
            if !self.exchange.put(class, batch) {
                self.free_all(batch);
            }
        }
    }

    /// Frees a list of blocks with headers, those in a row that are of one arena together.
    ///
    /// # Safety
    ///
    /// The list is the caller's, and no longer afterwards.
    unsafe fn free_all(&self, mut node: *mut Node) {
        let mut number = OWN;
        let mut held = None::<Locked<'_, C>>;
        while !node.is_null() {
            steps::step();
            // SAFETY: the node is the caller's until it is freed, and has a header.
            unsafe {
                let (block, next) = (node.addr(), Node::next(node));
                let its = Header::of(block).arena();
                if its != number {
                    // Before the next one is taken: nobody has two.
                    drop(held.take());
                    number = its;
                    held = self.arenas.get(number).and_then(Arena::try_lock);
                }
                node = next;
                let Some(arena) = &mut held else {
                    self.free(block);
                    continue;
                };
                let mut row = Row::of(block);
                while C::ROWS && !node.is_null() && row.extend(node.addr()) {
                    steps::step();
                    node = Node::next(node);
                }
                self.give_back(arena.engine().put_row(row));
            }
        }
    }

    /// Frees up to `limit` deferred blocks of an arena; whether there were any.
    pub(super) fn drain(&self, arena: &mut Locked<'_, C>, limit: u32) -> bool {
        arena.drain(limit, |span| self.give_back(span))
    }

    /// Frees what this agent's magazines hold, and the batches that wait for somebody.
    pub(super) fn flush(&self, mut cache: Option<&mut Cache>) {
        for class in 0..CLASSES {
            let own = cache.as_mut().map(|cache| cache.take_all(class));
            let others = (0..PLACES).map(|_| self.exchange.take(class));
            for nodes in own.into_iter().flatten().chain(others) {
                steps::step();
                // SAFETY: taken, so ours.
                unsafe { self.free_all(nodes) };
            }
        }
    }

    /// Goes once through all arenas that are not busy: frees what is deferred, looks whether there is what the caller wants, and if not
    /// gives spans that are free as a whole to the pool.
    pub(super) fn round<T>(
        &self,
        mut find: impl FnMut(&mut Locked<'_, C>) -> Option<T>,
    ) -> Round<T> {
        let mut met = Round {
            found: None,
            freed: false,
            busy: false,
        };
        for number in 0..self.arenas.count() {
            steps::step();
            let Some(arena) = self.arenas.get(number) else {
                continue;
            };
            let Some(mut arena) = arena.try_lock() else {
                met.busy = true;
                continue;
            };
            met.freed |= self.drain(&mut arena, DRAIN * DRAIN);
            met.found = find(&mut arena);
            if met.found.is_some() {
                break;
            }
            // SAFETY: the arena is ours.
            met.freed |= unsafe { arena.engine().spare(|span| self.give_back(Some(span))) };
        }
        met
    }

    /// Resizes a block of an arena where it lies.
    ///
    /// # Safety
    ///
    /// The block is the caller's.
    pub(super) unsafe fn resize(&self, block: usize, bytes: usize) -> bool {
        let size = size_for(bytes);
        // SAFETY: the block has a header, and is of the arena that this names.
        unsafe {
            let header = Header::of(block);
            if header.size() == size {
                return true;
            }
            match self.arenas.get(header.arena()).and_then(Arena::try_lock) {
                Some(mut arena) => arena.engine().resize(block, size),
                // Busy, or pages of its own: what it has may do, if that is not twice too much.
                None => bytes <= room(header.size()) && size >= header.size() / 2,
            }
        }
    }

    /// Resizes a large block where it lies.
    pub(super) fn resize_run(&self, block: usize, from: u32, to: u32) -> bool {
        let first = self.page(block);
        if to <= from {
            self.pages.put(first + to, from - to);
            return true;
        }
        let (end, more) = (first + from, to - from);
        if self.pages.take_at(end, more) {
            return true;
        }
        let grown = self.hands.hold(|| {
            let grown = self.source.grow_at(end, more)?;
            self.counters.grown(more);
            if grown != end {
                // Somebody else has grown the memory meanwhile.
                self.pages.put(grown, more);
            }
            Some(grown)
        });
        grown == Some(end)
    }
}
