//! Bodies for `Condvar`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use web_sync::{Condvar, Mutex};
use web_sync_testkit::{Pool, TIMEOUT, time};

use crate::{Dice, everywhere, join, on_workers, poll_once};

/// This agent and a worker take turns, each waiting for the other's notification.
pub async fn ping_pong(pool: &Pool, rounds: u32) {
    struct Table {
        turn: Mutex<u32>,
        changed: Condvar,
        rounds: u32,
    }
    fn play(table: &Table, side: u32) {
        let mut turn = table.turn.lock().unwrap();
        for _ in 0..table.rounds {
            while *turn % 2 != side {
                turn = table.changed.wait(turn).unwrap();
            }
            *turn += 1;
            table.changed.notify_one();
        }
    }
    let table = Arc::new(Table {
        turn: Mutex::new(0),
        changed: Condvar::new(),
        rounds,
    });
    let theirs = table.clone();
    let handle = pool.run(0, move || play(&theirs, 0));
    handle.started().await.unwrap();
    play(&table, 1);
    handle.join_async().await.unwrap();
    assert_eq!(*table.turn.lock().unwrap(), 2 * rounds);
}

/// A short queue with one condvar for "not empty" and one for "not full": workers put and take by turns, this agent does both.
/// Every item arrives once.
pub async fn bounded_queue(pool: &Pool, rounds: u32) {
    const ROOM: usize = 3;
    struct Queue {
        items: Mutex<VecDeque<u32>>,
        not_empty: Condvar,
        not_full: Condvar,
        rounds: u32,
    }
    impl Queue {
        fn put(&self, item: u32) {
            let items = self.items.lock().unwrap();
            let full = |items: &mut VecDeque<u32>| items.len() == ROOM;
            self.not_full
                .wait_while(items, full)
                .unwrap()
                .push_back(item);
            self.not_empty.notify_one();
        }
        fn take(&self) -> u32 {
            let items = self.items.lock().unwrap();
            let empty = |items: &mut VecDeque<u32>| items.is_empty();
            let item = self.not_empty.wait_while(items, empty).unwrap().pop_front();
            self.not_full.notify_one();
            item.expect("it is not empty")
        }
    }
    let queue = Arc::new(Queue {
        items: Mutex::default(),
        not_empty: Condvar::new(),
        not_full: Condvar::new(),
        rounds,
    });
    // As many agents put as take; the one that is left over, this one, does both.
    let pairs = pool.len() as u32 / 2;
    let mut handles = Vec::new();
    for index in 0..2 * pairs {
        let queue = queue.clone();
        handles.push(pool.run(index as usize, move || {
            let mut sum = 0;
            for round in 0..queue.rounds {
                match index % 2 {
                    0 => queue.put(round),
                    _ => sum += u64::from(queue.take()),
                }
            }
            sum
        }));
    }
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let mut sum = 0;
    for round in 0..rounds {
        queue.put(round);
        sum += u64::from(queue.take());
    }
    sum += join(handles).await.into_iter().sum::<u64>();
    let one = u64::from(rounds) * u64::from(rounds - 1) / 2;
    assert_eq!(sum, one * (u64::from(pairs) + 1));
}

/// Tokens that are given one at a time to whoever waits, threads and tasks alike.
struct Tokens {
    left: Mutex<u32>,
    given: Condvar,
    rounds: u32,
}

impl Tokens {
    fn new(rounds: u32) -> Arc<Self> {
        Arc::new(Self {
            left: Mutex::new(0),
            given: Condvar::new(),
            rounds,
        })
    }

    fn give(&self) {
        *self.left.lock().unwrap() += 1;
        self.given.notify_one();
    }

    fn take(&self) {
        let mut left = self.left.lock().unwrap();
        while *left == 0 {
            left = self.given.wait(left).unwrap();
        }
        *left -= 1;
    }

    async fn take_async(&self) {
        let mut left = self.left.lock_async().await.unwrap();
        while *left == 0 {
            left = self.given.wait_async(left).await.unwrap();
        }
        *left -= 1;
    }
}

