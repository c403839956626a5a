//! What the main thread does by `await`, on the same locks and in the same queues as the blocking calls. `std` has no such thing.

use web_time::Instant;

use crate::flower::{Flower, Rules};
use crate::locks::ours::GARDEN;
use crate::milliseconds;

/// Changes the rules; returns how long that waited for the lock, in milliseconds.
pub async fn set_rules(rules: Rules) -> f64 {
    let start = Instant::now();
    let mut shared = GARDEN.rules.write_async().await.unwrap();
    let waited = milliseconds(start);
    *shared = rules;
    waited
}

/// Visits the flower some times; returns how long each visit waited for the lock, in milliseconds.
pub async fn visit(agent: usize, times: usize) -> Vec<f64> {
    let mut waits = Vec::with_capacity(times);
    for _ in 0..times {
        let rules = *GARDEN.rules.read_async().await.unwrap();
        let start = Instant::now();
        let mut flower = GARDEN.flower.lock_async().await.unwrap();
        let waited = milliseconds(start);
        flower.visit(agent, rules);
        drop(flower);
        waits.push(waited);
    }
    waits
}

/// Looks at the flower.
pub async fn look(see: impl FnOnce(&Flower)) {
    see(&GARDEN.flower.lock_async().await.unwrap());
}

/// Waits until more than `seen` rounds are complete; returns how many are.
pub async fn rounds(seen: u64) -> u64 {
    let flower = GARDEN.flower.lock_async().await.unwrap();
    let not_yet = |flower: &mut Flower| flower.rounds() <= seen;
    let flower = GARDEN.change.wait_while_async(flower, not_yet).await;
    flower.unwrap().rounds()
}
