//! Messages from a worker to the main thread: how long until they are there, and how many there can be.
//!
//! On an agent that must not block some rivals trap, sooner or later. The page says which rival it is trying before each
//! measurement; when that ends the page, or makes it hang, the group begins again without that rival.

use crate::clock::{Speed, now};
use crate::report::{Better, Report, Subject};
use crate::rivals::channels::{
    async_channel, crossbeam, flume, flume_spin, futures_channel, kanal, std_mpmc, std_mpsc,
    wasm_safe_mutex, web_sync_mpsc,
};
use crate::rivals::{Channel, ChannelTasks, contenders};
use crate::rounds::{Workers, finish, interleave};
use crate::step::{self, Measure, Step, WAITS, Waits};
use std::pin::Pin;
use std::sync::Arc;
use web_sync_testkit::Handle;

/// The name of the case.
pub const CASE: &str = "worker to main";
/// Turns of each rival in one round.
const TURNS: u32 = 2;
/// Messages of one turn, where they come as fast as they will go.
const MESSAGES: u32 = 20_000;

pub async fn run(
    report: &mut Report,
    rounds: u32,
    workers: &mut Workers,
    speed: Speed,
    trapped: &[String],
) -> Result<(), String> {
    let steps = step::steps(speed);
    let tasks = contenders!(Channel, task as Measure: web_sync_mpsc::Unbounded, flume::Unbounded,
        flume_spin::Unbounded, kanal::Unbounded, async_channel::Unbounded, futures_channel::Unbounded,
        wasm_safe_mutex::Unbounded);
    let streams = contenders!(Channel, stream as Measure: web_sync_mpsc::Unbounded, flume::Unbounded,
        flume_spin::Unbounded, kanal::Unbounded, async_channel::Unbounded, futures_channel::Unbounded,
        wasm_safe_mutex::Unbounded);
    let calls = contenders!(Channel, call as Measure: web_sync_mpsc::Unbounded, std_mpsc::Unbounded,
        std_mpmc::Unbounded, crossbeam::Unbounded, flume::Unbounded, flume_spin::Unbounded, kanal::Unbounded,
        async_channel::Unbounded, futures_channel::Unbounded, wasm_safe_mutex::Unbounded);
    let cells: [(_, _, &[_], &[_]); 3] = [
        ("recv", "us", &[], calls),
        ("recv_async", "us", &step::FLOOR, tasks),
        (
            "recv_async, as fast as it goes",
            "ns per message",
            &[],
            streams,
        ),
    ];
    // All of them once before any counts: so what traps is soon known, and the page begins again while there is little to lose.
    for warm_up in [true, false] {
        for (cell, unit, floor, rivals) in cells {
            report.progress(&format!(
                "{CASE}: {cell}{}",
                if warm_up { ", once" } else { "" }
            ));
            let contenders = [floor, rivals].concat().into_iter();
            let mut contenders: Vec<(_, (_, Measure))> = contenders
                .map(|(name, of)| (name, (format!("{cell}: {name}"), of)))
                .collect();
            let subject = Subject {
                case: CASE,
                cell,
                unit,
                better: Better::Low,
            };
            for [attempt, how] in trapped.as_chunks().0 {
                let found = contenders
                    .iter()
                    .position(|(_, (named, _))| named == attempt);
                let Some((rival, _)) = found.map(|at| contenders.remove(at)) else {
                    continue;
                };
                if !warm_up {
                    report.add_note(subject, rival, how);
                }
            }
            let measure = async |workers: &Workers, (attempt, measure): &(String, Measure)| {
                report.attempt(attempt).await;
                let samples = measure(workers, steps).await;
                report.attempt("").await;
                samples
            };
            let rounds = if warm_up { 1 } else { rounds * TURNS };
            let columns = interleave(rounds, &contenders, workers, &measure).await?;
            if !warm_up {
                report.add_columns(subject, &columns, |sample| *sample);
            }
        }
    }
    Ok(())
}

/// A worker sends a message for each wait, after some work.
fn sends<C: Channel>(
    workers: &Workers,
    steps: u32,
    step: &Arc<Step>,
    mut sender: C::Sender,
) -> Handle<()> {
    let step = step.clone();
    workers.run(0, move || {
        for wait in 1..=WAITS {
            step.work_after(wait, steps);
            C::send(&mut sender, wait);
        }
    })
}

/// Microseconds until a task has a message.
fn task<C: ChannelTasks>(
    workers: &Workers,
    steps: u32,
) -> Pin<Box<dyn Future<Output = Waits> + '_>> {
    Box::pin(async move {
        let (sender, mut receiver) = C::new();
        let step = Arc::new(Step::new());
        let handle = sends::<C>(workers, steps, &step, sender);
        handle.started().await?;
        let mut waits = Vec::new();
        for wait in 1..=WAITS {
            let (sample, message) = step.measure(wait, C::recv_async(&mut receiver)).await;
            assert_eq!(message, wait);
            waits.push(sample);
        }
        finish(handle).await?;
        Ok(step::samples(&waits))
    })
}

/// The same for a call that blocks, or spins.
fn call<C: Channel>(workers: &Workers, steps: u32) -> Pin<Box<dyn Future<Output = Waits> + '_>> {
    Box::pin(async move {
        let (sender, mut receiver) = C::new();
        let step = Arc::new(Step::new());
        let handle = sends::<C>(workers, steps, &step, sender);
        handle.started().await?;
        let mut waits = Vec::new();
        for wait in 1..=WAITS {
            let (sample, message) = step.measure_call(wait, || C::recv(&mut receiver));
            assert_eq!(message, wait);
            waits.push(sample);
        }
        finish(handle).await?;
        Ok(step::samples(&waits))
    })
}

/// Nanoseconds per message that a task receives.
fn stream<C: ChannelTasks>(
    workers: &Workers,
    _steps: u32,
) -> Pin<Box<dyn Future<Output = Waits> + '_>> {
    Box::pin(async move {
        let (mut sender, mut receiver) = C::new();
        let handle = workers.run(0, move || {
            for message in 0..MESSAGES {
                C::send(&mut sender, message);
            }
        });
        assert_eq!(C::recv_async(&mut receiver).await, 0);
        let start = now();
        for message in 1..MESSAGES {
            assert_eq!(C::recv_async(&mut receiver).await, message);
        }
        let nanoseconds = (now() - start) * 1e6;
        finish(handle).await?;
        Ok(vec![nanoseconds / f64::from(MESSAGES - 1)])
    })
}
