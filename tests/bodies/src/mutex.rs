//! Bodies for `Mutex`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use web_sync::Mutex;
use web_sync_testkit::{Pool, TIMEOUT, time};

use crate::{Dice, Pair, everywhere, join, on_workers, poll_once, yield_now};

struct State {
    pair: Mutex<Pair>,
    rounds: u32,
}

fn state(rounds: u32) -> Arc<State> {
    let pair = Mutex::default();
    Arc::new(State { pair, rounds })
}

/// Every agent steps the pair under `lock`, `try_lock` and `try_lock_for`: nobody meets a torn value, no step is lost.
pub async fn mutual_exclusion(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    everywhere(pool, &state, |state, _| {
        for round in 0..state.rounds {
            let mut pair = match round % 3 {
                0 => state.pair.lock().unwrap(),
                1 => state.pair.try_lock_for(TIMEOUT).unwrap(),
                _ => loop {
                    if let Ok(pair) = state.pair.try_lock() {
                        break pair;
                    }
                    core::hint::spin_loop();
                },
            };
            pair.step();
        }
    })
    .await;
    let steps = state.pair.lock().unwrap().get();
    assert_eq!(steps, u64::from(rounds) * (pool.len() as u64 + 1));
}

/// Blocking workers, workers with tasks and a task here share the one queue: every one gets its turns.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let state = state.clone();
        handles.push(if index % 2 == 0 {
            pool.run(index, move || {
                for _ in 0..state.rounds {
                    state.pair.lock().unwrap().step();
                }
            })
        } else {
            pool.run_async(index, async move || {
                for _ in 0..state.rounds {
                    state.pair.lock_async().await.unwrap().step();
                }
            })
        });
    }
    for round in 0..rounds {
        state.pair.lock_async().await.unwrap().step();
        if round % 7 == 0 {
            yield_now().await;
        }
    }
    join(handles).await;
    let steps = state.pair.lock().unwrap().get();
    assert_eq!(steps, u64::from(rounds) * (pool.len() as u64 + 1));
}

/// Lock futures are dropped before, while and after they are woken: nobody who stays in the queue is forgotten, and the lock is
/// free in the end.
pub async fn cancelled_tasks_lose_nothing(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let handles = on_workers(pool, &state, |state, _| {
        for _ in 0..state.rounds {
            state.pair.lock().unwrap().step();
        }
    })
    .await;
    let mut dice = Dice::new(rounds);
    let mut here = 0;
    for _ in 0..rounds {
        let mut future = pin!(state.pair.lock_async());
        for _ in 0..dice.roll(4) {
            if let Poll::Ready(pair) = poll_once(future.as_mut()).await {
                pair.unwrap().step();
                here += 1;
                break;
            }
            if dice.roll(2) == 0 {
                yield_now().await;
            }
        }
    }
    join(handles).await;
    let steps = state.pair.try_lock().expect("nobody holds it").get();
    assert_eq!(steps, u64::from(rounds) * pool.len() as u64 + here);
}

/// Waits that time out leave nothing behind: those that stay get the lock, and no time-out comes early.
pub async fn timed_out_waiters_lose_nothing(pool: &Pool, rounds: u32) {
    let state = state(rounds);
    let taken = everywhere(pool, &state, |state, index| {
        let mut dice = Dice::new(index);
        let mut taken = 0;
        for _ in 0..state.rounds {
            let timeout = Duration::from_micros(u64::from(dice.roll(300)));
            let begin = time::now();
            match state.pair.try_lock_for(timeout) {
                Ok(mut pair) => {
                    pair.step();
                    taken += 1;
                    if dice.roll(8) == 0 {
                        time::spin(Duration::from_micros(100));
                    }
                }
                Err(_) => {
                    // The clock of a browser is coarse, by as much as 0.1 ms where the page is isolated.
                    let waited = time::now() - begin + Duration::from_micros(200);
                    assert!(waited >= timeout, "{waited:?} of {timeout:?}");
                }
            }
        }
        taken
    })
    .await;
    let steps = state.pair.try_lock().expect("nobody holds it").get();
    assert_eq!(steps, taken.iter().sum::<u64>());
}

