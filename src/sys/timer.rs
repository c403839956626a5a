//! A future that completes when a deadline has passed.
//!
//! | where | by |
//! |---|---|
//! | window, worker, service worker, Node, Deno, Bun | `setTimeout`, cleared on drop |
//! | worklets, which have no `setTimeout` | `Atomics.waitAsync` with a time-out, on a word that nobody notifies |
//! | natively | one thread for all timers, started by the first and gone a second after the last |
//! | loom | the model moves the clock: `platform::advance_to` |
//!
//! WASM: in Firefox's audio worklets (153) a `waitAsync` never times out, though it is woken; they have no other means to be called
//! later. There a timer completes only when its task is polled for another reason.

pub(crate) use super::platform::Timer;
