//! The parts of the allocator that agents meet in. What lies behind them, blocks in memory, is addresses to loom, so each part stands here
//! alone, with blocks, pages and arenas that race if two agents have one at a time, or if one has it too early.

use core::cell::UnsafeCell;
use core::ptr;

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Note, Tally, rounds};
use web_sync::alloc::parts::{Deferred, Exchange, Hands, Node, PLACES, Pages, Roster, TryLock};

models![alloc: deferred_blocks_are_taken_once, batches_change_hands, more_batches_than_places, runs_overlap, a_run_across_words_is_put_back,
    a_page_for_each, pages_are_counted_before_they_are_there, what_cannot_be_taken_stays, who_finds_none_sees_whose_hands_they_are_in,
    agents_make_and_find_arenas, freed_or_deferred;
    stale: deferred_blocks_are_taken_once, batches_change_hands, agents_make_and_find_arenas, who_finds_none_sees_whose_hands_they_are_in];

/// A block: in use it has a note, free it is a node.
#[repr(C)]
struct Block {
    node: Node,
    note: Note,
    /// How often it was taken.
    taken: Tally,
}

// SAFETY: who touches a block that is not his is what the models look for.
unsafe impl Sync for Block {}
// SAFETY: as above.
unsafe impl Send for Block {}

/// The blocks of a scene.
struct Blocks(Vec<Block>);

impl Blocks {
    fn new(count: u32) -> Self {
        let block = || Block {
            node: Node::new(),
            note: Note::default(),
            taken: Tally::default(),
        };
        Self((0..count).map(|_| block()).collect())
    }

    /// The user of a block writes into it and frees it.
    fn used(&self, index: u32) -> *mut Node {
        let block = &self.0[index as usize];
        block.note.add();
        ptr::from_ref(block).cast_mut().cast()
    }

    /// Uses every block of a list.
    fn take_all(&self, mut node: *mut Node) {
        while !node.is_null() {
            let block = node.cast::<Block>();
            // SAFETY: nodes are blocks of this scene, and the list is the caller's.
            unsafe {
                node = Node::next(node);
                (*block).taken.add();
                (*block).note.add();
                assert_eq!((*block).note.get(), 2);
            }
        }
    }

    fn check(&self) {
        for block in &self.0 {
            assert_eq!(block.taken.get(), 1);
        }
    }
}

struct Frees {
    blocks: Blocks,
    deferred: Deferred,
}

impl Frees {
    fn push(&self, from: u32, count: u32) {
        for index in from..from + count {
            let node = self.blocks.used(index);
            // SAFETY: the block is this agent's.
            while !unsafe { self.deferred.push(node) } {
                crate::world::pause();
            }
        }
    }
}

/// Two agents free, one has the arena and takes what there is.
///
/// Seen to fail with the push's exchange Relaxed, with the take's swap Relaxed, and with a take that loads the head and then stores null.
#[must_use]
pub fn deferred_blocks_are_taken_once() -> Scene {
    let each = rounds(2);
    Stage::new(Frees {
        blocks: Blocks::new(2 * each),
        deferred: Deferred::new(),
    })
    .thread(|frees| {
        for _ in 0..2 {
            frees.blocks.take_all(frees.deferred.take());
        }
    })
    .thread(move |frees| frees.push(0, each))
    .thread(move |frees| frees.push(each, each))
    .end(|frees| {
        frees.blocks.take_all(frees.deferred.take());
        frees.blocks.check();
    })
}

struct Batches {
    blocks: Blocks,
    exchange: Exchange<1>,
    /// Batches that there was no room for.
    back: Tally,
}

impl Batches {
    fn new(count: u32) -> Self {
        Self {
            blocks: Blocks::new(2 * count),
            exchange: Exchange::new(),
            back: Tally::default(),
        }
    }

