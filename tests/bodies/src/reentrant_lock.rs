//! Bodies for `ReentrantLock`.

use std::sync::Arc;
use std::time::Duration;

use web_sync::ReentrantLock;
use web_sync_testkit::{Pool, TIMEOUT};

use crate::{Dice, Shared, everywhere};

/// A pair under a lock.
#[derive(Default)]
struct State {
    lock: ReentrantLock<Shared>,
    rounds: u32,
}

fn state(rounds: u32) -> Arc<State> {
    Arc::new(State {
        rounds,
        ..State::default()
    })
}

impl State {
    /// Takes as many steps as it is deep, each under one guard more.
    fn nest(&self, depth: u32) {
        let Some(fewer) = depth.checked_sub(1) else {
            return;
        };
        let pair = match depth % 3 {
            0 => self.lock.lock(),
            1 => self.lock.try_lock_for(TIMEOUT).expect("nobody dies"),
            _ => loop {
                if let Some(pair) = self.lock.try_lock() {
                    break pair;
                }
                core::hint::spin_loop();
            },
        };
        let before = pair.step();
        self.nest(fewer);
        // Nobody came in when the inner guards were dropped.
        assert_eq!(pair.get(), before + u64::from(fewer));
    }
}

/// Every agent locks while it holds the lock: nobody meets a torn value, nobody gets in between.
pub async fn agents_exclude_each_other(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let steps = everywhere(pool, &state, |state, index| {
        let mut dice = Dice::new(index);
        let mut steps = 0;
        for _ in 0..state.rounds {
            let depth = dice.roll(5);
            state.nest(depth);
            steps += u64::from(depth);
        }
        steps
    })
    .await;
    assert_eq!(state.lock.lock().get(), steps.iter().sum::<u64>());
}

/// Some give up waiting, and others lock on.
pub async fn timed_out_waiters_lose_nothing(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let steps = everywhere(pool, &state, |state, index| {
        let mut dice = Dice::new(index);
        let mut steps = 0;
        for _ in 0..state.rounds {
            let timeout = Duration::from_micros(u64::from(dice.roll(100)));
            if let Some(pair) = state.lock.try_lock_for(timeout) {
                pair.step();
                state.nest(2);
                steps += 3;
            }
        }
        steps
    })
    .await;
    let pair = state.lock.try_lock().expect("nobody else holds it");
    assert_eq!(pair.get(), steps.iter().sum::<u64>());
}
