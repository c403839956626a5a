//! The gate of `NeverWait`, with what stands around it: an inner allocator that is a list behind the gate, and a reserve that is pages.

use core::cell::UnsafeCell;
use core::ptr;

use crate::Scene;
use crate::scene::Stage;
use crate::world::{Note, Tally, rounds, urgent};
use web_sync::agent::{Policy, set_policy};
use web_sync::alloc::parts::{Gate, Inside, Node, Pages};

models![never_wait: who_must_not_wait_takes_from_the_reserve, sleepers_are_woken, sleepers_give_up, an_abandoned_gate_stays_abandoned, blocks_are_left_at_the_gate;
    stale: sleepers_are_woken, blocks_are_left_at_the_gate];

/// A block of the inner allocator.
#[repr(C)]
struct Block {
    node: Node,
    note: Note,
}

/// What agents share.
struct Heap {
    gate: Gate,
    blocks: Vec<Block>,
    /// Behind the gate: the free blocks.
    free: UnsafeCell<*mut Node>,
    pages: Pages<1>,
    /// What is done with each page.
    notes: [Note; 2],
    /// How often a block was used, of whichever kind.
    used: Tally,
}

// SAFETY: who touches what is not his is what the models look for.
unsafe impl Sync for Heap {}
// SAFETY: as above.
unsafe impl Send for Heap {}

impl Heap {
    /// With so many blocks, all of them in use.
    fn new(count: u32) -> Self {
        let pages = Pages::new();
        pages.put(0, 2);
        let block = || Block {
            node: Node::new(),
            note: Note::default(),
        };
        Self {
            gate: Gate::new(),
            blocks: (0..count).map(|_| block()).collect(),
            free: UnsafeCell::new(ptr::null_mut()),
            pages,
            notes: [Note::default(), Note::default()],
            used: Tally::default(),
        }
    }

    /// Works as an agent that may sleep.
    fn sleepy(&self, act: impl FnOnce(&Self)) {
        set_policy(Policy::Auto);
        act(self);
    }

    fn node(&self, index: u32) -> *mut Node {
        ptr::from_ref(&self.blocks[index as usize])
            .cast_mut()
            .cast()
    }

    /// Uses a block that is this agent's.
    fn touch(&self, node: *mut Node) {
        // SAFETY: nodes are blocks.
        unsafe { (*node.cast::<Block>()).note.add() };
        self.used.add();
    }

    /// Frees what was left, as the wrapper does; whether there may be more.
    fn drain(&self, inside: &mut Inside<'_>) -> bool {
        inside.drain(|node| {
            // SAFETY: this agent is inside, and the block is its own.
            unsafe {
                Node::set_next(node, *self.free.get());
                *self.free.get() = node;
            }
        })
    }

    /// Allocates and uses a block of the inner allocator, if it can be had and has one, or of the reserve.
    fn alloc(&self) -> Option<*mut Node> {
        if let Some(mut inside) = self.gate.enter() {
            self.drain(&mut inside);
            // SAFETY: this agent is inside.
            let node = unsafe {
                let node = *self.free.get();
                if !node.is_null() {
                    *self.free.get() = Node::next(node);
                }
                node
            };
            drop(inside);
            if !node.is_null() {
                self.touch(node);
                return Some(node);
            }
        }
        if let Some(page) = self.pages.take(1) {
            self.notes[page as usize].add();
            self.used.add();
            self.pages.put(page, 1);
        }
        None
    }

    /// Uses a block, and frees it into the inner allocator or leaves it at the gate.
    fn free(&self, node: *mut Node) {
        self.touch(node);
        loop {
            if let Some(mut inside) = self.gate.try_enter() {
                // SAFETY: the block is this agent's.
                unsafe { inside.add(node) };
                self.drain(&mut inside);
                return;
            }
            // SAFETY: as above.
            if unsafe { self.gate.defer(node) } {
                return;
            }
            crate::world::pause();
        }
    }