    /// Puts a batch of two, or uses it.
    fn put(&self, index: u32) {
        let [first, second] = [2 * index, 2 * index + 1].map(|index| self.blocks.used(index));
        // SAFETY: both blocks are this agent's.
        unsafe {
            Node::set_next(second, ptr::null_mut());
            Node::set_next(first, second);
            if !self.exchange.put(0, first) {
                self.back.add();
                self.blocks.take_all(first);
            }
        }
    }

    fn take(&self) {
        self.blocks.take_all(self.exchange.take(0));
    }

    fn check(&self) {
        for _ in 0..PLACES {
            self.take();
        }
        self.blocks.check();
    }
}

/// Agents put and take.
///
/// Seen to fail with the put's exchange Relaxed, with the take's swap Relaxed, and with a put that loads null and then stores.
#[must_use]
pub fn batches_change_hands() -> Scene {
    Stage::new(Batches::new(3))
        .thread(|batches| {
            batches.put(0);
            batches.take();
        })
        .thread(|batches| {
            batches.put(1);
            batches.take();
        })
        .thread(|batches| {
            batches.take();
            batches.put(2);
        })
        .end(Batches::check)
}

/// There is one batch more than there are places: the last stays with its agent.
///
/// Seen to fail with a put that says yes when no place is left.
#[must_use]
pub fn more_batches_than_places() -> Scene {
    const LAST: u32 = PLACES as u32;
    let batches = Batches::new(LAST + 1);
    for index in 0..LAST - 1 {
        batches.put(index);
    }
    Stage::new(batches)
        .thread(|batches| batches.put(LAST - 1))
        .thread(|batches| batches.put(LAST))
        .end(|batches| {
            assert_eq!(batches.back.get(), 1);
            batches.check();
        })
}

/// Pages, of which a few have been put into the pool.
struct Pool {
    pages: Pages<2>,
    notes: Vec<Note>,
}

impl Pool {
    fn new(first: u32, count: u32) -> Self {
        let pages = Pages::new();
        pages.put(first, count);
        Self {
            pages,
            notes: (0..64).map(|_| Note::default()).collect(),
        }
    }

    /// Uses a run that is this agent's, and puts it back.
    fn r#use(&self, first: u32, count: u32) {
        for page in first..first + count {
            self.notes[page as usize].add();
        }
        self.pages.put(first, count);
    }

    fn take(&self, count: u32) {
        if let Some(first) = self.pages.take(count) {
            self.r#use(first, count);
        }
    }

    fn take_at(&self, first: u32, count: u32) {
        if self.pages.take_at(first, count) {
            self.r#use(first, count);
        }
    }

    /// All of them are there again, each once.
    fn check(&self, first: u32, count: u32) {
        assert_eq!(self.pages.count(), count);
        assert!(self.pages.take_at(first, count));
        assert_eq!(self.pages.take(1), None);
    }
}

/// Agents want runs that overlap, in two words: each page is one agent's at a time, and none is lost.
///
/// Seen to fail with `set` and `take_part` Relaxed, with a part that is taken by a load and a store, and without what is put back when a
/// later part is lost.
#[must_use]
pub fn runs_overlap() -> Scene {
    Stage::new(Pool::new(30, 4))
        .thread(|pool| pool.take(3))
        .thread(|pool| pool.take_at(32, 2))
        .end(|pool| pool.check(30, 4))
}

/// A run whose second part belongs to somebody: the first part is free again afterwards.
///
/// Seen to fail with what is put back being one page more or less than what was taken.
#[must_use]
pub fn a_run_across_words_is_put_back() -> Scene {
    Stage::new(Pool::new(30, 3))
        .thread(|pool| pool.take_at(30, 4))
        .thread(|pool| pool.take_at(31, 2))
        .thread(|pool| pool.take(1))
        .end(|pool| pool.check(30, 3))
}

