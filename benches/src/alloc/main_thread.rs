//! The main thread allocates and frees 16 blocks at a time, while workers do nothing else.
//!
//! Beside the allocators there is a harness without one: its late batches are those in which the system has interrupted the main
//! thread. On a machine with fewer processors than agents that happens to all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::work::{Dice, Scene};
use super::{Contender, add, plural};
use crate::clock::now;
use crate::report::Report;
use crate::rounds::{Column, Workers, finish, interleave};

/// Batches in one measurement.
const BATCHES: usize = 200_000;
/// Milliseconds after which they end early.
const LIMIT: f64 = 500.0;

/// Which batches are late: the case's name, and microseconds.
const LATE: [(&str, f64); 2] = [
    ("main thread, over 100 us", 100.0),
    ("main thread, over 10 ms", 10_000.0),
];

/// Measures every rival beside so many workers.
pub async fn run(
    report: &mut Report,
    rounds: u32,
    rivals: &[(&'static str, Contender)],
    workers: &mut Workers,
    agents: u32,
) -> Result<(), String> {
    let cell = plural(agents);
    report.progress(&format!("main thread: {cell}"));
    let measure = async |workers: &Workers, contender: &Contender| {
        let stop = Arc::new(AtomicBool::new(false));
        let churn = contender.churn;
        let handles: Vec<_> = (0..agents)
            .map(|agent| {
                let stop = stop.clone();
                workers.run(agent as usize, move || {
                    while !stop.load(Ordering::Relaxed) {
                        churn(&Scene::new(1), agent, 1_000);
                    }
                })
            })
            .collect();
        for handle in &handles {
            handle.started().await?;
        }
        let mut dice = Dice::new(99);
        let mut samples = Vec::with_capacity(BATCHES);
        let begin = now();
        let mut start = begin;
        while samples.len() < BATCHES && start - begin < LIMIT {
            start = now();
            (contender.batch)(&mut dice);
            samples.push((now() - start) * 1e3);
        }
        stop.store(true, Ordering::Relaxed);
        for handle in handles {
            finish(handle).await?;
        }
        Ok(samples)
    };
    interleave(1, rivals, workers, &measure).await?;
    let columns = interleave(rounds, rivals, workers, &measure).await?;
    add(report, "main thread", &cell, "us per batch of 16", &columns);
    for (case, limit) in LATE {
        let columns: Vec<_> = columns.iter().map(|column| late(column, limit)).collect();
        add(report, case, &cell, "per million batches", &columns);
    }
    Ok(())
}

/// How many of a million batches take longer than the limit. One figure of all rounds: in one there may be none.
fn late(column: &Column<f64>, limit: f64) -> Column<f64> {
    let all = column.rounds.iter().flatten();
    let (mut count, mut late) = (0_u32, 0_u32);
    for sample in all {
        count += 1;
        late += u32::from(*sample > limit);
    }
    let share = f64::from(late) * 1e6 / f64::from(count.max(1));
    Column {
        rival: column.rival,
        rounds: vec![vec![share]],
        failed: column.failed.clone(),
    }
}
