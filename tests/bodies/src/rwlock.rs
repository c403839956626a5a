//! Bodies for `RwLock`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use web_sync::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
use web_sync_testkit::{Pool, TIMEOUT, time};

use crate::{Dice, Pair, everywhere, join, on_workers, poll_once, yield_now};

struct State {
    pair: RwLock<Pair>,
    rounds: u32,
}

fn state(rounds: u32) -> Arc<State> {
    let pair = RwLock::default();
    Arc::new(State { pair, rounds })
}

/// Every agent reads and writes in turns: no reader meets a torn value, no write is lost.
pub async fn readers_and_writers(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let written = everywhere(pool, &state, |state, index| {
        let mut dice = Dice::new(index);
        let mut written = 0;
        for _ in 0..state.rounds {
            match dice.roll(8) {
                0 => written += u64::from(state.pair.write().unwrap().step() > 0),
                1 => written += u64::from(state.pair.try_write_for(TIMEOUT).unwrap().step() > 0),
                2 => {
                    written += u64::from(
                        state
                            .pair
                            .try_read()
                            .is_ok_and(|pair| pair.get() == u64::MAX),
                    )
                }
                3 => {
                    state.pair.try_read_for(TIMEOUT).unwrap().get();
                }
                _ => {
                    state.pair.read().unwrap().get();
                }
            }
        }
        written
    })
    .await;
    assert_eq!(
        state.pair.read().unwrap().get(),
        written.iter().sum::<u64>()
    );
}

/// A counter that is read under an upgradable lock and written after the upgrade loses no step; downgrading keeps the value.
pub async fn upgrades_and_downgrades(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let written = everywhere(pool, &state, |state, index| {
        let mut dice = Dice::new(index);
        let mut written = 0;
        for _ in 0..state.rounds {
            match dice.roll(4) {
                0 => {
                    let upgradable = state.pair.upgradable_read().unwrap();
                    let before = upgradable.get();
                    let mut pair = RwLockUpgradableReadGuard::upgrade(upgradable);
                    assert_eq!(pair.step(), before + 1, "a writer came between");
                    written += 1;
                }
                1 => {
                    let mut pair = state.pair.write().unwrap();
                    let after = pair.step();
                    let pair = RwLockWriteGuard::downgrade(pair);
                    assert_eq!(pair.get(), after, "a writer came between");
                    written += 1;
                }
                2 => {
                    state.pair.upgradable_read().unwrap().get();
                }
                _ => {
                    state.pair.read().unwrap().get();
                }
            }
        }
        written
    })
    .await;
    assert_eq!(
        state.pair.read().unwrap().get(),
        written.iter().sum::<u64>()
    );
}

/// An upgrade lets the readers finish that are inside, by a thread and by a task.
pub async fn upgrades_wait_for_readers(pool: &Pool, rounds: u32) {
    struct Room {
        lock: RwLock<()>,
        inside: AtomicBool,
        leave: AtomicBool,
    }
    let room = Arc::new(Room {
        lock: RwLock::new(()),
        inside: AtomicBool::new(false),
        leave: AtomicBool::new(false),
    });
    for round in 0..rounds {
        let handle = {
            let room = room.clone();
            pool.run(0, move || {
                let _reader = room.lock.read().unwrap();
                room.inside.store(true, Ordering::Relaxed);
                while !room.leave.load(Ordering::Relaxed) {
                    core::hint::spin_loop();
                }
                // Those who upgrade too early do it now.
                time::spin(Duration::from_micros(200));
                room.inside.store(false, Ordering::Relaxed);
            })
        };
        while !room.inside.load(Ordering::Relaxed) {
            time::sleep(Duration::from_micros(100)).await;
        }
        let upgradable = room.lock.upgradable_read().unwrap();
        let Err(upgradable) = RwLockUpgradableReadGuard::try_upgrade(upgradable) else {
            panic!("an upgrade beside a reader");
        };
        room.leave.store(true, Ordering::Relaxed);
        let alone = if round % 2 == 0 {
            RwLockUpgradableReadGuard::upgrade(upgradable)
        } else {
            RwLockUpgradableReadGuard::upgrade_async(upgradable).await
        };
        assert!(!room.inside.load(Ordering::Relaxed), "a reader is inside");
        room.leave.store(false, Ordering::Relaxed);
        drop(alone);
        handle.join_async().await.unwrap();
    }
}