/// Nobody stops before everybody has had his rounds: an agent or a task that starved would hang the body.
pub async fn no_waiter_starves(pool: &Pool, rounds: u32) {
    struct Race {
        pair: Mutex<Pair>,
        rounds: u32,
        behind: AtomicU32,
    }
    fn run(race: &Race) {
        let mut turns = 0;
        while race.behind.load(Ordering::Relaxed) > 0 {
            race.pair.lock().unwrap().step();
            turns += 1;
            if turns == race.rounds {
                race.behind.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
    let race = Arc::new(Race {
        pair: Mutex::default(),
        rounds,
        behind: AtomicU32::new(pool.len() as u32 + 1),
    });
    let handles = on_workers(pool, &race, |race, _| run(race)).await;
    // A task here, so that threads, which run without a pause, compete with one that needs its event loop to run.
    for _ in 0..rounds {
        race.pair.lock_async().await.unwrap().step();
    }
    race.behind.fetch_sub(1, Ordering::Relaxed);
    join(handles).await;
}

/// An agent that gives the mutex up and takes it again at once wins most races against a waiter that first has to wake up. After
/// so many lost ones the mutex is the waiter's: eight for a thread, two for a task. (One or two more: whether the first release finds
/// the waiter in the queue is a matter of time.)
pub async fn lost_races_are_bounded(pool: &Pool, waits: u32) {
    struct Race {
        lock: Mutex<()>,
        /// How often the mutex has been taken for somebody to wait for it.
        taken: AtomicU32,
        /// How many waits have begun.
        begun: AtomicU32,
        /// How many waits have ended.
        ended: AtomicU32,
    }
    /// Longer than a wake takes, so that each turn is one lost race.
    const TURN: Duration = Duration::from_millis(20);
    /// A waiter that is still there after so many turns has no bound.
    const MOST: usize = 40;
    /// Takes part in so many waits; returns how many races it has won in each.
    fn barge(race: &Race, waits: u32) -> Vec<usize> {
        let wait = |wait| {
            let mut held = Some(race.lock.lock().unwrap());
            race.taken.store(wait + 1, Ordering::Relaxed);
            while race.begun.load(Ordering::Relaxed) <= wait {
                core::hint::spin_loop();
            }
            let mut won = 0;
            loop {
                time::block(TURN);
                drop(held.take());
                held = race.lock.try_lock().ok();
                let over = || race.ended.load(Ordering::Relaxed) > wait;
                if over() || held.is_none() || won == MOST {
                    drop(held.take());
                    // Not before the waiter has had its turn: who queued behind a task meanwhile could end its reservation.
                    while !over() {
                        core::hint::spin_loop();
                    }
                    break won;
                }
                won += 1;
            }
        };
        (0..waits).map(wait).collect()
    }
    fn check(mut won: Vec<usize>, who: &str, races: usize) {
        won.sort_unstable();
        // In most of the waits, for the system may not let a waiter run that has been woken. Without a bound it is in none.
        let median = won[won.len() / 2];
        assert!(
            median <= races + 2,
            "{who}, which may lose {races} races, lost {median}: {won:?}"
        );
    }
    let new = || {
        Arc::new(Race {
            lock: Mutex::default(),
            taken: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            ended: AtomicU32::new(0),
        })
    };
    let race = new();
    let theirs = race.clone();
    let barger = pool.run(0, move || barge(&theirs, waits));
    let thread = pool.run(1, move || {
        for wait in 0..waits {
            while race.taken.load(Ordering::Relaxed) <= wait {
                core::hint::spin_loop();
            }
            race.begun.store(wait + 1, Ordering::Relaxed);
            let _held = race.lock.lock().unwrap();
            race.ended.store(wait + 1, Ordering::Relaxed);
        }
    });
    thread.join_async().await.unwrap();
    check(barger.join_async().await.unwrap(), "a thread", 8);

    let race = new();
    let theirs = race.clone();
    let barger = pool.run(0, move || barge(&theirs, waits));
    for wait in 0..waits {
        while race.taken.load(Ordering::Relaxed) <= wait {
            time::sleep(Duration::from_millis(1)).await;
        }
        race.begun.store(wait + 1, Ordering::Relaxed);
        let _held = race.lock.lock_async().await.unwrap();
        race.ended.store(wait + 1, Ordering::Relaxed);
    }
    check(barger.join_async().await.unwrap(), "a task", 2);
}
