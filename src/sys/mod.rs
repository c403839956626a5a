//! Everything that names a platform, and nothing else does: `cfg(target_…)` and `core::arch` appear below this folder only.
//!
//! | module | what it gives to the layers above |
//! |---|---|
//! | [`agent`] | may this agent sleep, and what is its id? |
//! | [`cells`] | room for items side by side, which the model checker can watch |
//! | [`clock`] | [`clock::Deadline`], on agents without `Instant` too |
//! | [`futex`] | the one blocking wait of the crate, the wake, and `wait_async` |
//! | [`lot`] | choices that have to be fair |
//! | [`spin`] | how long spinning is worth it |
//! | [`memory`] | pages for an allocator |
//! | [`timer`] | a future that completes when a deadline has passed |
//! | [`shim`] | atomics and cells, the real ones or the model checker's |
//! | [`public`] | `web_sync::agent` and `web_sync::futex`, for users |
//!
//! # The choice
//!
//! A platform is two modules, chosen here and nowhere else (and a third for what the allocator needs, in [`memory`]).
//!
//! `platform` has the clock (`now`, `until`), the probe (`ability`), the console (`warn`), the agent-local cells
//! (`agent_local!`), what one round of a spin loop does (`SPIN_ROUND`, `relax`), whether tasks stay where they are (`KEEPS_TASKS`) and the
//! timer (`Timer`).
//! `backend` has the futex: `wait`, `wake` and `WaitAsync`, under the contract of [`futex`].
//!
//! | build | `platform` | `backend` |
//! |---|---|---|
//! | loom | `platform/model.rs` | `futex/model.rs` |
//! | wasm32-unknown-unknown with atomics | `platform/web.rs` | `futex/wasm.rs` |
//! | wasm32-unknown-unknown without | `platform/web.rs` | `futex/single.rs` |
//! | Linux, Android | `platform/native.rs` | `futex/native.rs` on `futex/linux.rs` |
//! | other targets with threads | `platform/native.rs` | `futex/native.rs` on `futex/parked.rs` |
//!
//! `--cfg web_sync_portable` puts `futex/parked.rs` in place on Linux as well, so that the conformance suite can run there.

pub(crate) mod agent;
mod call;
pub(crate) mod cells;
pub(crate) mod clock;
#[cfg(any(test, feature = "__test"))]
pub mod conformance;
pub(crate) mod futex;
pub(crate) mod lot;
pub(crate) mod memory;
pub(crate) mod public;
mod report;
pub(crate) mod shim;
#[cfg(not(web_sync_loom))]
mod signal;
pub(crate) mod spin;
pub(crate) mod timer;
mod wake;

pub(crate) use call::Call;
pub(crate) use platform::agent_local;
pub(crate) use wake::{drop_waker, wake_task};

core::cfg_select! {
    web_sync_loom => {
        #[path = "platform/model.rs"]
        pub(crate) mod platform;
        #[path = "futex/model.rs"]
        mod backend;
    }
    all(target_arch = "wasm32", target_os = "unknown") => {
        #[path = "platform/js.rs"]
        mod js;
        #[path = "platform/web.rs"]
        mod platform;
        core::cfg_select! {
            target_feature = "atomics" => {
                #[path = "futex/wasm.rs"]
                mod backend;
            }
            _ => {
                #[path = "futex/tasks.rs"]
                mod tasks;
                #[path = "futex/single.rs"]
                mod backend;
            }
        }
    }
    _ => {
        #[path = "platform/native.rs"]
        mod platform;
        #[path = "futex/tasks.rs"]
        mod tasks;
        #[path = "futex/native.rs"]
        mod backend;
        core::cfg_select! {
            all(any(target_os = "linux", target_os = "android"), not(web_sync_portable)) => {
                #[path = "futex/linux.rs"]
                mod os;
            }
            _ => {
                #[path = "futex/parked.rs"]
                mod os;
            }
        }
    }
}
