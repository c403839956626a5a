//! A task of the main thread waits for a lock or a condition variable, a worker lets it go on: how long until it does?

use crate::clock::Speed;
use crate::report::{Better, Report, Subject};
use crate::rivals::{
    Alone, AsyncLock, CondvarTasks, Rival, Tasks, WasmSafeMutex, WebSync, contenders,
};
use crate::rounds::{Workers, finish, interleave};
use crate::step::{self, Measure, Step, WAITS, Waits, reach};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The name of the case.
pub const CASE: &str = "async resume";
/// Turns of each rival in one round.
const TURNS: u32 = 2;

pub async fn run(
    report: &mut Report,
    rounds: u32,
    workers: &mut Workers,
    speed: Speed,
) -> Result<(), String> {
    let steps = step::steps(speed);
    let locks = contenders!(Rival, lock as Measure: WebSync, WasmSafeMutex, AsyncLock);
    let condvars = contenders!(Rival, condvar as Measure: WebSync, WasmSafeMutex);
    let cells: [(_, &[_]); 2] = [("lock_async", locks), ("wait_async", condvars)];
    for (cell, rivals) in cells {
        report.progress(&format!("{CASE}: {cell}"));
        let contenders = [&step::FLOOR[..], rivals].concat();
        let measure = async |workers: &Workers, measure: &Measure| {
            let waits = measure(workers, steps).await?;
            Ok(step::samples(&waits))
        };
        interleave(1, &contenders, workers, &measure).await?;
        let columns = interleave(rounds * TURNS, &contenders, workers, &measure).await?;
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

struct Scene<R: Rival, C> {
    /// For ever, because an armed waitAsync can not be withdrawn.
    step: &'static Step,
    mutex: Alone<R::Mutex>,
    condvar: Alone<C>,
}

fn lock<R: Tasks>(workers: &Workers, steps: u32) -> Pin<Box<dyn Future<Output = Waits> + '_>> {
    Box::pin(async move {
        let scene = Arc::new(Scene::<R, ()> {
            step: Box::leak(Box::new(Step::new())),
            mutex: Alone(R::mutex()),
            condvar: Alone(()),
        });
        let theirs = scene.clone();
        let handle = workers.run(0, move || {
            for wait in 1..=WAITS {
                reach(&theirs.step.ready, wait);
                let guard = R::lock(&theirs.mutex);
                // ORDERING: Release, partner of the load in `reach`; the lock is held.
                theirs.step.held.store(wait, Ordering::Release);
                web_sync::futex::wake(&theirs.step.held);
                theirs.step.work_after(wait, steps);
                drop(guard);
            }
        });
        handle.started().await?;
        let mut samples = Vec::new();
        for wait in 1..=WAITS {
            // ORDERING: Release, partner of the load in `reach`; the lock of the last wait is released.
            scene.step.ready.store(wait, Ordering::Release);
            // Not by spinning: a main thread that spins is the first to be preempted when it is time to measure.
            // ORDERING: Acquire, partner of the store of `held`.
            while scene.step.held.load(Ordering::Acquire) != wait {
                web_sync::futex::wait_async(&scene.step.held, wait - 1).await;
            }
            let future = R::lock_async(&scene.mutex);
            let (sample, guard) = scene.step.measure(wait, future).await;
            drop(guard);
            samples.push(sample);
        }
        finish(handle).await?;
        Ok(samples)
    })
}

fn condvar<R: Tasks + CondvarTasks>(
    workers: &Workers,
    steps: u32,
) -> Pin<Box<dyn Future<Output = Waits> + '_>> {
    Box::pin(async move {
        let scene = Arc::new(Scene::<R, R::Condvar> {
            step: Box::leak(Box::new(Step::new())),
            mutex: Alone(R::mutex()),
            condvar: Alone(R::condvar()),
        });
        let theirs = scene.clone();
        let handle = workers.run(0, move || {
            for wait in 1..=WAITS {
                theirs.step.work_after(wait, steps);
                *R::lock(&theirs.mutex) = wait;
                R::notify_one(&theirs.condvar);
            }
        });
        handle.started().await?;
        let mut samples = Vec::new();
        for wait in 1..=WAITS {
            let guard = R::lock_async(&scene.mutex).await;
            let future = async {
                let mut guard = guard;
                while *guard != wait {
                    guard = R::wait_async(&scene.condvar, guard).await;
                }
                guard
            };
            let (sample, guard) = scene.step.measure(wait, future).await;
            drop(guard);
            samples.push(sample);
        }
        finish(handle).await?;
        Ok(samples)
    })
}
