//! Two workers that pass a turn to and fro by a condition variable, next to a bare futex.

use crate::clock::now;
use crate::report::{Better, Report, Subject};
use crate::rivals::{
    Alone, Condvars, ParkingLot, Std, WasmSafeMutex, WasmSync, WebSync, contenders,
};
use crate::rounds::{Workers, finish, interleave};
use std::arch::wasm32::{memory_atomic_notify, memory_atomic_wait32};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// The name of the case.
pub const CASE: &str = "condvar ping-pong";
/// Turns of each rival in one round.
const VISITS: u32 = 5;
/// Round trips in each.
const TURNS: u32 = 400;

type New = fn() -> Arc<dyn Table>;

pub async fn run(report: &mut Report, rounds: u32, workers: &mut Workers) -> Result<(), String> {
    let after = contenders!(Rival, unlocked as New:
        WebSync, Std, ParkingLot, WasmSafeMutex, WasmSync);
    let within = contenders!(Rival, locked as New:
        WebSync, Std, ParkingLot, WasmSafeMutex, WasmSync);
    let cells = [
        ("2 workers", after),
        ("2 workers, notify while locked", within),
    ];
    for (cell, rivals) in cells {
        report.progress(&format!("{CASE}: {cell}"));
        let mut contenders = vec![("raw", bare as New)];
        contenders.extend(rivals);
        let measure = async |workers: &Workers, new: &New| {
            let table = new();
            let [left, right] = [0, 1].map(|side| {
                let table = table.clone();
                workers.run(side as usize, move || {
                    let start = now();
                    table.play(side);
                    now() - start
                })
            });
            let milliseconds = finish(left).await?;
            finish(right).await?;
            Ok(vec![milliseconds * 1e3 / f64::from(TURNS)])
        };
        interleave(1, &contenders, workers, &measure).await?;
        let columns = interleave(rounds * VISITS, &contenders, workers, &measure).await?;
        let subject = Subject {
            case: CASE,
            cell,
            unit: "us",
            better: Better::Low,
        };
        report.add_columns(subject, &columns, |sample| *sample);
    }
    Ok(())
}

/// Whose turn it is, and how to wait for one's own.
trait Table: Send + Sync {
    /// Takes [`TURNS`] turns.
    fn play(&self, side: u32);
}

struct Futex(Alone<AtomicI32>);

fn bare() -> Arc<dyn Table> {
    Arc::new(Futex(Alone(AtomicI32::new(0))))
}

impl Table for Futex {
    fn play(&self, side: u32) {
        let (mine, other) = (side as i32, 1 - side as i32);
        for _ in 0..TURNS {
            // ORDERING: Acquire, partner of the store below: the other's turn is over.
            while self.0.load(Ordering::Acquire) != mine {
                // SAFETY: a live atomic, on a worker.
                unsafe { memory_atomic_wait32(self.0.as_ptr(), other, -1) };
            }
            // ORDERING: Release, partner of the load above.
            self.0.store(other, Ordering::Release);
            // SAFETY: a live atomic.
            unsafe { memory_atomic_notify(self.0.as_ptr(), 1) };
        }
    }
}

struct Monitor<R: Condvars, const LOCKED: bool> {
    mutex: Alone<R::Mutex>,
    condvar: Alone<R::Condvar>,
}

fn unlocked<R: Condvars>() -> Arc<dyn Table> {
    monitor::<R, false>()
}

fn locked<R: Condvars>() -> Arc<dyn Table> {
    monitor::<R, true>()
}

fn monitor<R: Condvars, const LOCKED: bool>() -> Arc<dyn Table> {
    Arc::new(Monitor::<R, LOCKED> {
        mutex: Alone(R::mutex()),
        condvar: Alone(R::condvar()),
    })
}

impl<R: Condvars, const LOCKED: bool> Table for Monitor<R, LOCKED> {
    fn play(&self, side: u32) {
        for _ in 0..TURNS {
            let mut turn = R::lock(&self.mutex);
            while *turn != side {
                turn = R::wait(&self.condvar, turn);
            }
            *turn = 1 - side;
            if LOCKED {
                R::notify_one(&self.condvar);
                drop(turn);
            } else {
                drop(turn);
                R::notify_one(&self.condvar);
            }
        }
    }
}
