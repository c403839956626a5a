//! Channels, and the values that are made one time.

mod lazy;
mod main_thread;
mod ping_pong;
mod throughput;

use crate::report::Report;
use crate::rounds::Workers;

/// Runs the cases whose names begin with `case`. What may trap or hang the page comes first: then it starts anew without that rival.
pub async fn run(
    report: &mut Report,
    case: &str,
    rounds: u32,
    trapped: &[String],
) -> Result<(), String> {
    let wanted = |name: &str| name.starts_with(case);
    let mut workers = Workers::start().await?;
    if wanted(main_thread::CASE) {
        let speed = workers.speed(report).await?;
        main_thread::run(report, rounds, &mut workers, speed, trapped).await?;
    }
    if wanted(throughput::CASE) {
        throughput::run(report, rounds, &mut workers).await?;
    }
    if wanted(ping_pong::CASE) {
        ping_pong::run(report, rounds, &mut workers).await?;
    }
    if wanted(lazy::CASE) {
        lazy::run(report, rounds, &mut workers).await?;
    }
    Ok(())
}
