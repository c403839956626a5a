//! What the agents do with their locks. This file is compiled twice, by `locks.rs`: once with the locks of `web_sync`, once with
//! those of `std::sync`. Nothing in it knows which.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use web_time::Instant;

use super::{Condvar, Mutex, RwLock};
use crate::flower::{Flower, Rules};
use crate::{Agents, milliseconds};

/// Everything that the agents share.
///
/// A `static` will do: the agents of a page share one memory, so they share its statics. `Arc`s work as well.
pub static GARDEN: Garden = Garden {
    flower: Mutex::new(Flower::new()),
    rules: RwLock::new(Rules { steps: 0, frame: 0 }),
    change: Condvar::new(),
    closed: AtomicBool::new(false),
};

pub struct Garden {
    pub flower: Mutex<Flower>,
    pub rules: RwLock<Rules>,
    /// Notified when the number of workers has changed and when a round of visits is complete.
    pub change: Condvar,
    closed: AtomicBool,
}

impl Agents for Garden {
    fn work(&self, agent: usize) {
        // Relaxed: the flag says nothing about other memory.
        while !self.closed.load(Relaxed) {
            let rules = *self.rules.read().unwrap();
            let flower = self.flower.lock().unwrap();
            // A worker that is not wanted sleeps here, without the lock.
            let asleep = |flower: &mut Flower| agent > flower.workers;
            let mut flower = self.change.wait_while(flower, asleep).unwrap();
            let rounds = flower.rounds();
            flower.visit(agent, rules);
            let complete = flower.rounds() > rounds;
            drop(flower);
            if complete {
                self.change.notify_all();
            }
        }
    }

    fn set_workers(&self, workers: usize) {
        self.flower.lock().unwrap().workers = workers;
        self.change.notify_all();
    }

    fn set_rules(&self, rules: Rules) -> f64 {
        let start = Instant::now();
        let mut shared = self.rules.write().unwrap();
        let waited = milliseconds(start);
        *shared = rules;
        waited
    }

    fn visit(&self, agent: usize, times: usize) -> Vec<f64> {
        let mut waits = Vec::with_capacity(times);
        for _ in 0..times {
            let rules = *self.rules.read().unwrap();
            let start = Instant::now();
            let mut flower = self.flower.lock().unwrap();
            let waited = milliseconds(start);
            flower.visit(agent, rules);
            drop(flower);
            waits.push(waited);
        }
        waits
    }

    fn look(&self, see: &mut dyn FnMut(&Flower)) {
        see(&self.flower.lock().unwrap());
    }

    fn close(&self) {
        self.closed.store(true, Relaxed);
    }
}
