//! Allocators: what blocks cost, alone and in company, what the main thread waits beside workers that allocate, and how much memory is held.

mod brought;
mod dlmalloc;
mod held;
mod main_thread;
mod rivals;
mod work;

use std::sync::Arc;

use js_sys::Function;
use web_sync_testkit::Error;

use crate::report::{Better, Report, Subject};
use crate::rounds::{Column, WORKERS, Workers, finish, interleave};
use rivals::{
    Allocator, Dl, LolAlloc, OverDl, OverRlsf, OverTalc, OverTlsf, Raw, Std, Talc, WebSync,
};
use work::{Dice, Measured, Scene, Work};

pub use held::pages as held_pages;

/// Operations of one agent in one measurement.
const COUNT: u32 = 100_000;

/// What is measured of one rival.
#[derive(Clone, Copy)]
struct Contender {
    churn: Work,
    hold_few: Work,
    hold_many: Work,
    hand_over: Work,
    larson: Work,
    vectors: Work,
    phases: Work,
    starts: Work,
    clear: fn(&Scene),
    batch: fn(&mut Dice),
    alone: bool,
}

/// One of them.
type Choose = fn(&Contender) -> Work;

fn contender<A: Allocator>() -> (&'static str, Contender) {
    let contender = Contender {
        churn: work::churn::<A>,
        hold_few: work::hold::<A, { work::LIVE }>,
        hold_many: work::hold::<A, { work::MANY }>,
        hand_over: work::hand_over::<A>,
        larson: work::larson::<A>,
        vectors: work::vectors::<A>,
        phases: work::phases::<A>,
        starts: work::starts::<A>,
        clear: Scene::clear::<A>,
        batch: work::batch::<A>,
        alone: A::ALONE,
    };
    (A::NAME, contender)
}

/// This crate's arenas with several engines: measured in a few cases, in which engines differ.
fn engines() -> [(&'static str, Contender); 4] {
    [
        contender::<OverTlsf>(),
        contender::<OverRlsf>(),
        contender::<OverTalc>(),
        contender::<OverDl>(),
    ]
}

/// A case in which a block takes some time.
struct Case {
    name: &'static str,
    unit: &'static str,
    work: Choose,
    /// How many agents, in each cell.
    agents: &'static [u32],
    /// Operations of each.
    count: u32,
    order: Order,
}

/// How the agents of a case work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Together,
    /// One after the other.
    InTurn,
}

const CASES: &[Case] = &[
    Case {
        name: "churn",
        unit: "ns per block",
        work: |contender| contender.churn,
        agents: &[1, 2, 4],
        count: COUNT,
        order: Order::Together,
    },
    Case {
        name: "producer/consumer",
        unit: "ns per block",
        work: |contender| contender.hand_over,
        agents: &[1, 2, 4],
        count: COUNT,
        order: Order::Together,
    },
    Case {
        name: "larson",
        unit: "ns per block",
        work: |contender| contender.larson,
        agents: &[1, 2, 4],
        count: COUNT,
        order: Order::Together,
    },
    Case {
        name: "vectors",
        unit: "ns per growth",
        work: |contender| contender.vectors,
        agents: &[1, 2, 4],
        count: COUNT / 2,
        order: Order::Together,
    },
    Case {
        name: "phases",
        unit: "ns per block",
        work: |contender| contender.phases,
        agents: &[4],
        count: 1,
        order: Order::InTurn,
    },
];

