//! Two workers that want the same mutex all the time: how often it changes hands, and how evenly.

use crate::clock::{now, work};
use crate::report::{Better, Report, Subject};
use crate::rivals::{
    Alone, AsyncLock, ParkingLot, Rival, Std, WasmSafeMutex, WasmSync, WebSync, contenders,
};
use crate::rounds::{Workers, finish, interleave};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use web_sync_testkit::time;

/// The name of the case.
pub const CASE: &str = "two workers";
/// Turns of each rival in one round.
const TURNS: u32 = 4;
/// How long they hammer in each.
const VISIT: Duration = Duration::from_millis(40);

type New = fn() -> Arc<dyn Arena>;

/// What one measurement gives.
struct Sample {
    /// Nanoseconds per acquisition of either.
    time: f64,
    /// The part of the acquisitions that the unluckier of the two has made, in percent.
    share: f64,
}

/// One worker's part.
#[derive(Clone, Copy)]
struct Side {
    acquisitions: u32,
    milliseconds: f64,
}

pub async fn run(report: &mut Report, rounds: u32, workers: &mut Workers) -> Result<(), String> {
    let contenders = contenders!(Rival, arena as New:
        WebSync, Std, ParkingLot, WasmSafeMutex, WasmSync, AsyncLock);
    for (steps, cell) in [(0, "cs 0"), (20, "cs 20"), (200, "cs 200")] {
        report.progress(&format!("{CASE}: {cell}"));
        let measure = async |workers: &Workers, new: &New| {
            let arena = new();
            let sides = [0, 1].map(|index| {
                let arena = arena.clone();
                workers.run(index, move || arena.hammer(steps))
            });
            for side in &sides {
                side.started().await?;
            }
            time::sleep(VISIT).await;
            arena.stop();
            let [left, right] = sides;
            let sides = [finish(left).await?, finish(right).await?];
            let rate = |side: Side| f64::from(side.acquisitions) / side.milliseconds;
            let least = f64::from(sides[0].acquisitions.min(sides[1].acquisitions));
            let total = f64::from(sides[0].acquisitions) + f64::from(sides[1].acquisitions);
            Ok(vec![Sample {
                time: 1e6 / (rate(sides[0]) + rate(sides[1])),
                share: 100.0 * least / total,
            }])
        };
        interleave(1, contenders, workers, &measure).await?;
        let columns = interleave(rounds * TURNS, contenders, workers, &measure).await?;
        let mut subject = Subject {
            case: CASE,
            cell,
            unit: "ns per acquisition",
            better: Better::Low,
        };
        report.add_columns(subject, &columns, |sample| sample.time);
        subject.case = "two workers share";
        subject.unit = "%";
        subject.better = Better::High;
        report.add_columns(subject, &columns, |sample| sample.share);
    }
    Ok(())
}

/// A mutex, and what the workers need to begin and to end together.
trait Arena: Send + Sync {
    fn hammer(&self, steps: u32) -> Side;
    fn stop(&self);
}

struct Shared<R: Rival> {
    mutex: Alone<R::Mutex>,
    arrived: Alone<AtomicU32>,
    stopped: Alone<AtomicBool>,
}

fn arena<R: Rival>() -> Arc<dyn Arena> {
    Arc::new(Shared::<R> {
        mutex: Alone(R::mutex()),
        arrived: Alone(AtomicU32::new(0)),
        stopped: Alone(AtomicBool::new(false)),
    })
}

impl<R: Rival> Arena for Shared<R> {
    fn hammer(&self, steps: u32) -> Side {
        // Relaxed throughout: these only begin and end the measurement.
        self.arrived.fetch_add(1, Ordering::Relaxed);
        while self.arrived.load(Ordering::Relaxed) < 2 {
            std::hint::spin_loop();
        }
        let mut acquisitions = 0;
        let start = now();
        while !self.stopped.load(Ordering::Relaxed) {
            let mut guard = R::lock(&self.mutex);
            *guard += 1;
            work(steps);
            drop(guard);
            acquisitions += 1;
        }
        let milliseconds = now() - start;
        Side {
            acquisitions,
            milliseconds,
        }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}
