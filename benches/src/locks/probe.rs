//! Does a rival's `lock` trap on the main thread? Asked in a module instance of its own, since a trap leaves it unusable.

use super::crowd::{Crowd, Plan};
use super::main_thread::contenders;
use crate::rounds::Workers;
use std::cell::RefCell;
use std::sync::Arc;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// Enough to meet a holder that does not let go at once.
const WORKERS: usize = 2;
const ACQUISITIONS: u32 = 500;
const LIMIT: f64 = 400.0;

thread_local! {
    static SCENE: RefCell<Option<(Workers, Arc<dyn Crowd>)>> = const { RefCell::new(None) };
}

/// The names of the rivals to ask about.
#[wasm_bindgen]
pub fn probe_names() -> Vec<String> {
    contenders()
        .into_iter()
        .map(|(name, _)| name.into())
        .collect()
}

/// Lets workers hammer the rival's mutex.
#[wasm_bindgen]
pub async fn probe_start(rival: String) -> Result<(), JsError> {
    let contenders = contenders();
    let found = contenders.iter().find(|(name, _)| *name == rival);
    let new = found.ok_or_else(|| JsError::new("no such rival"))?.1;
    let scene = new(Plan {
        critical: 2000,
        length: 0.0,
        pause: 0,
    });
    let workers = Workers::start()
        .await
        .map_err(|error| JsError::new(&error))?;
    for index in 0..WORKERS {
        let scene = scene.clone();
        let handle = workers.run(index, move || scene.hammer());
        handle.started().await?;
    }
    SCENE.set(Some((workers, scene)));
    Ok(())
}

/// Locks it on this thread. Traps, or does not; returns the worst wait in milliseconds.
#[wasm_bindgen]
pub fn probe_lock() -> f64 {
    let scene = SCENE.with_borrow(|scene| scene.as_ref().map(|(_, scene)| scene.clone()));
    let waits = scene
        .map(|scene| scene.acquire(ACQUISITIONS, LIMIT))
        .unwrap_or_default();
    waits.iter().map(|wait| wait.total).fold(0.0, f64::max)
}

/// Ends the workers.
#[wasm_bindgen]
pub fn probe_stop() {
    if let Some((workers, scene)) = SCENE.take() {
        scene.stop();
        drop(workers);
    }
}
