//! Messages as fast as they will go, from one worker or from two to another one.

use crate::clock::{now, origin};
use crate::report::{Better, Report, Subject};
use crate::rivals::channels::{
    async_channel, crossbeam, flume, flume_spin, futures_channel, kanal, std_mpmc, std_mpsc,
    wasm_safe_mutex, web_sync_mpmc, web_sync_mpsc,
};
use crate::rivals::{Alone, Channel, contenders};
use crate::rounds::{Workers, finish, interleave};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The name of the case.
pub const CASE: &str = "throughput";
/// Turns of each rival in one round.
const TURNS: u32 = 4;
/// Messages in each.
const MESSAGES: u32 = 120_000;

/// A side's part. Senders return when they began, the receiver when it had everything, on a clock that all agents have.
type Job = Box<dyn FnOnce() -> f64 + Send>;
/// The jobs of a channel, for so many senders; the receiver's comes first.
type New = fn(u32) -> Vec<Job>;

pub async fn run(report: &mut Report, rounds: u32, workers: &mut Workers) -> Result<(), String> {
    let unbounded: &[(_, New)] = contenders!(Channel, jobs as New:
        web_sync_mpsc::Unbounded, web_sync_mpmc::Unbounded, std_mpsc::Unbounded, std_mpmc::Unbounded,
        crossbeam::Unbounded, flume::Unbounded, flume_spin::Unbounded, kanal::Unbounded,
        async_channel::Unbounded, futures_channel::Unbounded, wasm_safe_mutex::Unbounded);
    let bounded: &[(_, New)] = contenders!(Channel, jobs as New:
        web_sync_mpsc::Bounded, web_sync_mpmc::Bounded, std_mpsc::Bounded, std_mpmc::Bounded,
        crossbeam::Bounded, flume::Bounded, flume_spin::Bounded, kanal::Bounded,
        async_channel::Bounded, futures_channel::Bounded);
    let cells = [
        ("unbounded, 1 to 1", unbounded, 1),
        ("unbounded, 2 to 1", unbounded, 2),
        ("bounded(128), 1 to 1", bounded, 1),
        ("bounded(128), 2 to 1", bounded, 2),
    ];
    for (cell, contenders, senders) in cells {
        report.progress(&format!("{CASE}: {cell}"));
        let measure = async |workers: &Workers, new: &New| {
            let jobs = new(senders).into_iter().enumerate();
            let handles: Vec<_> = jobs.map(|(index, job)| workers.run(index, job)).collect();
            let mut times = Vec::new();
            for handle in handles {
                times.push(finish(handle).await?);
            }
            let begun = times[1..].iter().copied().fold(f64::MAX, f64::min);
            Ok(vec![(times[0] - begun) * 1e6 / f64::from(MESSAGES)])
        };
        interleave(1, contenders, workers, &measure).await?;
        let columns = interleave(rounds * TURNS, contenders, workers, &measure).await?;
        let subject = Subject {
            case: CASE,
            cell,
            unit: "ns per message",
            better: Better::Low,
        };
        report.add_columns(subject, &columns, |sample| *sample);
    }
    Ok(())
}

fn jobs<C: Channel>(senders: u32) -> Vec<Job> {
    let gate = Arc::new(Alone(AtomicU32::new(0)));
    let all = senders + 1;
    let (sender, mut receiver) = C::new();
    let behind = gate.clone();
    let receive = move || {
        pass(&behind, all);
        for _ in 0..MESSAGES / senders * senders {
            C::recv(&mut receiver);
        }
        now() + origin()
    };
    let mut jobs: Vec<Job> = vec![Box::new(receive)];
    for _ in 0..senders {
        let gate = gate.clone();
        let mut sender = sender.clone();
        jobs.push(Box::new(move || {
            pass(&gate, all);
            let start = now();
            for message in 0..MESSAGES / senders {
                C::send(&mut sender, message);
            }
            start + origin()
        }));
    }
    jobs
}

/// Waits until all have come.
fn pass(gate: &AtomicU32, all: u32) {
    // Relaxed: it only begins the measurement.
    gate.fetch_add(1, Ordering::Relaxed);
    while gate.load(Ordering::Relaxed) < all {
        std::hint::spin_loop();
    }
}