/// Three agents want a page each, and there are as many in a word: each gets one.
///
/// Seen to fail with a search that goes on behind all the pages of a word when the first was lost.
#[must_use]
pub fn a_page_for_each() -> Scene {
    let one = |pool: &Pool| {
        let page = pool.pages.take(1).expect("there is one");
        pool.notes[page as usize].add();
    };
    Stage::new(Pool::new(30, 3))
        .thread(one)
        .thread(one)
        .thread(one)
        .end(|pool| {
            assert_eq!(pool.pages.count(), 0);
            pool.pages.put(30, 3);
            pool.check(30, 3);
        })
}

/// Whoever takes pages that were just put finds them counted, so that an agent that ends in between hides none.
///
/// Seen to fail with a `put` that counts when the bits are set.
#[must_use]
pub fn pages_are_counted_before_they_are_there() -> Scene {
    Stage::new(Pool::new(0, 0))
        .thread(|pool| pool.pages.put(31, 2))
        .thread(|pool| {
            if pool.pages.take_at(31, 1) {
                assert!(pool.pages.count() <= 1);
                pool.r#use(31, 1);
            }
        })
        .end(|pool| pool.check(31, 2))
}

/// Some of the pages that one agent wants are not there: it hides none of the others from those who want these.
///
/// Seen to fail with a `take_at` that takes the first part before it has looked at the second.
#[must_use]
pub fn what_cannot_be_taken_stays() -> Scene {
    let all = |pool: &Pool| assert!(!pool.pages.take_at(30, 5));
    Stage::new(Pool::new(30, 4))
        .thread(all)
        .thread(all)
        .thread(|pool| {
            let page = pool.pages.take(4).expect("they are there");
            pool.r#use(page, 4);
        })
        .end(|pool| pool.check(30, 4))
}

/// A memory that grows by two pages at a time, and the pool.
struct Growing {
    pool: Pool,
    hands: Hands,
    /// Growths that have been asked for, of the two that there are.
    memory: Roster<Place, 2>,
}

impl Growing {
    fn grow(&self) -> Option<u32> {
        let first = 31 + 2 * self.memory.number()?;
        self.pool.notes[first as usize].add();
        self.pool.notes[first as usize + 1].add();
        Some(first)
    }

    /// Grows by two pages, and keeps one.
    fn keep(&self) {
        let kept = self.hands.hold(|| {
            let first = self.grow()?;
            self.pool.pages.put(first + 1, 1);
            Some(first)
        });
        if let Some(page) = kept {
            self.pool.notes[page as usize].add();
        }
    }

    /// Looks for a page, again as long as it cannot be sure that there is none. There is one if the memory has ended.
    fn find(&self) {
        for _ in 0..3 {
            let before = self.hands.seen();
            let found = self.pool.pages.take(1).or_else(|| self.grow());
            if let Some(page) = found {
                return self.pool.notes[page as usize].add();
            }
            assert!(!before.is_empty() || self.hands.seen() != before);
            crate::world::pause();
        }
    }
}

/// Whoever finds no page although there is one knows that it may be in somebody's hands.
///
/// Seen to fail with a `hold` that has ended before the pages are put, with one that leaves the word as it was, without either fence, and
/// with the subtraction or the load in `seen` Relaxed.
#[must_use]
pub fn who_finds_none_sees_whose_hands_they_are_in() -> Scene {
    Stage::new(Growing {
        pool: Pool::new(0, 0),
        hands: Hands::new(),
        memory: Roster::new(),
    })
    .thread(Growing::keep)
    .thread(Growing::keep)
    .thread(Growing::find)
    .end(|growing| assert!(growing.pool.pages.count() <= 2))
}

struct Place {
    lock: TryLock,
    note: Note,
}

struct Places {
    roster: Roster<Place, 4>,
    entered: Tally,
}

