//! The agent that must not block goes first: however many workers hammer a lock, it gets it at one of the next unlocks.
#![cfg(target_arch = "wasm32")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use wasm_bindgen_test::{console_log, wasm_bindgen_test};
use web_sync::agent::{self, Policy};
use web_sync::{Mutex, RwLock};
use web_sync_browser_tests as _;
use web_sync_testkit::{Pool, time};

struct Hammered {
    lock: Mutex<u64>,
    /// How often workers had the lock.
    taken: AtomicU32,
    over: AtomicBool,
}

/// Steps of the critical section: about 1 us and about 10 us.
const SECTIONS: [u32; 2] = [500, 5_000];

fn section(value: &mut u64, steps: u32) {
    for step in 0..steps {
        *value = core::hint::black_box(*value ^ u64::from(step));
    }
}

/// Waits and overtakings of `turns` acquisitions here, while the workers of the pool never pause.
async fn waits(pool: &Pool, steps: u32, turns: usize) -> (Vec<Duration>, Vec<u32>) {
    let shared = Arc::new(Hammered {
        lock: Mutex::new(0),
        taken: AtomicU32::new(0),
        over: AtomicBool::new(false),
    });
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let shared = shared.clone();
        handles.push(pool.run(index, move || {
            while !shared.over.load(Ordering::Relaxed) {
                section(&mut shared.lock.lock().unwrap(), steps);
                shared.taken.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let (mut waits, mut overtaken) = (Vec::new(), Vec::new());
    while waits.len() < turns {
        let before = shared.taken.load(Ordering::Relaxed);
        let begin = time::now();
        let mut value = shared.lock.lock().unwrap();
        waits.push(time::now() - begin);
        overtaken.push(shared.taken.load(Ordering::Relaxed) - before);
        section(&mut value, steps);
        drop(value);
        // The workers compete with each other again before this agent is back.
        section(&mut 0, 4 * steps);
    }
    shared.over.store(true, Ordering::Relaxed);
    for handle in handles {
        handle.join_async().await.unwrap();
    }
    waits.sort();
    overtaken.sort();
    (waits, overtaken)
}

/// The three ways in which a main thread meets an exclusive holder.
trait Lock: Default + Send + Sync + 'static {
    /// Takes the lock exclusively, on a worker.
    fn on_worker(&self, inside: impl FnOnce());
    /// Takes the lock on this agent.
    fn here(&self, inside: impl FnOnce());
}

impl Lock for Mutex<()> {
    fn on_worker(&self, inside: impl FnOnce()) {
        let _held = self.lock().unwrap();
        inside();
    }

    fn here(&self, inside: impl FnOnce()) {
        self.on_worker(inside);
    }
}

impl Lock for RwLock<()> {
    fn on_worker(&self, inside: impl FnOnce()) {
        let _held = self.write().unwrap();
        inside();
    }

    fn here(&self, inside: impl FnOnce()) {
        self.on_worker(inside);
    }
}

#[derive(Default)]
struct ReadHere(RwLock<()>);

impl Lock for ReadHere {
    fn on_worker(&self, inside: impl FnOnce()) {
        self.0.on_worker(inside);
    }

    fn here(&self, inside: impl FnOnce()) {
        let _held = self.0.read().unwrap();
        inside();
    }
}

#[wasm_bindgen_test]
async fn nobody_overtakes_a_mutex_lock_here() {
    never_overtaken::<Mutex<()>>().await;
}

#[wasm_bindgen_test]
async fn nobody_overtakes_an_rwlock_write_here() {
    never_overtaken::<RwLock<()>>().await;
}

#[wasm_bindgen_test]
async fn nobody_overtakes_an_rwlock_read_here() {
    never_overtaken::<ReadHere>().await;
}

async fn never_overtaken<L: Lock>() {
    const TURNS: u32 = 20;
    agent::set_policy(Policy::Spin); // in a worker and in Node as on a window
    for workers in [1, 4] {
        let pool = Pool::start(workers).await.unwrap();
        let late = overtaken_turns::<L>(&pool, TURNS).await;
        console_log!("{workers} workers: overtaken in {late} of {TURNS} turns");
        // None, unless the system stops this agent between its announcement and its call for longer than the holder waits. With
        // a loop of `try_lock` in place of `lock` it is overtaken in three of four turns and more.
        assert!(late <= TURNS / 4, "overtaken in {late} of {TURNS} turns");
    }
}

/// In how many turns a worker got the lock between the first unlock after this agent has called `lock` and its return.
async fn overtaken_turns<L: Lock>(pool: &Pool, turns: u32) -> u32 {
    #[derive(Default)]
    struct Shared<L> {
        lock: L,
        /// The first worker has the lock and keeps it until this agent is about to call.
        held: AtomicBool,
        calling: AtomicBool,
        /// How often workers took the lock while `calling`.
        overtaken: AtomicU32,
        over: AtomicBool,
    }
    let shared = Arc::new(Shared::<L>::default());
    let mut handles = Vec::new();
    for index in 0..pool.len() {
        let shared = shared.clone();
        handles.push(pool.run(index, move || {
            let is_over = || shared.over.load(Ordering::Relaxed);
            let is_calling = || shared.calling.load(Ordering::Acquire);
            let inside = || {
                if is_calling() {
                    shared.overtaken.fetch_add(1, Ordering::Relaxed);
                } else if index == 0 {
                    shared.held.store(true, Ordering::Release);
                    while !is_calling() && !is_over() {
                        core::hint::spin_loop();
                    }
                    shared.held.store(false, Ordering::Release);
                    // Long enough for the call that follows.
                    time::block(Duration::from_millis(4));
                }
            };
            while !is_over() {
                shared.lock.on_worker(inside);
            }
        }));
    }
    for handle in &handles {
        handle.started().await.unwrap();
    }
    let mut late = 0;
    for _ in 0..turns {
        while !shared.held.load(Ordering::Acquire) {
            time::sleep(Duration::from_millis(1)).await;
        }
        shared.overtaken.store(0, Ordering::Relaxed);
        shared.calling.store(true, Ordering::Release);
        shared.lock.here(|| {
            late += u32::from(shared.overtaken.load(Ordering::Relaxed) > 0);
            shared.calling.store(false, Ordering::Release);
        });
    }
    shared.over.store(true, Ordering::Relaxed);
    for handle in handles {
        handle.join_async().await.unwrap();
    }
    late
}

#[wasm_bindgen_test]
async fn the_wait_of_an_agent_that_must_not_block_is_bounded() {
    const TURNS: usize = 100;
    agent::set_policy(Policy::Spin); // in a worker and in Node as on a window
    for workers in [1, 2, 4, 8] {
        let pool = Pool::start(workers).await.unwrap();
        for steps in SECTIONS {
            let (waits, overtaken) = waits(&pool, steps, TURNS).await;
            let [median, p99] = [waits[TURNS / 2], waits[TURNS * 99 / 100]];
            let worst = waits[TURNS - 1];
            let [middle, most, top] = [
                overtaken[TURNS / 2],
                overtaken[TURNS * 99 / 100],
                overtaken[TURNS - 1],
            ];
            console_log!(
                "{workers} workers, {steps} steps: median {median:?}, p99 {p99:?}, worst {worst:?}; \
                 overtaken {middle} times at the median, {most} at p99, {top} at most",
            );
            // Time depends on what else the machine does: it may take the processor from the holder, or from this agent before it
            // has queued. The bound only tells that nobody starves; `cargo xtask bench` measures.
            assert!(worst < Duration::from_secs(2), "worst {worst:?}");
        }
    }
}
