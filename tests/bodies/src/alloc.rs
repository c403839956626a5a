//! A program's allocations, whatever its allocator: blocks of all sizes that keep their contents, freed by whoever has them.

use web_sync::mpsc;
use web_sync_testkit::Pool;

/// Bytes that are all the same, and say which.
pub struct Filled(Vec<u8>);

impl Filled {
    /// So many bytes and one more.
    #[must_use]
    pub fn new(size: usize, fill: u8) -> Self {
        Self(vec![fill; size + 1])
    }

    /// They still are.
    #[track_caller]
    pub fn check(&self) {
        assert!(self.0.iter().all(|byte| *byte == self.0[0]));
    }
}

/// Numbers that are the same in every run. Not from zero.
pub struct Dice(pub u32);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % sides
    }

    /// Mostly small, at times several pages.
    fn size(&mut self) -> usize {
        let size = match self.roll(64) {
            0 => self.roll(400_000),
            1..8 => self.roll(10_000),
            _ => self.roll(500),
        };
        size as usize
    }
}

/// Allocates, grows and frees for so many rounds; now and then somebody else frees.
pub fn work(seed: u32, rounds: u32, give: impl Fn(Filled), take: impl Fn() -> Option<Filled>) {
    let mut dice = Dice(seed);
    let mut kept: Vec<Filled> = Vec::new();
    for round in 0..rounds {
        let mut block = Filled::new(dice.size(), round as u8);
        match dice.roll(8) {
            0 => give(block),
            1 => {
                let first = block.0[0];
                block.0.resize(block.0.len() + dice.size(), first);
                block.check();
            }
            _ => kept.push(block),
        }
        if kept.len() > 100 {
            let at = dice.roll(100) as usize;
            kept.swap_remove(at).check();
        }
        if let Some(block) = take() {
            block.check();
        }
    }
    kept.iter().for_each(Filled::check);
}

/// Every agent allocates, and gives some of its blocks to the next one, which frees them. The numbers of blocks are not equal, so some
/// are freed when all is over.
pub async fn free_each_others_blocks(pool: Pool, rounds: u32) {
    let workers = pool.len();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..=workers).map(|_| mpsc::channel()).unzip();
    let mut ends: Vec<_> = receivers.into_iter().enumerate().collect();
    let (_, here) = ends.pop().expect("this agent's");
    let mut handles = Vec::new();
    for (index, mine) in ends {
        let next = senders[index + 1].clone();
        handles.push(pool.run(index, move || {
            let give = |block| next.send(block).unwrap_or(());
            work(index as u32 + 1, rounds, give, || mine.try_recv().ok());
        }));
    }
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let give = |block| senders[0].send(block).unwrap_or(());
    work(99, rounds, give, || here.try_recv().ok());
    for handle in handles {
        handle.join_async().await.unwrap();
    }
}