/// As many tokens as takers want, one notification for each: a notification that went to nobody would leave a taker waiting.
pub async fn no_lost_wakeup(pool: &Pool, rounds: u32) {
    let tokens = Tokens::new(rounds);
    let handles = on_workers(pool, &tokens, |tokens, _| {
        for _ in 0..tokens.rounds {
            tokens.take();
        }
    })
    .await;
    for _ in 0..rounds * pool.len() as u32 {
        tokens.give();
    }
    join(handles).await;
    assert_eq!(*tokens.left.lock().unwrap(), 0);
}

/// The same with tasks among the takers, on a worker and here; the last worker gives.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let tokens = Tokens::new(rounds);
    let giver = pool.len() - 1;
    let mut handles = Vec::new();
    for index in 0..giver {
        let tokens = tokens.clone();
        handles.push(if index % 2 == 0 {
            pool.run(index, move || {
                for _ in 0..tokens.rounds {
                    tokens.take();
                }
            })
        } else {
            pool.run_async(index, async move || {
                for _ in 0..tokens.rounds {
                    tokens.take_async().await;
                }
            })
        });
    }
    let theirs = tokens.clone();
    handles.push(pool.run(giver, move || {
        for _ in 0..theirs.rounds * (giver as u32 + 1) {
            theirs.give();
        }
    }));
    for _ in 0..rounds {
        tokens.take_async().await;
    }
    join(handles).await;
    assert_eq!(*tokens.left.lock().unwrap(), 0);
}

/// Waits that time out and wait futures that are dropped after they were notified: the notification goes to another waiter, so
/// every token is taken although nothing but its own notification calls for it.
pub async fn cancelled_waits_lose_nothing(pool: &Pool, rounds: u32) {
    struct Counter {
        tokens: Mutex<u32>,
        given: Condvar,
        over: AtomicBool,
    }
    impl Counter {
        fn give(&self) {
            *self.tokens.lock().unwrap() += 1;
            self.given.notify_one();
        }
        fn all_are_taken(&self) {
            let deadline = time::now() + TIMEOUT;
            while *self.tokens.lock().unwrap() > 0 {
                assert!(time::now() < deadline, "a notification was lost");
                core::hint::spin_loop();
            }
        }
        fn take(&self) {
            let mut tokens = self.tokens.lock().unwrap();
            while !self.over.load(Ordering::Relaxed) {
                if *tokens > 0 {
                    *tokens -= 1;
                } else {
                    tokens = self.given.wait(tokens).unwrap();
                }
            }
        }
        /// Takes nothing, and passes on what it is notified of.
        fn time_out(&self, index: u32) {
            let mut dice = Dice::new(index);
            while !self.over.load(Ordering::Relaxed) {
                let tokens = self.tokens.lock().unwrap();
                let timeout = Duration::from_micros(u64::from(dice.roll(200)));
                let (tokens, result) = self.given.wait_timeout(tokens, timeout).unwrap();
                drop(tokens);
                if !result.timed_out() {
                    self.given.notify_one();
                }
            }
        }
    }
    let counter = Arc::new(Counter {
        tokens: Mutex::new(0),
        given: Condvar::new(),
        over: AtomicBool::new(false),
    });
    let handles = on_workers(pool, &counter, |counter, index| match index {
        1 => counter.time_out(index),
        _ => counter.take(),
    })
    .await;
    let settle = || time::spin(Duration::from_micros(100));
    for _ in 0..rounds {
        settle();
        let tokens = counter.tokens.lock_async().await.unwrap();
        let mut future = Box::pin(counter.given.wait_async(tokens));
        assert!(poll_once(future.as_mut()).await.is_pending());
        // Those who waited before it are served and queue again, most likely behind it; then it is its turn, and it goes away.
        for _ in 1..pool.len() {
            counter.give();
            settle();
        }
        counter.give();
        drop(future);
        counter.all_are_taken();
    }
    counter.over.store(true, Ordering::Relaxed);
    // Nobody is between the check and the wait while the lock is held.
    drop(counter.tokens.lock().unwrap());
    counter.given.notify_all();
    join(handles).await;
}

