//! A mutex that workers hammer and the main thread wants, of any rival.

use crate::clock::{now, origin, work};
use crate::rivals::{Alone, Rival};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Milliseconds: a critical section that took longer was preempted.
const PREEMPTED: f64 = 0.25;

/// Milliseconds after which the workers let go: some rivals let the main thread starve, and a page that hangs measures nothing.
/// A wait as long as this would have been longer.
const MERCY: f64 = 3000.0;

/// Makes the crowd of one rival.
pub type New = fn(Plan) -> Arc<dyn Crowd>;

/// Who hammers how.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Steps of work in the critical section.
    pub critical: u32,
    /// Milliseconds that the critical section takes.
    pub length: f64,
    /// Steps of work between two acquisitions of the main thread.
    pub pause: u32,
}

/// One wait of the main thread, in milliseconds.
pub struct Wait {
    /// From before the call until after it.
    pub total: f64,
    /// The part of it that preempted holders took.
    preempted: f64,
    /// The time since the last critical section ended.
    handover: f64,
    /// The critical sections that began meanwhile.
    pub turns: f64,
}

impl Wait {
    /// What is left without preempted holders.
    pub fn less_holders(&self) -> f64 {
        self.total - self.preempted
    }

    /// What is left without the handover as well.
    pub fn unexplained(&self) -> f64 {
        self.total - self.preempted - self.handover
    }
}

/// A mutex that workers hammer and the main thread wants.
pub trait Crowd: Send + Sync {
    /// The workers' part: until [`Self::stop`].
    fn hammer(&self);
    /// The main thread's part: so many acquisitions, unless they take longer than `limit` milliseconds.
    fn acquire(&self, acquisitions: u32, limit: f64) -> Vec<Wait>;
    /// Ends [`Self::hammer`].
    fn stop(&self);
}

/// A time that several agents read and write; Relaxed throughout, since each reader only wants a recent one.
struct Time(AtomicU64);

impl Time {
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, milliseconds: f64) {
        self.0.store(milliseconds.to_bits(), Ordering::Relaxed);
    }
}

struct Shared<R: Rival, const LOCKS: bool> {
    mutex: Alone<R::Mutex>,
    /// The critical sections that have begun; holders change it.
    turns: Alone<AtomicU32>,
    /// The sum of all critical sections that were preempted; holders change it.
    preempted: Alone<Time>,
    /// When the last critical section ended, on the clock of all agents; holders change it.
    ended: Alone<Time>,
    stopped: Alone<AtomicBool>,
    plan: Plan,
}

/// A crowd of this rival.
pub fn with<R: Rival>(plan: Plan) -> Arc<dyn Crowd> {
    crowd::<R, true>(plan)
}

/// The same, whose main thread does not lock.
pub fn without<R: Rival>(plan: Plan) -> Arc<dyn Crowd> {
    crowd::<R, false>(plan)
}

fn crowd<R: Rival, const LOCKS: bool>(plan: Plan) -> Arc<dyn Crowd> {
    let zero = || Time(AtomicU64::new(0));
    Arc::new(Shared::<R, LOCKS> {
        mutex: Alone(R::mutex()),
        turns: Alone(AtomicU32::new(0)),
        preempted: Alone(zero()),
        ended: Alone(zero()),
        stopped: Alone(AtomicBool::new(false)),
        plan,
    })
}

impl<R: Rival, const LOCKS: bool> Crowd for Shared<R, LOCKS> {
    fn hammer(&self) {
        let origin = origin();
        let first = now();
        let mut end = first;
        while !self.stopped.load(Ordering::Relaxed) && end - first < MERCY {
            let mut guard = R::lock(&self.mutex);
            let start = now();
            *guard += 1;
            // A holder alone changes it.
            self.turns.store(*guard, Ordering::Relaxed);
            work(self.plan.critical);
            end = now();
            if end - start > PREEMPTED {
                self.preempted.set(self.preempted.get() + end - start);
            }
            self.ended.set(end + origin);
            drop(guard);
        }
    }

    fn acquire(&self, acquisitions: u32, limit: f64) -> Vec<Wait> {
        let origin = origin();
        let first = now();
        let mut waits = Vec::with_capacity(acquisitions as usize);
        for _ in 0..acquisitions {
            work(self.plan.pause);
            let wait = match LOCKS {
                true => self.wait(origin),
                false => self.control(),
            };
            waits.push(wait);
            if now() - first > limit {
                break;
            }
        }
        waits
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl<R: Rival, const LOCKS: bool> Shared<R, LOCKS> {
    fn wait(&self, origin: f64) -> Wait {
        let turns = self.turns.load(Ordering::Relaxed);
        let preempted = self.preempted.get();
        let start = now();
        let guard = R::lock(&self.mutex);
        let end = now();
        let turns = self.turns.load(Ordering::Relaxed).wrapping_sub(turns);
        let preempted = self.preempted.get() - preempted;
        let ended = self.ended.get() - origin;
        drop(guard);
        let total = end - start;
        let preempted = preempted.min(total);
        Wait {
            total,
            preempted,
            handover: (end - ended).clamp(0.0, total - preempted),
            turns: f64::from(turns),
        }
    }

    fn control(&self) -> Wait {
        let start = now();
        work(self.plan.critical);
        let total = now() - start - self.plan.length;
        Wait {
            total: total.max(0.0),
            preempted: 0.0,
            handover: 0.0,
            turns: 0.0,
        }
    }
}
