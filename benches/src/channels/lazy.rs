//! A value that has been made, next to one acquire load.

use crate::clock::{now, per_iteration};
use crate::report::{Better, Report, Subject};
use crate::rivals::Alone;
use crate::rounds::{Workers, finish, interleave};
use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

/// The name of the case.
pub const CASE: &str = "made value";
/// Turns of each rival in one round.
const TURNS: u32 = 6;
/// Turns before the ones that count, until the engine runs its best code.
const WARM_UP: u32 = 3;

/// Nanoseconds per access.
type Measure = fn() -> f64;

pub async fn run(report: &mut Report, rounds: u32, workers: &mut Workers) -> Result<(), String> {
    let cells: [(&str, &[(&str, Measure)]); 2] = [
        (
            "OnceLock::get",
            &[("web-sync", our_once), ("raw", raw), ("std", std_once)],
        ),
        (
            "LazyLock, dereferenced",
            &[("web-sync", our_lazy), ("raw", raw), ("std", std_lazy)],
        ),
    ];
    for (cell, contenders) in cells {
        report.progress(&format!("{CASE}: {cell}"));
        let measure = async |workers: &Workers, measure: &Measure| {
            Ok(vec![finish(workers.run(0, *measure)).await?])
        };
        interleave(WARM_UP, contenders, workers, &measure).await?;
        let columns = interleave(rounds * TURNS, contenders, workers, &measure).await?;
        let subject = Subject {
            case: CASE,
            cell,
            unit: "ns",
            better: Better::Low,
        };
        report.add_columns(subject, &columns, |sample| *sample);
    }
    Ok(())
}

/// Accesses of a value that is there.
macro_rules! accesses {
    ($($name:ident: $value:ident = $new:expr => $get:expr;)*) => {$(
        fn $name() -> f64 {
            let value = Alone($new);
            per_iteration(|iterations| {
                let start = now();
                for _ in 0..iterations {
                    let $value = black_box(&value.0);
                    black_box($get);
                }
                now() - start
            }) * 1e6
        }
    )*};
}

accesses! {
    our_once: value = web_sync::OnceLock::from(1_u32) => *value.get().unwrap();
    std_once: value = std::sync::OnceLock::from(1_u32) => *value.get().unwrap();
    our_lazy: value = made(web_sync::LazyLock::new(|| 1_u32)) => **value;
    std_lazy: value = made(std::sync::LazyLock::new(|| 1_u32)) => **value;
    raw: value = Made { state: AtomicU32::new(1), value: UnsafeCell::new(1) } => value.get();
}

fn made<L: std::ops::Deref<Target = u32>>(lazy: L) -> L {
    black_box(*lazy);
    lazy
}

/// The least that a value takes that another agent may have made.
struct Made {
    state: AtomicU32,
    value: UnsafeCell<u32>,
}

impl Made {
    #[inline(always)]
    fn get(&self) -> u32 {
        // ORDERING: Acquire, as if another agent had stored it.
        assert_eq!(self.state.load(Ordering::Acquire), 1);
        // SAFETY: nobody changes it.
        unsafe { *self.value.get() }
    }
}