/// Everybody waits, somebody notifies all: a barrier, many times over.
pub async fn notify_all_wakes_all(pool: &Pool, rounds: u32) {
    struct Gate {
        arrived: Mutex<u32>,
        opened: Condvar,
        agents: u32,
        rounds: u32,
    }
    let gate = Arc::new(Gate {
        arrived: Mutex::new(0),
        opened: Condvar::new(),
        agents: pool.len() as u32 + 1,
        rounds,
    });
    everywhere(pool, &gate, |gate, _| {
        for round in 1..=gate.rounds {
            let mut arrived = gate.arrived.lock().unwrap();
            *arrived += 1;
            if *arrived == round * gate.agents {
                gate.opened.notify_all();
            }
            while *arrived < round * gate.agents {
                arrived = gate.opened.wait(arrived).unwrap();
            }
        }
    })
    .await;
}

/// A wait that nobody notifies times out, not early, on every agent; one that is notified does not.
pub async fn time_outs(pool: &Pool, rounds: u32) {
    let tokens = Tokens::new(rounds);
    everywhere(pool, &tokens, |tokens, index| {
        let mut dice = Dice::new(index);
        for round in 0..tokens.rounds {
            let timeout = Duration::from_micros(500 + u64::from(dice.roll(2000)));
            let begin = time::now();
            let left = tokens.left.lock().unwrap();
            let result = if round % 2 == 0 {
                let empty = |left: &mut u32| *left == 0;
                let result = tokens.given.wait_timeout_while(left, timeout, empty);
                let (_, result) = result.unwrap();
                assert!(result.timed_out());
                result
            } else {
                tokens.given.wait_timeout(left, timeout).unwrap().1
            };
            // The clock of a browser is coarse, by as much as 0.1 ms where the page is isolated.
            let waited = time::now() - begin + Duration::from_micros(200);
            // Without a condition it may also end because somebody else was meant, or nobody.
            assert!(
                waited >= timeout || !result.timed_out(),
                "{waited:?} of {timeout:?}"
            );
        }
    })
    .await;
    let theirs = tokens.clone();
    let handle = pool.run(0, move || {
        let left = theirs.left.lock().unwrap();
        let empty = |left: &mut u32| *left == 0;
        let waited = theirs.given.wait_timeout_while(left, TIMEOUT, empty);
        waited.unwrap().1.timed_out()
    });
    handle.started().await.unwrap();
    tokens.give();
    assert!(!handle.join_async().await.unwrap());
}

/// One condvar, first with one mutex, then with another.
pub async fn different_mutexes(pool: &Pool, rounds: u32) {
    struct Rooms {
        rooms: [Mutex<u32>; 2],
        entered: Condvar,
        done: AtomicU32,
        rounds: u32,
    }
    let rooms = Arc::new(Rooms {
        rooms: [Mutex::new(0), Mutex::new(0)],
        entered: Condvar::new(),
        done: AtomicU32::new(0),
        rounds,
    });
    let handles = on_workers(pool, &rooms, |rooms, _| {
        for round in 0..2 * rooms.rounds {
            let room = &rooms.rooms[round as usize % 2];
            let guard = room.lock().unwrap();
            let early = |level: &mut u32| *level <= round;
            drop(rooms.entered.wait_while(guard, early).unwrap());
            rooms.done.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await;
    for round in 0..2 * rounds {
        *rooms.rooms[round as usize % 2].lock().unwrap() = round + 1;
        rooms.entered.notify_all();
        // Everybody leaves this room before the next one is used.
        while rooms.done.load(Ordering::Relaxed) < (round + 1) * pool.len() as u32 {
            core::hint::spin_loop();
        }
    }
    join(handles).await;
}
