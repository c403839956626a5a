//! The web: agents by `postMessage`.

mod agent;
pub(crate) mod glue;
pub(crate) mod handle;
mod job;
mod js;
pub(crate) mod pool;
pub(crate) mod time;
pub(crate) mod worklet;