/// Runs the cases whose names begin with `case`. `load` makes an instance of the module with a memory of its own.
pub async fn run(
    report: &mut Report,
    case: &str,
    rounds: u32,
    load: &Function,
) -> Result<(), String> {
    let mut workers = Workers::start().await?;
    let rivals = [
        contender::<WebSync>(),
        contender::<Std>(),
        contender::<Dl>(),
        contender::<Talc>(),
        contender::<LolAlloc>(),
    ];
    let mut with_raw = rivals.to_vec();
    with_raw.push(contender::<Raw>());
    for each in CASES.iter().filter(|each| each.name.starts_with(case)) {
        let mut rivals = match each.name {
            // What the harness costs counts where blocks cost little.
            "churn" => with_raw.clone(),
            _ => rivals.to_vec(),
        };
        if let "churn" | "larson" = each.name {
            rivals.extend(engines());
        }
        for &agents in each.agents {
            let cell = plural(agents);
            report.progress(&format!("{}: {cell}", each.name));
            let measure = async |workers: &Workers, contender: &Contender| {
                let work = (each.work)(contender);
                let measured = async |workers: &Workers| {
                    all_do(workers, contender, work, agents, each.count, each.order).await
                };
                let (milliseconds, count) = if contender.alone {
                    let fresh = Workers::some(agents as usize).await?;
                    // The first time fills magazines.
                    measured(&fresh).await?;
                    let second = measured(&fresh).await?;
                    fresh.end().await?;
                    second
                } else {
                    measured(workers).await?
                };
                Ok(vec![milliseconds * 1e6 / f64::from(count)])
            };
            // The first round warms up.
            interleave(1, &rivals, &mut workers, &measure).await?;
            let columns = interleave(rounds, &rivals, &mut workers, &measure).await?;
            add(report, each.name, &cell, each.unit, &columns);
        }
    }
    if "starts".starts_with(case) {
        for agents in [2, WORKERS as u32] {
            starts(report, rounds, &rivals, &mut workers, agents).await?;
        }
    }
    if "main thread".starts_with(case) {
        for agents in [1, 3, 7] {
            main_thread::run(report, rounds, &with_raw, &mut workers, agents).await?;
        }
    }
    drop(workers);
    if "held".starts_with(case) {
        held::run(report, rounds, load).await?;
    }
    Ok(())
}

/// Some agents do the same work: milliseconds of the slowest, or of all in turn, and how many blocks in them.
async fn all_do(
    workers: &Workers,
    contender: &Contender,
    work: Work,
    agents: u32,
    count: u32,
    order: Order,
) -> Result<Measured, Error> {
    let scene = Arc::new(Scene::new(agents));
    let begin = |agent: u32| {
        let scene = scene.clone();
        workers.run(agent as usize, move || work(&scene, agent, count))
    };
    let (mut milliseconds, mut blocks) = (0.0_f64, 0);
    match order {
        Order::Together => {
            let handles: Vec<_> = (0..agents).map(begin).collect();
            for handle in handles {
                let (taken, done) = finish(handle).await?;
                milliseconds = milliseconds.max(taken);
                blocks += done;
            }
        }
        Order::InTurn => {
            for agent in 0..agents {
                let (taken, done) = finish(begin(agent)).await?;
                milliseconds += taken;
                blocks += done;
            }
        }
    }
    (contender.clear)(&scene);
    Ok((milliseconds, blocks))
}

/// Agents that are new in each round allocate for the first time.
async fn starts(
    report: &mut Report,
    rounds: u32,
    rivals: &[(&'static str, Contender)],
    workers: &mut Workers,
    agents: u32,
) -> Result<(), String> {
    let cell = plural(agents);
    report.progress(&format!("starts: {cell}"));
    let measure = async |_: &Workers, contender: &Contender| {
        let fresh = Workers::some(agents as usize).await?;
        let scene = Arc::new(Scene::new(agents));
        let work = contender.starts;
        let begin = |agent: u32| {
            let scene = scene.clone();
            fresh.run(agent as usize, move || work(&scene, agent, 0))
        };
        let handles: Vec<_> = (0..agents).map(begin).collect();
        let mut samples = Vec::new();
        for handle in handles {
            let (milliseconds, _) = finish(handle).await?;
            samples.push(milliseconds * 1e3);
        }
        fresh.end().await?;
        Ok(samples)
    };
    interleave(1, rivals, workers, &measure).await?;
    let columns = interleave(rounds, rivals, workers, &measure).await?;
    add(report, "starts", &cell, "us per first 100 blocks", &columns);
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
    report.add_columns(subject, columns, |figure| *figure);
}
