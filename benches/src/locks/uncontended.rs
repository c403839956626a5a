//! A lock that nobody else wants, in a worker and on the main thread.

use crate::clock::{now, per_iteration};
use crate::report::{Better, Report, Subject};
use crate::rivals::{
    Alone, AsyncLock, ParkingLot, Raw, Rival, Std, WasmSafeMutex, WasmSync, WebSync, contenders,
};
use crate::rounds::{Workers, finish, interleave};
use std::hint::black_box;

/// Nanoseconds per lock and unlock.
type Measure = fn() -> f64;

/// Turns of each rival in one round.
const TURNS: u32 = 6;
/// Turns before the ones that count, until the engine runs its best code.
const WARM_UP: u32 = 3;

/// A call and the one that undoes it.
pub struct Kind {
    /// The name of the case.
    pub case: &'static str,
    /// The names of the cells: in a worker, on the main thread.
    cells: [&'static str; 2],
    contenders: &'static [(&'static str, Measure)],
}

/// What is measured.
pub const KINDS: [Kind; 2] = [
    Kind {
        case: "mutex uncontended",
        cells: ["lock+unlock", "lock+unlock, main thread"],
        contenders: contenders!(Rival, lock as Measure:
            WebSync, Raw, Std, ParkingLot, WasmSafeMutex, WasmSync, AsyncLock),
    },
    Kind {
        case: "rwlock uncontended",
        cells: ["read", "read, main thread"],
        contenders: contenders!(Rival, read as Measure:
            WebSync, Raw, Std, ParkingLot, WasmSafeMutex, WasmSync, AsyncLock),
    },
];

pub async fn run(
    report: &mut Report,
    rounds: u32,
    workers: &mut Workers,
    kind: &Kind,
) -> Result<(), String> {
    for (cell, on_worker) in kind.cells.into_iter().zip([true, false]) {
        report.progress(&format!("{}: {cell}", kind.case));
        let measure = async |workers: &Workers, measure: &Measure| {
            let measure = *measure;
            let sample = if on_worker {
                finish(workers.run(0, measure)).await?
            } else {
                // Back to the event loop between two: the engine installs better code there.
                finish(workers.run(0, || ())).await?;
                measure()
            };
            Ok(vec![sample])
        };
        interleave(WARM_UP, kind.contenders, workers, &measure).await?;
        let columns = interleave(rounds * TURNS, kind.contenders, workers, &measure).await?;
        let subject = Subject {
            case: kind.case,
            cell,
            unit: "ns",
            better: Better::Low,
        };
        report.add_columns(subject, &columns, |sample| *sample);
    }
    Ok(())
}

fn lock<R: Rival>() -> f64 {
    let mutex = Alone(R::mutex());
    per_iteration(|iterations| lock_loop::<R>(&mutex, iterations)) * 1e6
}

#[inline(never)]
fn lock_loop<R: Rival>(mutex: &R::Mutex, iterations: u32) -> f64 {
    let start = now();
    for _ in 0..iterations {
        *R::lock(black_box(mutex)) += 1;
    }
    now() - start
}

fn read<R: Rival>() -> f64 {
    let lock = Alone(R::rwlock());
    per_iteration(|iterations| read_loop::<R>(&lock, iterations)) * 1e6
}

#[inline(never)]
fn read_loop<R: Rival>(lock: &R::RwLock, iterations: u32) -> f64 {
    let start = now();
    for _ in 0..iterations {
        black_box(*R::read(black_box(lock)));
    }
    now() - start
}
