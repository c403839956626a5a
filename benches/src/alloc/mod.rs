//! Allocators: local churn, blocks that go from agent to agent, and what the main thread waits beside workers that allocate.

mod rivals;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::now;
use crate::report::{Better, Report, Subject};
use crate::rounds::{Column, Workers, finish, interleave};
use rivals::{Allocator, LolAlloc, Std, Talc, WebSync};
use work::{Dice, Scene, Work};

/// Operations of one agent in one measurement.
const COUNT: u32 = 100_000;
/// Batches of the main thread in one measurement.
const BATCHES: usize = 4_000;
/// Milliseconds after which they end early.
const LIMIT: f64 = 500.0;

/// What is measured of one rival.
#[derive(Clone, Copy)]
struct Contender {
    churn: Work,
    hand_over: Work,
    larson: Work,
    clear: fn(&Scene),
    batch: fn(&mut Dice),
}

/// One of them.
type Choose = fn(&Contender) -> Work;

fn contender<A: Allocator>() -> (&'static str, Contender) {
    let contender = Contender {
        churn: work::churn::<A>,
        hand_over: work::hand_over::<A>,
        larson: work::larson::<A>,
        clear: Scene::clear::<A>,
        batch: work::batch::<A>,
    };
    (A::NAME, contender)
}

/// Runs the cases whose names begin with `case`.
pub async fn run(report: &mut Report, case: &str, rounds: u32) -> Result<(), String> {
    let mut workers = Workers::start().await?;
    let contenders = [
        contender::<WebSync>(),
        contender::<Std>(),
        contender::<Talc>(),
        contender::<LolAlloc>(),
    ];
    let kinds: [(&str, Choose); 3] = [
        ("churn", |contender| contender.churn),
        ("producer/consumer", |contender| contender.hand_over),
        ("larson", |contender| contender.larson),
    ];
    for (name, work) in kinds.into_iter().filter(|(name, _)| name.starts_with(case)) {
        for agents in [1, 2, 4] {
            let cell = plural(agents);
            report.progress(&format!("{name}: {cell}"));
            let measure = async |workers: &Workers, contender: &Contender| {
                let scene = Arc::new(Scene::new(agents));
                let work = work(contender);
                let handles: Vec<_> = (0..agents)
                    .map(|agent| {
                        let scene = scene.clone();
                        workers.run(agent as usize, move || work(&scene, agent, COUNT))
                    })
                    .collect();
                let (mut longest, mut count) = (0.0_f64, 0);
                for handle in handles {
                    let (milliseconds, done) = finish(handle).await?;
                    longest = longest.max(milliseconds);
                    count += done;
                }
                (contender.clear)(&scene);
                Ok(vec![longest * 1e6 / f64::from(count)])
            };
            // The first round warms up.
            interleave(1, &contenders, &mut workers, &measure).await?;
            let columns = interleave(rounds, &contenders, &mut workers, &measure).await?;
            add(report, name, &cell, "ns per block", &columns);
        }
    }
    if "main thread".starts_with(case) {
        for agents in [1, 3, 7] {
            beside(report, rounds, &contenders, &mut workers, agents).await?;
        }
    }
    Ok(())
}

/// The main thread allocates and frees 16 blocks at a time, while workers do nothing else.
async fn beside(
    report: &mut Report,
    rounds: u32,
    contenders: &[(&'static str, Contender)],
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
        while samples.len() < BATCHES && now() - begin < LIMIT {
            let start = now();
            (contender.batch)(&mut dice);
            samples.push((now() - start) * 1e3);
        }
        stop.store(true, Ordering::Relaxed);
        for handle in handles {
            finish(handle).await?;
        }
        Ok(samples)
    };
    interleave(1, contenders, workers, &measure).await?;
    let columns = interleave(rounds, contenders, workers, &measure).await?;
    add(report, "main thread", &cell, "us per batch of 16", &columns);
    Ok(())
}

fn plural(agents: u32) -> String {
    format!("{agents} worker{}", if agents == 1 { "" } else { "s" })
}

fn add(report: &mut Report, case: &str, cell: &str, unit: &str, columns: &[Column<f64>]) {
    let subject = Subject {
        case,
        cell,
        unit,
        better: Better::Low,
    };
    for column in columns {
        match &column.failed {
            Some(why) => report.add_note(subject, column.rival, why),
            None => report.add(subject, column.rival, &column.rounds),
        }
    }
}
