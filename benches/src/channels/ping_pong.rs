//! Two workers that send one message to and fro, over a channel for each direction.

use crate::clock::now;
use crate::report::{Better, Report, Subject};
use crate::rivals::channels::{
    async_channel, crossbeam, flume, flume_spin, futures_channel, kanal, std_mpmc, std_mpsc,
    wasm_safe_mutex, web_sync_mpmc, web_sync_mpsc,
};
use crate::rivals::{Channel, contenders};
use crate::rounds::{Workers, finish, interleave};

/// The name of the case.
pub const CASE: &str = "ping-pong";
/// Turns of each rival in one round.
const TURNS: u32 = 5;
/// Round trips in each.
const TRIPS: u32 = 400;

/// A side's part; returns how many milliseconds it took.
type Job = Box<dyn FnOnce() -> f64 + Send>;
type New = fn() -> [Job; 2];

pub async fn run(report: &mut Report, rounds: u32, workers: &mut Workers) -> Result<(), String> {
    let unbounded: &[(_, New)] = contenders!(Channel, jobs as New:
        web_sync_mpsc::Unbounded, web_sync_mpmc::Unbounded, std_mpsc::Unbounded, std_mpmc::Unbounded,
        crossbeam::Unbounded, flume::Unbounded, flume_spin::Unbounded, kanal::Unbounded,
        async_channel::Unbounded, futures_channel::Unbounded, wasm_safe_mutex::Unbounded);
    let bounded: &[(_, New)] = contenders!(Channel, jobs as New:
        web_sync_mpsc::Bounded, web_sync_mpmc::Bounded, std_mpsc::Bounded, std_mpmc::Bounded,
        crossbeam::Bounded, flume::Bounded, flume_spin::Bounded, kanal::Bounded,
        async_channel::Bounded, futures_channel::Bounded);
    for (cell, contenders) in [("unbounded", unbounded), ("bounded(128)", bounded)] {
        report.progress(&format!("{CASE}: {cell}"));
        let measure = async |workers: &Workers, new: &New| {
            let [left, right] = new();
            let (left, right) = (workers.run(0, left), workers.run(1, right));
            let milliseconds = finish(left).await?;
            finish(right).await?;
            Ok(vec![milliseconds * 1e3 / f64::from(TRIPS)])
        };
        interleave(1, contenders, workers, &measure).await?;
        let columns = interleave(rounds * TURNS, contenders, workers, &measure).await?;
        let subject = Subject {
            case: CASE,
            cell,
            unit: "us",
            better: Better::Low,
        };
        report.add_columns(subject, &columns, |sample| *sample);
    }
    Ok(())
}

fn jobs<C: Channel>() -> [Job; 2] {
    let (mut there, mut ball) = C::new();
    let (mut back, mut returned) = C::new();
    let serve = move || {
        let start = now();
        for trip in 0..TRIPS {
            C::send(&mut there, trip);
            assert_eq!(C::recv(&mut returned), trip);
        }
        now() - start
    };
    let answer = move || {
        for _ in 0..TRIPS {
            let trip = C::recv(&mut ball);
            C::send(&mut back, trip);
        }
        0.0
    };
    [Box::new(serve), Box::new(answer)]
}
