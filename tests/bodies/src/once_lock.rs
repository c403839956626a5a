//! Bodies for `OnceLock`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use web_sync::OnceLock;
use web_sync_testkit::Pool;

use crate::{Dice, Pair, everywhere, join, on_workers, poll_once, yield_now};

/// One place for each round, so that agents meet again and again at one that is empty.
struct Places {
    places: Vec<OnceLock<Pair>>,
    made: AtomicU32,
}

impl Places {
    fn new(rounds: u32) -> Arc<Self> {
        Arc::new(Self {
            places: (0..rounds).map(|_| OnceLock::new()).collect(),
            made: AtomicU32::new(0),
        })
    }

    /// Makes a value, long enough for others to come meanwhile.
    fn make(&self) -> Pair {
        let mut pair = Pair::default();
        for _ in 0..if cfg!(miri) { 1 } else { 50 } {
            pair.step();
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        pair
    }

    /// Whoever comes, at least one makes the value.
    fn visit(&self, index: u32) {
        for (round, place) in (0..).zip(&self.places) {
            look(match (round + index) % 4 {
                0 => place.wait(),
                1 => match place.get_or_try_init(|| Err(())) {
                    Ok(pair) => pair,
                    Err(()) => place.get_or_init(|| self.make()),
                },
                _ => place.get_or_init(|| self.make()),
            });
        }
    }

    async fn visit_async(&self, index: u32) {
        for (round, place) in (0..).zip(&self.places) {
            look(match (round + index) % 4 {
                0 => place.wait_async().await,
                1 => {
                    let make = async || {
                        yield_now().await;
                        self.make()
                    };
                    place.get_or_init_async(make).await
                }
                _ => place.get_or_init_async(async || self.make()).await,
            });
        }
    }

    /// Each value was made one time.
    fn check(&self) {
        let made = self.made.load(Ordering::Relaxed) as usize;
        assert_eq!(made, self.places.len());
        for place in &self.places {
            look(place.get().expect("it is made"));
        }
    }
}

/// The value is whole.
fn look(pair: &Pair) {
    assert!(pair.get() > 0);
}

/// Every agent gets or makes every value: one makes it, all see it.
pub async fn made_once(pool: &Pool, rounds: u32) {
    let places = Places::new(rounds);
    everywhere(pool, &places, Places::visit).await;
    places.check();
}

/// Blocking workers, workers with tasks and a task here.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let places = Places::new(rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let (places, number) = (places.clone(), index as u32);
        handles.push(if index % 2 == 0 {
            pool.run(index, move || places.visit(number))
        } else {
            pool.run_async(index, async move || places.visit_async(number).await)
        });
    }
    places.visit_async(pool.len() as u32).await;
    join(handles).await;
    places.check();
}

/// Futures are dropped while they wait, and while they make a value: workers that wait make their own.
pub async fn cancelled_tasks_lose_nothing(pool: &Pool, rounds: u32) {
    let places = Places::new(rounds);
    let handles = on_workers(pool, &places, Places::visit).await;
    let mut dice = Dice::new(rounds);
    for place in &places.places {
        let mut made = pin!(place.get_or_init_async(async || {
            yield_now().await;
            places.make()
        }));
        for _ in 0..dice.roll(4) {
            if poll_once(made.as_mut()).await.is_ready() {
                break;
            }
            if dice.roll(2) == 0 {
                yield_now().await;
            }
        }
    }
    join(handles).await;
    places.check();
}
