//! Bodies for `Event`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use web_sync::Event;
use web_sync_testkit::{Pool, TIMEOUT};

use crate::{Dice, Shared, join, on_workers, poll_once, yield_now};

/// One event for each round, and what was done before it was set.
struct Rounds {
    rounds: Vec<Round>,
}

#[derive(Default)]
struct Round {
    event: Event,
    before: Shared,
}

impl Rounds {
    fn new(rounds: u32) -> Arc<Self> {
        Arc::new(Self {
            rounds: (0..rounds).map(|_| Round::default()).collect(),
        })
    }

    fn wait(&self, index: u32) {
        for (round, place) in (0..).zip(&self.rounds) {
            match (round + index) % 2 {
                0 => place.event.wait(),
                _ => assert!(!place.event.wait_timeout(TIMEOUT).timed_out()),
            }
            place.look();
        }
    }

    async fn wait_async(&self, index: u32) {
        for (round, place) in (0..).zip(&self.rounds) {
            match (round + index) % 2 {
                0 => place.event.wait_async().await,
                _ => assert!(!place.event.wait_timeout_async(TIMEOUT).await.timed_out()),
            }
            place.look();
        }
    }

    fn set(&self) {
        for place in &self.rounds {
            place.before.step();
            place.event.set();
        }
    }
}

impl Round {
    fn look(&self) {
        assert_eq!(self.before.get(), 1);
    }
}

/// The last worker sets what all others wait for, again and again.
pub async fn all_go_on(pool: &Pool, rounds: u32) {
    let places = Rounds::new(rounds);
    let last = pool.len() as u32 - 1;
    let mut handles = Vec::new();
    for index in 0..=last {
        let places = places.clone();
        handles.push(pool.run(index as usize, move || match index == last {
            true => places.set(),
            false => places.wait(index),
        }));
    }
    places.wait(last + 1);
    join(handles).await;
}

/// The same with tasks, on workers and here.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let places = Rounds::new(rounds);
    let last = pool.len() as u32 - 1;
    let mut handles = Vec::new();
    for index in 0..last {
        let places = places.clone();
        handles.push(if index % 2 == 0 {
            pool.run(index as usize, move || places.wait(index))
        } else {
            pool.run_async(index as usize, async move || places.wait_async(index).await)
        });
    }
    let theirs = places.clone();
    handles.push(pool.run(last as usize, move || theirs.set()));
    places.wait_async(last + 1).await;
    join(handles).await;
}

/// Workers set and reset one event without a pause, while futures begin to wait for it, and are dropped: each that was waiting when the
/// event was set goes on.
pub async fn pulses_reach_all_who_wait(pool: &Pool, rounds: u32) {
    struct Pulse {
        event: Event,
        /// The futures of a round wait.
        wait: AtomicU32,
        /// Their event was set, and reset.
        over: AtomicU32,
        rounds: u32,
    }
    let pulse = Arc::new(Pulse {
        event: Event::new(),
        wait: AtomicU32::new(0),
        over: AtomicU32::new(0),
        rounds,
    });
    let handles = on_workers(pool, &pulse, |pulse, index| {
        let mut dice = Dice::new(index);
        while pulse.over.load(Ordering::Relaxed) < pulse.rounds {
            if index > 0 {
                // Comes, and goes, and keeps the queue busy.
                let timeout = Duration::from_micros(u64::from(dice.roll(20)));
                let _ = pulse.event.wait_timeout(timeout);
            } else if pulse.wait.load(Ordering::Acquire) > pulse.over.load(Ordering::Relaxed) {
                pulse.event.set();
                pulse.event.reset();
                pulse.over.fetch_add(1, Ordering::Release);
            }
        }
    })
    .await;
    for round in 0..rounds {
        let mut polled = pin!(pulse.event.wait_async());
        let mut unpolled = pin!(pulse.event.wait_async());
        let mut dropped = Box::pin(pulse.event.wait_async());
        assert!(poll_once(polled.as_mut()).await.is_pending());
        assert!(poll_once(dropped.as_mut()).await.is_pending());
        pulse.wait.fetch_add(1, Ordering::Release);
        if round % 2 == 0 {
            drop(dropped);
        }
        while pulse.over.load(Ordering::Acquire) <= round {
            yield_now().await;
        }
        assert!(!pulse.event.is_set());
        polled.as_mut().await;
        assert!(poll_once(unpolled.as_mut()).await.is_ready());
    }
    join(handles).await;
}
