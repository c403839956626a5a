//! A page whose main thread shares one `Mutex`, one `RwLock` and one `Condvar` with its workers: `cargo xtask demo`.
//!
//! - `flower.rs`: the data. Plain Rust.
//! - `garden.rs`: the locks around it, and what workers and main thread do with them. Begin here.
//! - `tasks.rs`: the same by `await`.
//! - `locks.rs`: `garden.rs` with our locks and with std's.
//! - this file: what JS may call.
//! - `www/`: the page. `world.js` starts the module and its workers, the rest is controls and plots.

mod flower;
mod locks;
mod tasks;

use flower::{AGENTS, Flower, Rules};
use js_sys::{Float64Array, Uint16Array};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use web_sync::alloc::Arenas;
use web_time::Instant;

/// No agent waits for another one that allocates, nor for one that was terminated meanwhile.
#[global_allocator]
static ALLOC: Arenas = Arenas::new();

/// The main thread's number among the agents.
const MAIN: usize = 0;

/// What agents do in a garden, whatever its locks are.
trait Agents: Sync {
    /// The life of a worker: visits the flower until the garden is closed.
    fn work(&self, agent: usize);
    /// Lets that many workers work; the others sleep.
    fn set_workers(&self, workers: usize);
    /// Changes the rules; returns how long that waited for the lock, in milliseconds.
    fn set_rules(&self, rules: Rules) -> f64;
    /// Visits the flower some times; returns how long each visit waited for the lock, in milliseconds.
    fn visit(&self, agent: usize, times: usize) -> Vec<f64>;
    /// Looks at the flower.
    fn look(&self, see: &mut dyn FnMut(&Flower));
    /// Tells the workers to return. Takes no lock: it must work after a trap.
    fn close(&self);
}

/// Which locks to use.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Locks {
    /// Those of `web_sync`.
    WebSync,
    /// Those of `std::sync`.
    Std,
}

/// The garden, as JS sees it. Each agent makes its own handle; what is behind is shared.
#[wasm_bindgen]
pub struct Garden {
    agents: &'static dyn Agents,
}

#[wasm_bindgen]
impl Garden {
    /// A handle of the garden that has those locks.
    #[wasm_bindgen(constructor)]
    pub fn new(locks: Locks) -> Self {
        Self {
            agents: match locks {
                Locks::WebSync => &locks::ours::GARDEN,
                Locks::Std => &locks::theirs::GARDEN,
            },
        }
    }

    /// The life of worker `agent`, from 1; returns when the garden is closed, and then the worker ends.
    pub fn work(&self, agent: usize) {
        self.agents.work(agent);
        ALLOC.thread_exit();
    }

    /// Lets that many workers work; the others sleep.
    #[wasm_bindgen(js_name = setWorkers)]
    pub fn set_workers(&self, workers: usize) {
        self.agents.set_workers(workers);
    }

    /// Changes the rules; returns how long that waited for the `RwLock`, in milliseconds.
    #[wasm_bindgen(js_name = setRules)]
    pub fn set_rules(&self, steps: u32, frame: u16) -> f64 {
        self.agents.set_rules(Rules { steps, frame })
    }

    /// The main thread visits the flower; returns how long each visit waited for the `Mutex`, in milliseconds.
    pub fn visit(&self, times: usize) -> Vec<f64> {
        self.agents.visit(MAIN, times)
    }

    /// A copy of the seeds: 4 bits of colour, 12 bits of time.
    pub fn seeds(&self) -> Vec<u16> {
        let mut seeds = Vec::with_capacity(flower::SEEDS); // before the lock, so that nobody waits for the allocator
        self.agents
            .look(&mut |flower| seeds.extend_from_slice(&flower.seeds));
        seeds
    }

    /// How often each agent was at the flower.
    pub fn visits(&self) -> Vec<f64> {
        let mut visits = [0; AGENTS];
        self.agents.look(&mut |flower| visits = flower.visits);
        visits.map(|visits| visits as f64).to_vec()
    }

    /// Tells the workers to return.
    pub fn close(&self) {
        self.agents.close();
    }
}

/// As [`Garden::set_rules`], by `await` and with the locks of `web_sync`; so are those that follow.
#[wasm_bindgen(js_name = setRulesAsync)]
pub async fn set_rules_async(steps: u32, frame: u16) -> f64 {
    tasks::set_rules(Rules { steps, frame }).await
}

/// As [`Garden::visit`].
#[wasm_bindgen(js_name = visitAsync)]
pub async fn visit_async(times: usize) -> Float64Array {
    tasks::visit(MAIN, times).await.as_slice().into()
}

/// As [`Garden::seeds`].
#[wasm_bindgen(js_name = seedsAsync)]
pub async fn seeds_async() -> Uint16Array {
    let mut seeds = Vec::with_capacity(flower::SEEDS);
    tasks::look(|flower| seeds.extend_from_slice(&flower.seeds)).await;
    seeds.as_slice().into()
}

/// As [`Garden::visits`].
#[wasm_bindgen(js_name = visitsAsync)]
pub async fn visits_async() -> Float64Array {
    let mut visits = [0; AGENTS];
    tasks::look(|flower| visits = flower.visits).await;
    visits.map(|visits| visits as f64).as_slice().into()
}

/// Waits until more than `seen` rounds of visits are complete; returns how many are.
#[wasm_bindgen(js_name = roundsAsync)]
pub async fn rounds_async(seen: f64) -> f64 {
    tasks::rounds(seen as u64).await as f64
}

/// How long a visit of that many steps keeps the lock, in microseconds: the best of some measurements.
#[wasm_bindgen(js_name = visitTime)]
pub fn visit_time(steps: u32) -> f64 {
    let mut flower = Flower::new();
    let mut measure = || {
        let start = Instant::now();
        let mut visits = 0.0;
        while milliseconds(start) < 0.2 {
            flower.visit(MAIN, Rules { steps, frame: 0 });
            visits += 1.0;
        }
        milliseconds(start) * 1e3 / visits
    };
    (0..5).map(|_| measure()).fold(f64::INFINITY, f64::min)
}

/// May this agent sleep? On the main thread of a page: no.
#[wasm_bindgen(js_name = mayBlock)]
pub fn may_block() -> bool {
    web_sync::agent::may_block()
}

/// The compiled module; with the memory it is what a worker needs to join this page.
#[wasm_bindgen(js_name = sharedModule)]
pub fn shared_module() -> JsValue {
    wasm_bindgen::module()
}

/// The memory that all agents share.
#[wasm_bindgen(js_name = sharedMemory)]
pub fn shared_memory() -> JsValue {
    wasm_bindgen::memory()
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_agent_visits(agents: &'static dyn Agents) {
        agents.set_rules(Rules {
            steps: 10,
            frame: 0,
        });
        let workers = [1, 2].map(|agent| std::thread::spawn(move || agents.work(agent)));
        agents.set_workers(2);
        let mut visits = [0; AGENTS];
        while visits[..3].iter().any(|visits| *visits < 100) {
            assert_eq!(agents.visit(MAIN, 10).len(), 10);
            agents.look(&mut |flower| visits = flower.visits);
        }
        agents.close();
        for worker in workers {
            worker.join().expect("a worker panicked");
        }
    }

    #[test]
    fn with_our_locks() {
        every_agent_visits(&locks::ours::GARDEN);
    }

    #[test]
    fn with_the_locks_of_std() {
        every_agent_visits(&locks::theirs::GARDEN);
    }
}
