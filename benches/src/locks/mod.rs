//! Mutex, RwLock and Condvar.

mod crowd;
mod main_thread;
mod ping_pong;
pub mod probe;
mod resume;
mod sizes;
mod two_workers;
mod uncontended;

use crate::report::Report;
use crate::rounds::Workers;

/// Runs the cases whose names begin with `case`.
pub async fn run(
    report: &mut Report,
    case: &str,
    rounds: u32,
    trapped: &[String],
) -> Result<(), String> {
    let wanted = |name: &str| name.starts_with(case);
    let mut workers = Workers::start().await?;
    let speed = workers.speed(report).await?;
    if wanted("size") {
        sizes::run(report);
    }
    for kind in uncontended::KINDS {
        if wanted(kind.case) {
            uncontended::run(report, rounds, &mut workers, &kind).await?;
        }
    }
    if wanted(two_workers::CASE) {
        two_workers::run(report, rounds, &mut workers).await?;
    }
    if wanted(ping_pong::CASE) {
        ping_pong::run(report, rounds, &mut workers).await?;
    }
    if wanted(resume::CASE) {
        resume::run(report, rounds, &mut workers, speed).await?;
    }
    if wanted(main_thread::CASE) {
        main_thread::run(report, rounds, &mut workers, speed, trapped).await?;
    }
    Ok(())
}
