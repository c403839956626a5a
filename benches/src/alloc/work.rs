//! What programs do with an allocator.
//!
//! | case | what |
//! |---|---|
//! | churn | each agent has 64 blocks of 8 to 263 bytes, and replaces one after the other |
//! | producer/consumer | half of the agents allocate, 16 to 271 bytes, the others free; an agent alone does both |
//! | larson | each agent replaces blocks of 16 bytes to 32 KiB in one of several sets, and goes on to the next set, so that it frees what others have allocated (after Larson and Krishnan, "Memory allocation for long-running server applications", 1998) |

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::rivals::Allocator;
use crate::clock::now;

/// Blocks that an agent has at a time.
const LIVE: usize = 64;
/// Places between a producer and its consumer.
const RING: usize = 256;
/// Blocks in a set, and sets for each agent.
const SET: usize = 256;

/// Numbers that are the same in every run.
pub struct Dice(u32);

impl Dice {
    pub fn new(seed: u32) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9) | 1)
    }

    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        // High bits, without a division.
        ((u64::from(self.0) * u64::from(sides)) >> 32) as u32
    }
}

/// A block begins with its size.
fn allocate<A: Allocator>(size: u32) -> *mut u32 {
    // SAFETY: the size is small and not zero, and the block larger than its first number.
    unsafe {
        let layout = Layout::from_size_align_unchecked(size as usize, 8);
        let block = A::get().alloc(layout).cast::<u32>();
        assert!(!block.is_null(), "no memory");
        block.write(size);
        block
    }
}

/// Frees what [`allocate`] has returned, or nothing.
fn free<A: Allocator>(block: *mut u32) {
    if block.is_null() {
        return;
    }
    // SAFETY: allocated by `allocate`, with the size that it begins with.
    unsafe {
        let layout = Layout::from_size_align_unchecked(block.read() as usize, 8);
        A::get().dealloc(block.cast(), layout);
    }
}

/// Lets agents begin together.
pub struct Gate {
    missing: AtomicU32,
}

impl Gate {
    pub fn new(agents: u32) -> Self {
        Self {
            missing: AtomicU32::new(agents),
        }
    }

    fn pass(&self) {
        // Relaxed: it only begins the measurement.
        self.missing.fetch_sub(1, Ordering::Relaxed);
        while self.missing.load(Ordering::Relaxed) > 0 {
            std::hint::spin_loop();
        }
    }
}

/// What the agents of a case share.
pub struct Scene {
    gate: Gate,
    agents: u32,
    /// Producers that have not ended.
    producing: AtomicU32,
    slots: Vec<AtomicPtr<u32>>,
}

impl Scene {
    pub fn new(agents: u32) -> Self {
        let slots = || AtomicPtr::new(ptr::null_mut());
        let count = agents as usize * RING.max(SET);
        Self {
            gate: Gate::new(agents),
            agents,
            producing: AtomicU32::new(agents.div_ceil(2)),
            slots: (0..count).map(|_| slots()).collect(),
        }
    }

    /// Frees what is left.
    pub fn clear<A: Allocator>(&self) {
        for slot in &self.slots {
            free::<A>(slot.swap(ptr::null_mut(), Ordering::Acquire));
        }
    }
}

/// Milliseconds, and how many blocks were allocated and freed in them.
pub type Measured = (f64, u32);

/// What one agent does, `count` times.
pub type Work = fn(&Scene, u32, u32) -> Measured;

pub fn churn<A: Allocator>(scene: &Scene, agent: u32, count: u32) -> Measured {
    let mut dice = Dice::new(agent + 1);
    let mut live = [ptr::null_mut(); LIVE];
    scene.gate.pass();
    let start = now();
    for at in 0..count {
        let place = &mut live[at as usize % LIVE];
        free::<A>(*place);
        *place = allocate::<A>(8 + dice.roll(256));
    }
    live.into_iter().for_each(free::<A>);
    (now() - start, count)
}

/// One agent's part of a loop for the main thread: a batch of 16.
pub fn batch<A: Allocator>(dice: &mut Dice) {
    let mut live = [ptr::null_mut(); 16];
    live.fill_with(|| allocate::<A>(8 + dice.roll(256)));
    live.into_iter().for_each(free::<A>);
}

pub fn hand_over<A: Allocator>(scene: &Scene, agent: u32, count: u32) -> Measured {
    let pair = agent as usize / 2;
    let ring = &scene.slots[pair * RING..(pair + 1) * RING];
    let mut dice = Dice::new(agent + 1);
    scene.gate.pass();
    let start = now();
    if !agent.is_multiple_of(2) {
        let mut at = 0_usize;
        while scene.producing.load(Ordering::Relaxed) > 0 {
            free::<A>(ring[at % RING].swap(ptr::null_mut(), Ordering::Acquire));
            at += 1;
        }
        return (0.0, 0);
    }
    for at in 0..count {
        // Nobody waits: where the consumer is behind, the producer frees itself.
        let block = allocate::<A>(16 + dice.roll(256));
        free::<A>(ring[at as usize % RING].swap(block, Ordering::AcqRel));
    }
    scene.producing.fetch_sub(1, Ordering::Relaxed);
    (now() - start, count)
}

pub fn larson<A: Allocator>(scene: &Scene, agent: u32, count: u32) -> Measured {
    let mut dice = Dice::new(agent + 1);
    let sets = scene.agents as usize;
    scene.gate.pass();
    let start = now();
    for at in 0..count {
        // A set for some hundred turns, then the next one, which another agent has had.
        let set = (agent + at / 512) as usize % sets;
        let slot = &scene.slots[set * SET + dice.roll(SET as u32) as usize];
        // Small ones are more likely.
        let size = 16 + (dice.roll(32_768) >> dice.roll(10));
        free::<A>(slot.swap(allocate::<A>(size), Ordering::AcqRel));
    }
    (now() - start, count)
}