    /// All blocks are free, each once, and all pages.
    fn check(&self) {
        for _ in 0..2 * self.blocks.len() {
            let mut inside = self.gate.try_enter().expect("the gate is free");
            self.drain(&mut inside);
        }
        let (mut count, mut uses) = (0, 0);
        // SAFETY: all roles have ended.
        unsafe {
            let mut node = *self.free.get();
            while !node.is_null() {
                count += 1;
                uses += (*node.cast::<Block>()).note.get();
                node = Node::next(node);
            }
        }
        assert_eq!(count, self.blocks.len(), "each is free once");
        assert!(self.pages.take_at(0, 2));
        uses += self.notes.iter().map(Note::get).sum::<u32>();
        assert_eq!(uses, self.used.get(), "nobody else was there");
    }
}

/// One that may sleep and two that must not, in one heap: whoever gets something has it alone.
///
/// Seen to fail with the gate's swap of who leaves Relaxed, with its exchange Relaxed, with a reserve whose bits are put or taken Relaxed, and with a
/// drain that leaves the block that it frees in the list.
#[must_use]
pub fn who_must_not_wait_takes_from_the_reserve() -> Scene {
    Stage::new(Heap::new(2))
        .thread(|heap| heap.sleepy(|heap| heap.free(heap.node(0))))
        .thread(|heap| {
            urgent(|| {
                if let Some(node) = heap.alloc() {
                    heap.free(node);
                }
            });
        })
        .thread(|heap| {
            heap.free(heap.node(1));
            urgent(|| heap.alloc().into_iter().for_each(|node| heap.free(node)));
        })
        .end(Heap::check)
}

/// Two sleep while a third is inside: each is woken.
///
/// Seen to fail with a gate that wakes nobody, with one who comes in after sleeping and says TAKEN, not AWAITED, and with the swap of who comes in
/// Relaxed.
#[must_use]
pub fn sleepers_are_woken() -> Scene {
    let enter = |heap: &Heap| {
        heap.sleepy(|heap| {
            let inside = heap.gate.enter();
            // Elsewhere this may be an agent that cannot sleep.
            assert!(inside.is_some() || !cfg!(web_sync_loom));
            if inside.is_some() {
                heap.notes[0].add();
                heap.used.add();
            }
        });
    };
    Stage::new(Heap::new(0))
        .thread(enter)
        .thread(enter)
        .thread(enter)
        .spurious(1)
        .end(Heap::check)
}

/// Who has slept for long enough does without, and says so. The gate opens again all the same, and wakes who still sleeps.
///
/// Seen to fail with an ABANDONED that is stored whatever has happened meanwhile, and with a gate that wakes only if it was AWAITED.
#[must_use]
pub fn sleepers_give_up() -> Scene {
    let enter = |heap: &Heap| {
        heap.sleepy(|heap| {
            if let Some(inside) = heap.gate.enter() {
                heap.notes[0].add();
                heap.used.add();
                drop(inside);
            }
        });
    };
    Stage::new(Heap::new(0))
        .thread(enter)
        .thread(enter)
        .thread(enter)
        .timeouts(1)
        .end(Heap::check)
}

/// Somebody has ended inside. Two find that out, each once: there is no time-out for a second sleep.
///
/// Seen to fail with a sleeper that swaps AWAITED into the word, so also over an ABANDONED that it has not seen.
#[must_use]
pub fn an_abandoned_gate_stays_abandoned() -> Scene {
    let heap = Heap::new(0);
    core::mem::forget(heap.gate.try_enter());
    let enter = |heap: &Heap| {
        let twice = |heap: &Heap| {
            for _ in 0..2 {
                assert!(heap.gate.enter().is_none());
            }
        };
        // Elsewhere it would take a second each time.
        if cfg!(web_sync_loom) {
            heap.sleepy(twice);
        } else {
            urgent(|| twice(heap));
        }
    };
    Stage::new(heap)
        .thread(enter)
        .thread(enter)
        .timeouts(2)
        .end(|heap| {
            assert!(heap.gate.try_enter().is_none());
        })
}

/// Everybody frees, and whoever is inside takes only a few of what was left: each is freed once, and none is lost.
///
/// Seen to fail with a push to the list that is Relaxed, with a take that is Relaxed, and with a gate that is left by who could not enter.
#[must_use]
pub fn blocks_are_left_at_the_gate() -> Scene {
    let each = rounds(1);
    Stage::new(Heap::new(2 + each))
        .thread(|heap| heap.free(heap.node(0)))
        .thread(|heap| heap.free(heap.node(1)))
        .thread(move |heap| {
            for index in 0..each {
                heap.free(heap.node(2 + index));
            }
        })
        .end(Heap::check)
}
