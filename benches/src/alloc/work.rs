//! What programs do with an allocator.
//!
//! | case | what |
//! |---|---|
//! | churn | each agent has 64 blocks of 8 to 263 bytes, and replaces one after the other |
//! | producer/consumer | half of the agents allocate, 16 to 271 bytes, the others free; an agent alone does both |
//! | larson | each agent replaces blocks of 16 bytes to 32 KiB in one of several sets, and goes on to the next set, so that it frees what others have allocated (after Larson and Krishnan, "Memory allocation for long-running server applications", 1998) |
//! | vectors | each agent lets 16 buffers grow in any order, from 16 bytes to 32 KiB and twice as much each time, and writes to what they get |
//! | phases | one agent after the other allocates 8 MiB in blocks of one size, and frees them: 40, 104, 600, 5,000 bytes |
//! | starts | agents that have not allocated before do it for the first time together, 100 blocks of 8 to 263 bytes each |
//!
//! For the memory that is held the agents of churn keep their blocks until all have done their work, so that it is the same memory with
//! every allocator; and there are also 16,384 blocks for each in place of 64, which are 2.2 MB.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::rivals::Allocator;
use crate::clock::now;

/// Blocks that an agent has at a time.
pub const LIVE: usize = 64;
/// Places between a producer and its consumer.
const RING: usize = 256;
/// Blocks in a set, and sets for each agent.
const SET: usize = 256;
/// Blocks of an agent that has many.
pub const MANY: usize = 16_384;
/// Buffers that grow, their first size and their last.
const BUFFERS: usize = 16;
const FIRST: usize = 16;
const LAST: usize = 32 * 1024;
/// Bytes of a phase.
const PHASE: usize = 8 << 20;
/// The blocks' sizes in the phases, in turn.
const PHASES: [u32; 4] = [40, 104, 600, 5_000];
/// The first blocks of an agent.
const FIRST_BLOCKS: usize = 100;

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
    end: Gate,
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
            end: Gate::new(agents),
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
    let mut live = [ptr::null_mut(); LIVE];
    scene.gate.pass();
    let start = now();
    replace::<A>(&mut live, agent, count);
    live.into_iter().for_each(free::<A>);
    (now() - start, count)
}

/// Churn with `N` blocks that are kept until all agents have done their work.
pub fn hold<A: Allocator, const N: usize>(scene: &Scene, agent: u32, count: u32) -> Measured {
    let mut live = vec![ptr::null_mut(); N];
    scene.gate.pass();
    let start = now();
    replace::<A>(&mut live, agent, count);
    let taken = now() - start;
    scene.end.pass();
    live.into_iter().for_each(free::<A>);
    (taken, count)
}

#[inline(always)]
fn replace<A: Allocator>(live: &mut [*mut u32], agent: u32, count: u32) {
    let mut dice = Dice::new(agent + 1);
    for at in 0..count {
        let place = &mut live[at as usize % live.len()];
        free::<A>(*place);
        *place = allocate::<A>(8 + dice.roll(256));
    }
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

pub fn vectors<A: Allocator>(scene: &Scene, agent: u32, count: u32) -> Measured {
    let layout = |size| Layout::from_size_align(size, 8).expect("a small power of two");
    let write = |block: *mut u8, from: usize, to: usize| {
        assert!(!block.is_null(), "no memory");
        for at in (from..to).step_by(64) {
            // SAFETY: within the buffer.
            unsafe { block.add(at).write(1) };
        }
    };
    let mut dice = Dice::new(agent + 1);
    let mut buffers = [(ptr::null_mut::<u8>(), 0); BUFFERS];
    scene.gate.pass();
    let start = now();
    for _ in 0..count {
        let (block, size) = &mut buffers[dice.roll(BUFFERS as u32) as usize];
        // SAFETY: a buffer has the size that is beside it; 0 is none.
        unsafe {
            if *size == LAST {
                A::get().dealloc(*block, layout(*size));
                *size = 0;
            }
            let (old, new) = (*size, if *size == 0 { FIRST } else { 2 * *size });
            *block = match old {
                0 => A::get().alloc(layout(new)),
                old => A::get().realloc(*block, layout(old), new),
            };
            *size = new;
            write(*block, old, new);
        }
    }
    for (block, size) in buffers.into_iter().filter(|(_, size)| *size > 0) {
        // SAFETY: as above.
        unsafe { A::get().dealloc(block, layout(size)) };
    }
    (now() - start, count)
}

pub fn phases<A: Allocator>(_: &Scene, agent: u32, _: u32) -> Measured {
    let size = PHASES[agent as usize % PHASES.len()];
    let count = PHASE / size as usize;
    let mut live = Vec::with_capacity(count);
    let start = now();
    live.extend((0..count).map(|_| allocate::<A>(size)));
    live.into_iter().for_each(free::<A>);
    (now() - start, count as u32)
}

pub fn starts<A: Allocator>(scene: &Scene, agent: u32, _: u32) -> Measured {
    let mut dice = Dice::new(agent + 1);
    let mut live = [ptr::null_mut(); FIRST_BLOCKS];
    scene.gate.pass();
    let start = now();
    live.fill_with(|| allocate::<A>(8 + dice.roll(256)));
    let taken = now() - start;
    live.into_iter().for_each(free::<A>);
    A::exit();
    (taken, FIRST_BLOCKS as u32)
}
