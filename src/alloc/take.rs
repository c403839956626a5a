//! Where blocks come from when the magazine has none: a batch that another agent has left, an arena, pages of their own, and at last
//! whatever is free anywhere.

use core::alloc::Layout;
use core::ops::Range;

use super::arena::{Arena, DRAIN, Locked};
use super::block::{GRAIN, Header, Node, OWN, at};
use super::cache::Cache;
use super::choice::Core;
use super::class::{batch, capacity};
use super::engine::Span;
use super::heap::Heap;
use super::lists::size_for;
use super::stats::Counters;
use super::steps;
use super::supply::Supply;
use crate::sys::memory::{PAGE, Source};
use crate::sys::spin::Spin;

/// How often an agent tries the arena that it had last before it looks for another.
const HOME_TRIES: u32 = 50;
/// How often it then tries all.
const PASSES: u32 = 8;
/// After so many of these tries one is made: an arena that is in use is mostly left again in less than a microsecond.
const PATIENCE: u32 = 4;
/// How many of the others it tries: the newest. Older ones may belong to agents that have died.
const WINDOW: u32 = 16;
/// How many rounds of all arenas are made before memory is said to have run out.
pub(super) const LAST_PASSES: u32 = 1024;
/// How many pauses are made after one that has met somebody busy, each of a tenth of a microsecond or more. With all rounds that is some ten
/// milliseconds: as long as a system may take the processor from who is in an arena.
pub(super) const LAST_PAUSES: u32 = if cfg!(miri) { 1 } else { 64 };
/// The most that an arena asks for at once when it has much already: 1 MiB.
const SPAN_PAGES: u32 = 16;

/// A block that this arena has, and the arena.
fn take_of<C: Core>(
    mut arena: Locked<'_, C>,
    size: usize,
    align: usize,
) -> Option<(Locked<'_, C>, usize)> {
    // SAFETY: the size comes from `size_for`.
    let block = unsafe { arena.engine().take(size, align) };
    (block != 0).then_some((arena, block))
}

impl<S: Source, C: Core> Heap<S, C> {
    /// A small block, when the magazine has none; 0 if there is none.
    #[cold]
    pub(super) fn small(&self, class: usize) -> usize {
        let size = size_for(capacity(class));
        let Some(cache) = self.cache().or_else(|| self.make_cache()) else {
            return self.take_block(size, GRAIN, None);
        };
        let theirs = self.exchange.take(class);
        if !theirs.is_null() {
            // SAFETY: taken, so ours; the magazine is empty.
            unsafe { cache.refill(class, theirs) };
            return cache.pop(class).addr();
        }
        if let Some((mut arena, block)) = self.take_of_some(&mut cache.home, size, GRAIN) {
            // SAFETY: the arena is ours; blocks that it gives are as well, and the magazine is empty and takes a batch.
            unsafe {
                let keep = |more| {
                    cache.push(class, Node::make(more));
                };
                arena.engine().take_many(size, batch(class) - 1, keep);
            }
            return block;
        }
        self.last_resort(size, GRAIN, Some(cache))
    }

    #[cold]
    pub(super) fn medium(&self, layout: Layout) -> usize {
        self.take_block(size_for(layout.size()), layout.align(), self.cache())
    }

    /// A block of some arena; 0 if there is none.
    pub(super) fn take_block(
        &self,
        size: usize,
        align: usize,
        mut cache: Option<&mut Cache>,
    ) -> usize {
        let mut newest = self.newest();
        let home = cache.as_mut().map_or(&mut newest, |cache| &mut cache.home);
        match self.take_of_some(home, size, align) {
            Some((_, block)) => block,
            None => self.last_resort(size, align, cache),
        }
    }

    /// A block of the agent's arena; if that would need more memory, of another one that has it already; or the agent's arena gets more.
    #[inline(never)]
    pub(super) fn take_of_some(
        &self,
        home: &mut u32,
        size: usize,
        align: usize,
    ) -> Option<(Locked<'_, C>, usize)> {
        self.enter(home)
            .and_then(|arena| take_of(arena, size, align))
            .or_else(|| {
                let arenas = self.window().filter_map(|number| self.try_lock(number));
                let mut taken = arenas.filter_map(|arena| take_of(arena, size, align));
                let (mut arena, block) = taken.next()?;
                *home = arena.number();
                Some((arena, block))
            })
            .or_else(|| {
                let mut arena = self.enter(home)?;
                let block = self.take_from(&mut arena, size, align);
                (block != 0).then_some((arena, block))
            })
    }

    /// The numbers of the newest arenas.
    fn window(&self) -> Range<u32> {
        let count = self.arenas.count();
        count.saturating_sub(WINDOW)..count
    }

