//! Measures web-sync and its rivals in a page, side by side: what `cargo xtask bench` runs.
//!
//! Within a case the rivals take turns, one short measurement each per round, so that whatever else the machine does meets all
//! of them; a result is the distribution over the rounds. [`rivals`] has the adapters, [`locks`] and [`channels`] the cases.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![feature(mpmc_channel, stdarch_wasm_atomic_wait)]

mod alloc;
mod channels;
mod clock;
mod locks;
mod report;
mod rivals;
mod rounds;
mod step;

use js_sys::Function;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// Runs the cases of a group whose names begin with `case`; resolves to their rows as JSON.
///
/// `trapped` is what the page has found out about rivals that trap on its main thread: `[name, message]` pairs, flat. (For channels the
/// name is of what was tried, and the message says what came of it.) `load` resolves to an instance of this module with a memory of its own,
/// given a name that none has had.
#[wasm_bindgen]
pub async fn run(
    group: String,
    case: String,
    rounds: u32,
    progress: Function,
    trapped: Vec<String>,
    load: Function,
) -> Result<String, JsError> {
    let mut report = report::Report::new(progress);
    match group.as_str() {
        "locks" => locks::run(&mut report, &case, rounds.max(1), &trapped).await,
        "channels" => channels::run(&mut report, &case, rounds.max(1), &trapped).await,
        "alloc" => alloc::run(&mut report, &case, rounds.max(1), &load).await,
        _ => Err(format!("no group is called `{group}`")),
    }
    .map_err(|error| JsError::new(&error))?;
    Ok(report.json())
}

/// The pages by which this instance's memory grows while some work is done with an allocator; see `alloc`.
#[wasm_bindgen]
pub async fn held(rival: String, cell: String) -> Result<f64, JsError> {
    let pages = alloc::held_pages(&rival, &cell).await;
    pages.map_err(|error| JsError::new(&error))
}
