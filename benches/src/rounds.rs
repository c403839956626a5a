//! Rounds in which the rivals take turns, and the workers that measure them.

use crate::clock::{Speed, now};
use crate::report::Report;
use std::time::Duration;
use web_sync_testkit::{Error, Handle, Pool, time};

/// The most that any case wants.
pub const WORKERS: usize = 8;

/// Milliseconds of measuring after which a rival gets no more rounds: some are a thousand times slower than others.
const BUDGET: f64 = 3000.0;

/// How long a measurement may take before it is taken for hung.
const LIMIT: Duration = Duration::from_secs(8);

/// What one rival has done in all rounds.
pub struct Column<S> {
    /// Its name.
    pub rival: &'static str,
    /// What it has measured in each round.
    pub rounds: Vec<Vec<S>>,
    /// Why the last one failed, if it did; there were no others after it.
    pub failed: Option<String>,
}

/// Lets every contender measure once per round, in an order that moves on from round to round.
pub async fn interleave<C, S>(
    rounds: u32,
    contenders: &[(&'static str, C)],
    workers: &mut Workers,
    measure: &impl AsyncFn(&Workers, &C) -> Result<Vec<S>, Error>,
) -> Result<Vec<Column<S>>, String> {
    let column = |&(rival, _): &(&'static str, C)| Column {
        rival,
        rounds: Vec::new(),
        failed: None,
    };
    let mut columns: Vec<_> = contenders.iter().map(column).collect();
    let mut spent = vec![0.0; contenders.len()];
    for round in 0..rounds as usize {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let column = &mut columns[index];
            if column.failed.is_some() || spent[index] > BUDGET {
                continue;
            }
            let start = now();
            match measure(workers, &contenders[index].1).await {
                Ok(samples) => column.rounds.push(samples),
                Err(error) => {
                    column.failed = Some(error.to_string());
                    // Whoever failed may have left a worker stuck.
                    *workers = Workers::start().await?;
                }
            }
            spent[index] += now() - start;
        }
    }
    Ok(columns)
}

/// The workers of this page.
pub struct Workers(Pool);

impl Workers {
    /// Starts [`WORKERS`] of them.
    pub async fn start() -> Result<Self, String> {
        let workers = Self::some(WORKERS).await;
        workers.map_err(|error| error.to_string())
    }

    /// Starts so many.
    pub async fn some(count: usize) -> Result<Self, Error> {
        Pool::start(count).await.map(Self)
    }

    /// Ends them, so that their memory is free again.
    pub async fn end(self) -> Result<(), Error> {
        self.0.end().await
    }

    /// Runs a job on worker `index`.
    pub fn run<T: Send + 'static>(
        &self,
        index: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Handle<T> {
        self.0.run(index, job)
    }

    /// How fast this machine is: the fastest of some measurements, for first the engine runs its quick code, and sometimes another
    /// program runs.
    pub async fn speed(&self, report: &Report) -> Result<Speed, String> {
        let mut fastest: Option<Speed> = None;
        for _ in 0..=10 {
            let speed = finish(self.run(0, Speed::measure)).await;
            let speed = speed.map_err(|error| error.to_string())?;
            fastest = Some(fastest.map_or(speed, |fastest| fastest.faster(speed)));
            time::sleep(Duration::from_millis(20)).await;
        }
        let speed = fastest.ok_or("nothing was measured")?;
        report.progress(&format!(
            "one step of work takes {:.2} ns, reading the clock {:.0} ns",
            speed.step, speed.now
        ));
        Ok(speed)
    }
}

/// The result of a job, unless it panics, traps or hangs.
pub async fn finish<T>(handle: Handle<T>) -> Result<T, Error> {
    handle.join_within(LIMIT).await
}