    fn try_lock(&self, number: u32) -> Option<Locked<'_, C>> {
        steps::step();
        self.arenas.get(number).and_then(Arena::try_lock)
    }

    /// Takes some arena: the agent's, another one, or a new one. None when that would need memory and there is none.
    pub(super) fn enter(&self, home: &mut u32) -> Option<Locked<'_, C>> {
        let arena = self.find_arena(*home);
        let mut arena = arena.or_else(|| {
            if self.arenas.count() > 0 {
                Counters::add(&self.counters.hops);
            }
            self.other_arena()
        })?;
        *home = arena.number();
        self.drain(&mut arena, DRAIN);
        Some(arena)
    }

    fn find_arena(&self, home: u32) -> Option<Locked<'_, C>> {
        let arena = self.arenas.get(home)?;
        for _ in 0..HOME_TRIES {
            steps::step();
            if let Some(locked) = arena.try_lock() {
                return Some(locked);
            }
            Spin::pause();
        }
        None
    }

    #[cold]
    fn other_arena(&self) -> Option<Locked<'_, C>> {
        for pass in 0..PASSES {
            // The oldest first: few arenas hold less than many.
            let free = self.window().find_map(|number| self.try_lock(number));
            if free.is_some() {
                return free;
            }
            if (pass == PATIENCE || self.arenas.count() == 0)
                && let Some(new) = self.new_arena()
            {
                return Some(new);
            }
            Spin::pause_longer();
        }
        None
    }

    /// Makes an arena, in a page of its own, and has it. Until others can find it, what is free in there is in this agent's hands.
    fn new_arena(&self) -> Option<Locked<'_, C>> {
        self.hands.hold(|| {
            let (page, _) = self.claim(1, PAGE)?;
            Some(self.arena_in(page))
        })?
    }

    /// Makes an arena of a page, or puts that into the pool, if there are as many arenas as may be.
    fn arena_in(&self, page: u32) -> Option<Locked<'_, C>> {
        let Some(number) = self.arenas.number() else {
            self.pages.put(page, 1);
            return None;
        };
        let start = self.address(page);
        let arena = at::<Arena<C>>(start);
        const {
            assert!(
                size_of::<Arena<C>>() <= PAGE / 2,
                "an engine's own state is too large"
            )
        };
        let used = size_of::<Arena<C>>().next_multiple_of(GRAIN);
        // SAFETY: the page is ours, aligned and large enough; the arena stays there. Nobody knows of it until it is published, and
        // nobody gets into it before we let go.
        unsafe {
            arena.write(Arena::taken(number));
            let mut locked = (*arena).born();
            locked.engine().add(Span {
                start: start + used,
                len: PAGE - used,
            });
            self.arenas.publish(number, arena);
            Some(locked)
        }
    }

    /// A block of this arena, which gets more memory if need be; 0 if there is none.
    fn take_from(&self, arena: &mut Locked<'_, C>, size: usize, align: usize) -> usize {
        let engine = arena.engine();
        // SAFETY: the sizes come from `size_for`; the span's pages are ours.
        unsafe {
            let block = engine.take(size, align);
            if block != 0 {
                return block;
            }
            // Too many to be had, if an engine says so.
            let least = C::least(size, align).div_ceil(PAGE).min(u32::MAX as usize) as u32;
            let more = (engine.held() / PAGE / 4) as u32;
            let more = more.min(SPAN_PAGES).max(least);
            let Some((page, pages)) = self
                .claim(more, PAGE)
                .map(|(page, _)| (page, more))
                .or_else(|| self.claim(least, PAGE).map(|(page, _)| (page, least)))
            else {
                return 0;
            };
            engine.add(Span {
                start: self.address(page),
                len: pages as usize * PAGE,
            });
            engine.take(size, align)
        }
    }

    /// When no arena could be had, or none has memory: pages of its own, then whatever is free anywhere; 0 if nothing is.
    #[cold]
    fn last_resort(&self, size: usize, align: usize, cache: Option<&mut Cache>) -> usize {
        let own = self.own_pages(size, align);
        if own != 0 {
            return own;
        }
        self.flush(cache);
        self.rounds(|arena| {
            let block = match arena {
                // SAFETY: the size comes from `size_for`.
                Some(arena) => unsafe { arena.engine().take(size, align) },
                None => self.own_pages(size, align),
            };
            (block != 0).then_some(block)
        })
        .unwrap_or(0)
    }

    /// Goes round all arenas until something is `found`: in one of them, or, if that is None, in the pool. Goes on as long as a round frees
    /// something or meets a busy arena, or somebody has pages in hand.
    pub(super) fn rounds<T>(
        &self,
        mut found: impl FnMut(Option<&mut Locked<'_, C>>) -> Option<T>,
    ) -> Option<T> {
        // The hands before the last look into the pool. None yet: what was in magazines may have become pages.
        let mut looked = None;
        // Somebody was in an arena when the round before this came there, and may have given pages back since.
        let mut passed = false;
        for _ in 0..LAST_PASSES {
            let met = self.round(|arena| found(Some(arena)));
            if met.found.is_some() {
                return met.found;
            }
            let hands = self.hands.seen();
            if met.freed || looked != Some(hands) || passed && !met.busy {
                let pages = found(None);
                if pages.is_some() {
                    return pages;
                }
                looked = Some(hands);
            } else if !met.busy && hands.is_empty() {
                return None;
            }
            passed = met.busy;
            if met.busy || !hands.is_empty() {
                Self::pause_before_the_next();
            }
        }
        found(None)
    }

    /// Pauses between two rounds.
    fn pause_before_the_next() {
        for _ in 0..LAST_PAUSES {
            steps::step();
            Spin::pause_longer();
        }
    }

    /// A block with pages of its own; 0 if there are none.
    fn own_pages(&self, size: usize, align: usize) -> usize {
        let offset = align.max(GRAIN);
        let Some((page, _)) = self.claim((offset + size).div_ceil(PAGE) as u32, PAGE) else {
            return 0;
        };
        let block = self.address(page) + offset;
        // SAFETY: the pages are ours, and the header lies in the first.
        unsafe { Header::new(OWN, size, 0).write(block) };
        block
    }

    /// A large block, and whether it is known to be zero; 0 if there is none.
    #[cold]
    pub(super) fn large(&self, pages: u32, align: usize) -> (usize, bool) {
        let run = self.claim(pages, align).or_else(|| {
            // All pages that there are would not do. (Those in somebody's hands may not be counted yet.)
            if self.hands.seen().is_empty() && pages > self.counters.pages() {
                return None;
            }
            self.flush(self.cache());
            self.rounds(|arena| match arena {
                Some(_) => None,
                None => self.claim(pages, align),
            })
        });
        run.map_or((0, false), |(page, fresh)| (self.address(page), fresh))
    }
}
