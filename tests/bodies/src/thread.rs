//! Bodies for `thread`: parking and unparking.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use web_sync::Mutex;
use web_sync::thread::{self, Thread};
use web_sync_testkit::Pool;

use crate::{Dice, Shared, join, on_workers, poll_once, yield_now};

/// Agents in a circle: each hands the turn to the next by unparking it.
struct Circle {
    /// The tokens alone keep the agents apart: a park that ends without one tears this, and so does an unpark that publishes nothing.
    pair: Shared,
    seats: Mutex<Vec<Option<Thread>>>,
    /// For those who look and do not trust the token.
    turn: AtomicU32,
    rounds: u32,
}

fn circle(pool: &Pool, rounds: u32) -> Arc<Circle> {
    // Tokens that are left from an earlier body.
    thread::park_timeout(Duration::ZERO);
    Arc::new(Circle {
        pair: Shared::default(),
        seats: Mutex::new(vec![None; pool.len() + 1]),
        turn: AtomicU32::new(0),
        rounds,
    })
}

impl Circle {
    /// Takes a seat.
    fn sit_down(&self, index: u32) {
        thread::park_timeout(Duration::ZERO);
        self.seats.lock().unwrap()[index as usize] = Some(thread::current());
    }

    /// The agent to the left, when it has come.
    fn neighbour(&self, index: u32) -> Thread {
        loop {
            let seats = self.seats.lock().unwrap();
            let next = (index as usize + 1) % seats.len();
            if let Some(thread) = &seats[next] {
                return thread.clone();
            }
            drop(seats);
            thread::yield_now();
        }
    }

    fn step(&self) {
        self.pair.step();
    }

    fn check(&self, agents: usize) {
        assert_eq!(self.pair.get(), u64::from(self.rounds) * agents as u64);
    }
}

/// Sits down, and takes its turns: `wait` takes the token.
fn play(circle: &Circle, index: u32, wait: impl Fn()) {
    circle.sit_down(index);
    let next = circle.neighbour(index);
    for _ in 0..circle.rounds {
        wait();
        circle.step();
        next.unpark();
    }
}

async fn play_async<F: Future>(circle: &Circle, index: u32, wait: impl Fn() -> F) {
    circle.sit_down(index);
    let next = circle.neighbour(index);
    for _ in 0..circle.rounds {
        wait().await;
        circle.step();
        next.unpark();
    }
}

/// One token goes round, from agent to agent, this one included: it is never lost and never doubled, and what each has done is
/// seen by the next.
pub async fn one_token_goes_round(pool: &Pool, rounds: u32) {
    let circle = circle(pool, rounds);
    let handles = on_workers(pool, &circle, |circle, index| {
        play(circle, index, thread::park);
    })
    .await;
    // The last one to come brings the token.
    let last = pool.len() as u32;
    circle.sit_down(last);
    circle.neighbour(last).unpark();
    let next = circle.neighbour(last);
    for round in 1..=rounds {
        thread::park();
        circle.step();
        if round < rounds {
            next.unpark();
        }
    }
    join(handles).await;
    circle.check(pool.len() + 1);
}

/// The same with tasks: every other worker, and this agent.
pub async fn threads_and_tasks(pool: &Pool, rounds: u32) {
    let circle = circle(pool, rounds);
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let circle = circle.clone();
        handles.push(if index % 2 == 0 {
            pool.run(index, move || play(&circle, index as u32, thread::park))
        } else {
            pool.run_async(index, async move || {
                play_async(&circle, index as u32, thread::park_async).await;
            })
        });
    }
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let last = pool.len() as u32;
    circle.sit_down(last);
    let next = circle.neighbour(last);
    next.unpark();
    for round in 1..=rounds {
        thread::park_async().await;
        circle.step();
        if round < rounds {
            next.unpark();
        }
    }
    join(handles).await;
    circle.check(pool.len() + 1);
}

/// Everybody gives up again and again, and looks whether it is its turn: no turn is missed.
pub async fn time_outs_lose_nothing(pool: &Pool, rounds: u32) {
    let circle = circle(pool, rounds);
    fn run(circle: &Circle, index: u32) {
        circle.sit_down(index);
        let next = circle.neighbour(index);
        let agents = circle.seats.lock().unwrap().len() as u32;
        let mut dice = Dice::new(index);
        for _ in 0..circle.rounds {
            while circle.turn.load(Ordering::Acquire) % agents != index {
                match dice.roll(4) {
                    0 => thread::park(),
                    limit => thread::park_timeout(Duration::from_micros(u64::from(limit * 50))),
                }
            }
            circle.step();
            circle.turn.fetch_add(1, Ordering::Release);
            next.unpark();
        }
    }
    let handles = on_workers(pool, &circle, run).await;
    run(&circle, pool.len() as u32);
    join(handles).await;
    circle.check(pool.len() + 1);
}

/// Futures are dropped before, while and after they are woken: the token stays for the next one.
pub async fn cancelled_tasks_lose_nothing(pool: &Pool, rounds: u32) {
    let circle = circle(pool, rounds);
    let handles = on_workers(pool, &circle, |circle, index| {
        play(circle, index, thread::park);
    })
    .await;
    let last = pool.len() as u32;
    circle.sit_down(last);
    let next = circle.neighbour(last);
    next.unpark();
    let mut dice = Dice::new(rounds);
    for round in 1..=rounds {
        'turn: loop {
            let mut waits = [(); 2].map(|()| Box::pin(thread::park_async()));
            for _ in 0..dice.roll(4) {
                for wait in &mut waits {
                    if poll_once(wait.as_mut()).await.is_ready() {
                        break 'turn;
                    }
                }
                if dice.roll(2) == 0 {
                    yield_now().await;
                }
            }
        }
        circle.step();
        if round < rounds {
            next.unpark();
        }
    }
    join(handles).await;
    circle.check(pool.len() + 1);
}
