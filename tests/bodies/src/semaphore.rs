//! Bodies for `Semaphore`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use web_sync::{Semaphore, TryAcquireError};
use web_sync_testkit::{Pool, TIMEOUT};

use crate::{Dice, Shared, everywhere, join, on_workers, poll_once, yield_now};

/// How many permits there are.
const PERMITS: u32 = 3;

/// What permits are for: a room for as many as there are permits, and a pair for who has all of them.
struct Site {
    permits: Arc<Semaphore>,
    inside: AtomicU32,
    pair: Shared,
    rounds: u32,
}

impl Site {
    fn new(permits: u32, rounds: u32) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(permits as usize)),
            inside: AtomicU32::new(0),
            pair: Shared::default(),
            rounds,
        })
    }

    /// Works under so many permits; returns how many steps it has taken.
    fn work(&self, permits: u32) -> u64 {
        let inside = self.inside.fetch_add(permits, Ordering::Relaxed) + permits;
        assert!(inside <= PERMITS, "{inside} permits are given");
        let steps = if permits == PERMITS {
            self.pair.step();
            1
        } else {
            self.pair.get();
            0
        };
        self.inside.fetch_sub(permits, Ordering::Relaxed);
        steps
    }

    fn visit(&self, index: u32) -> u64 {
        let mut dice = Dice::new(index);
        let mut steps = 0;
        for round in 0..self.rounds {
            let permits = dice.roll(PERMITS) + 1;
            let permit = match round % 3 {
                0 => self.permits.acquire_many(permits).unwrap(),
                1 => self.permits.try_acquire_many_for(permits, TIMEOUT).unwrap(),
                _ => loop {
                    if let Ok(permit) = self.permits.try_acquire_many(permits) {
                        break permit;
                    }
                    core::hint::spin_loop();
                },
            };
            steps += self.work(permits);
            drop(permit);
        }
        steps
    }

    async fn visit_async(self: Arc<Self>, index: u32) -> u64 {
        let mut dice = Dice::new(index);
        let mut steps = 0;
        for round in 0..self.rounds {
            let permits = dice.roll(PERMITS) + 1;
            if round % 2 == 0 {
                let permit = self.permits.acquire_many_async(permits).await.unwrap();
                steps += self.work(permits);
                drop(permit);
            } else {
                let semaphore = Arc::clone(&self.permits);
                let permit = semaphore.acquire_many_owned_async(permits).await.unwrap();
                steps += self.work(permits);
                drop(permit);
            }
        }
        steps
    }

    /// All permits are there, and all steps were taken.
    fn check(&self, steps: impl IntoIterator<Item = u64>) {
        assert_eq!(self.permits.available_permits(), PERMITS as usize);
        assert!(self.permits.try_acquire_many(PERMITS).is_ok());
        assert_eq!(self.pair.get(), steps.into_iter().sum::<u64>());
    }
}

/// Every agent takes one, some or all permits, in each way: never are more given than there are, and who has all is alone.
pub async fn never_more_than_there_are(pool: &Pool, rounds: u32) {
    let site = Site::new(PERMITS, rounds);
    let steps = everywhere(pool, &site, Site::visit).await;
    site.check(steps);
}

/// Blocking workers, workers with tasks and a task here.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let site = Site::new(PERMITS, rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let (site, number) = (site.clone(), index as u32);
        handles.push(if index % 2 == 0 {
            pool.run(index, move || site.visit(number))
        } else {
            pool.run_async(index, move || site.visit_async(number))
        });
    }
    let mut steps = vec![site.clone().visit_async(pool.len() as u32).await];
    steps.extend(join(handles).await);
    site.check(steps);
}

/// Futures are dropped before, while and after they are handed their permits: none is lost, none is given twice.
pub async fn cancelled_tasks_lose_nothing(pool: &Pool, rounds: u32) {
    let site = Site::new(PERMITS, rounds);
    let handles = on_workers(pool, &site, Site::visit).await;
    let mut dice = Dice::new(rounds);
    let mut steps = 0;
    for _ in 0..rounds {
        let permits = dice.roll(PERMITS) + 1;
        let mut acquires = pin!(site.permits.acquire_many_async(permits));
        for _ in 0..dice.roll(4) {
            if let Poll::Ready(permit) = poll_once(acquires.as_mut()).await {
                steps += site.work(permits);
                drop(permit);
                break;
            }
            if dice.roll(2) == 0 {
                yield_now().await;
            }
        }
    }
    let mut all = join(handles).await;
    all.push(steps);
    site.check(all);
}

/// Waits that time out leave their place and what they were handed to the next.
pub async fn timed_out_waiters_lose_nothing(pool: &Pool, rounds: u32) {
    let site = Site::new(PERMITS, rounds);
    let steps = everywhere(pool, &site, |site, index| {
        let mut dice = Dice::new(index);
        let mut steps = 0;
        for _ in 0..site.rounds {
            let timeout = Duration::from_micros(u64::from(dice.roll(200)));
            let permits = dice.roll(PERMITS) + 1;
            match site.permits.try_acquire_many_for(permits, timeout) {
                Ok(permit) => {
                    steps += site.work(permits);
                    drop(permit);
                }
                Err(error) => assert_eq!(error, TryAcquireError::NoPermits),
            }
        }
        steps
    })
    .await;
    site.check(steps);
}

/// This agent makes one permit at a time, workers use them up, some two at once; when all have been made the semaphore is closed, and
/// everybody knows.
pub async fn made_and_used_up(pool: &Pool, rounds: u32) {
    let site = Site::new(0, rounds);
    let handles = on_workers(pool, &site, |site, index| {
        let each = index % 2 + 1;
        let mut used = 0;
        while let Ok(permit) = site.permits.acquire_many(each) {
            permit.forget();
            used += each as usize;
        }
        assert!(site.permits.is_closed());
        used
    })
    .await;
    for _ in 0..rounds {
        site.permits.add_permits(1);
    }
    site.permits.close();
    let used: usize = join(handles).await.into_iter().sum();
    assert_eq!(used + site.permits.available_permits(), rounds as usize);
}
