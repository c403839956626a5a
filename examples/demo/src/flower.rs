//! The data that the locks protect: plain Rust, which knows nothing of locks or threads.

/// The main thread is agent 0, the workers follow.
pub const AGENTS: usize = 9;

/// Seeds of the flower.
pub const SEEDS: usize = 1000;

/// After so many visits a worker tells the main thread.
pub const ROUND: u64 = 1 << 16;

/// A seed keeps its colour for so many frames.
const REST: u16 = 90;

/// What a visit is like. Behind the `RwLock`: every visitor reads it, the main thread writes it once a frame.
#[derive(Clone, Copy)]
pub struct Rules {
    /// How long a visit takes, in steps of busy work.
    pub steps: u32,
    /// The frame that the page is about to draw; wraps at 12 bits.
    pub frame: u16,
}

/// What is visited. Behind the `Mutex`.
pub struct Flower {
    /// Of each seed: in 4 bits the agent that coloured it, plus 1 (0: nobody yet); in 12 bits the frame when it did.
    pub seeds: [u16; SEEDS],
    /// How often each agent was here.
    pub visits: [u64; AGENTS],
    /// Workers up to this one are to work, the others are to sleep.
    pub workers: usize,
    next: usize,
    noise: u32,
}

impl Flower {
    pub const fn new() -> Self {
        let mut seeds = [0; SEEDS];
        let mut seed = 0;
        while seed < SEEDS {
            // Their rest ends one after the other, so that rings of colour run outwards.
            let early = (SEEDS - seed) * REST as usize / SEEDS;
            seeds[seed] = (early as u16).wrapping_neg() << 4;
            seed += 1;
        }
        Self {
            seeds,
            visits: [0; AGENTS],
            workers: 0,
            next: 0,
            noise: 1,
        }
    }

    /// One visit: some work, one seed looked at, one visit counted.
    pub fn visit(&mut self, agent: usize, rules: Rules) {
        for _ in 0..rules.steps {
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 17;
            self.noise ^= self.noise << 5;
        }
        let seed = &mut self.seeds[self.next];
        let age = rules.frame.wrapping_sub(*seed >> 4) & 0xfff;
        if age >= REST {
            *seed = rules.frame << 4 | (agent as u16 + 1);
        }
        self.next = (self.next + 1) % SEEDS;
        self.visits[agent] += 1;
    }

    /// How often a round of visits was completed.
    pub fn rounds(&self) -> u64 {
        self.visits.iter().sum::<u64>() / ROUND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(flower: &Flower, seed: usize) -> u16 {
        flower.seeds[seed] & 0xf
    }

    #[test]
    fn a_seed_rests_before_its_colour_changes() {
        let mut flower = Flower::new();
        let mut visit = |agent, frame| {
            for _ in 0..SEEDS {
                flower.visit(agent, Rules { steps: 1, frame });
            }
            colour(&flower, 0)
        };
        assert_eq!(visit(2, 0), 3);
        assert_eq!(visit(5, REST - 1), 3);
        assert_eq!(visit(5, REST), 6);
    }

    #[test]
    fn frames_wrap() {
        let mut flower = Flower::new();
        let mut visit = |agent, frame| {
            for _ in 0..SEEDS {
                flower.visit(agent, Rules { steps: 0, frame });
            }
            colour(&flower, 0)
        };
        assert_eq!(visit(0, 0), 1);
        assert_eq!(visit(1, 0xff0), 2);
        assert_eq!(visit(2, 5), 2);
        assert_eq!(visit(2, (0xff0 + REST) & 0xfff), 3);
    }
}
