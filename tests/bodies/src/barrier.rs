//! Bodies for `Barrier`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use web_sync::{Barrier, BarrierWaitResult};
use web_sync_testkit::Pool;

use crate::{Dice, Shared, everywhere, join, on_workers, poll_once, yield_now};

/// Agents that take steps in a room of their own, and meet after each step.
struct Walk {
    barrier: Barrier,
    rooms: Vec<Shared>,
    leaders: AtomicU32,
    rounds: u32,
}

impl Walk {
    fn new(agents: usize, places: usize, rounds: u32) -> Arc<Self> {
        Arc::new(Self {
            barrier: Barrier::new(places),
            rooms: (0..agents).map(|_| Shared::default()).collect(),
            leaders: AtomicU32::new(0),
            rounds,
        })
    }

    /// Everybody has taken so many steps.
    fn look(&self, steps: u32, result: &BarrierWaitResult) {
        for room in &self.rooms {
            assert_eq!(room.get(), u64::from(steps));
        }
        if result.is_leader() {
            self.leaders.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn walk(&self, index: u32) {
        for round in 1..=self.rounds {
            self.rooms[index as usize].step();
            self.look(round, &self.barrier.wait());
            // Nobody takes the next step while somebody looks.
            self.barrier.wait();
        }
    }

    async fn walk_async(&self, index: u32) {
        for round in 1..=self.rounds {
            self.rooms[index as usize].step();
            self.look(round, &self.barrier.wait_async().await);
            self.barrier.wait_async().await;
        }
    }

    /// One led at each step.
    fn check(&self) {
        assert_eq!(self.leaders.load(Ordering::Relaxed), self.rounds);
    }
}

/// Every agent meets all others after each step, and sees what they did.
pub async fn nobody_is_ahead(pool: &Pool, rounds: u32) {
    let walk = Walk::new(pool.len() + 1, pool.len() + 1, rounds);
    everywhere(pool, &walk, Walk::walk).await;
    walk.check();
}

/// Blocking workers, workers with tasks and a task here.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let walk = Walk::new(pool.len() + 1, pool.len() + 1, rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let (walk, number) = (walk.clone(), index as u32);
        handles.push(if index % 2 == 0 {
            pool.run(index, move || walk.walk(number))
        } else {
            pool.run_async(index, async move || walk.walk_async(number).await)
        });
    }
    walk.walk_async(pool.len() as u32).await;
    join(handles).await;
    walk.check();
}

/// Before this agent takes its step, it arrives and leaves again as often as it likes: who has left has not been there. It has two
/// places to fill, so that nobody is let through before it has filled both.
pub async fn who_leaves_has_not_arrived(pool: &Pool, rounds: u32) {
    let walk = Walk::new(pool.len() + 1, pool.len() + 2, rounds);
    let handles = on_workers(pool, &walk, Walk::walk).await;
    let mut dice = Dice::new(rounds);
    for round in 1..=rounds {
        for _ in 0..dice.roll(4) {
            let mut comes = pin!(walk.barrier.wait_async());
            assert!(poll_once(comes.as_mut()).await.is_pending());
            if dice.roll(2) == 0 {
                yield_now().await;
                assert!(poll_once(comes.as_mut()).await.is_pending());
            }
        }
        walk.rooms[pool.len()].step();
        for looks in [true, false] {
            let mut one = pin!(walk.barrier.wait_async());
            assert!(poll_once(one.as_mut()).await.is_pending());
            for result in [walk.barrier.wait_async().await, one.await] {
                if looks {
                    walk.look(round, &result);
                }
            }
        }
    }
    join(handles).await;
    walk.check();
}
