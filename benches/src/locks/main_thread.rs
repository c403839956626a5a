//! The main thread locks a mutex that workers hammer: how long does it wait, and what for?
//!
//! More agents run than the machine has cores, so the system preempts some of them, and who holds the lock then makes everyone
//! wait for milliseconds, whatever the lock does. What is measured beside each wait tells that from the lock's own doing:
//!
//! - Each holder measures its critical section on its own clock. One that took far longer than it should was preempted: the
//!   second case is the wait less those.
//! - The third is less also the time between the end of the last critical section and the main thread's having the lock: then
//!   the worker was preempted on its way out, or the main thread, or the lock was slow to pass on.
//! - The fourth counts the critical sections that began during the wait. A main thread that goes first sees one or two; it sees
//!   more when it is preempted between the look at the clock and its place in the queue, while the workers go on.
//! - The rival "no lock" is no lock at all: the same workers hammer, the main thread works as long as a critical section takes,
//!   and its "wait" is what that took too long. So much the system alone takes from a main thread that wants nothing.

use super::crowd::{New, Plan, Wait, with, without};
use crate::clock::Speed;
use crate::report::{Better, Report, Subject};
use crate::rivals::{AsyncLock, ParkingLot, Std, WasmSafeMutex, WasmSync, WebSync, contenders};
use crate::rounds::{Column, Workers, finish, interleave};

/// The name of the case.
pub const CASE: &str = "main thread";
/// Acquisitions of the main thread in one round.
const ACQUISITIONS: u32 = 400;
/// Milliseconds after which they end early: some rivals let the main thread starve.
const LIMIT: f64 = 600.0;
/// Microseconds between two acquisitions.
const PAUSE: f64 = 10.0;
/// The rival that is none.
const NO_LOCK: &str = "no lock";

/// The rivals.
pub fn contenders() -> Vec<(&'static str, New)> {
    contenders!(Rival, with as New: WebSync, Std, ParkingLot, WasmSafeMutex, WasmSync, AsyncLock)
        .into()
}

pub async fn run(
    report: &mut Report,
    rounds: u32,
    workers: &mut Workers,
    speed: Speed,
    trapped: &[String],
) -> Result<(), String> {
    let mut contenders = contenders();
    contenders.retain(|(rival, _)| !trapped.iter().any(|name| name == rival));
    contenders.push((NO_LOCK, without::<WebSync>));
    for microseconds in [1.0, 10.0] {
        for crowd in [1, 2, 4, 8] {
            let plural = if crowd == 1 { "" } else { "s" };
            let cell = format!("{crowd} worker{plural}, {microseconds} us");
            report.progress(&format!("{CASE}: {cell}"));
            let plan = Plan {
                critical: speed.steps(microseconds, 2.0),
                pause: speed.steps(PAUSE, 0.0),
                length: microseconds / 1e3,
            };
            let measure = async |workers: &Workers, new: &New| {
                let scene = new(plan);
                let handles: Vec<_> = (0..crowd)
                    .map(|index| {
                        let scene = scene.clone();
                        workers.run(index, move || scene.hammer())
                    })
                    .collect();
                for handle in &handles {
                    handle.started().await?;
                }
                let waits = scene.acquire(ACQUISITIONS, LIMIT);
                scene.stop();
                for handle in handles {
                    finish(handle).await?;
                }
                Ok(waits)
            };
            let columns = interleave(rounds, &contenders, workers, &measure).await?;
            add(report, &cell, &columns, trapped);
        }
    }
    Ok(())
}

fn add(report: &mut Report, cell: &str, columns: &[Column<Wait>], trapped: &[String]) {
    let mut subject = Subject {
        case: CASE,
        cell,
        unit: "ms",
        better: Better::Low,
    };
    report.add_columns(subject, columns, |wait| wait.total);
    for [rival, message] in trapped.as_chunks().0 {
        report.add_note(subject, rival, &format!("traps: {message}"));
    }
    subject.case = "main thread, less preempted holders";
    report.add_columns(subject, columns, Wait::less_holders);
    subject.case = "main thread, less holders and handover";
    report.add_columns(subject, columns, Wait::unexplained);
    subject.case = "main thread, turns of workers";
    subject.unit = "turns";
    report.add_columns(subject, columns, |wait| wait.turns);
}