/// Blocking workers, workers with tasks and a task here share the one queue.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let state = state.clone();
        handles.push(if index % 2 == 0 {
            pool.run(index, move || {
                for round in 0..state.rounds {
                    match round % 4 {
                        0 => {
                            state.pair.write().unwrap().step();
                        }
                        _ => {
                            state.pair.read().unwrap().get();
                        }
                    }
                }
            })
        } else {
            pool.run_async(index, async move || {
                for round in 0..state.rounds {
                    match round % 4 {
                        0 => {
                            state.pair.write_async().await.unwrap().step();
                        }
                        _ => {
                            state.pair.read_async().await.unwrap().get();
                        }
                    }
                }
            })
        });
    }
    for round in 0..rounds {
        match round % 4 {
            0 => {
                state.pair.write_async().await.unwrap().step();
            }
            _ => {
                state.pair.read_async().await.unwrap().get();
            }
        }
    }
    join(handles).await;
    let steps = state.pair.read().unwrap().get();
    let writes = u64::from(rounds.div_ceil(4));
    assert_eq!(steps, writes * (pool.len() as u64 + 1));
}

/// Read, write and upgrade futures are dropped at any time: nobody who stays is forgotten, and the lock is free in the end.
pub async fn cancelled_tasks_lose_nothing(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let handles = on_workers(pool, &state, |state, _| {
        for round in 0..state.rounds {
            match round % 3 {
                0 => {
                    state.pair.write().unwrap().step();
                }
                _ => {
                    state.pair.read().unwrap().get();
                }
            }
        }
    })
    .await;
    let mut dice = Dice::new(rounds);
    for _ in 0..rounds {
        let polls = dice.roll(4);
        match dice.roll(3) {
            0 => {
                let mut future = pin!(state.pair.read_async());
                for _ in 0..polls {
                    if let Poll::Ready(pair) = poll_once(future.as_mut()).await {
                        pair.unwrap().get();
                        break;
                    }
                    yield_now().await;
                }
            }
            1 => {
                let mut future = pin!(state.pair.write_async());
                for _ in 0..polls {
                    if let Poll::Ready(pair) = poll_once(future.as_mut()).await {
                        pair.unwrap().get();
                        break;
                    }
                    yield_now().await;
                }
            }
            _ => {
                let Ok(upgradable) = state.pair.try_upgradable_read() else {
                    continue;
                };
                let mut future = pin!(RwLockUpgradableReadGuard::upgrade_async(upgradable));
                for _ in 0..polls {
                    if let Poll::Ready(pair) = poll_once(future.as_mut()).await {
                        pair.get();
                        break;
                    }
                    yield_now().await;
                }
            }
        }
    }
    join(handles).await;
    let steps = state.pair.try_write().expect("nobody holds it").get();
    assert_eq!(steps, u64::from(rounds.div_ceil(3)) * pool.len() as u64);
}

/// Hundreds of guards at once, from every worker; a writer gets in when they are gone.
pub async fn hundreds_of_readers(pool: &Pool, guards: u32) {
    struct Crowd {
        lock: RwLock<Pair>,
        guards: u32,
        inside: AtomicU32,
        leave: AtomicBool,
    }
    let crowd = Arc::new(Crowd {
        lock: RwLock::default(),
        guards,
        inside: AtomicU32::new(0),
        leave: AtomicBool::new(false),
    });
    let handles = on_workers(pool, &crowd, |crowd, _| {
        let lock = || crowd.lock.read().unwrap();
        let guards: Vec<_> = (0..crowd.guards).map(|_| lock()).collect();
        crowd.inside.fetch_add(crowd.guards, Ordering::Relaxed);
        while !crowd.leave.load(Ordering::Relaxed) {
            core::hint::spin_loop();
        }
        guards.iter().map(|pair| pair.get()).sum::<u64>()
    })
    .await;
    while crowd.inside.load(Ordering::Relaxed) < guards * pool.len() as u32 {
        yield_now().await;
    }
    assert!(crowd.lock.try_write().is_err(), "a writer among readers");
    crowd.leave.store(true, Ordering::Relaxed);
    crowd.lock.write().unwrap().step();
    join(handles).await;
}

/// Readers that overlap without a gap do not keep a writer out.
pub async fn no_writer_starves(pool: &Pool, rounds: u32) {
    struct Race {
        pair: RwLock<Pair>,
        over: AtomicBool,
    }
    let race = Arc::new(Race {
        pair: RwLock::default(),
        over: AtomicBool::new(false),
    });
    let handles = on_workers(pool, &race, |race, _| {
        let mut held = race.pair.read().unwrap();
        while !race.over.load(Ordering::Relaxed) {
            // The next guard is there before the last one goes, unless a writer waits: a reader never waits while it reads.
            match race.pair.try_read() {
                Ok(next) => held = next,
                Err(_) => {
                    drop(held);
                    held = race.pair.read().unwrap();
                }
            }
            held.get();
        }
    })
    .await;
    for _ in 0..rounds {
        race.pair.write().unwrap().step();
    }
    for _ in 0..rounds {
        race.pair.write_async().await.unwrap().step();
    }
    race.over.store(true, Ordering::Relaxed);
    join(handles).await;
    assert_eq!(race.pair.read().unwrap().get(), 2 * u64::from(rounds));
}
