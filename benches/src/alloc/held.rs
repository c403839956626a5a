//! How much memory an allocator holds after some work.
//!
//! What counts are the pages that the memory has grown by during the work. Each figure is from an instance of the module of its own, in
//! which nothing was allocated but by the harness. That has std's allocator, to which room is given before; so std is not
//! measured here, and dlmalloc, which is the same engine, stands for it.

use std::arch::wasm32::memory_size;
use std::hint::black_box;

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::rivals::{Dl, LolAlloc, Talc, WebSync};
use super::{COUNT, Choose, Contender, Order, add, all_do, contender, engines};
use crate::report::Report;
use crate::rounds::{Column, Workers};

/// Agents in each case.
const AGENTS: u32 = 4;
/// More of them would tell no more.
const ROUNDS: u32 = 3;
/// Bytes that the harness may need during the work.
const ROOM: usize = 16 << 20;
/// Bytes of a page of wasm.
const PAGE: f64 = 65_536.0;

/// The cell in which other engines are measured as well.
const LARSON: &str = "larson, 4 workers";

/// Names, and what is done.
const CELLS: &[(&str, Choose, Order)] = &[
    (
        "churn, 4 workers, 64 blocks each",
        |contender| contender.hold_few,
        Order::Together,
    ),
    (
        "churn, 4 workers, 16384 blocks each",
        |contender| contender.hold_many,
        Order::Together,
    ),
    (
        "phases, 4 workers in turn",
        |contender| contender.phases,
        Order::InTurn,
    ),
    (LARSON, |contender| contender.larson, Order::Together),
];

fn rivals(cell: &str) -> Vec<(&'static str, Contender)> {
    let mut rivals = vec![
        contender::<WebSync>(),
        contender::<Dl>(),
        contender::<Talc>(),
        contender::<LolAlloc>(),
    ];
    if cell == LARSON {
        rivals.extend(engines());
    }
    rivals
}

/// Adds a row for each cell and each rival.
pub async fn run(report: &mut Report, rounds: u32, load: &Function) -> Result<(), String> {
    for &(cell, ..) in CELLS {
        report.progress(&format!("held: {cell}"));
        let mut columns = Vec::new();
        for (rival, _) in rivals(cell) {
            let mut column = Column {
                rival,
                rounds: Vec::new(),
                failed: None,
            };
            for round in 0..rounds.min(ROUNDS) {
                match elsewhere(load, rival, cell, round).await {
                    Ok(pages) => column.rounds.push(vec![pages * PAGE / f64::from(1 << 20)]),
                    Err(error) => {
                        column.failed = Some(message(&error));
                        break;
                    }
                }
            }
            columns.push(column);
        }
        add(report, "held", cell, "MiB", &columns);
    }
    Ok(())
}

/// Runs [`pages`] in an instance of its own.
async fn elsewhere(load: &Function, rival: &str, cell: &str, round: u32) -> Result<f64, JsValue> {
    let name = format!("held {rival} {cell} {round}");
    let instance = promised(load.call1(&JsValue::UNDEFINED, &name.into())?).await?;
    let held: Function = Reflect::get(&instance, &"held".into())?.dyn_into()?;
    let pages = promised(held.call2(&JsValue::UNDEFINED, &rival.into(), &cell.into())?).await?;
    pages.as_f64().ok_or("no number".into())
}

fn message(error: &JsValue) -> String {
    let error = error.dyn_ref::<js_sys::Error>();
    error.map_or("no message".into(), |error| error.message().into())
}

async fn promised(value: JsValue) -> Result<JsValue, JsValue> {
    JsFuture::from(value.dyn_into::<Promise>()?).await
}

/// The pages by which this instance's memory grows while the work of a cell is done with a rival.
pub async fn pages(rival: &str, cell: &str) -> Result<f64, String> {
    let contenders = rivals(cell);
    let contender = contenders.iter().find(|(name, _)| *name == rival);
    let work = CELLS.iter().find(|(name, ..)| *name == cell);
    let (Some((_, contender)), Some((_, choose, order))) = (contender, work) else {
        return Err(format!("there is no {rival} or no {cell}"));
    };
    let workers = Workers::some(AGENTS as usize)
        .await
        .map_err(|error| error.to_string())?;
    drop(black_box(vec![1_u8; ROOM]));
    let before = memory_size::<0>();
    let done = all_do(
        &workers,
        contender,
        choose(contender),
        AGENTS,
        COUNT,
        *order,
    )
    .await;
    done.map_err(|error| error.to_string())?;
    Ok((memory_size::<0>() - before) as f64)
}