impl Places {
    /// Enters some arena, or makes one.
    fn enter(&self) {
        for number in 0..self.roster.count() {
            let Some(place) = self.roster.get(number) else {
                continue;
            };
            if let Some(held) = place.lock.try_lock() {
                place.note.add();
                self.entered.add();
                drop(held);
                return;
            }
        }
        let Some(number) = self.roster.number() else {
            return;
        };
        let place = Box::into_raw(Box::new(Place {
            lock: TryLock::taken(),
            note: Note::default(),
        }));
        // SAFETY: made by this agent, which has it, and it stays until the scene ends.
        unsafe {
            let held = (*place).lock.assume_taken();
            self.roster.publish(number, place);
            (*place).note.add();
            self.entered.add();
            drop(held);
        }
    }

    fn check(&self) {
        let mut sum = 0;
        for number in 0..self.roster.count() {
            let place = self.roster.get(number).expect("each number has an arena");
            assert!(place.lock.try_lock().is_some(), "it is free");
            sum += place.note.get();
            // SAFETY: made by `enter`, and the scene has ended.
            drop(unsafe { Box::from_raw(ptr::from_ref(place).cast_mut()) });
        }
        assert_eq!(sum, self.entered.get());
    }
}

/// Three agents come at once, when there is no arena: each gets one to itself.
///
/// Seen to fail with the lock's exchange or its store Relaxed, with a lock that is let go of when it could not be had, with `publish` or `get` Relaxed, and with a number that is loaded and then stored.
#[must_use]
pub fn agents_make_and_find_arenas() -> Scene {
    Stage::new(Places {
        roster: Roster::new(),
        entered: Tally::default(),
    })
    .thread(Places::enter)
    .thread(|places| {
        places.enter();
        places.enter();
    })
    .thread(Places::enter)
    .end(Places::check)
}

/// An arena with the list of what was freed while it was busy.
struct Arena {
    blocks: Blocks,
    lock: TryLock,
    deferred: Deferred,
    /// Behind the lock: what was taken from the list and is not freed yet.
    pending: UnsafeCell<*mut Node>,
    /// Behind the lock as well.
    note: Note,
}

// SAFETY: `pending` is behind the lock.
unsafe impl Sync for Arena {}
// SAFETY: as above.
unsafe impl Send for Arena {}

impl Arena {
    /// Frees one deferred block, as `Locked::drain` does with a limit of one.
    fn drain(&self) {
        // SAFETY: the caller has the lock.
        unsafe {
            if (*self.pending.get()).is_null() {
                *self.pending.get() = self.deferred.take();
            }
            let node = *self.pending.get();
            if !node.is_null() {
                *self.pending.get() = Node::next(node);
                Node::set_next(node, ptr::null_mut());
                self.blocks.take_all(node);
            }
        }
        self.note.add();
    }

    fn free(&self, index: u32) {
        let node = self.blocks.used(index);
        loop {
            if let Some(held) = self.lock.try_lock() {
                self.drain();
                // SAFETY: this agent's block.
                unsafe { Node::set_next(node, ptr::null_mut()) };
                self.blocks.take_all(node);
                drop(held);
                return;
            }
            // SAFETY: as above.
            if unsafe { self.deferred.push(node) } {
                return;
            }
            crate::world::pause();
        }
    }
}

/// Agents free blocks of one arena: into it, or into its list, from where others take them. Each is freed once.
///
/// Seen to fail with the lock's store Relaxed, with a lock that is let go of when it could not be had, and with a push or a take that is Relaxed.
#[must_use]
pub fn freed_or_deferred() -> Scene {
    Stage::new(Arena {
        blocks: Blocks::new(4),
        lock: TryLock::new(),
        deferred: Deferred::new(),
        pending: UnsafeCell::new(ptr::null_mut()),
        note: Note::default(),
    })
    .thread(|arena| {
        arena.free(0);
        arena.free(1);
    })
    .thread(|arena| arena.free(2))
    .thread(|arena| arena.free(3))
    .end(|arena| {
        for _ in 0..4 {
            assert!(arena.lock.try_lock().is_some());
            arena.drain();
        }
        arena.blocks.check();
    })
}
