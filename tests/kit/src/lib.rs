//! Workers that share one wasm memory, for tests, benches and the demo; natively the same API on threads.
//!
//! ```
//! # use web_sync_testkit::{Error, Pool, block_on};
//! # block_on(async {
//! let pool = Pool::start(4).await?;
//! let handle = pool.spawn(|| 6 * 7);
//! assert_eq!(handle.join_async().await?, 42);
//! # Ok::<(), Error>(())
//! # }).unwrap();
//! ```
//!
//! # How it works on the web
//!
//! - [`Pool::start`] creates each worker from a Blob whose text is `src/web/worker.js`. The worker imports the *glue*, the JS file
//!   that wasm-bindgen made and that the page itself runs, and calls its `initSync` with the module and the shared memory of the
//!   agent that starts the pool. No JS snippets, so it works with every wasm-bindgen target that has threads: `web` (and with it
//!   `wasm-bindgen-test-runner` in a window or a dedicated worker), `no-modules` and `nodejs` (as `worker_threads`).
//! - The glue's URL is read from the stack of a JS error that the glue itself constructs; `set_glue_url` is for pages that a
//!   bundler has rewritten.
//! - A job is a boxed closure. Its address goes to the worker by `postMessage`, its result comes back through memory that both
//!   share, and a message says that it is there. The agent that owns the pool takes no lock of std anywhere.
//! - Nothing hangs: a worker that does not start, a job that panics, traps or takes longer than its time-out is an [`Error`] with
//!   the message. A panic aborts on this target, so its text is taken from the panic hook.
//! - A worker only starts, and a job only begins, once the agent that owns the pool has returned to its event loop:
//!   `start(n).await` resolves when every worker has answered, [`Handle::started`] when the job runs.
//! - `AudioWorklet` does the same with an audio worklet, [`time`] has the clock and the timers that tests need.

mod error;
mod slot;
pub mod time;

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod native;
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub use native::{Handle, Pool, block_on};

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod web;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub use web::{glue::set_glue_url, handle::Handle, pool::Pool, worklet::AudioWorklet};

pub use error::Error;

/// How long [`Pool::start`] and [`Handle::join_async`] wait before they give up with an [`Error`].
pub const TIMEOUT: core::time::Duration = core::time::Duration::from_secs(15);
