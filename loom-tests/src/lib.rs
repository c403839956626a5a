//! Models of web-sync's primitives: one body each, explored by loom and stressed on real threads.
//!
//! A model is a [`Scene`]: what its agents share, what each of them does, and what must hold at the end. The same scene is played
//! by three runners:
//!
//! | runner | how | what it judges |
//! |---|---|---|
//! | loom | `RUSTFLAGS="--cfg web_sync_loom" LOOM_MAX_PREEMPTIONS=3 cargo test --release -p web-sync-loom-tests` | every schedule up to that many preemptions, and the orderings of the C11 model |
//! | native threads | `cargo test -p web-sync-loom-tests`, part of `cargo xtask test native` and `tsan` | the same on a real machine, and under ThreadSanitizer |
//! | browser agents | `cargo xtask test chromium firefox node --only models`, by [`Scene::into_roles`] | the same on a page and its workers |
//!
//! Each model names in its doc the bugs that it has been seen to fail on. They were put into `src/` one at a time: a model that
//! cannot fail says nothing.
//!
//! They are the public types, without poisoning, with the word layout of a release. Two numbers differ under loom and are policy,
//! not algorithm (`platform/model.rs`): nobody spins before it sleeps, and a waiter loses two races before it is favoured, not eight.
//!
//! A model whose name ends with `::stale` is explored with old values too, which a Relaxed load may return, and with one preemption
//! less: see `sys/shim_model.rs`.

#[macro_use]
mod scene;
pub mod alloc;
pub mod barrier;
pub mod channel;
pub mod condvar;
pub mod drops;
pub mod event;
pub mod lazy_lock;
pub mod meeting;
pub mod mutex;
pub mod never_wait;
pub mod once;
pub mod once_lock;
pub mod park;
pub mod play;
pub mod reentrant;
pub mod rwlock;
pub mod select;
pub mod semaphore;
pub mod spsc;
pub mod tasks;
pub mod triple_buffer;
pub mod world;

pub use scene::{Model, Role, Scene};

/// Every model, by module; under loom the small ones a second time, with old values.
#[must_use]
pub fn models() -> Vec<Model> {
    let models = [
        mutex::MODELS,
        tasks::MODELS,
        drops::MODELS,
        reentrant::MODELS,
        rwlock::MODELS,
        semaphore::MODELS,
        condvar::MODELS,
        event::MODELS,
        once::MODELS,
        park::MODELS,
        once_lock::MODELS,
        lazy_lock::MODELS,
        barrier::MODELS,
        channel::MODELS,
        meeting::MODELS,
        select::MODELS,
        spsc::MODELS,
        triple_buffer::MODELS,
        alloc::MODELS,
        never_wait::MODELS,
    ]
    .concat();
    let stale = [
        mutex::STALE,
        tasks::STALE,
        drops::STALE,
        reentrant::STALE,
        rwlock::STALE,
        semaphore::STALE,
        condvar::STALE,
        event::STALE,
        once::STALE,
        park::STALE,
        once_lock::STALE,
        lazy_lock::STALE,
        barrier::STALE,
        channel::STALE,
        meeting::STALE,
        select::STALE,
        spsc::STALE,
        triple_buffer::STALE,
        alloc::STALE,
        never_wait::STALE,
    ]
    .concat();
    if cfg!(web_sync_loom) {
        [models, stale].concat()
    } else {
        models
    }
}
